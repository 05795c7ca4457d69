use std::{collections::BTreeSet, fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::{Mac, Timestamp};

/// Another DHCP or proxy server that was heard on one of our interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    /// Its server identifier (option 54), or the address that it sends from where it names none.
    pub server: Ipv4Addr,
    /// The interface on which it was heard.
    pub interface: String,
    /// The address that its packets come from.
    pub from: Ipv4Addr,
    /// The hardware address that they come from: its own, or that of a router or relay in between.
    pub mac: Option<Mac>,
    /// True once it gave or offered an address.
    pub gives_addresses: bool,
    /// True once it answered as a boot server beside another server.
    pub is_proxy: bool,
    /// When it was first heard.
    pub first: Timestamp,
    /// When it was last heard.
    pub heard: Timestamp,
    /// How many offers of it were heard (DHCPOFFER, and BOOTP replies).
    pub offers: u64,
    /// How many acknowledgements.
    pub acks: u64,
    /// How many refusals.
    pub naks: u64,
    /// Its option 60, as last sent.
    pub vendor_class: Option<String>,
    /// Its PXE discovery control (option 43.6), as last sent.
    pub discovery_control: Option<u8>,
    /// The boot server it names (`siaddr`), as last sent.
    pub next_server: Option<Ipv4Addr>,
    /// The boot file it names, as last sent.
    pub file: Option<String>,
    /// The codes of all options that it sent.
    pub options: BTreeSet<u8>,
    /// How it gets in our way.
    pub conflicts: BTreeSet<Conflict>,
}

/// How another server gets in our way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// It sends option 60 "PXEClient" with an address and without option 43.
    PxeClass,
    /// It names a boot file of its own.
    BootFile,
    /// It is a proxy whose offers carry the boot file (43.6 = 8).
    DirectProxy,
    /// It is a proxy that leads firmware to its own port 4011.
    AnotherProxy,
    /// It gives addresses, as we do.
    SecondServer,
    /// It refused an address that we gave.
    ForeignNak,
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::PxeClass => {
                "its option 60 \"PXEClient\" without option 43 sends UEFI firmware to its own port 4011 (PXE-E16, PXE-E55): take \
                 option 60 out there"
            }
            Self::BootFile => {
                "it names a boot file of its own, which some firmware takes instead of ours: take options 66 and 67 out there"
            }
            Self::DirectProxy => {
                "it is another boot proxy whose offers carry the file (43.6 = 8); UEFI firmware keeps the first such offer: \
                 switch it off"
            }
            Self::AnotherProxy => "it is another boot proxy; who wins is chance: switch it off",
            Self::SecondServer => "it gives addresses too: switch it off there, or use [dhcp] mode = \"proxy\" here",
            Self::ForeignNak => {
                "it refused (DHCPNAK) an address that we gave: it must not be authoritative on this network"
            }
        })
    }
}
