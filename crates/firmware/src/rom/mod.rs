//! A BIOS PXE ROM as Intel's (PXE 2.1).
//!
//! It waits for a DHCP offer and, unless that one speaks PXE itself, for a proxy's; it can ask port 4011; and it carries
//! no option 97 unless it is built so (seen with Intel's, by the authors of pixiecore).

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::dhcp::{CLIENT_PORT, Identity, PXE_PORT, Progress, SERVER_PORT, offers_address, vendor_class};
use crate::message::{Kind, Message, Received, code};
use crate::random::Random;
use crate::retry::{Due, Retry};
use crate::tftp::Style;
use crate::vendor::{Vendor, boot_item};
use crate::{Datagram, Dhcp, GaveUp, Load};

/// PXE 2.1 section 2.2.1: DISCOVER at 0, 4, 12 and 28 s.
const DISCOVER_WAITS: &[u64] = &[4000, 8000, 16_000, 32_000];
const REQUEST_WAITS: &[u64] = &[4000, 8000, 16_000, 32_000];
/// PXE 2.1 section 2.2.3: boot servers are asked at 0, 1, 3 and 6 s.
const BOOT_SERVER_WAITS: &[u64] = &[1000, 2000, 3000, 4000];

const PARAMETERS: [u8; 26] = [
    1, 2, 3, 5, 6, 11, 12, 13, 15, 16, 17, 18, 43, 54, 60, 67, 128, 129, 130, 131, 132, 133, 134, 135, 66, 97,
];

/// How ROMs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variant {
    /// It sends option 97.
    pub uuid: bool,
    /// It asks port 4011 also when the offer says what to boot.
    pub always_4011: bool,
}

/// The ROM.
#[derive(Debug)]
pub struct Rom {
    identity: Identity,
    variant: Variant,
    xid: u32,
    started: Duration,
    progress: Progress,
    state: State,
    offers: Vec<Received>,
    proxies: Vec<Received>,
}

#[derive(Debug)]
enum State {
    Off,
    Discovering,
    Requesting(Box<Received>),
    /// The prompt of a menu runs until this time.
    Prompt(Duration, u16),
    AskingBootServer {
        to: Ipv4Addr,
        item: Option<u16>,
    },
    Over,
}

impl Rom {
    /// A ROM that is switched off.
    #[must_use]
    pub fn new(identity: Identity, variant: Variant, random: &mut Random) -> Self {
        Self {
            identity,
            variant,
            xid: random.xid(),
            started: Duration::ZERO,
            progress: Progress::default(),
            state: State::Off,
            offers: Vec::new(),
            proxies: Vec::new(),
        }
    }

    fn message(&self, now: Duration, kind: Kind) -> Message {
        let message = Message::new(self.identity.mac)
            .set(|header| {
                header.xid = self.xid;
                header.secs = u16::try_from(now.saturating_sub(self.started).as_secs()).unwrap_or(u16::MAX);
            })
            .kind(kind)
            .option(code::PARAMETERS, PARAMETERS)
            .option(code::MAX_SIZE, 1260_u16.to_be_bytes());
        let message =
            if self.variant.uuid { message.option(code::UUID, self.identity.option_97()) } else { message };
        message
            .option(code::ARCH, [0, 0])
            .option(code::UNDI, [1, 2, 1])
            .option(code::VENDOR_CLASS, "PXEClient:Arch:00000:UNDI:002001")
    }

    fn broadcast(message: &Message, out: &mut Vec<Datagram>) {
        let to = (Ipv4Addr::BROADCAST, SERVER_PORT);
        out.push(Datagram::new((Ipv4Addr::UNSPECIFIED, CLIENT_PORT), to, message.bytes()));
    }

    fn say(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        match &self.state {
            State::Discovering => Self::broadcast(&self.message(now, Kind::DISCOVER).broadcast(), out),
            State::Requesting(offer) => {
                let mut message = self
                    .message(now, Kind::REQUEST)
                    .broadcast()
                    .address(code::REQUESTED, offer.header.yiaddr);
                if let Some(server) = offer.server_id() {
                    message = message.address(code::SERVER_ID, server);
                }
                Self::broadcast(&message, out);
            }
            State::AskingBootServer { to, item, .. } => {
                let own = self.address().unwrap_or(Ipv4Addr::UNSPECIFIED);
                let mut message = self.message(now, Kind::REQUEST).set(|header| header.ciaddr = own);
                if let Some(item) = item {
                    message = message.option(code::VENDOR, boot_item(*item));
                }
                out.push(Datagram::new((own, CLIENT_PORT), (*to, PXE_PORT), message.bytes()));
            }
            State::Off | State::Prompt(..) | State::Over => {}
        }
    }

    fn enter(&mut self, state: State, now: Duration, out: &mut Vec<Datagram>) {
        self.progress.retry = match state {
            State::Discovering => Retry::new(DISCOVER_WAITS, now),
            State::Requesting(_) => Retry::new(REQUEST_WAITS, now),
            State::AskingBootServer { .. } => Retry::new(BOOT_SERVER_WAITS, now),
            State::Prompt(until, _) => Retry::at(until),
            State::Off | State::Over => Retry::off(),
        };
        self.state = state;
        self.say(now, out);
    }

    fn end(&mut self, outcome: Result<Load, GaveUp>) {
        self.state = State::Over;
        self.progress.end(outcome, || GaveUp::new("PXE-E51", "No DHCP offers were received"));
    }

    fn heard_offer(&mut self, packet: Received, now: Duration, out: &mut Vec<Datagram>) {
        if offers_address(&packet) {
            self.offers.push(packet);
        } else if packet.kind() == Some(Kind::OFFER) && vendor_class(&packet, "PXEClient") {
            self.proxies.push(packet);
        }
        // With somebody's PXE information and an address there is nothing to wait for.
        let pxe = |packet: &&Received| vendor_class(packet, "PXEClient");
        if let Some(offer) = self.offers.iter().find(pxe).cloned() {
            self.enter(State::Requesting(Box::new(offer)), now, out);
        } else if let (Some(offer), false) = (self.offers.first().cloned(), self.proxies.is_empty()) {
            self.enter(State::Requesting(Box::new(offer)), now, out);
        }
    }

    fn heard_answer(&mut self, packet: Received, now: Duration, out: &mut Vec<Datagram>) {
        match packet.kind() {
            Some(Kind::NAK) => {
                self.offers.clear();
                self.proxies.clear();
                self.enter(State::Discovering, now, out);
            }
            Some(Kind::ACK) | None if !packet.header.yiaddr.is_unspecified() => {
                let speaks_pxe = vendor_class(&packet, "PXEClient");
                self.progress.ack = Some(packet.clone());
                match (speaks_pxe, self.proxies.first().cloned()) {
                    (false, Some(proxy)) => self.follow(proxy, now, out),
                    (true, _) => self.follow(packet, now, out),
                    (false, None) => self.load(&packet),
                }
            }
            _ => {}
        }
    }

    /// Does what the PXE information in this packet says.
    fn follow(&mut self, packet: Received, now: Duration, out: &mut Vec<Datagram>) {
        let vendor = Vendor::read(&packet);
        let has_file = !file(&packet).is_empty() && server(&packet).is_some();
        if vendor.direct() && has_file && !self.variant.always_4011 {
            self.progress.pxe = Some(packet.clone());
            self.load(&packet);
            return;
        }
        let first = vendor.menu.first().map(|(item, _)| *item);
        self.progress.pxe = Some(packet);
        match first.filter(|_| !vendor.direct()) {
            Some(item) => {
                // Nobody sits at the screen: when the time is over, or at once where a key is waited for, the first item.
                let seconds = vendor.prompt.filter(|seconds| *seconds != 255).unwrap_or_default();
                let until = now + Duration::from_secs(u64::from(seconds));
                self.enter(State::Prompt(until, item), now, out);
                self.due(now, out);
            }
            None => self.ask(None, now, out),
        }
    }

    fn ask(&mut self, item: Option<u16>, now: Duration, out: &mut Vec<Datagram>) {
        let Some(packet) = &self.progress.pxe else { return };
        let vendor = Vendor::read(packet);
        let listed = item.and_then(|item| vendor.servers_of(item).first().copied());
        let to = listed.or_else(|| server(packet));
        match to {
            Some(to) => self.enter(State::AskingBootServer { to, item }, now, out),
            None => self
                .end(Err(GaveUp::new("PXE-E55", "ProxyDHCP service did not reply to request on port 4011"))),
        }
    }

    fn heard_boot_server(&mut self, packet: Received, item: Option<u16>) {
        let answered = Vendor::read(&packet).item.map(|(kind, _)| kind);
        // Where it asked for no item it wants to see one all the same.
        let fits = answered.is_some_and(|kind| item.is_none_or(|item| item == kind));
        if packet.kind() == Some(Kind::ACK) && fits {
            self.progress.pxe = Some(packet.clone());
            self.load(&packet);
        }
    }

    fn load(&mut self, packet: &Received) {
        let name = file(packet);
        let from = server(packet);
        self.end(match from {
            Some(server) if !name.is_empty() => Ok(Load::Tftp { server, file: name, style: Style::Rom }),
            _ => Err(GaveUp::new("PXE-E53", "No boot filename received")),
        });
    }
}

/// The header's name, or option 67 where the header has none.
fn file(packet: &Received) -> String {
    match packet.header.file_text() {
        name if name.is_empty() => packet.text(code::BOOT_FILE).unwrap_or_default(),
        name => name,
    }
}

fn server(packet: &Received) -> Option<Ipv4Addr> {
    Some(packet.header.siaddr).filter(|address| !address.is_unspecified()).or_else(|| packet.server_id())
}

impl Dhcp for Rom {
    fn start(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        self.started = now;
        self.enter(State::Discovering, now, out);
    }

    fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Vec<Datagram>) {
        let Some(packet) = self.identity.reply(datagram, CLIENT_PORT, self.xid) else { return };
        match self.state {
            State::Discovering if datagram.from.port() == SERVER_PORT => self.heard_offer(packet, now, out),
            State::Requesting(_) if datagram.from.port() == SERVER_PORT => {
                self.heard_answer(packet, now, out)
            }
            State::AskingBootServer { item, .. } if datagram.from.port() != CLIENT_PORT => {
                self.heard_boot_server(packet, item);
            }
            _ => {}
        }
    }

    fn due(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        if let State::Prompt(until, item) = self.state {
            match item {
                _ if now < until => {}
                0 => self.end(Ok(Load::Disk)),
                item => self.ask(Some(item), now, out),
            }
            return;
        }
        match (self.progress.retry.due(now), &self.state) {
            (Due::NotYet, _) => {}
            (Due::Again(_), State::Discovering) => {
                match self.offers.iter().find(|offer| !file(offer).is_empty()) {
                    // No proxy came in time, and this offer can boot.
                    Some(offer) => {
                        let offer = offer.clone();
                        self.enter(State::Requesting(Box::new(offer)), now, out);
                    }
                    None => self.say(now, out),
                }
            }
            (Due::Again(_), _) => self.say(now, out),
            (Due::Over, State::Discovering) => {
                self.end(Err(match (self.offers.is_empty(), self.proxies.is_empty()) {
                    (true, true) => GaveUp::new("PXE-E51", "No DHCP or proxyDHCP offers were received"),
                    (true, false) => {
                        GaveUp::new("PXE-E52", "proxyDHCP offers were received. No DHCP offers were received")
                    }
                    (false, _) => GaveUp::new("PXE-E53", "No boot filename received"),
                }));
            }
            (Due::Over, State::AskingBootServer { .. }) => self
                .end(Err(GaveUp::new("PXE-E55", "ProxyDHCP service did not reply to request on port 4011"))),
            (Due::Over, _) => {
                self.end(Err(GaveUp::new("PXE-E51", "No DHCP or proxyDHCP offers were received")));
            }
        }
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn progress_mut(&mut self) -> &mut Progress {
        &mut self.progress
    }
}
