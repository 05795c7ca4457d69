use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use nextboot_model::{Lease, Mac};

/// What makes two packets come from one client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum IdentityRule {
    /// The hardware address. A machine shows several identifiers in one boot, and keeps one address.
    #[default]
    Hardware,
    /// The client identifier where one is sent, else the hardware address (RFC 2131 section 4.2). Firmware, iPXE and the
    /// system of one machine are three clients with three addresses; a lease follows its identifier to another network card.
    ClientId,
}

/// The names by which a client is found again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) mac: Mac,
    pub(crate) client_id: Option<&'a [u8]>,
    pub(crate) rule: IdentityRule,
}

impl Identity<'_> {
    /// True if this lease is this client's.
    pub(crate) fn is(&self, lease: &Lease) -> bool {
        match (self.rule, self.client_id, lease.client_id.as_deref()) {
            (IdentityRule::Hardware, ..) | (_, None, None) => lease.mac == self.mac,
            (_, Some(sent), Some(have)) => sent == have,
            _ => false,
        }
    }
}

/// Where a client may have addresses: in any network on its link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reach {
    /// The one to give addresses of first is the first.
    pub(crate) networks: Vec<Ipv4Net>,
    /// The classes that the client is in, by their numbers: whose pools it may use besides everybody's.
    pub(crate) classes: Vec<usize>,
    /// Whether it may use everybody's pools.
    pub(crate) common: bool,
}

impl Reach {
    pub(crate) fn contains(&self, address: Ipv4Addr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}
