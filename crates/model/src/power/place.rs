use std::net::IpAddr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::BadPower;
use crate::Mac;

/// Longest address, host name or URL, in bytes.
pub(super) const MAX_PLACE: usize = 255;
/// The widest network that may be searched for a management controller: 4094 addresses.
const WIDEST: u8 = 20;

/// Where a management controller is, or what it is found by. It is no object of its own when serialized: its fields stand
/// beside those of what it is the place of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Its address or host name. Without one it is looked for by its MAC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its MAC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The network in which it is looked for, where neither a lease nor the kernel knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<Ipv4Net>,
}

impl Place {
    /// Whether there is anything that it can be found by.
    #[must_use]
    pub fn can_be_found(&self) -> bool {
        self.address.is_some() || self.mac.is_some()
    }

    /// An address or name that cannot be taken for an option of a program, a MAC, and a network that can be searched.
    pub(super) fn check(&self) -> Result<(), BadPower> {
        if let Some(address) = &self.address {
            let name = (1..=MAX_PLACE).contains(&address.len())
                && address.starts_with(|c: char| c.is_ascii_alphanumeric())
                && address.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
            if !name && address.parse::<IpAddr>().is_err() {
                return Err(BadPower::new(
                    "address",
                    "use an address or a host name, e.g. 10.0.9.11 or bmc-node1",
                ));
            }
        }
        if let Some(mac) = self.mac.filter(|mac| !mac.may_name_a_host()) {
            return Err(BadPower::new("mac", format!("{mac} is not the address of one machine")));
        }
        match self.subnet {
            Some(subnet) if subnet.trunc() != subnet => Err(BadPower::new(
                "subnet",
                format!("this is an address within a network; write {}", subnet.trunc()),
            )),
            Some(subnet) if !(WIDEST..=30).contains(&subnet.prefix_len()) => Err(BadPower::new(
                "subnet",
                format!("use a network that can be searched, with a prefix length from {WIDEST} to 30"),
            )),
            _ => Ok(()),
        }
    }
}
