use std::fmt;
use std::net::Ipv4Addr;

use crate::GaveUp;

/// One thing that a machine did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It has an address.
    Address {
        /// The address.
        address: Ipv4Addr,
        /// Option 54 of the server that gave it.
        server: Option<Ipv4Addr>,
        /// Option 54 of whoever said what to boot, when that was somebody else.
        boot_server: Option<Ipv4Addr>,
    },
    /// It has a file.
    Fetched {
        /// Where from, as an address.
        url: String,
        /// Its size in bytes.
        size: usize,
    },
    /// It has no file.
    Missed {
        /// Where from, as an address.
        url: String,
        /// In the words of who wanted it.
        why: GaveUp,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { address, server, boot_server } => {
                write!(out, "address {address} from {server:?}, boot server {boot_server:?}")
            }
            Self::Fetched { url, size } => write!(out, "fetched {url}: {size} bytes"),
            Self::Missed { url, why } => write!(out, "missed {url}: {why}"),
        }
    }
}
