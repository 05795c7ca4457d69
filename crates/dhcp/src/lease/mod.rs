//! Who has which address.

mod identity;
mod intervals;
mod pool;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::Ipv4Addr,
    time::Duration,
};

use ipnet::Ipv4Net;
use nextboot_model::{Lease, LeaseState, Mac, Timestamp};
use pool::Pool;

pub use identity::IdentityRule;
pub(crate) use identity::{Identity, Reach};

use crate::{Class, PoolRange, Subnet};

/// What an address is to one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody has it.
    Free,
    /// This client has it, or had it and nobody else took it.
    Own,
    /// Somebody else has it, or it is in quarantine.
    Taken(Mac),
}

/// All leases, and the pools they come from. At most one lease per address.
///
/// The table never grows beyond the addresses of the pools, the reserved addresses and what was loaded.
#[derive(Debug, Clone, Default)]
pub struct Leases {
    by_address: HashMap<Ipv4Addr, Lease>,
    by_mac: BTreeSet<(Mac, Ipv4Addr)>,
    by_id: HashMap<Vec<u8>, BTreeSet<Ipv4Addr>>,
    /// The addresses whose leases are on the disk as they stand here.
    durable: HashSet<Ipv4Addr>,
    /// The addresses whose clients move to another one, as soon as that is on the disk.
    leaving: HashSet<Ipv4Addr>,
    pools: Vec<Share>,
}

/// A pool and who is given addresses of it.
#[derive(Debug, Clone)]
struct Share {
    network: Ipv4Net,
    /// The members of this class; everybody without one.
    class: Option<usize>,
    pool: Pool,
}

impl Share {
    fn is_for(&self, reach: &Reach) -> bool {
        reach.networks.contains(&self.network)
            && self.class.map_or(reach.common, |class| reach.classes.contains(&class))
    }
}

/// Most addresses that one machine may have in quarantine: one whose network card answers for others declines all it gets.
const MAX_DECLINED: usize = 8;

/// Most leases of one client identifier that a packet makes us look at: a thousand machines made from one disk image show one
/// identifier, and so can one machine that invents the others. What so many show tells none of them from another.
const MAX_NAMESAKES: usize = 64;

/// True while nobody else may have the address of this lease.
fn holds(lease: &Lease, now: Timestamp) -> bool {
    lease.state != LeaseState::Released && lease.expires > now
}

fn in_quarantine(lease: &Lease, now: Timestamp) -> bool {
    lease.state == LeaseState::Declined && lease.expires > now
}

impl Leases {
    /// An empty table over the pools of these subnets, with what was kept from earlier. Of two leases for one address the one
    /// heard later counts; group or zero addresses are dropped.
    pub(crate) fn new(subnets: &[Subnet], classes: &[Class], kept: Vec<Lease>) -> Self {
        let ends = |range: &PoolRange| (range.first, range.last);
        let routers = classes.iter().flat_map(|class| class.parameters.routers.iter().copied());
        let routers: Vec<Ipv4Addr> = routers.collect();
        let mut pools = Vec::new();
        for subnet in subnets {
            let network = subnet.network;
            let nobodys = [subnet.not_for_pools(), routers.clone()].concat();
            let new = |ranges: &mut dyn Iterator<Item = _>| {
                let mut pool = Pool::new(ranges, &nobodys);
                if subnet.exclude_first_last_24 && network.prefix_len() <= 24 {
                    pool.leave_first_and_last();
                }
                pool
            };
            let mut everybodys = new(&mut subnet.pools.iter().map(ends));
            for (at, class) in classes.iter().enumerate() {
                let here = class.pools.iter().map(ends).filter(|(first, _)| network.contains(first));
                let here: Vec<_> = here.collect();
                everybodys.leave(&here);
                if !here.is_empty() {
                    let pool = new(&mut here.into_iter());
                    pools.push(Share { network, class: Some(at), pool });
                }
            }
            pools.push(Share { network, class: None, pool: everybodys });
        }
        let mut leases = Self { pools, ..Self::default() };
        for lease in kept {
            let older = leases.by_address.get(&lease.address).is_some_and(|have| have.heard > lease.heard);
            if !older && crate::packet::is_usable(&lease.address) {
                let address = lease.address;
                leases.put(lease);
                leases.durable.insert(address);
            }
        }
        leases
    }

    /// All leases, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.by_address.values()
    }

    /// The lease of an address.
    #[must_use]
    pub fn get(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.by_address.get(&address)
    }

    /// How many addresses the pools of this network have, and how many of them nobody may be given now. Walks the table.
    #[must_use]
    pub fn fill(&self, network: Ipv4Net, now: Timestamp) -> (u64, u64) {
        let mut sum = (0, 0);
        for Share { pool, .. } in self.pools.iter().filter(|share| share.network == network) {
            sum.0 += pool.size();
            sum.1 +=
                self.iter().filter(|lease| holds(lease, now) && pool.contains(lease.address)).count() as u64;
        }
        sum
    }

    fn pool(&mut self, address: Ipv4Addr) -> Option<&mut Pool> {
        self.pools.iter_mut().map(|share| &mut share.pool).find(|pool| pool.contains(address))
    }

    pub(crate) fn put(&mut self, lease: Lease) {
        self.remove(lease.address);
        self.by_mac.insert((lease.mac, lease.address));
        if let Some(id) = &lease.client_id {
            self.by_id.entry(id.clone()).or_default().insert(lease.address);
        }
        if let Some(pool) = self.pool(lease.address) {
            pool.add(&lease);
        }
        self.by_address.insert(lease.address, lease);
    }

    /// Takes note that the client of this address moves to another one. Until that is written it may go on using this one.
    pub(crate) fn leave(&mut self, address: Ipv4Addr) {
        self.durable.remove(&address);
        self.leaving.insert(address);
    }

    /// Takes note that this lease is on the disk, unless it has changed meanwhile.
    pub(crate) fn written(&mut self, lease: &Lease) {
        if lease.state == LeaseState::Released && self.leaving.contains(&lease.address) {
            self.put(lease.clone());
        }
        if self.by_address.get(&lease.address) == Some(lease) {
            self.durable.insert(lease.address);
        }
    }

    /// The lease of an address, if it is on the disk as it stands.
    pub(crate) fn durable(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.by_address.get(&address).filter(|_| self.durable.contains(&address))
    }

    pub(crate) fn remove(&mut self, address: Ipv4Addr) -> Option<Lease> {
        self.durable.remove(&address);
        self.leaving.remove(&address);
        let lease = self.by_address.remove(&address)?;
        self.by_mac.remove(&(lease.mac, address));
        if let Some(id) = &lease.client_id
            && let Some(addresses) = self.by_id.get_mut(id)
        {
            addresses.remove(&address);
            if addresses.is_empty() {
                self.by_id.remove(id);
            }
        }
        if let Some(pool) = self.pool(address) {
            pool.forget(&lease);
        }
        Some(lease)
    }

    /// The leases of a hardware address.
    pub fn of_mac(&self, mac: Mac) -> impl Iterator<Item = &Lease> {
        self.by_mac
            .range((mac, Ipv4Addr::UNSPECIFIED)..=(mac, Ipv4Addr::BROADCAST))
            .filter_map(|(_, address)| self.by_address.get(address))
    }

    /// The leases of a client identifier, not more than [`MAX_NAMESAKES`].
    fn of_id(&self, id: Option<&[u8]>) -> impl Iterator<Item = &Lease> {
        let addresses = id.and_then(|id| self.by_id.get(id)).into_iter().flatten();
        addresses.take(MAX_NAMESAKES).filter_map(|address| self.by_address.get(address))
    }

    /// The leases of a client.
    pub(crate) fn of(&self, who: Identity<'_>) -> impl Iterator<Item = &Lease> {
        let by_id = self.of_id(who.client_id).filter(move |lease| lease.mac != who.mac);
        self.of_mac(who.mac).chain(by_id).filter(move |lease| who.is(lease))
    }

    /// The address on this link that is or was this client's.
    ///
    /// A machine shows several identities in one boot (firmware: none; iPXE: 01 and its MAC; the system: a DUID), so the
    /// hardware address finds what the identifier does not. Machines made from one disk image show the same identifier, so it
    /// never finds an address that another hardware address holds. Where the identifier is to count, nothing else does.
    pub(crate) fn find(&self, who: Identity<'_>, reach: &Reach, now: Timestamp) -> Option<&Lease> {
        let strict = who.rule == IdentityRule::ClientId;
        let named = self.of_id(who.client_id).filter(|lease| lease.mac != who.mac);
        self.of_mac(who.mac)
            .chain(named)
            .filter(|lease| reach.contains(lease.address) && !in_quarantine(lease, now))
            .filter(|lease| who.is(lease) || (!strict && !holds(lease, now)))
            .max_by_key(|lease| {
                let same_id = who.client_id.is_some() && lease.client_id.as_deref() == who.client_id;
                let rank = match (who.is(lease), same_id, holds(lease, now)) {
                    (true, true, _) => 3,
                    (true, false, true) => 2,
                    (false, _, _) => 1,
                    (true, false, false) => 0,
                };
                (rank, holds(lease, now), lease.heard, lease.address)
            })
    }

    /// Another machine that holds an address under the same client identifier.
    pub(crate) fn namesake(&self, who: Identity<'_>, now: Timestamp) -> Option<&Lease> {
        let hardware = who.rule == IdentityRule::Hardware;
        self.of_id(who.client_id).find(|lease| hardware && lease.mac != who.mac && lease.is_bound(now))
    }

    /// What the address is to this client.
    pub(crate) fn standing(&self, who: Identity<'_>, address: Ipv4Addr, now: Timestamp) -> Standing {
        match self.by_address.get(&address) {
            Some(lease) if in_quarantine(lease, now) => Standing::Taken(lease.mac),
            Some(lease) if who.is(lease) => Standing::Own,
            Some(lease) if holds(lease, now) => Standing::Taken(lease.mac),
            Some(_) | None => Standing::Free,
        }
    }

    /// True while nobody is given this address because somebody else was found on it.
    pub(crate) fn is_in_quarantine(&self, address: Ipv4Addr, now: Timestamp) -> bool {
        self.by_address.get(&address).is_some_and(|lease| in_quarantine(lease, now))
    }

    /// True for an address that was offered to several clients while the pool was short: it belongs to none of them yet, and
    /// the first that takes its offer may have it.
    pub(crate) fn is_up_for_grabs(&self, address: Ipv4Addr, now: Timestamp) -> bool {
        let offered = |lease: &Lease| lease.state == LeaseState::Offered && holds(lease, now);
        self.by_address.get(&address).is_some_and(offered)
            && self.pools.iter().any(|share| share.pool.is_contended(address))
    }

    /// Keeps an offer from being given up for others, if there are not too many such offers in its pool.
    pub(crate) fn promise(&mut self, address: Ipv4Addr, hold: Duration, now: Timestamp) {
        let Some(lease) = self.by_address.get(&address).cloned() else { return };
        if self.pool(address).is_some_and(|pool| pool.may_promise(now)) {
            let lease = Lease { expires: now.after(hold), ..lease };
            self.put(lease.clone());
            if let Some(pool) = self.pool(address) {
                pool.promise(&lease);
            }
        }
    }

    /// True while so many addresses of this client's pools are offered that offers give way to each other.
    pub(crate) fn pressed(&mut self, reach: &Reach, now: Timestamp) -> bool {
        self.pools.iter_mut().filter(|share| share.is_for(reach)).any(|share| share.pool.pressed(now))
    }

    /// Takes back what a clock that was wrong did: leases from the future hold for their whole time from now on, which is
    /// longer than their clients think, and not until a day that is years away.
    pub(crate) fn set_back(&mut self, now: Timestamp) {
        let ahead: Vec<Lease> = self.iter().filter(|lease| lease.heard > now).cloned().collect();
        for lease in ahead {
            let expires = match lease.expires {
                Timestamp::NEVER => Timestamp::NEVER,
                expires => now.after(expires.since(lease.heard)),
            };
            self.put(Lease { expires, heard: now, ..lease });
        }
    }

    /// True if the address is in a pool for this client.
    pub(crate) fn in_pool(&self, address: Ipv4Addr, reach: &Reach) -> bool {
        self.pools.iter().any(|share| share.is_for(reach) && share.pool.contains(address))
    }

    /// The next address of this client's pools that is `usable` and that nobody has, or is only offered to somebody. A pool is
    /// used when those before it have nothing left, those of classes in any network before everybody's, and offers are taken
    /// back when none has.
    pub(crate) fn next(
        &mut self,
        reach: &Reach,
        now: Timestamp,
        usable: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        let mut first = |next: &dyn Fn(&mut Pool) -> Option<Ipv4Addr>| {
            let networks = || reach.networks.iter();
            let in_order =
                networks().map(|network| (true, network)).chain(networks().map(|network| (false, network)));
            in_order.into_iter().find_map(|(of_class, network)| {
                let here = |share: &&mut Share| {
                    share.class.is_some() == of_class && share.network == *network && share.is_for(reach)
                };
                self.pools.iter_mut().filter(here).find_map(|share| next(&mut share.pool))
            })
        };
        first(&|pool| pool.next_idle(now, &usable)).or_else(|| first(&|pool| pool.next_offered(now, &usable)))
    }

    /// The address that must come out of quarantine before this one may go in, which this machine declined: one of its own
    /// where it has put many there.
    pub(crate) fn too_many_declined(
        &mut self,
        mac: Mac,
        address: Ipv4Addr,
        now: Timestamp,
    ) -> Option<Ipv4Addr> {
        let own = || self.of_mac(mac).filter(|lease| in_quarantine(lease, now));
        let oldest = own().min_by_key(|lease| (lease.expires, lease.address)).map(|lease| lease.address);
        oldest
            .filter(|_| own().count() >= MAX_DECLINED)
            .or_else(|| self.pool(address)?.too_many_declined(now))
    }

    /// The leases, and whether each is on the disk.
    pub(crate) fn into_records(self) -> (Vec<Lease>, HashSet<Ipv4Addr>) {
        (self.by_address.into_values().collect(), self.durable)
    }

    /// As [`Leases::into_records`] gave it.
    pub(crate) fn set_durable(&mut self, durable: HashSet<Ipv4Addr>) {
        self.durable = durable;
        self.durable.retain(|address| self.by_address.contains_key(address));
    }
}

#[cfg(test)]
mod tests;
