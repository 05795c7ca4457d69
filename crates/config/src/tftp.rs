use crate::{document::Section, files::take};

/// TFTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tftp {
    /// Whether it is served at all.
    pub enabled: bool,
    /// UDP port.
    pub port: u16,
    /// Most transfers at a time, of all clients together.
    pub max_transfers: u32,
    /// Most transfers at a time of one IP address.
    pub max_per_client: u32,
    /// Largest block agreed to (RFC 2348), in bytes; the arriving interface's MTU may make it less.
    pub max_block: u16,
    /// Largest window agreed to (RFC 7440), in blocks.
    pub max_window: u16,
}

impl Default for Tftp {
    fn default() -> Self {
        Self {
            enabled: true,
            port: 69,
            max_transfers: 4096,
            max_per_client: 64,
            max_block: 1468,
            max_window: 64,
        }
    }
}

impl Tftp {
    pub(crate) fn read(tftp: &mut Section<'_>) -> Self {
        let mut read = Self::default();
        take(&mut read.enabled, tftp.get("enabled", |item| item.flag()));
        let port = tftp.get("port", |item| {
            let port = item.number(1..=u16::MAX)?;
            if matches!(port, 67 | 68 | 4011) {
                return item.wrong("this port is DHCP's; firmware expects TFTP on 69");
            }
            Some(port)
        });
        take(&mut read.port, port);
        take(&mut read.max_transfers, tftp.get("max_transfers", |item| item.number(1..=65_536)));
        take(&mut read.max_per_client, tftp.get("max_per_client", |item| item.number(1..=65_536)));
        // RFC 2348 section 2: 8 to 65464; less than the 512 of RFC 1350 helps nobody.
        take(&mut read.max_block, tftp.get("max_block", |item| item.number(512..=65_464)));
        take(&mut read.max_window, tftp.get("max_window", |item| item.number(1..=32_767)));
        read
    }
}
