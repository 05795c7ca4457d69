use std::net::Ipv4Addr;

use crate::message::{Received, code};
use crate::tftp::Style;

/// What a firmware learned by DHCP.
#[derive(Debug, Clone)]
pub struct Boot {
    /// The packet that gave the address: the ACK, or the reply of BOOTP.
    pub ack: Received,
    /// The packet that told what to boot, when it was another one: a proxy's offer or the reply of port 4011.
    pub pxe: Option<Received>,
    /// What to fetch.
    pub load: Load,
}

/// What a firmware fetches first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// A file by TFTP.
    Tftp {
        /// The server.
        server: Ipv4Addr,
        /// The name to ask for.
        file: String,
        /// How this firmware asks.
        style: Style,
    },
    /// A file by HTTP.
    Http {
        /// Its address.
        url: String,
        /// UEFI asks for the size first, with HEAD.
        head: bool,
    },
    /// Nothing: the server said to boot from the local disk.
    Disk,
}

impl Boot {
    /// The machine's address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.ack.header.yiaddr
    }

    /// Option 1 of the packet that gave the address.
    #[must_use]
    pub fn mask(&self) -> Option<Ipv4Addr> {
        self.ack.address(code::SUBNET_MASK)
    }

    /// The first router in option 3.
    #[must_use]
    pub fn router(&self) -> Option<Ipv4Addr> {
        self.ack.addresses(code::ROUTER)?.first().copied()
    }

    /// The packet that told what to boot.
    #[must_use]
    pub fn packet(&self) -> &Received {
        self.pxe.as_ref().unwrap_or(&self.ack)
    }
}
