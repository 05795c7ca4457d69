use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use nextboot_model::{Lease, LeaseState};

use super::call::Call;
use crate::{LeaseChange, NakReason, Note, RequestState, Why, lease::Standing};

impl Call<'_> {
    /// RFC 2131 section 4.3.2, table 4.
    pub(super) fn request(&mut self) {
        let packet = self.packet();
        let (server, requested, ciaddr) = (packet.server_id(), packet.requested(), packet.ciaddr);
        let has_address = !ciaddr.is_unspecified();
        let (state, address) = match (server, requested) {
            // Some clients repeat the server while they renew; the address then stands in ciaddr.
            (Some(_), Some(address)) => (RequestState::Selecting, address),
            (Some(_), None) if has_address => (RequestState::Selecting, ciaddr),
            (None, _) if has_address && packet.was_unicast(self.arrival) => (RequestState::Renewing, ciaddr),
            (None, _) if has_address => (RequestState::Rebinding, ciaddr),
            (None, Some(address)) => (RequestState::InitReboot, address),
            _ => {
                // Naming another server is an answer to us, even without an address.
                if let Some(server) = server.filter(|server| !self.is_us(*server)) {
                    return self.chose_other(server, None);
                }
                return self.out.ignore(Why::Malformed);
            }
        };
        if let Some(server) = server.filter(|server| !self.is_us(*server)) {
            return self.chose_other(server, Some(address));
        }
        self.out.notes.push(Note::Request { state, address, server });
        match self.judge(state, address) {
            Ok(()) => self.bind(address),
            Err(Some(reason)) => self.nak(address, reason),
            Err(None) => self.out.ignore(Why::NoRecord),
        }
    }

    /// Whether the client gets the address; if not, whether it is told so.
    fn judge(&self, state: RequestState, address: Ipv4Addr) -> Result<(), Option<NakReason>> {
        let now = self.now;
        let leases = &self.server.leases;
        let reserved = self.reserved_address();
        let standing = match self.standing(address, reserved) {
            Standing::Taken(_)
                if state == RequestState::Selecting && leases.is_up_for_grabs(address, now) =>
            {
                Standing::Free
            }
            standing => standing,
        };
        let own = leases.find(self.who(), &self.reach, now);
        let verdict = self.entitlement(address, standing, own, reserved);
        let known = standing == Standing::Own
            || own.is_some_and(|lease| lease.address == address)
            || reserved == Some(address);
        let authority = self.server.config.authoritative
            || reserved.is_some()
            // Only a lease that holds: an address given back or run out says nothing about where the client went since.
            || own.is_some_and(|lease| lease.is_bound(now));
        match (state, verdict) {
            // The client took our offer, which may have been forgotten in a restart: what is free is still given.
            (RequestState::Selecting, verdict) => verdict.map_err(Some),
            // Without a record of the client others must be able to answer.
            (_, Ok(())) if known => Ok(()),
            // A client that remembers an address of which nothing is known begins anew; one that uses it may go on.
            (RequestState::InitReboot, Ok(())) if authority => Err(Some(NakReason::NotYours)),
            (_, Ok(())) if authority => Ok(()),
            (_, Ok(())) => Err(None),
            // A unicast renewal was sent to this server, for an address that another client has from it.
            (RequestState::Renewing, Err(reason @ NakReason::Taken)) => Err(Some(reason)),
            (_, Err(reason)) if authority => Err(Some(reason)),
            (_, Err(_)) => Err(None),
        }
    }

    fn entitlement(
        &self,
        address: Ipv4Addr,
        standing: Standing,
        own: Option<&Lease>,
        reserved: Option<Ipv4Addr>,
    ) -> Result<(), NakReason> {
        if !self.reach.contains(address) {
            return Err(NakReason::WrongNetwork);
        }
        if matches!(standing, Standing::Taken(_)) {
            return Err(NakReason::Taken);
        }
        if let Some(reserved) = reserved {
            if reserved == address {
                return Ok(());
            }
            if !matches!(self.standing(reserved, Some(reserved)), Standing::Taken(_)) {
                return Err(NakReason::NotYours);
            }
        }
        if self.is_kept(address) {
            return Err(NakReason::Taken);
        }
        // One client, one address: it must not collect them by asking for one after the other.
        let holds = |lease: &Lease| lease.expires > self.now && lease.state != LeaseState::Released;
        if standing == Standing::Free && own.is_some_and(|lease| holds(lease) && self.may_have(lease.address))
        {
            return Err(NakReason::NotYours);
        }
        if self.server.leases.in_pool(address, &self.reach) { Ok(()) } else { Err(NakReason::NotAvailable) }
    }

    fn bind(&mut self, address: Ipv4Addr) {
        self.note_namesake();
        self.let_go(Some(address));
        let grant = self.grant(address);
        if grant.is_new {
            self.put(address, LeaseState::Bound, grant.expires);
        }
        self.give(MessageType::Ack, address, grant);
    }

    /// Gives up what the client holds on this link, except for one address, as soon as that is on the disk: when the disk
    /// fails, the client is not answered and goes on using what it has.
    pub(super) fn let_go(&mut self, except: Option<Ipv4Addr>) {
        let (reach, now) = (&self.reach, self.now);
        let holds = |lease: &&Lease| {
            matches!(lease.state, LeaseState::Bound | LeaseState::Offered)
                && lease.expires > now
                && reach.contains(lease.address)
                && Some(lease.address) != except
        };
        let old: Vec<Lease> = self.server.leases.of(self.who()).filter(holds).cloned().collect();
        for lease in old {
            self.server.leases.leave(lease.address);
            let lease = Lease { state: LeaseState::Released, expires: now, heard: now, ..lease };
            self.out.lease_changes.push(LeaseChange::Put(lease));
        }
    }

    /// The client took another server's offer: ours is free again. A lease it has from us stays; it may come back to it.
    fn chose_other(&mut self, server: Ipv4Addr, address: Option<Ipv4Addr>) {
        self.out.notes.push(Note::ChoseOther { server, address });
        let (reach, now) = (&self.reach, self.now);
        let offered = |lease: &&Lease| {
            lease.state == LeaseState::Offered && lease.expires > now && reach.contains(lease.address)
        };
        let old: Vec<Lease> = self.server.leases.of(self.who()).filter(offered).cloned().collect();
        for lease in old {
            self.change(Lease { expires: now, heard: now, ..lease });
        }
    }
}
