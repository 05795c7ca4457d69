use ipnet::Ipv4Net;
use nextboot_model::Arch;

use super::{LeaseTime, Parameters, PoolRange};
use crate::{ClientKind, Packet, Seen};

/// Machines that are told more or other things than the rest, or nothing at all. A client is in every class that it fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Class {
    /// Which machines.
    pub members: Members,
    /// What they must be besides: all of these.
    pub also: Vec<Members>,
    /// What they must not be: none of these.
    pub except: Vec<Members>,
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
    /// The client identifiers (option 61), whole.
    pub client_ids: Vec<Vec<u8>>,
    /// What an option says.
    pub options: Vec<OptionTest>,
    /// Whether anything is reserved for the machine, here or in another subnet.
    pub known: Option<bool>,
}

/// What an option of a packet must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionTest {
    /// Its code.
    pub code: u8,
    /// What of it counts.
    pub says: Says,
}

/// What is compared of an option's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// That it is there, whatever it says.
    Anything,
    /// How it begins.
    Begins(Vec<u8>),
    /// What is somewhere in it, at a place that is a multiple of so many bytes.
    Contains(Vec<u8>, usize),
}

impl OptionTest {
    fn fits(&self, packet: &Packet) -> bool {
        let Some(value) = packet.options.get(self.code) else { return false };
        match &self.says {
            Says::Anything => true,
            Says::Begins(begin) => value.starts_with(begin),
            Says::Contains(part, step) => {
                value.windows(part.len().max(1)).step_by((*step).max(1)).any(|window| window == part)
            }
        }
    }
}

/// What a packet and its sender are held against classes by.
pub(crate) struct Facts<'a> {
    pub(crate) seen: &'a Seen,
    /// The subnet that it asks from.
    pub(crate) subnet: Option<Ipv4Net>,
    /// Whether anything is reserved for the sender.
    pub(crate) known: bool,
}

impl Class {
    /// True for a packet of a member.
    pub(crate) fn fits(&self, facts: &Facts<'_>) -> bool {
        self.members.fit(facts)
            && self.also.iter().all(|members| members.fit(facts))
            && !self.except.iter().any(|members| members.fit(facts))
    }
}

impl Members {
    /// True for a packet of a member.
    fn fit(&self, facts: &Facts<'_>) -> bool {
        fn any<T>(list: &[T], fits: impl Fn(&T) -> bool) -> bool {
            list.is_empty() || list.iter().any(fits)
        }
        let (packet, client) = (facts.seen.packet(), facts.seen.client());
        let vendor = packet.vendor_class().unwrap_or_default();
        any(&self.firmware, |kind| *kind == client.kind)
            && any(&self.archs, |arch| client.archs.contains(arch))
            && any(&self.vendors, |begin| vendor.starts_with(begin))
            && any(&self.user_classes, |class| packet.has_user_class(class))
            && any(&self.macs, |begin| packet.mac.0.starts_with(begin))
            && any(&self.subnets, |network| facts.subnet.is_some_and(|subnet| network.contains(&subnet)))
            && any(&self.client_ids, |id| packet.client_id() == Some(id))
            && any(&self.options, |test| test.fits(packet))
            && self.known.is_none_or(|known| known == facts.known)
    }
}
