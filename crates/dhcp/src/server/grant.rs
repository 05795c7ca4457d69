use std::{net::Ipv4Addr, time::Duration};

use nextboot_model::{Lease, LeaseState, Timestamp};

use super::{LeaseTime, call::Call};

/// Most bytes of option 82 that a lease keeps: those of one option, as relays send it.
const MAX_KEPT: usize = 255;

/// What a client is granted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    pub(super) expires: Timestamp,
    /// False when it is its lease as it stands.
    pub(super) is_new: bool,
}

impl Call<'_> {
    /// What this client is granted at this address: its lease as it stands if that is fresh, else a whole new one.
    pub(super) fn grant(&self, address: Ipv4Addr) -> Grant {
        let time = self.lease_time(address).unwrap_or(LeaseTime::Seconds(0));
        let whole = match time {
            LeaseTime::Infinite => Timestamp::NEVER,
            LeaseTime::Seconds(seconds) => self.now.after(Duration::from_secs(seconds.into())),
        };
        let fresh = |lease: &&Lease| {
            let passed = self.now.since(lease.heard);
            let total = whole.since(self.now);
            let same = Lease { expires: lease.expires, heard: lease.heard, ..self.new_lease(address, whole) };
            lease.is_bound(self.now)
                && **lease == same
                && (whole == Timestamp::NEVER) == (lease.expires == Timestamp::NEVER)
                && (whole == Timestamp::NEVER || lease.expires.since(lease.heard) == total)
                && passed.saturating_mul(100)
                    < total.saturating_mul(self.server.config.cache_threshold.into())
        };
        match self.server.leases.durable(address).filter(fresh) {
            Some(lease) => Grant { expires: lease.expires, is_new: false },
            None => Grant { expires: whole, is_new: true },
        }
    }

    /// The lease that this client gets at this address.
    pub(super) fn new_lease(&self, address: Ipv4Addr, expires: Timestamp) -> Lease {
        Lease {
            address,
            mac: self.shown.mac,
            client_id: self.shown.client_id.clone(),
            hostname: self.seen.client().host_name.clone(),
            uuid: self.shown.uuid,
            relay_info: self.shown.relay_info.clone().filter(|info| info.len() <= MAX_KEPT),
            state: LeaseState::Bound,
            expires,
            heard: self.now,
        }
    }

    /// How long a lease of this address holds for this client.
    pub(super) fn lease_time(&self, address: Ipv4Addr) -> Option<LeaseTime> {
        let own = self.reserved().and_then(|claim| claim.lease_time);
        let of_class = || self.classes().find_map(|class| class.lease_time);
        own.or_else(of_class).or_else(|| self.subnet_for(address).map(|subnet| subnet.lease_time))
    }

    /// Writes a lease of this client into the table.
    pub(super) fn put(&mut self, address: Ipv4Addr, state: LeaseState, expires: Timestamp) {
        let lease = Lease { state, ..self.new_lease(address, expires) };
        self.change(lease);
    }
}
