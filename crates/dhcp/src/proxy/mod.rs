//! PXE answers beside the subnet's own DHCP server.

mod ways;

use dhcproto::v4::MessageType;
use ipnet::Ipv4Net;
use nextboot_model::{Mac, OfferWay, Timestamp};

pub use ways::Ways;

use crate::{
    Arrival, Boot, BootAnswer, Destination, Heard, LimitConfig, Load, Note, Outcome, Port, RequestState,
    Seen, Sending, Why, boot, code,
    limit::{Admitted, Limiter},
    menu, pxe,
    reply::Reply,
};

/// Everything a [`Proxy`] is told by the site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyConfig {
    /// How firmware is led to its boot file. What proves wrong for a machine is changed for it.
    pub ways: Ways,
    /// True when port 4011 is not ours: then every offer carries the file.
    pub without_pxe_port: bool,
    /// Networks whose clients may ask on port 4011 besides those on-link, and whose relays are answered on port 67.
    pub networks: Vec<Ipv4Net>,
    /// How much clients may send.
    pub limits: LimitConfig,
}

/// A proxyDHCP server without sockets, clock and disk. It gives no addresses and answers nobody but network boot firmware.
#[derive(Debug, Clone)]
pub struct Proxy {
    config: ProxyConfig,
    limiter: Limiter,
    trials: ways::Trials,
}

impl Proxy {
    /// A proxy over this configuration.
    #[must_use]
    pub fn new(config: ProxyConfig) -> Self {
        let limiter = Limiter::new(config.limits.clone());
        Self { config, limiter, trials: ways::Trials::default() }
    }

    /// Goes on under a new configuration. What was learnt of machines stays, and whose port 4011 is.
    pub fn reconfigure(&mut self, config: ProxyConfig) {
        let config = ProxyConfig { without_pxe_port: self.config.without_pxe_port, ..config };
        let trials = std::mem::take(&mut self.trials);
        *self = Self { trials, ..Self::new(config) };
    }

    /// The machine fetches something from us, so it took our offer.
    pub fn fetched(&mut self, mac: Mac) -> Option<Note> {
        self.trials.taken(mac, None)
    }

    /// Another server's reply was heard; it tells whether a machine that takes none of our offers gets an address at all.
    pub fn heard(&mut self, heard: &Heard) {
        if let (false, Some(server)) = (heard.yiaddr.is_unspecified(), heard.server_id) {
            self.trials.offered_address(heard.mac, server);
        }
    }

    /// The machines that gave up after they had been offered both ways. To be called now and then.
    pub fn sweep(&mut self, now: Timestamp) -> Vec<(Mac, Note)> {
        self.trials.given_up(now)
    }

    /// Whether a packet is to be handled at all: before anything is decided about its sender, which costs more than this.
    pub fn admit(&mut self, now: Timestamp, load: Load, seen: &Seen) -> Option<Admitted> {
        let fresh = seen.packet().message_type() == Some(MessageType::Discover);
        self.limiter.allow(now, load, seen.packet().mac, fresh).then_some(Admitted(()))
    }

    /// Handles one packet: [`Proxy::admit`] under heavy load and [`Proxy::answer`] in one, for whoever has decided already.
    pub fn handle(&mut self, now: Timestamp, arrival: &Arrival, seen: &Seen, boot: &BootAnswer) -> Outcome {
        match self.admit(now, Load::Heavy, seen) {
            Some(admitted) => self.answer(admitted, now, arrival, seen, boot),
            None => Outcome::ignored(Why::RateLimit),
        }
    }

    /// Answers a packet that was admitted. `boot` is what was decided for `seen.client()`. The outcome never changes a lease.
    pub fn answer(
        &mut self,
        _: Admitted,
        now: Timestamp,
        arrival: &Arrival,
        seen: &Seen,
        boot: &BootAnswer,
    ) -> Outcome {
        let packet = seen.packet();
        let message = packet.message_type();
        let served = |address| self.config.networks.iter().any(|network| network.contains(&address));
        if arrival.port == Port::Pxe {
            let mut outcome = pxe::answer(arrival, seen, boot, served);
            if !outcome.replies.is_empty() {
                outcome.notes.extend(self.trials.taken(packet.mac, Some(OfferWay::BootServer)));
            }
            return outcome;
        }
        match message {
            Some(MessageType::Discover) => self.offer(now, arrival, seen, boot),
            Some(MessageType::Request) => listen(arrival, seen),
            Some(MessageType::Decline) if packet.requested().is_some() => Outcome::ignored(Why::OtherServer),
            _ => Outcome::ignored(Why::NotBooting),
        }
    }

    fn offer(&mut self, now: Timestamp, arrival: &Arrival, seen: &Seen, answer: &BootAnswer) -> Outcome {
        let (packet, client) = (seen.packet(), seen.client());
        let mut out =
            Outcome { notes: vec![Note::Discover { requested: packet.requested() }], ..Outcome::default() };
        let class = packet.vendor_class().unwrap_or_default();
        if !client.kind.boots() || !(client.pxe_class.is_some() || class.starts_with(b"HTTPClient")) {
            out.ignore(Why::NotBooting);
            return out;
        }
        let relayed = !packet.giaddr.is_unspecified();
        if relayed && !self.config.networks.iter().any(|network| network.contains(&packet.giaddr)) {
            out.ignore(Why::UnknownRelay);
            return out;
        }
        let mut reply = Reply::dhcp(packet, MessageType::Offer, arrival.server_id());
        boot::echo_machine(&mut reply, packet);
        if let Some(id) = packet.client_id() {
            reply.raw(code::CLIENT_ID, id.to_vec());
        }
        match self.fill(now, arrival, seen, answer, &mut reply) {
            Ok(notes) => out.notes.extend(notes),
            Err(why) => {
                out.ignore(why);
                return out;
            }
        }
        let (bytes, left_out) = reply.build();
        out.notes.extend(left_out.into_iter().map(|code| Note::LeftOut { code }));
        // A client without an address cannot be reached otherwise, and which one it gets is not ours to know.
        let to = packet.relay_address(arrival).map_or(Destination::Broadcast, Destination::Relay);
        out.replies.push(Sending { bytes, to, from: Port::Dhcp, message: Some(MessageType::Offer) });
        out
    }
}

impl Proxy {
    /// Adds what the client is to boot, or to choose from.
    fn fill(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        seen: &Seen,
        answer: &BootAnswer,
        reply: &mut Reply<'_>,
    ) -> Result<Vec<Note>, Why> {
        let client = seen.client();
        if let BootAnswer::Menu(menu) = answer {
            return menu::tell(reply, client, menu, arrival.server_id()).map(|note| vec![note]);
        }
        let boot = boot::usable(client, answer)?;
        let mut notes = Vec::new();
        let file = if self.way(now, arrival, seen, boot, &mut notes) == OfferWay::BootServer {
            // The request on port 4011 goes to siaddr: to us, wherever the file lies. Any sub-option of 43 between 6 and 10,
            // or a file, would make this another kind of offer.
            reply.raw(code::VENDOR_CLASS, boot::class(client).to_vec()).next_server(arrival.server_id());
            None
        } else {
            Some(boot::tell(reply, client, boot, arrival, boot::Role::Proxy))
        };
        notes.push(Note::ProxyOffer { file });
        Ok(notes)
    }

    /// How this offer leads to the file.
    fn way(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        seen: &Seen,
        boot: &Boot,
        notes: &mut Vec<Note>,
    ) -> OfferWay {
        let client = seen.client();
        let first = self.config.ways.of(client).filter(|_| !self.config.without_pxe_port);
        let Some(first) = first else { return OfferWay::Direct };
        let server = boot::next_server(boot, arrival);
        let capacity = self.config.limits.clients;
        let (way, note) = self.trials.offer(now, client.mac, first, (server, &boot.file), capacity);
        notes.extend(note);
        way
    }
}

/// A REQUEST on port 67 is the other server's; it tells which address the client takes.
fn listen(arrival: &Arrival, seen: &Seen) -> Outcome {
    let packet = seen.packet();
    let server = packet.server_id();
    let (state, address) = match (server, packet.requested()) {
        (Some(_), Some(address)) => (RequestState::Selecting, address),
        (None, Some(address)) if packet.ciaddr.is_unspecified() => (RequestState::InitReboot, address),
        _ if packet.ciaddr.is_unspecified() => return Outcome::ignored(Why::Malformed),
        _ if arrival.broadcast => (RequestState::Rebinding, packet.ciaddr),
        _ => (RequestState::Renewing, packet.ciaddr),
    };
    Outcome { notes: vec![Note::Request { state, address, server }], ..Outcome::default() }
}

#[cfg(test)]
mod tests;
