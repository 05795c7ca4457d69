use std::net::{Ipv4Addr, SocketAddrV4};

use dhcproto::v4::MessageType;
use nextboot_model::{Lease, LeaseState, Timestamp};

use super::call::Call;
use crate::{Class, ClientKind, Destination, Note, Why, packet::is_usable};

impl Call<'_> {
    /// The lease at this address, if this client is the one that holds it: same hardware address, and the same identifier
    /// where both sides have one, or where identifiers are what counts.
    fn held(&self, address: Ipv4Addr) -> Option<&Lease> {
        let who = self.who();
        let lease = self.server.leases.get(address).filter(|lease| lease.mac == who.mac && who.is(lease))?;
        let same = match (lease.client_id.as_deref(), who.client_id) {
            (Some(have), Some(sent)) => have == sent,
            _ => true,
        };
        let active =
            lease.is_bound(self.now) || (lease.state == LeaseState::Offered && lease.expires > self.now);
        (same && active).then_some(lease)
    }

    /// RFC 2131 section 4.3.3. Anybody can send this, so only the holder of an active lease is heard, and a tenth of a pool
    /// is the most that quarantine takes.
    pub(super) fn decline(&mut self) {
        let packet = self.packet();
        let Some(address) = packet.requested() else { return self.out.ignore(Why::Malformed) };
        if packet.server_id().is_some_and(|server| !self.is_us(server)) {
            return self.out.ignore(Why::OtherServer);
        }
        let Some(lease) = self.held(address).cloned() else { return self.out.ignore(Why::NotHolder) };
        self.server.put_in_quarantine(self.now, lease, &mut self.out);
        self.out.notes.push(Note::Decline { address });
    }

    /// RFC 2131 section 4.3.4. The record stays, so that the client gets the same address again if nobody needed it. A client
    /// says this from the address that it gives back: whoever says it from another one speaks for somebody else.
    pub(super) fn release(&mut self) {
        let packet = self.packet();
        let address = packet.ciaddr;
        if packet.server_id().is_some_and(|server| !self.is_us(server)) {
            return self.out.ignore(Why::OtherServer);
        }
        let source = *self.arrival.source.ip();
        if !packet.is_relayed() && !source.is_unspecified() && source != address {
            return self.out.ignore(Why::ForeignSource);
        }
        let Some(lease) = self.held(address).cloned() else { return self.out.ignore(Why::NotHolder) };
        self.change(Lease { state: LeaseState::Released, expires: self.now, heard: self.now, ..lease });
        self.out.notes.push(Note::Release { address });
    }

    /// RFC 2131 section 4.3.5. The reply goes to the address the client says it has, so that must be one of a network that is
    /// served, and not another than the sender's.
    pub(super) fn inform(&mut self) {
        let packet = self.packet();
        let source = *self.arrival.source.ip();
        let address = if packet.ciaddr.is_unspecified() { source } else { packet.ciaddr };
        if packet.server_id().is_some_and(|server| !self.is_us(server)) {
            return self.out.ignore(Why::OtherServer);
        }
        let to = if let Some(relay) = packet.relay_address(self.arrival) {
            Destination::Relay(relay)
        } else {
            if !is_usable(&address) {
                return self.out.ignore(Why::Malformed);
            }
            if self.server.subnet_of(address).is_none() || (!source.is_unspecified() && source != address) {
                return self.out.ignore(Why::ForeignSource);
            }
            Destination::Unicast(SocketAddrV4::new(address, 68))
        };
        self.out.notes.push(Note::Inform { address });
        self.send_options(MessageType::Ack, address, to);
    }

    /// BOOTP clients keep an address for ever and never say goodbye (RFC 1534 section 2), so they get reserved ones, and those
    /// that the site set aside for them: of the pools of classes that name BOOTP.
    pub(super) fn bootp(&mut self) {
        let classes = &self.server.config.classes;
        let names_bootp = |class: &Class| class.members.firmware.contains(&ClientKind::Bootp);
        self.reach.classes.retain(|at| classes.get(*at).is_some_and(names_bootp));
        self.reach.common = false;
        let Some(address) = self.pick(None) else {
            if self.reserved_address().is_none() {
                self.out.ignore(Why::NotReserved);
            }
            return;
        };
        let have = self.server.leases.durable(address);
        if have.is_none_or(|lease| lease.expires != Timestamp::NEVER || !lease.is_bound(self.now)) {
            self.let_go(Some(address));
            self.put(address, LeaseState::Bound, Timestamp::NEVER);
        }
        self.give_bootp(address);
    }
}
