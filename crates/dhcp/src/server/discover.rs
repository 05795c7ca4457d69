use std::{net::Ipv4Addr, time::Duration};

use dhcproto::v4::MessageType;
use nextboot_model::LeaseState;

use super::call::Call;
use crate::{ClientKind, Note, lease::Standing};

/// How long a client may still answer at an address that it gave back.
const LATELY: Duration = Duration::from_secs(60);

/// Longest time for which an answer is waited when it is asked who has an address.
const ASKED: Duration = Duration::from_secs(1);

/// How long a Raspberry Pi may take to load its boot files.
const PI_LOADS: Duration = Duration::from_secs(600);

impl Call<'_> {
    pub(super) fn discover(&mut self) {
        let requested = self.packet().requested();
        self.out.notes.push(Note::Discover { requested });
        let Some(address) = self.pick(requested) else {
            let network = self.reach.networks.first().copied().unwrap_or_default();
            self.out.notes.push(Note::PoolExhausted { network });
            return;
        };
        let grant = self.grant(address);
        if self.server.config.probe && !self.had_lately(address) {
            self.out.probe = Some(address);
        }
        self.hold(address);
        self.give(MessageType::Offer, address, grant);
    }

    /// True for an address of which it is no news that somebody answers there: this client, or of which it was asked already.
    fn had_lately(&self, address: Ipv4Addr) -> bool {
        let own = self.server.leases.get(address).filter(|lease| lease.mac == self.shown.mac);
        own.is_some_and(|lease| {
            let ago = self.now.since(lease.heard);
            match lease.state {
                // A client that asks again at once does not get what is still being asked.
                LeaseState::Offered => lease.expires > self.now && ago > ASKED,
                _ => lease.expires > self.now || ago < LATELY,
            }
        })
    }

    /// The address for this client: reserved, current, previous, requested, or the next of the pools (RFC 2131 section 4.3.1).
    pub(super) fn pick(&mut self, requested: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let now = self.now;
        if let Some(address) = self.reserved_address() {
            match self.standing(address, Some(address)) {
                Standing::Taken(holder) => self.out.notes.push(Note::ReservedInUse { address, holder }),
                Standing::Own | Standing::Free => return Some(address),
            }
        }
        let own = self.server.leases.find(self.who(), &self.reach, now).map(|lease| lease.address);
        // Wishes would take the old addresses of other clients, which a flood of DISCOVERs is not to get at.
        let wish = requested.filter(|_| !self.server.leases.pressed(&self.reach, now));
        if let Some(address) = own.into_iter().chain(wish).find(|address| self.may_have(*address)) {
            return Some(address);
        }
        let (leases, own) = (&mut self.server.leases, &self.server.own);
        let (local, hosts) = (self.arrival.server_id(), self.hosts);
        leases.next(&self.reach, now, |address| {
            address != local && !own.contains(&address) && !hosts.is_reserved(address)
        })
    }

    /// True if a pool may give this address to this client now.
    pub(super) fn may_have(&self, address: Ipv4Addr) -> bool {
        self.server.leases.in_pool(address, &self.reach)
            && !self.is_kept(address)
            && !matches!(self.standing(address, None), Standing::Taken(_))
    }

    /// Holds an address back for this client, unless it has it already.
    fn hold(&mut self, address: Ipv4Addr) {
        if self.server.leases.get(address).is_some_and(|lease| lease.is_bound(self.now)) {
            return;
        }
        let hold = self.server.config.offer_time;
        self.put(address, LeaseState::Offered, self.now.after(hold));
        // A Pi 3 takes the offer for granted and never sends a REQUEST: it uses the address for as long as it loads.
        if self.seen.client().kind == ClientKind::RaspberryPi {
            self.server.leases.promise(address, hold.max(PI_LOADS), self.now);
        }
    }
}
