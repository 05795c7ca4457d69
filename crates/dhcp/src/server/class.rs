use ipnet::Ipv4Net;
use nextboot_model::Arch;

use super::{LeaseTime, Parameters, PoolRange};
use crate::{ClientKind, Seen};

/// Machines that are told more or other things than the rest, or nothing at all. A client is in every class that it fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Class {
    /// Which machines.
    pub members: Members,
    /// Whether nothing that they send is answered.
    pub drop: bool,
    /// What they are told. Of several classes the first that says something counts.
    pub parameters: Parameters,
    /// How long their leases hold, where it is not as long as their subnet says.
    pub lease_time: Option<LeaseTime>,
    /// Addresses that nobody else is given; of these they are given first. Each range lies within one subnet.
    pub pools: Vec<PoolRange>,
}

/// Which machines a class has: those that fit every list that is not empty, by any of its elements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// What sort of program asks.
    pub firmware: Vec<ClientKind>,
    /// The architectures (option 93); a client that names several fits by each.
    pub archs: Vec<Arch>,
    /// How the vendor class (option 60) begins.
    pub vendors: Vec<Vec<u8>>,
    /// The user class (option 77), whole.
    pub user_classes: Vec<Vec<u8>>,
    /// How the hardware address begins.
    pub macs: Vec<Vec<u8>>,
    /// Where the client is.
    pub subnets: Vec<Ipv4Net>,
}

impl Members {
    /// True for a packet of a member. `subnet` is the one that it asks from.
    pub(crate) fn fit(&self, seen: &Seen, subnet: Option<Ipv4Net>) -> bool {
        fn any<T>(list: &[T], fits: impl Fn(&T) -> bool) -> bool {
            list.is_empty() || list.iter().any(fits)
        }
        let (packet, client) = (seen.packet(), seen.client());
        let vendor = packet.vendor_class().unwrap_or_default();
        any(&self.firmware, |kind| *kind == client.kind)
            && any(&self.archs, |arch| client.archs.contains(arch))
            && any(&self.vendors, |begin| vendor.starts_with(begin))
            && any(&self.user_classes, |class| packet.has_user_class(class))
            && any(&self.macs, |begin| packet.mac.0.starts_with(begin))
            && any(&self.subnets, |network| subnet.is_some_and(|subnet| network.contains(&subnet)))
    }
}
