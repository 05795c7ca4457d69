//! EDK2's HTTP Boot (HttpBootDxe) over IPv4.

use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_model::Arch;

use super::offer::file;
use super::options::has_empty_option;
use super::{DISCOVER_WAITS, REQUEST_WAITS, Words, acceptable, seconds};
use crate::dhcp::{Identity, Progress, vendor_class};
use crate::message::{Kind, Received, code};
use crate::random::Random;
use crate::retry::{Due, Retry};
use crate::{Boot, Datagram, Dhcp, GaveUp, Load};

/// Seen: where 66 belongs there is a byte that means nothing.
const PARAMETERS: &[u8] =
    &[1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 235, 67, 97];
const MOST_OFFERS: usize = 16;

/// The client.
#[derive(Debug)]
pub struct Http {
    identity: Identity,
    words: Words,
    xid: u32,
    started: Duration,
    progress: Progress,
    state: State,
    offers: Vec<(Class, Received)>,
}

#[derive(Debug)]
enum State {
    Off,
    Discovering,
    Requesting(Box<Choice>),
    Over,
}

/// What an offer is to HTTP Boot (`HttpBootParseDhcp4Packet`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// An address.
    DhcpOnly,
    /// An address and a DNS server.
    DhcpDns,
    /// An address and a URL with an address in it.
    DhcpIpUri,
    /// The same and a DNS server.
    DhcpIpUriDns,
    /// An address, a URL with a name in it and a DNS server.
    DhcpNameUriDns,
    /// An address and a URL with a name that this offer gives no DNS server for.
    DhcpNameUri,
    /// A proxy's URL with an address in it.
    ProxyIpUri,
    /// A proxy's URL with a name in it.
    ProxyNameUri,
}

#[derive(Debug, Clone)]
struct Choice {
    offer: Received,
    url: String,
    proxy: Option<Received>,
}

impl Class {
    fn of(packet: &Received) -> Option<Self> {
        let [first, ..] = packet.header.yiaddr.octets();
        let proxy = first == 0;
        let dns = packet.addresses(code::DNS).is_some_and(|list| !list.is_empty());
        let host = if vendor_class(packet, "HTTPClient") { host(&file(packet)) } else { None };
        Some(match (proxy, host, dns) {
            (true, None, _) => return None,
            (true, Some(true), _) => Self::ProxyIpUri,
            (true, Some(false), _) => Self::ProxyNameUri,
            (false, None, false) => Self::DhcpOnly,
            (false, None, true) => Self::DhcpDns,
            (false, Some(true), false) => Self::DhcpIpUri,
            (false, Some(true), true) => Self::DhcpIpUriDns,
            (false, Some(false), true) => Self::DhcpNameUriDns,
            (false, Some(false), false) => Self::DhcpNameUri,
        })
    }
}

/// For a URL that HTTP Boot can use: true when its host is an address.
fn host(url: &str) -> Option<bool> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = rest.split('/').next().unwrap_or_default();
    let name = authority.split(':').next().unwrap_or_default();
    (!name.is_empty()).then(|| name.parse::<Ipv4Addr>().is_ok())
}

/// The ladder (`HttpBootSelectDhcpOffer`).
fn select(offers: &[(Class, Received)]) -> Option<Choice> {
    let first = |class: Class| offers.iter().find(|(own, _)| *own == class).map(|(_, packet)| packet);
    let alone = |class: Class| {
        let offer = first(class)?;
        Some(Choice { offer: offer.clone(), url: file(offer), proxy: None })
    };
    let with = |address: Class, uri: Class| {
        let (offer, other) = (first(address)?, first(uri)?);
        Some(Choice { offer: offer.clone(), url: file(other), proxy: Some(other.clone()) })
    };
    alone(Class::DhcpIpUri)
        .or_else(|| alone(Class::DhcpIpUriDns))
        .or_else(|| alone(Class::DhcpNameUriDns))
        .or_else(|| with(Class::DhcpOnly, Class::ProxyIpUri))
        .or_else(|| with(Class::DhcpDns, Class::ProxyIpUri))
        .or_else(|| with(Class::DhcpDns, Class::ProxyNameUri))
        .or_else(|| with(Class::DhcpDns, Class::DhcpNameUri))
}

impl Http {
    /// A machine that is switched off; `arch` is one of the HTTP numbers.
    #[must_use]
    pub fn new(identity: Identity, arch: Arch, random: &mut Random) -> Self {
        Self {
            identity,
            words: Words { identity, arch, class: "HTTPClient", parameters: PARAMETERS, request_size: 1472 },
            xid: random.xid(),
            started: Duration::ZERO,
            progress: Progress::default(),
            state: State::Off,
            offers: Vec::new(),
        }
    }

    fn say(&self, secs: u16, out: &mut Vec<Datagram>) {
        match &self.state {
            State::Discovering => out.push(self.words.broadcast(self.xid, secs, None)),
            State::Requesting(choice) => out.push(self.words.broadcast(self.xid, secs, Some(&choice.offer))),
            State::Off | State::Over => {}
        }
    }

    fn end(&mut self, outcome: Result<Boot, GaveUp>) {
        self.state = State::Over;
        self.progress.over(outcome);
    }

    fn heard_answer(&mut self, packet: Received, choice: Choice, now: Duration, out: &mut Vec<Datagram>) {
        match packet.kind() {
            Some(Kind::NAK) => {
                self.offers.clear();
                self.start(now, out);
            }
            Some(Kind::ACK) if packet.header.yiaddr == choice.offer.header.yiaddr => {
                if has_empty_option(&packet) {
                    out.push(self.words.decline(self.xid, &packet));
                    self.end(Err(no_offer()));
                    return;
                }
                self.progress.ack = Some(packet.clone());
                let load = Load::Http { url: choice.url, head: true };
                self.end(Ok(Boot { ack: packet, pxe: choice.proxy, load }));
            }
            _ => self.state = State::Requesting(Box::new(choice)),
        }
    }
}

fn no_offer() -> GaveUp {
    GaveUp::new("HTTP Boot", "No valid offer received")
}

impl Dhcp for Http {
    fn start(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        self.started = now;
        self.state = State::Discovering;
        self.progress.retry = Retry::new(DISCOVER_WAITS, now);
        self.say(0, out);
    }

    fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Vec<Datagram>) {
        let Some(packet) = acceptable(&self.identity, datagram, self.xid) else { return };
        match std::mem::replace(&mut self.state, State::Over) {
            State::Discovering => {
                self.state = State::Discovering;
                if packet.kind() == Some(Kind::OFFER)
                    && self.offers.len() < MOST_OFFERS
                    && let Some(class) = Class::of(&packet)
                {
                    self.offers.push((class, packet));
                }
            }
            State::Requesting(choice) => self.heard_answer(packet, *choice, now, out),
            other => self.state = other,
        }
    }

    fn due(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        let due = self.progress.retry.due(now);
        match (&self.state, due) {
            (_, Due::NotYet) => {}
            (State::Discovering, due) => match select(&self.offers) {
                Some(choice) => {
                    self.state = State::Requesting(Box::new(choice));
                    self.progress.retry = Retry::new(REQUEST_WAITS, now);
                    self.say(0, out);
                }
                None if due == Due::Over => self.end(Err(no_offer())),
                None => self.say(seconds(self.started, now), out),
            },
            (_, Due::Over) => self.end(Err(no_offer())),
            (_, Due::Again(_)) => self.say(seconds(self.started, now), out),
        }
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn progress_mut(&mut self) -> &mut Progress {
        &mut self.progress
    }
}
