use std::{net::Ipv4Addr, time::Duration};

use ipnet::Ipv4Net;
use nextboot_model::{Mac, Uuid};

use super::{Class, Parameters, Reservation};
use crate::{LimitConfig, lease::IdentityRule};

/// Everything a [`Server`](crate::Server) is told by the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// The networks to serve. They must not overlap.
    pub subnets: Vec<Subnet>,
    /// Classes of machines, the most important first.
    pub classes: Vec<Class>,
    /// What everybody is told. Its routers are nobody's.
    pub parameters: Parameters,
    /// Networks that relays may be in whose own address is in no subnet: they name the client's link.
    pub relays: Vec<Ipv4Net>,
    /// Whether the link that a relay names (option 82.5, RFC 3527) goes before its address.
    pub link_selection: bool,
    /// What makes two packets come from one client.
    pub identity: IdentityRule,
    /// Whether to refuse addresses that this server knows nothing about (DHCPNAK for unknown INIT-REBOOT and REBINDING). Only
    /// where no other DHCP server is; off by default.
    pub authoritative: bool,
    /// How long an offered address is held back for its client; 60 to 120 s is usual.
    pub offer_time: Duration,
    /// How long a declined address is kept out of use.
    pub decline_time: Duration,
    /// A client that comes back before so many hundredths of its lease are over gets what is left of it, and nothing is
    /// written; 0 for none of that.
    pub cache_threshold: u8,
    /// Whether to ask if somebody uses an address before it is offered.
    pub probe: bool,
    /// How much clients may send.
    pub limits: LimitConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            subnets: Vec::new(),
            classes: Vec::new(),
            parameters: Parameters::default(),
            relays: Vec::new(),
            link_selection: true,
            identity: IdentityRule::default(),
            authoritative: false,
            offer_time: Duration::from_secs(120),
            decline_time: Duration::from_secs(86_400),
            cache_threshold: 25,
            probe: false,
            limits: LimitConfig::default(),
        }
    }
}

/// How long a lease holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseTime {
    /// So many seconds. T1 is half of it, T2 seven eighths (RFC 2131 section 4.4.5), unless the subnet says otherwise.
    Seconds(u32),
    /// For ever.
    Infinite,
}

/// One network: which addresses it gives, and what its clients are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// The network. Its address and its broadcast address are never given.
    pub network: Ipv4Net,
    /// The link it is on, where several networks are on one: clients there may have an address of any of them.
    pub shared_network: Option<String>,
    /// Addresses for everybody. Empty: only reserved addresses are given.
    pub pools: Vec<PoolRange>,
    /// Addresses for certain machines.
    pub reservations: Vec<Reservation>,
    /// Addresses inside the pools that are not given.
    pub excluded: Vec<Ipv4Addr>,
    /// Whether `.0` and `.255` of each /24 are not given either, in networks of this size and larger.
    pub exclude_first_last_24: bool,
    /// What its clients are told.
    pub parameters: Parameters,
    /// How long leases hold.
    pub lease_time: LeaseTime,
    /// T1, where it is not half the lease time.
    pub renewal: Option<u32>,
    /// T2, where it is not seven eighths of the lease time.
    pub rebinding: Option<u32>,
}

impl Subnet {
    /// A network without pools and options; leases of twelve hours.
    #[must_use]
    pub fn new(network: Ipv4Net) -> Self {
        Self {
            network,
            shared_network: None,
            pools: Vec::new(),
            reservations: Vec::new(),
            excluded: Vec::new(),
            exclude_first_last_24: false,
            parameters: Parameters::default(),
            lease_time: LeaseTime::Seconds(43_200),
            renewal: None,
            rebinding: None,
        }
    }

    /// Addresses that no pool gives, wherever they stand.
    pub(crate) fn not_for_pools(&self) -> Vec<Ipv4Addr> {
        let mut addresses = self.excluded.clone();
        addresses.extend(&self.parameters.routers);
        for reservation in &self.reservations {
            addresses.extend(reservation.address);
            addresses.extend(&reservation.parameters.routers);
        }
        // A /31 or /32 has neither (RFC 3021).
        if self.network.prefix_len() < 31 {
            addresses.extend([self.network.network(), self.network.broadcast()]);
        }
        addresses
    }
}

/// A run of addresses, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolRange {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address; not less than the first.
    pub last: Ipv4Addr,
}

/// What a client has reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// The address.
    pub address: Ipv4Addr,
    /// The name it is told (option 12).
    pub host_name: Option<String>,
}

/// Reserved addresses that are known elsewhere and change while the server runs: those of the hosts in the state table.
///
/// They go before the [`Reservation`]s of the configuration.
pub trait Reservations {
    /// What the machine with this hardware address or this UUID has reserved in this network.
    fn reserved(&self, mac: Mac, uuid: Option<Uuid>, network: Ipv4Net) -> Option<Reserved>;

    /// The name of the machine with this hardware address or this UUID, which it is told wherever it gets its address from.
    fn name(&self, mac: Mac, uuid: Option<Uuid>) -> Option<String>;

    /// True if the address is reserved for any machine. Asked for every address about to be given, so it should be a lookup.
    fn is_reserved(&self, address: Ipv4Addr) -> bool;
}

/// No reserved addresses.
impl Reservations for () {
    fn reserved(&self, _: Mac, _: Option<Uuid>, _: Ipv4Net) -> Option<Reserved> {
        None
    }

    fn name(&self, _: Mac, _: Option<Uuid>) -> Option<String> {
        None
    }

    fn is_reserved(&self, _: Ipv4Addr) -> bool {
        false
    }
}
