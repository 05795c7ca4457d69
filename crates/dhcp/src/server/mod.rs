//! The subnet's DHCP server.

mod answer;
mod class;
mod config;
mod discover;
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

pub use class::{Class, Members};
pub use config::{LeaseTime, PoolRange, Reservations, Reserved, ServerConfig, Subnet};
pub use parameters::{Parameters, SiteOption};
use reservation::{Book, Shown};
pub use reservation::{Owner, Reservation};

use crate::{
    Arrival, BootAnswer, LeaseChange, Note, Outcome, Packet, Port, Seen, Why, code,
    lease::{Identity, IdentityRule, Leases, Reach, Standing},
    limit::{Admitted, Limiter},
    packet::is_usable,
    pxe,
};

/// Time servers move clocks back by less than this all the time; more is a clock that was wrong.
const CLOCK_STEP: Duration = Duration::from_secs(60);

/// Most bytes of option 82 that a lease keeps: those of one option, as relays send it.
const MAX_KEPT: usize = 255;

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

/// One packet on its way through the server.
struct Call<'a> {
    server: &'a mut Server,
    now: Timestamp,
    arrival: &'a Arrival,
    seen: &'a Seen,
    boot: &'a BootAnswer,
    hosts: &'a dyn Reservations,
    shown: Shown,
    /// The subnets on the client's link, the one it is in first.
    link: Vec<usize>,
    reach: Reach,
    out: Outcome,
}

/// What a client is granted.
#[derive(Debug, Clone, Copy)]
struct Grant {
    expires: Timestamp,
    /// False when it is its lease as it stands.
    is_new: bool,
}

/// What a client has reserved.
struct Claim<'a> {
    address: Ipv4Addr,
    host_name: Option<String>,
    parameters: Option<&'a Parameters>,
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
    pub fn admit(&mut self, now: Timestamp, seen: &Seen, hosts: &dyn Reservations) -> Option<Admitted> {
        let stranger = self.is_stranger(seen, &self.shown(seen), hosts);
        self.limiter.allow(now, seen.packet().mac, stranger).then_some(Admitted(()))
    }

    /// Handles one packet: [`Server::admit`] and [`Server::answer`] in one, for whoever has decided already.
    pub fn handle(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        seen: &Seen,
        boot: &BootAnswer,
        hosts: &dyn Reservations,
    ) -> Outcome {
        match self.admit(now, seen, hosts) {
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
            let classes = self.classes_of(seen, from.map(|subnet| subnet.network));
            if self.drops(&classes) {
                return Outcome::ignored(Why::Dropped);
            }
            let served = |address| self.config.subnets.iter().any(|subnet| subnet.network.contains(&address));
            return pxe::answer(arrival, seen, boot, served);
        }
        let (link, reach, out) = Default::default();
        let mut call = Call { server: self, now, arrival, seen, boot, hosts, shown, link, reach, out };
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
    fn classes_of(&self, seen: &Seen, subnet: Option<Ipv4Net>) -> Vec<usize> {
        let classes = self.config.classes.iter().enumerate();
        classes.filter(|(_, class)| class.members.fit(seen, subnet)).map(|(at, _)| at).collect()
    }

    fn drops(&self, classes: &[usize]) -> bool {
        classes.iter().filter_map(|at| self.config.classes.get(*at)).any(|class| class.drop)
    }

    fn subnet_of(&self, address: Ipv4Addr) -> Option<usize> {
        self.config.subnets.iter().position(|subnet| subnet.network.contains(&address))
    }
}

impl Call<'_> {
    fn run(&mut self) {
        match self.choose_subnet() {
            Ok(at) => self.link = self.link_of(at),
            Err(why) => return self.out.ignore(why),
        }
        let networks: Vec<Ipv4Net> = self.subnets().map(|subnet| subnet.network).collect();
        let classes = self.server.classes_of(self.seen, networks.first().copied());
        if self.server.drops(&classes) {
            return self.out.ignore(Why::Dropped);
        }
        self.reach = Reach { networks, classes, common: true };
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

    fn packet(&self) -> &Packet {
        self.seen.packet()
    }

    fn who(&self) -> Identity<'_> {
        let packet = self.packet();
        Identity { mac: packet.mac, client_id: packet.client_id(), rule: self.server.config.identity }
    }

    /// The subnets on the client's link.
    fn subnets(&self) -> impl Iterator<Item = &Subnet> {
        self.link.iter().filter_map(|at| self.server.config.subnets.get(*at))
    }

    /// The subnet on this link that holds the address, else the client's.
    fn subnet_for(&self, address: Ipv4Addr) -> Option<&Subnet> {
        self.subnets().find(|subnet| subnet.network.contains(&address)).or_else(|| self.subnets().next())
    }

    /// All subnets on one link with this one, which comes first: those of its shared network, and where it is one of the
    /// arriving interface's, those in which we have addresses there.
    fn link_of(&self, at: usize) -> Vec<usize> {
        let subnets = &self.server.config.subnets;
        let own = self.server.interfaces.get(&self.arrival.interface).map(Vec::as_slice).unwrap_or_default();
        let here: Vec<usize> = own.iter().filter_map(|address| self.server.subnet_of(*address)).collect();
        let here = if !self.packet().is_relayed() && here.contains(&at) { here } else { vec![at] };
        let name = |at: usize| subnets.get(at).and_then(|subnet| subnet.shared_network.as_ref());
        let names: Vec<_> = here.iter().filter_map(|at| name(*at)).collect();
        let beside = (0..subnets.len()).filter(|other| {
            *other != at && (here.contains(other) || name(*other).is_some_and(|name| names.contains(&name)))
        });
        std::iter::once(at).chain(beside).collect()
    }

    /// The subnet of the client: the link that its relay names (RFC 3527), else the one that it names itself (RFC 3011), else
    /// its relay's; for a client with an address the one that holds it; else the one of the interface.
    fn choose_subnet(&self) -> Result<usize, Why> {
        let packet = self.packet();
        let config = &self.server.config;
        let relays = || config.relays.iter().any(|network| network.contains(&packet.giaddr));
        let home = self.server.subnet_of(packet.giaddr);
        // The reply goes there, so it must be a place we know: nobody is to aim our replies.
        if packet.is_relayed() && (!is_usable(&packet.giaddr) || (home.is_none() && !relays())) {
            return Err(Why::UnknownRelay);
        }
        let by_relay = packet.relay().filter(|_| config.link_selection).and_then(|info| info.link());
        let named = by_relay.or_else(|| packet.options.address(code::SUBNET_SELECTION));
        if packet.is_relayed() {
            return named.map_or(home, |link| self.server.subnet_of(link)).ok_or(Why::NoSubnet);
        }
        let in_use = self.server.subnet_of(packet.ciaddr).filter(|_| !packet.ciaddr.is_unspecified());
        if named.is_none() && in_use.is_some() {
            return in_use.ok_or(Why::NoSubnet);
        }
        let local = self.server.subnet_of(self.arrival.server_id()).ok_or(Why::NoSubnet)?;
        named.map_or(Ok(local), |link| self.server.subnet_of(link).ok_or(Why::NoSubnet))
    }

    /// The server identifier of replies: our address there, or the relay's where it wants to stand between (RFC 5107).
    fn server_id(&self) -> Ipv4Addr {
        let wanted = self.packet().relay().and_then(|info| info.server_id());
        wanted.unwrap_or_else(|| self.arrival.server_id())
    }

    /// True if a client that names this server means us.
    fn is_us(&self, server: Ipv4Addr) -> bool {
        self.is_ours(server) || server == self.server_id()
    }

    fn is_ours(&self, address: Ipv4Addr) -> bool {
        address == self.arrival.server_id() || self.server.own.contains(&address)
    }

    /// What this client has reserved on this link.
    fn reserved(&self) -> Option<Claim<'_>> {
        let fits = |subnet: &Subnet, address: Ipv4Addr| {
            subnet.network.contains(&address)
                && is_usable(&address)
                && !self.is_ours(address)
                && !is_edge(subnet.network, address)
        };
        let by_host = |subnet: &Subnet| {
            let Reserved { address, host_name } =
                self.hosts.reserved(self.shown.mac, self.shown.uuid, subnet.network)?;
            fits(subnet, address).then_some(Claim { address, host_name, parameters: None })
        };
        let by_book = |at: &usize| {
            let subnet = self.server.config.subnets.get(*at)?;
            let nth = self.server.book.find(&self.shown, *at)?;
            let Reservation { address, host_name, parameters, .. } = subnet.reservations.get(nth)?;
            let claim =
                Claim { address: *address, host_name: host_name.clone(), parameters: Some(parameters) };
            fits(subnet, *address).then_some(claim)
        };
        self.subnets().find_map(by_host).or_else(|| self.link.iter().find_map(by_book))
    }

    /// The classes that the client is in.
    fn classes(&self) -> impl Iterator<Item = &Class> {
        self.reach.classes.iter().filter_map(|at| self.server.config.classes.get(*at))
    }

    /// What this client is granted at this address: its lease as it stands if that is fresh, else a whole new one.
    fn grant(&self, address: Ipv4Addr) -> Grant {
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
    fn new_lease(&self, address: Ipv4Addr, expires: Timestamp) -> Lease {
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
    fn lease_time(&self, address: Ipv4Addr) -> Option<LeaseTime> {
        let of_class = self.classes().find_map(|class| class.lease_time);
        of_class.or_else(|| self.subnet_for(address).map(|subnet| subnet.lease_time))
    }

    /// What an address is to this client. What is reserved for it is its own under whatever identifier it shows.
    fn standing(&self, address: Ipv4Addr, reserved: Option<Ipv4Addr>) -> Standing {
        let who = self.who();
        let rule = if reserved == Some(address) { IdentityRule::Hardware } else { who.rule };
        self.server.leases.standing(Identity { rule, ..who }, address, self.now)
    }

    /// True if nobody may be given this address unless it is reserved for him.
    fn is_kept(&self, address: Ipv4Addr) -> bool {
        self.is_ours(address) || self.server.book.has(address) || self.hosts.is_reserved(address)
    }

    /// Writes a lease of this client into the table.
    fn put(&mut self, address: Ipv4Addr, state: LeaseState, expires: Timestamp) {
        let lease = Lease { state, ..self.new_lease(address, expires) };
        self.change(lease);
    }

    fn change(&mut self, lease: Lease) {
        self.server.leases.put(lease.clone());
        self.out.lease_changes.push(LeaseChange::Put(lease));
    }

    fn note_namesake(&mut self) {
        if let Some(lease) = self.server.leases.namesake(self.who(), self.now) {
            let note = Note::IdentifierShared { with: lease.mac, address: lease.address };
            self.out.notes.push(note);
        }
    }
}

/// True for the network's own address and its broadcast address, which no machine can have, whatever somebody reserved. A
/// /31 or /32 has neither (RFC 3021).
fn is_edge(network: Ipv4Net, address: Ipv4Addr) -> bool {
    network.prefix_len() < 31 && (address == network.network() || address == network.broadcast())
}
