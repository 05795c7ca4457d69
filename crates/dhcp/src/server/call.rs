use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use ipnet::Ipv4Net;
use nextboot_model::{Lease, Timestamp};

use super::{Class, Reservations, Server, Shown};
use crate::{
    Arrival, BootAnswer, LeaseChange, Note, Outcome, Packet, Seen, Why,
    lease::{Identity, IdentityRule, Reach, Standing},
};

/// One packet on its way through the server.
pub(super) struct Call<'a> {
    pub(super) server: &'a mut Server,
    pub(super) now: Timestamp,
    pub(super) arrival: &'a Arrival,
    pub(super) seen: &'a Seen,
    pub(super) boot: &'a BootAnswer,
    pub(super) hosts: &'a dyn Reservations,
    pub(super) shown: Shown,
    /// The subnets on the client's link, the one it is in first.
    pub(super) link: Vec<usize>,
    /// The classes that the client is in, by their numbers.
    pub(super) classes: Vec<usize>,
    pub(super) reach: Reach,
    pub(super) out: Outcome,
}

impl Call<'_> {
    pub(super) fn run(&mut self) {
        match self.choose_subnet() {
            Ok(at) => self.link = self.link_of(at),
            Err(why) => return self.out.ignore(why),
        }
        let networks: Vec<Ipv4Net> = self.subnets().map(|subnet| subnet.network).collect();
        let classes = self.server.classes_of(self.seen, &self.shown, self.hosts, networks.first().copied());
        if self.server.drops(&classes) {
            return self.out.ignore(Why::Dropped);
        }
        self.reach = Reach { networks, classes: classes.clone(), common: true };
        self.classes = classes;
        let packet = self.packet();
        match packet.message_type() {
            Some(MessageType::Discover) => self.discover(),
            Some(MessageType::Request) => self.request(),
            Some(MessageType::Decline) => self.decline(),
            Some(MessageType::Release) => self.release(),
            Some(MessageType::Inform) => self.inform(),
            Some(_) => self.out.ignore(Why::MessageType),
            None if packet.is_bootp() => self.bootp(),
            None => self.out.ignore(Why::Malformed),
        }
    }

    pub(super) fn packet(&self) -> &Packet {
        self.seen.packet()
    }

    pub(super) fn who(&self) -> Identity<'_> {
        let packet = self.packet();
        Identity { mac: packet.mac, client_id: packet.client_id(), rule: self.server.config.identity }
    }

    /// The server identifier of replies: our address there, or the relay's where it wants to stand between (RFC 5107). That
    /// must be in a network that we know, for clients will send their renewals there.
    pub(super) fn server_id(&self) -> Ipv4Addr {
        let known = |address: &Ipv4Addr| {
            self.server.subnet_of(*address).is_some()
                || self.server.config.relays.iter().any(|network| network.contains(address))
        };
        let wanted = self.packet().relay().and_then(|info| info.server_id()).filter(known);
        wanted.unwrap_or_else(|| self.arrival.server_id())
    }

    /// True if a client that names this server means us.
    pub(super) fn is_us(&self, server: Ipv4Addr) -> bool {
        self.is_ours(server) || server == self.server_id()
    }

    pub(super) fn is_ours(&self, address: Ipv4Addr) -> bool {
        address == self.arrival.server_id() || self.server.own.contains(&address)
    }

    /// The classes that the client is in.
    pub(super) fn classes(&self) -> impl Iterator<Item = &Class> {
        self.classes.iter().filter_map(|at| self.server.config.classes.get(*at))
    }

    /// What an address is to this client. What is reserved for it is its own under whatever identifier it shows.
    pub(super) fn standing(&self, address: Ipv4Addr, reserved: Option<Ipv4Addr>) -> Standing {
        let who = self.who();
        let rule = if reserved == Some(address) { IdentityRule::Hardware } else { who.rule };
        match self.server.leases.standing(Identity { rule, ..who }, address, self.now) {
            // One address of several network cards: the one that asks last has it.
            Standing::Taken(holder)
                if reserved == Some(address)
                    && self.server.book.has_for(address, holder)
                    && !self.server.leases.is_in_quarantine(address, self.now) =>
            {
                Standing::Free
            }
            standing => standing,
        }
    }

    pub(super) fn change(&mut self, lease: Lease) {
        self.server.leases.put(lease.clone());
        self.out.lease_changes.push(LeaseChange::Put(lease));
    }

    pub(super) fn note_namesake(&mut self) {
        if let Some(lease) = self.server.leases.namesake(self.who(), self.now) {
            let note = Note::IdentifierShared { with: lease.mac, address: lease.address };
            self.out.notes.push(note);
        }
    }
}
