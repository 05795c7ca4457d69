//! The subnet's DHCP server.

mod answer;
mod call;
mod claim;
mod class;
mod config;
mod discover;
mod grant;
mod link;
mod other;
mod parameters;
mod request;
mod reservation;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
    time::Duration,
};

use dhcproto::v4::MessageType;
use ipnet::Ipv4Net;
use nextboot_model::{Lease, LeaseState, Mac, Timestamp};

use call::Call;
use class::Facts;
pub use class::{Class, Members, OptionTest, Says};
pub use config::{LeaseTime, PoolRange, Reservations, Reserved, ServerConfig, Subnet};
pub use parameters::{Parameters, SiteOption};
use reservation::{Book, Shown};
pub use reservation::{Owner, Reservation};

use crate::{
    Arrival, BootAnswer, LeaseChange, Note, Outcome, Port, Seen, Why,
    lease::Leases,
    limit::{Admitted, Limiter, Load},
    pxe,
};

/// Time servers move clocks back by less than this all the time; more is a clock that was wrong.
const CLOCK_STEP: Duration = Duration::from_secs(60);

/// A DHCP server without sockets, clock and disk: packets, time and decisions go in, packets and changes come out.
#[derive(Debug, Clone)]
pub struct Server {
    config: ServerConfig,
    leases: Leases,
    limiter: Limiter,
    /// All addresses of this machine, and those of each of its interfaces.
    own: HashSet<Ipv4Addr>,
    interfaces: HashMap<u32, Vec<Ipv4Addr>>,
    book: Book,
    /// The time of the last packet.
    last: Timestamp,
}

impl Server {
    /// A server over this configuration, with the leases that were kept from earlier.
    #[must_use]
    pub fn new(config: ServerConfig, kept: Vec<Lease>) -> Self {
        let book = Book::new(&config.subnets);
        let leases = Leases::new(&config.subnets, &config.classes, kept);
        let limiter = Limiter::new(config.limits.clone());
        Self {
            config,
            leases,
            limiter,
            own: HashSet::new(),
            interfaces: HashMap::new(),
            book,
            last: Timestamp::NEVER,
        }
    }

    /// Goes on under a new configuration. All leases live on; those outside the new pools until they end.
    pub fn reconfigure(&mut self, config: ServerConfig) {
        let (kept, durable) = std::mem::take(&mut self.leases).into_records();
        let (own, interfaces) = (std::mem::take(&mut self.own), std::mem::take(&mut self.interfaces));
        *self = Self { own, interfaces, ..Self::new(config, kept) };
        self.leases.set_durable(durable);
    }

    /// Tells the server all addresses of this machine, each with the index of its interface: they are accepted as server
    /// identifiers and never given away, and several of one interface make its networks one link. The address of each arrival
    /// counts by itself.
    pub fn set_own_addresses(&mut self, addresses: impl IntoIterator<Item = (u32, Ipv4Addr)>) {
        self.own.clear();
        self.interfaces.clear();
        for (interface, address) in addresses {
            self.own.insert(address);
            self.interfaces.entry(interface).or_default().push(address);
        }
    }

    /// The leases.
    #[must_use]
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// Forgets what stands at an address, because an administrator says so.
    pub fn forget(&mut self, address: Ipv4Addr) -> Option<LeaseChange> {
        self.leases.remove(address).map(|lease| LeaseChange::Remove(lease.address))
    }

    /// An address that was to be offered to this machine answers: nobody is given it for a while. Nothing where the offer was
    /// taken meanwhile.
    pub fn in_use(&mut self, now: Timestamp, address: Ipv4Addr, mac: Mac) -> Outcome {
        let mut out = Outcome::default();
        let offered = |lease: &&Lease| lease.state == LeaseState::Offered && lease.mac == mac;
        if let Some(lease) = self.leases.get(address).filter(offered).cloned() {
            out.notes.push(Note::InUse { address });
            self.put_in_quarantine(now, lease, &mut out);
        }
        out
    }

    fn put_in_quarantine(&mut self, now: Timestamp, lease: Lease, out: &mut Outcome) {
        if let Some(oldest) = self.leases.too_many_declined(lease.mac, lease.address, now) {
            self.leases.remove(oldest);
            out.lease_changes.push(LeaseChange::Remove(oldest));
            out.notes.push(Note::QuarantineFull { address: oldest });
        }
        let expires = now.after(self.config.decline_time);
        let lease = Lease { state: LeaseState::Declined, expires, heard: now, ..lease };
        self.leases.put(lease.clone());
        out.lease_changes.push(LeaseChange::Put(lease));
    }

    /// Takes note that changes are on the disk. Until then a client that asks again has its lease written again.
    pub fn written(&mut self, changes: &[LeaseChange]) {
        for change in changes {
            if let LeaseChange::Put(lease) = change {
                self.leases.written(lease);
            }
        }
    }

    /// Whether a packet is to be handled at all: before anything is decided about its sender, which costs more than this.
    pub fn admit(
        &mut self,
        now: Timestamp,
        load: Load,
        seen: &Seen,
        hosts: &dyn Reservations,
    ) -> Option<Admitted> {
        // Who is a stranger matters only where somebody has to give way.
        let stranger = load == Load::Heavy && self.is_stranger(seen, &self.shown(seen), hosts);
        self.limiter.allow(now, load, seen.packet().mac, stranger).then_some(Admitted(()))
    }

    /// Handles one packet: [`Server::admit`] under heavy load and [`Server::answer`] in one, for whoever has decided already.
    pub fn handle(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        seen: &Seen,
        boot: &BootAnswer,
        hosts: &dyn Reservations,
    ) -> Outcome {
        match self.admit(now, Load::Heavy, seen, hosts) {
            Some(admitted) => self.answer(admitted, now, arrival, seen, boot, hosts),
            None => Outcome::ignored(Why::RateLimit),
        }
    }

    /// Answers a packet that was admitted. `boot` is what was decided for `seen.client()`.
    ///
    /// The caller makes the lease changes durable (see [`LeaseChange::must_be_durable`]), says so with [`Server::written`]
    /// and then sends the replies. If that fails it sends nothing: the table holds the address for the client, who asks again.
    pub fn answer(
        &mut self,
        _: Admitted,
        now: Timestamp,
        arrival: &Arrival,
        seen: &Seen,
        boot: &BootAnswer,
        hosts: &dyn Reservations,
    ) -> Outcome {
        let shown = self.shown(seen);
        if now.after(CLOCK_STEP) < self.last {
            self.leases.set_back(now);
        }
        self.last = now;
        if arrival.port == Port::Pxe {
            let from = self.subnet_of(*arrival.source.ip()).and_then(|at| self.config.subnets.get(at));
            let classes = self.classes_of(seen, &shown, hosts, from.map(|subnet| subnet.network));
            if self.drops(&classes) {
                return Outcome::ignored(Why::Dropped);
            }
            let served = |address| self.config.subnets.iter().any(|subnet| subnet.network.contains(&address));
            return pxe::answer(arrival, seen, boot, served);
        }
        let (link, classes, reach, out) = Default::default();
        let mut call =
            Call { server: self, now, arrival, seen, boot, hosts, shown, link, classes, reach, out };
        call.run();
        call.out
    }

    /// What the client shows. The system behind the firmware tells no UUID, and a renewal goes past the relay: what the same
    /// hardware address showed with its lease goes on counting.
    fn shown(&self, seen: &Seen) -> Shown {
        let (packet, client) = (seen.packet(), seen.client());
        let mut shown = Shown {
            mac: packet.mac,
            client_id: packet.client_id().map(<[u8]>::to_vec),
            uuid: client.uuid,
            relay_info: packet.relay_info().map(<[u8]>::to_vec),
        };
        if shown.uuid.is_none() {
            let told = self.leases.of_mac(packet.mac).filter(|lease| lease.uuid.is_some());
            shown.uuid = told.max_by_key(|lease| (lease.heard, lease.address)).and_then(|lease| lease.uuid);
        }
        if shown.relay_info.is_none() && packet.giaddr.is_unspecified() {
            let lease = self.leases.get(packet.ciaddr).filter(|lease| lease.mac == packet.mac);
            shown.relay_info = lease.and_then(|lease| lease.relay_info.clone());
        }
        shown
    }

    /// True for a client that has, had and was promised nothing here, and for one that asks again for the offer it got.
    /// Under load such packets give way: a flood has any number of hardware addresses, but not those of others' machines.
    fn is_stranger(&self, seen: &Seen, shown: &Shown, hosts: &dyn Reservations) -> bool {
        let discovers = seen.packet().message_type() == Some(MessageType::Discover);
        let known = |lease: &Lease| lease.state != LeaseState::Offered || !discovers;
        let reserved = |subnet: &Subnet| hosts.reserved(shown.mac, shown.uuid, subnet.network).is_some();
        !self.leases.of_mac(shown.mac).any(known)
            && !self.book.knows(shown)
            && !self.config.subnets.iter().any(reserved)
    }

    /// The classes that this packet's sender is in, by their numbers.
    fn classes_of(
        &self,
        seen: &Seen,
        shown: &Shown,
        hosts: &dyn Reservations,
        subnet: Option<Ipv4Net>,
    ) -> Vec<usize> {
        if self.config.classes.is_empty() {
            return Vec::new();
        }
        let known = self.book.knows(shown) || hosts.name(shown.mac, shown.uuid).is_some();
        let facts = Facts { seen, subnet, known };
        let classes = self.config.classes.iter().enumerate();
        classes.filter(|(_, class)| class.fits(&facts)).map(|(at, _)| at).collect()
    }

    fn drops(&self, classes: &[usize]) -> bool {
        classes.iter().filter_map(|at| self.config.classes.get(*at)).any(|class| class.drop)
    }

    fn subnet_of(&self, address: Ipv4Addr) -> Option<usize> {
        self.config.subnets.iter().position(|subnet| subnet.network.contains(&address))
    }
}
