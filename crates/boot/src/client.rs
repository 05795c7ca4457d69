use std::{fmt, net::IpAddr};

use nextboot_model::{Arch, Mac, Uuid};

/// What kind of program speaks for the machine, as far as the wire tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Firmware {
    /// A PXE ROM or UEFI's PXE (option 60 `PXEClient`).
    Pxe,
    /// UEFI HTTP Boot (option 60 `HTTPClient`).
    HttpBoot,
    /// iPXE, burnt in or chain-loaded (option 77 `iPXE`, or option 175).
    Ipxe,
    /// BOOTP without DHCP (no option 53).
    Bootp,
    /// An operating system that wants an address and nothing else.
    System,
    /// Not known: a request by TFTP or HTTP does not say.
    #[default]
    Unknown,
}

impl fmt::Display for Firmware {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Pxe => "PXE",
            Self::HttpBoot => "UEFI HTTP Boot",
            Self::Ipxe => "iPXE",
            Self::Bootp => "BOOTP",
            Self::System => "operating system",
            Self::Unknown => "unknown",
        })
    }
}

/// Whoever asks, as far as the wire tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Client {
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// Its SMBIOS UUID.
    pub uuid: Option<Uuid>,
    /// Its architecture.
    pub arch: Option<Arch>,
    /// What speaks for it.
    pub firmware: Firmware,
    /// Its address.
    pub address: Option<IpAddr>,
}

impl Client {
    /// A client of whom only the MAC is known.
    #[must_use]
    pub fn of(mac: Mac) -> Self {
        Self { mac: Some(mac), ..Self::default() }
    }
}
