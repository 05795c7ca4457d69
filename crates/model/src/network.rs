//! Networks by their IPv4 addresses: what machines boot that are no hosts.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::{Class, Door, HostName, ProfileName, Timestamp};

/// Most networks that are known by name.
pub const MAX_NETS: usize = 10_000;
/// Most networks and addresses that one name stands for.
pub const MAX_NETWORKS: usize = 256;

/// An IPv4 network, down to a single address.
///
/// Read as `10.34.0.0/16`, as the beginning of an address (`10.34`, one to four numbers) or as the whole of one
/// (`10.34.0.7`); always written with its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Network(Ipv4Net);

/// The text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no network; write it like 10.34.0.0/16, or as the beginning of its addresses, like 10.34, or as one address"
)]
pub struct BadNetwork(String);

impl Network {
    /// All addresses.
    pub const ALL: Self = Self(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0));

    /// The network of this length that an address is in.
    #[must_use]
    pub fn around(address: Ipv4Addr, length: u8) -> Self {
        Self(Ipv4Net::new(address, length.min(32)).unwrap_or_default().trunc())
    }

    /// How many bits its addresses share: 32 for one address.
    #[must_use]
    pub fn length(self) -> u8 {
        self.0.prefix_len()
    }

    /// True for a single address, which is one machine's.
    #[must_use]
    pub fn is_one_machine(self) -> bool {
        self.length() == 32
    }

    /// Its first address.
    #[must_use]
    pub fn address(self) -> Ipv4Addr {
        self.0.network()
    }

    /// True for an address in it.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        self.0.contains(&address)
    }

    /// The name by which PXELINUX asks for it beneath `pxelinux.cfg/`: the address in upper-case hexadecimal digits as far as
    /// its machines share it, or `default` for all machines. Nothing for a network that ends within a digit.
    #[must_use]
    pub fn pxelinux(self) -> Option<String> {
        match self.length() {
            0 => Some("default".into()),
            length if length % 4 == 0 => {
                let mut digits = format!("{:08X}", self.address().to_bits());
                digits.truncate(usize::from(length / 4));
                Some(digits)
            }
            _ => None,
        }
    }

    /// The network that PXELINUX asks for by these upper-case hexadecimal digits.
    #[must_use]
    pub fn of_pxelinux(digits: &str) -> Option<Self> {
        let length = u8::try_from(digits.len()).ok().filter(|length| (1..=8).contains(length))?;
        let bits = u32::from_str_radix(digits, 16).ok()? << (32 - 4 * u32::from(length));
        Some(Self::around(Ipv4Addr::from_bits(bits), 4 * length))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = BadNetwork;
    fn try_from(text: String) -> Result<Self, BadNetwork> {
        text.parse()
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = || BadNetwork(text.chars().take(64).collect());
        if text.contains('/') {
            let net: Ipv4Net = text.parse().map_err(|_| bad())?;
            // 10.34.1.0/16 is somebody's mistake: it may mean either.
            return if net.trunc() == net { Ok(Self(net)) } else { Err(bad()) };
        }
        let mut octets = [0; 4];
        let mut count = 0;
        for part in text.trim_end_matches('.').split('.') {
            let octet = part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
            *octets.get_mut(count).ok_or_else(bad)? = octet.ok_or_else(bad)?;
            count += 1;
        }
        // A lone number is rather a mistake than an eighth of the world.
        if count == 1 && !text.ends_with('.') {
            return Err(bad());
        }
        Ok(Self::around(octets.into(), u8::try_from(8 * count).unwrap_or(32)))
    }
}

/// Networks under one name, and what their machines boot that are no hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Net {
    /// Its name. A host may have the same one: then both are one system of pxemngr's.
    pub name: HostName,
    /// Its networks, 1 to [`MAX_NETWORKS`]; each belongs to one name only.
    pub networks: Vec<Network>,
    /// What it was assigned; nothing leaves its machines to the next larger network, or to the site's rule.
    pub assignment: Option<NetAssignment>,
}

/// What the machines of a network boot, until somebody changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetAssignment {
    /// The profile.
    pub profile: ProfileName,
    /// The profile's class when it was assigned. An installer is for single addresses only: of a network's machines nobody
    /// armed each.
    pub class: Class,
    /// When.
    pub since: Timestamp,
    /// Who made it.
    pub by: Door,
}

/// Networks that no state can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNet {
    /// No network at all.
    #[error("name at least one network, e.g. 10.34.0.0/16")]
    NoNetwork,
    /// More than [`MAX_NETWORKS`].
    #[error("one name may stand for at most {MAX_NETWORKS} networks, not {0}")]
    TooMany(usize),
    /// The same twice.
    #[error("{0} is given twice")]
    Twice(Network),
    /// All addresses go by one name, and it stands for nothing else.
    #[error("the name default stands for all machines, 0.0.0.0/0, and only that name does")]
    Default,
    /// An installer would reach machines that nobody armed.
    #[error(
        "{profile} installs, and {network} is a whole network: nobody armed each of its machines. Give the full address of the \
         machine that is to be installed (`nextboot net add NAME ADDRESS`), or make it a host (`nextboot host add`)"
    )]
    Installs {
        /// The profile.
        profile: ProfileName,
        /// The network.
        network: Network,
    },
}

impl Net {
    /// The name that stands for all machines.
    pub const DEFAULT: &str = "default";

    /// Networks under a name, to which nothing is assigned yet.
    #[must_use]
    pub fn new(name: HostName, networks: Vec<Network>) -> Self {
        Self { name, networks, assignment: None }
    }

    /// Checks what can be said of it without looking at the others.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&self) -> Result<(), BadNet> {
        if self.networks.is_empty() {
            return Err(BadNet::NoNetwork);
        }
        if self.networks.len() > MAX_NETWORKS {
            return Err(BadNet::TooMany(self.networks.len()));
        }
        for (at, network) in self.networks.iter().enumerate() {
            if self.networks[..at].contains(network) {
                return Err(BadNet::Twice(*network));
            }
        }
        let is_default = self.name.as_str() == Self::DEFAULT;
        if is_default != self.networks.contains(&Network::ALL) || is_default && self.networks.len() > 1 {
            return Err(BadNet::Default);
        }
        let whole = self.networks.iter().find(|network| !network.is_one_machine());
        match (&self.assignment, whole) {
            (Some(assigned), Some(network)) if assigned.class == Class::Install => {
                Err(BadNet::Installs { profile: assigned.profile.clone(), network: *network })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_people_and_pxelinux_write_them() {
        for (text, network, pxelinux) in [
            ("10.34", "10.34.0.0/16", Some("0A22")),
            ("10.34.", "10.34.0.0/16", Some("0A22")),
            ("10.", "10.0.0.0/8", Some("0A")),
            ("10.34.5", "10.34.5.0/24", Some("0A2205")),
            ("10.34.5.7", "10.34.5.7/32", Some("0A220507")),
            ("10.34.0.0/16", "10.34.0.0/16", Some("0A22")),
            ("10.0.0.0/12", "10.0.0.0/12", Some("0A0")),
            ("10.0.0.0/9", "10.0.0.0/9", None),
            ("0.0.0.0/0", "0.0.0.0/0", Some("default")),
        ] {
            let read: Network = text.parse().unwrap();
            assert_eq!(
                (read.to_string().as_str(), read.pxelinux().as_deref()),
                (network, pxelinux),
                "{text}"
            );
            if let Some(digits) = pxelinux.filter(|digits| *digits != "default") {
                assert_eq!(Network::of_pxelinux(digits), Some(read));
            }
        }
        for text in
            ["", ".", "10", "10.34.1.0/16", "10.256", "10.34.1.2.3", "10..3", "10.+3", "a.b", "10.34/33"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        for digits in ["", "0A2205070", "xy"] {
            assert_eq!(Network::of_pxelinux(digits), None, "{digits}");
        }
    }
}
