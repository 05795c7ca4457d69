use std::{num::NonZeroU64, ops::RangeInclusive};

use crate::{
    document::{Item, Section},
    files::take,
    rate::rate,
};

/// TFTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tftp {
    /// Whether it is served at all.
    pub enabled: bool,
    /// UDP port.
    pub port: u16,
    /// The ports that transfers use, one each; without it any free one.
    pub ports: Option<RangeInclusive<u16>>,
    /// Whether everything is answered from the one port, and transfers are told apart by their client's address.
    pub single_port: bool,
    /// Most bytes per second to one IP address, of all its transfers together.
    pub max_rate: Option<NonZeroU64>,
    /// Most transfers at a time, of all clients together.
    pub max_transfers: u32,
    /// Most transfers at a time of one IP address.
    pub max_per_client: u32,
    /// Largest block agreed to (RFC 2348), in bytes; the arriving interface's MTU may make it less.
    pub max_block: u16,
    /// Largest window agreed to (RFC 7440), in blocks.
    pub max_window: u16,
    /// Whether what is assigned to hosts is also written as links into the first root, for other programs that read it.
    pub write_links: bool,
}

impl Default for Tftp {
    fn default() -> Self {
        Self {
            enabled: true,
            port: 69,
            ports: None,
            single_port: false,
            max_rate: None,
            max_transfers: 4096,
            max_per_client: 64,
            max_block: 1468,
            max_window: 64,
            write_links: false,
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
        let taken = [read.port, 67, 68, 4011];
        read.ports = tftp.get("ports", |item| ports(item, &taken));
        take(&mut read.single_port, tftp.get("single_port", |item| item.flag()));
        take(&mut read.max_rate, tftp.get("max_rate", rate));
        take(&mut read.max_transfers, tftp.get("max_transfers", |item| item.number(1..=65_536)));
        take(&mut read.max_per_client, tftp.get("max_per_client", |item| item.number(1..=65_536)));
        // RFC 2348 section 2: 8 to 65464; less than the 512 of RFC 1350 helps nobody.
        take(&mut read.max_block, tftp.get("max_block", |item| item.number(512..=65_464)));
        take(&mut read.max_window, tftp.get("max_window", |item| item.number(1..=32_767)));
        take(&mut read.write_links, tftp.get("write_links", |item| item.flag()));
        read
    }
}

/// The first and the last of some ports, which are not those of other services.
fn ports(item: &Item<'_>, taken: &[u16]) -> Option<RangeInclusive<u16>> {
    let text = item.text()?;
    let ends = text.split_once('-').and_then(|(first, last)| {
        let end = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        Some((end(first)?, end(last)?))
    });
    let Some((first, last)) = ends.filter(|(first, last)| first <= last) else {
        return item.wrong("use the first and the last port, e.g. \"40000-44095\"");
    };
    if let Some(port) = taken.iter().find(|port| (first..=last).contains(port)) {
        return item.wrong(format!("port {port} is among them, which DHCP or TFTP itself listens on"));
    }
    Some(first..=last)
}
