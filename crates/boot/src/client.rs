use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

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
    /// The boot ROM or EEPROM of a Raspberry Pi.
    RaspberryPi,
    /// U-Boot that says so (option 60 `U-Boot`); most builds call themselves PXE clients.
    UBoot,
    /// An operating system that wants an address and nothing else.
    System,
    /// Not known: a request by TFTP or HTTP does not say.
    #[default]
    Unknown,
}

impl Firmware {
    /// What boots from the network, with its word in the configuration and on the command line.
    pub const BOOTING: [(&str, Self); 6] = [
        ("pxe", Self::Pxe),
        ("http", Self::HttpBoot),
        ("ipxe", Self::Ipxe),
        ("bootp", Self::Bootp),
        ("raspberry-pi", Self::RaspberryPi),
        ("u-boot", Self::UBoot),
    ];

    /// True for what boots from the network, and says so.
    #[must_use]
    pub fn boots(self) -> bool {
        Self::BOOTING.iter().any(|(_, firmware)| *firmware == self)
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Pxe => "PXE",
            Self::HttpBoot => "UEFI HTTP Boot",
            Self::Ipxe => "iPXE",
            Self::Bootp => "BOOTP",
            Self::RaspberryPi => "Raspberry Pi",
            Self::UBoot => "U-Boot",
            Self::System => "operating system",
            Self::Unknown => "unknown",
        })
    }
}

/// The beginning of option 60, as far as rules compare it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct VendorClass([u8; Self::LEN]);

impl VendorClass {
    /// How much is kept, in bytes: all of `PXEClient:Arch:00007:UNDI:003000`.
    pub const LEN: usize = 32;

    /// Of option 60 as it was sent.
    #[must_use]
    pub fn of(sent: &[u8]) -> Self {
        let mut kept = [0; Self::LEN];
        kept.iter_mut().zip(sent).for_each(|(kept, sent)| *kept = *sent);
        Self(kept)
    }

    /// True when it begins so.
    #[must_use]
    pub fn begins_with(&self, text: &str) -> bool {
        self.0.starts_with(text.as_bytes())
    }
}

/// Whoever asks, as far as the wire tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Client {
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// Its SMBIOS UUID.
    pub uuid: Option<Uuid>,
    /// Its architecture: the first that it names, which is that of the program now running.
    pub arch: Option<Arch>,
    /// Further architectures that it names, in order (option 93 may hold several).
    pub more_archs: [Option<Arch>; 3],
    /// What speaks for it.
    pub firmware: Firmware,
    /// Its address.
    pub address: Option<IpAddr>,
    /// What its firmware calls itself.
    pub vendor: VendorClass,
    /// The number of what somebody picked in the menu that its firmware showed ([`crate::BootMenu`]).
    pub picked: Option<u16>,
    /// An address of its network: its relay's, or else ours there.
    pub network: Option<Ipv4Addr>,
}

impl Client {
    /// A client of whom only the MAC is known.
    #[must_use]
    pub fn of(mac: Mac) -> Self {
        Self { mac: Some(mac), ..Self::default() }
    }

    /// The same client with the architectures that it names, in order.
    #[must_use]
    pub fn with_archs(self, archs: &[Arch]) -> Self {
        let at = |at: usize| archs.get(at).copied();
        Self { arch: at(0), more_archs: [at(1), at(2), at(3)], ..self }
    }

    /// The architectures that it names, in order.
    pub fn archs(&self) -> impl Iterator<Item = Arch> {
        [self.arch].into_iter().chain(self.more_archs).flatten()
    }
}
