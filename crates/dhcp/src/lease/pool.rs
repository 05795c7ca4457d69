use std::{collections::BTreeSet, net::Ipv4Addr};

use nextboot_model::{Lease, LeaseState, Timestamp};

use super::intervals::Intervals;

/// The addresses of one subnet that are given to whoever asks, and the order in which they are given: first those that were
/// never used, then the one that is out of use longest.
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
        if lease.state == LeaseState::Declined {
            self.declined.insert((lease.expires, number));
        }
    }

    /// Forgets a lease; the address counts as never used.
    pub(super) fn forget(&mut self, lease: &Lease) {
        let number = lease.address.to_bits();
        self.by_end.remove(&(end(lease), number));
        self.declined.remove(&(lease.expires, number));
        self.unused.insert(number, number);
    }

    /// The next address to give that is `usable`. Costs as many steps as there are idle addresses that are not usable.
    pub(super) fn next(&mut self, now: Timestamp, usable: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
        let usable = |number: &u32| usable(Ipv4Addr::from_bits(*number));
        if let Some(number) = self.unused.from(self.cursor).find(&usable) {
            self.cursor = number;
            return Some(Ipv4Addr::from_bits(number));
        }
        let idle = self.by_end.range(..=(now, u32::MAX)).map(|(_, number)| *number);
        idle.into_iter().find(usable).map(Ipv4Addr::from_bits)
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
