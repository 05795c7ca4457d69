use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use nextboot_model::{Lease, LeaseState, Timestamp};

use super::intervals::Intervals;

/// The addresses of one subnet that are given to whoever asks, and the order in which they are given: first those that were
/// never used, then the one that is out of use longest.
///
/// Anybody can ask for offers under any number of hardware addresses. So offers that nobody took never get a used address
/// while half of the pool is offered, and when nothing else is left the oldest offer is given up for the newest.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    all: Intervals,
    unused: Intervals,
    /// Where the last search in `unused` ended, so that reserved addresses are not passed over again and again.
    cursor: u32,
    /// Every used address, by the moment at which it is out of use.
    by_end: BTreeSet<(Timestamp, u32)>,
    /// Addresses in quarantine, by its end.
    declined: BTreeSet<(Timestamp, u32)>,
    /// Addresses that are offered and not taken yet, by the time of the offer, with its end.
    offered: BTreeMap<(Timestamp, u32), Timestamp>,
    /// Offered addresses that their clients use without ever taking them, by the end of the offer.
    promised: BTreeSet<(Timestamp, u32)>,
    /// Addresses that were offered to somebody else before the client they are offered to now could take them.
    contended: BTreeSet<u32>,
}

/// When an address is out of use.
pub(super) fn end(lease: &Lease) -> Timestamp {
    match lease.state {
        LeaseState::Released => lease.expires.min(lease.heard),
        LeaseState::Offered | LeaseState::Bound | LeaseState::Declined => lease.expires,
    }
}

impl Pool {
    pub(super) fn new(ranges: impl Iterator<Item = (Ipv4Addr, Ipv4Addr)>, excluded: &[Ipv4Addr]) -> Self {
        let mut all = Intervals::default();
        for (first, last) in ranges {
            all.insert(first.to_bits(), last.to_bits());
        }
        for address in excluded {
            all.remove(address.to_bits());
        }
        Self { unused: all.clone(), all, ..Self::default() }
    }

    /// Gives ranges away before anything of them was used.
    pub(super) fn leave(&mut self, ranges: &[(Ipv4Addr, Ipv4Addr)]) {
        for (first, last) in ranges {
            self.all.remove_run(first.to_bits(), last.to_bits());
        }
        self.unused.clone_from(&self.all);
    }

    /// Gives up `.0` and `.255` of every /24: some old clients take them for network and broadcast addresses.
    pub(super) fn leave_first_and_last(&mut self) {
        for number in self.all.ends_of_256() {
            self.all.remove(number);
        }
        self.unused.clone_from(&self.all);
    }

    pub(super) fn contains(&self, address: Ipv4Addr) -> bool {
        self.all.contains(address.to_bits())
    }

    pub(super) fn size(&self) -> u64 {
        self.all.len()
    }

    /// Takes note of a lease at an address of this pool that had none.
    pub(super) fn add(&mut self, lease: &Lease) {
        let number = lease.address.to_bits();
        self.unused.remove(number);
        self.by_end.insert((end(lease), number));
        match lease.state {
            LeaseState::Declined => drop(self.declined.insert((lease.expires, number))),
            LeaseState::Offered if lease.expires > lease.heard => {
                self.offered.insert((lease.heard, number), lease.expires);
            }
            _ => {}
        }
        if lease.state != LeaseState::Offered {
            self.contended.remove(&number);
        }
    }

    /// Forgets a lease; the address counts as never used.
    pub(super) fn forget(&mut self, lease: &Lease) {
        let number = lease.address.to_bits();
        self.by_end.remove(&(end(lease), number));
        self.declined.remove(&(lease.expires, number));
        self.offered.remove(&(lease.heard, number));
        self.promised.remove(&(lease.expires, number));
        self.unused.insert(number, number);
    }

    /// Keeps this offer from being given up.
    pub(super) fn promise(&mut self, lease: &Lease) {
        let number = lease.address.to_bits();
        self.offered.remove(&(lease.heard, number));
        self.promised.insert((lease.expires, number));
    }

    /// True unless a quarter of the pool (at least one address) is promised.
    pub(super) fn may_promise(&mut self, now: Timestamp) -> bool {
        while self.promised.first().is_some_and(|(end, _)| *end <= now) {
            self.promised.pop_first();
        }
        (self.promised.len() as u64) < (self.size() / 4).max(1)
    }

    /// True while half of the pool is offered and can be given up; of small pools, eight addresses.
    pub(super) fn pressed(&mut self, now: Timestamp) -> bool {
        while self.offered.first_entry().is_some_and(|oldest| *oldest.get() <= now) {
            self.offered.pop_first();
        }
        self.offered.len() as u64 >= (self.size() / 2).max(8)
    }

    /// True if this address was offered to one client after another; the first that asks for it may have it.
    pub(super) fn is_contended(&self, address: Ipv4Addr) -> bool {
        self.contended.contains(&address.to_bits())
    }

    /// The next address to offer that is `usable` and that nobody has. Costs as many steps as there are idle addresses that
    /// are not usable.
    pub(super) fn next_idle(
        &mut self,
        now: Timestamp,
        usable: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        let usable = |number: &u32| usable(Ipv4Addr::from_bits(*number));
        let unused = self.unused.from(self.cursor).find(usable);
        if let Some(number) = unused {
            self.cursor = number;
        }
        let number = match unused {
            Some(number) => number,
            // Then strangers ask for offers, and are to leave the others' old addresses alone.
            None if self.pressed(now) => return None,
            None => {
                let mut idle = self.by_end.range(..=(now, u32::MAX)).map(|(_, number)| *number);
                idle.find(usable)?
            }
        };
        self.contended.remove(&number);
        Some(Ipv4Addr::from_bits(number))
    }

    /// The `usable` address of the oldest offer, for when too many are offered or nothing else is left. Costs as many steps
    /// as there are offered addresses that are not usable.
    pub(super) fn next_offered(
        &mut self,
        now: Timestamp,
        usable: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        let mut offered = self.offered.iter().filter(|(_, end)| **end > now).map(|((_, number), _)| *number);
        let number = offered.find(|number| usable(Ipv4Addr::from_bits(*number)))?;
        self.contended.insert(number);
        Some(Ipv4Addr::from_bits(number))
    }

    /// The address that is to come out of quarantine so that one more may go in: of `now`, at most a tenth of the pool (at
    /// least one address) may be in it.
    pub(super) fn too_many_declined(&mut self, now: Timestamp) -> Option<Ipv4Addr> {
        self.declined = self.declined.split_off(&(now, u32::MAX));
        let limit = (self.size() / 10).max(1);
        let (_, oldest) = self.declined.first().copied()?;
        (self.declined.len() as u64 >= limit).then(|| Ipv4Addr::from_bits(oldest))
    }
}
