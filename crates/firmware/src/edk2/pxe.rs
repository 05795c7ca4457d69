//! EDK2's PXE client (UefiPxeBcDxe) for any architecture.

use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_model::Arch;

use super::offer::{Choice, Class, file, select};
use super::options::has_empty_option;
use super::{DISCOVER_WAITS, REQUEST_WAITS, Words, acceptable, seconds};
use crate::dhcp::{Identity, PXE_PORT, Progress};
use crate::message::{Kind, Message, Received, code};
use crate::random::Random;
use crate::retry::{Due, Retry};
use crate::tftp::Style;
use crate::vendor::{Vendor, boot_item};
use crate::{Datagram, Dhcp, GaveUp, Load};

/// Port 4011 is asked at 0, 1, 3 and 6 s.
const BOOT_SERVER_WAITS: &[u64] = &[1000, 2000, 3000, 4000];
/// The driver keeps this many offers.
const MOST_OFFERS: usize = 16;

const PARAMETERS: &[u8] = &[
    1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97,
    128, 129, 130, 131, 132, 133, 134, 135,
];

/// How builds differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Variant {
    /// As OVMF does it.
    #[default]
    Current,
    /// UDK2014 (seen in Dell's T130 and T430): it keeps no proxy's offer.
    Udk2014,
    /// One laptop of HP: an address from here and a boot file from there are nothing to it, only one complete offer is.
    TakesNeither,
}

/// The client.
#[derive(Debug)]
pub struct Pxe {
    identity: Identity,
    variant: Variant,
    words: Words,
    xid: u32,
    boot_server_xid: u32,
    started: Duration,
    progress: Progress,
    tries: u16,
    state: State,
    offers: Vec<(Class, Received)>,
}

#[derive(Debug)]
enum State {
    Off,
    Discovering,
    Requesting(Box<Choice>),
    Prompt(Duration, u16),
    AskingBootServer { to: Ipv4Addr, item: Option<u16>, listed: Vec<Ipv4Addr> },
    Over,
}

impl Pxe {
    /// A machine that is switched off.
    #[must_use]
    pub fn new(identity: Identity, arch: Arch, variant: Variant, random: &mut Random) -> Self {
        Self {
            identity,
            variant,
            words: Words { identity, arch, class: "PXEClient", parameters: PARAMETERS, request_size: 0xff00 },
            xid: random.xid(),
            boot_server_xid: random.xid(),
            started: Duration::ZERO,
            progress: Progress::default(),
            tries: 0,
            state: State::Off,
            offers: Vec::new(),
        }
    }

    fn say(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        let secs = seconds(self.started, now);
        match &self.state {
            State::Discovering => out.push(self.words.broadcast(self.xid, secs, None)),
            State::Requesting(choice) => {
                // Seen: the REQUEST of the first window still says 0.
                let secs = if self.tries == 0 { 0 } else { secs };
                out.push(self.words.broadcast(self.xid, secs, Some(&choice.offer)));
            }
            State::AskingBootServer { to, item, .. } => {
                out.push(self.boot_server_request(*to, *item));
                self.tries += 1;
            }
            State::Off | State::Prompt(..) | State::Over => {}
        }
    }

    /// From port 4011 to port 4011, its options sorted by their codes.
    fn boot_server_request(&self, to: Ipv4Addr, item: Option<u16>) -> Datagram {
        let own = self.address().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let mut message = Message::new(self.identity.mac).set(|header| {
            header.xid = self.boot_server_xid;
            header.ciaddr = own;
            // Seen: the count of tries, its bytes swapped.
            header.secs = self.tries.swap_bytes();
        });
        if let Some(item) = item {
            message = message.option(code::VENDOR, boot_item(item));
        }
        let message = message
            .kind(Kind::REQUEST)
            .option(code::PARAMETERS, PARAMETERS)
            .option(code::MAX_SIZE, 1472_u16.to_be_bytes())
            .option(code::VENDOR_CLASS, self.words.vendor_class())
            .option(code::ARCH, self.words.arch.0.to_be_bytes())
            .option(code::UNDI, [1, 3, 0])
            .option(code::UUID, self.identity.option_97());
        Datagram::new((own, PXE_PORT), (to, PXE_PORT), message.bytes())
    }

    fn enter(&mut self, state: State, now: Duration, out: &mut Vec<Datagram>) {
        self.progress.retry = match state {
            State::Discovering => Retry::new(DISCOVER_WAITS, now),
            State::Requesting(_) => Retry::new(REQUEST_WAITS, now),
            State::AskingBootServer { .. } => Retry::new(BOOT_SERVER_WAITS, now),
            State::Prompt(until, _) => Retry::at(until),
            State::Off | State::Over => Retry::off(),
        };
        self.tries = 0;
        self.state = state;
        self.say(now, out);
    }

    fn end(&mut self, outcome: Result<Load, GaveUp>) {
        self.state = State::Over;
        self.progress.end(outcome, no_valid_offer);
    }

    fn heard_offer(&mut self, packet: Received) {
        if !matches!(packet.kind(), None | Some(Kind::OFFER)) || self.offers.len() >= MOST_OFFERS {
            return;
        }
        let Some(class) = Class::of(&packet) else { return };
        let proxy = matches!(class, Class::ProxyBinl | Class::ProxyPxe10 | Class::ProxyWfm11a);
        if proxy && self.variant != Variant::Current {
            return;
        }
        self.offers.push((class, packet));
    }

    fn heard_answer(&mut self, packet: Received, choice: &Choice, now: Duration, out: &mut Vec<Datagram>) {
        match packet.kind() {
            Some(Kind::NAK) => {
                self.offers.clear();
                self.enter(State::Discovering, now, out);
            }
            Some(Kind::ACK) | None if packet.header.yiaddr == choice.offer.header.yiaddr => {
                if has_empty_option(&packet) {
                    out.push(self.words.decline(self.xid, &packet));
                    self.end(Err(no_valid_offer()));
                    return;
                }
                self.progress.ack = Some(packet.clone());
                match &choice.proxy {
                    Some((class, proxy)) => self.follow(*class, proxy, now, out),
                    None => self.follow(choice.class, &packet, now, out),
                }
            }
            _ => {}
        }
    }

    /// The address is there: what the chosen packet says about booting.
    fn follow(&mut self, class: Class, packet: &Received, now: Duration, out: &mut Vec<Datagram>) {
        match class {
            Class::DhcpBinl | Class::ProxyBinl => match server(packet) {
                Some(to) => {
                    self.enter(State::AskingBootServer { to, item: None, listed: Vec::new() }, now, out);
                }
                None => self.end(Err(no_valid_offer())),
            },
            Class::DhcpPxe10 | Class::ProxyPxe10 => {
                if class == Class::ProxyPxe10 {
                    self.progress.pxe = Some(packet.clone());
                }
                self.discover_boot_file(packet, now, out);
            }
            Class::DhcpOnly | Class::Bootp | Class::DhcpWfm11a | Class::ProxyWfm11a => self.load(packet),
        }
    }

    fn discover_boot_file(&mut self, packet: &Received, now: Duration, out: &mut Vec<Datagram>) {
        let vendor = Vendor::read(packet);
        if vendor.direct() {
            self.load(packet);
            return;
        }
        // Seen: discovery control 3 without a menu ends here. Item 0 is the local disk, and the firmware calls that so too.
        let Some((item, _)) = vendor.menu.first().filter(|(item, _)| *item != 0) else {
            self.end(Err(GaveUp::new("PXE-E21", "Remote boot cancelled")));
            return;
        };
        let seconds = vendor.prompt.filter(|seconds| *seconds != 255).unwrap_or_default();
        let until = now + Duration::from_secs(u64::from(seconds));
        self.enter(State::Prompt(until, *item), now, out);
        self.due(now, out);
    }

    fn choose(&mut self, item: u16, now: Duration, out: &mut Vec<Datagram>) {
        let Some(packet) = self.progress.pxe.as_ref().or(self.progress.ack.as_ref()) else { return };
        let vendor = Vendor::read(packet);
        let listed = vendor.servers_of(item).to_vec();
        let to = match listed.first() {
            Some(first) => *first,
            // Without a list whoever hears it may answer, unless the packet forbids to ask everybody.
            None if vendor.control & 1 == 0 => Ipv4Addr::BROADCAST,
            None => match server(packet) {
                Some(server) => server,
                None => return self.end(Err(GaveUp::new("PXE-E18", "Server response timeout"))),
            },
        };
        let listed = if vendor.only_listed() { listed } else { Vec::new() };
        self.enter(State::AskingBootServer { to, item: Some(item), listed }, now, out);
    }

    fn heard_boot_server(&mut self, from: Ipv4Addr, packet: &Received) {
        let State::AskingBootServer { item, listed, .. } = &self.state else { return };
        if !listed.is_empty() && !listed.contains(&from) {
            return;
        }
        let answered = Vendor::read(packet).item.map(|(kind, _)| kind);
        if item.is_some() && answered != *item {
            return;
        }
        let usable = matches!(packet.kind(), Some(Kind::ACK | Kind::OFFER)) && vendor_is_pxe(packet);
        if usable && !file(packet).is_empty() {
            self.progress.pxe = Some(packet.clone());
            self.load(packet);
        }
    }

    fn load(&mut self, packet: &Received) {
        let name = file(packet);
        self.end(match server(packet) {
            Some(server) if !name.is_empty() => Ok(Load::Tftp { server, file: name, style: Style::Edk2 }),
            _ => Err(no_valid_offer()),
        });
    }
}

/// `siaddr`, else option 54; option 66 is never read.
fn server(packet: &Received) -> Option<Ipv4Addr> {
    Some(packet.header.siaddr).filter(|address| !address.is_unspecified()).or_else(|| packet.server_id())
}

fn vendor_is_pxe(packet: &Received) -> bool {
    crate::dhcp::vendor_class(packet, "PXEClient")
}

fn no_valid_offer() -> GaveUp {
    GaveUp::new("PXE-E16", "No valid offer received")
}

impl Dhcp for Pxe {
    fn start(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        self.started = now;
        self.enter(State::Discovering, now, out);
    }

    fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Vec<Datagram>) {
        if let State::AskingBootServer { .. } = self.state {
            // Any sender may answer, to port 4011.
            if let Some(packet) = self.identity.reply(datagram, PXE_PORT, self.boot_server_xid) {
                self.heard_boot_server(*datagram.from.ip(), &packet);
            }
            return;
        }
        let Some(packet) = acceptable(&self.identity, datagram, self.xid) else { return };
        match std::mem::replace(&mut self.state, State::Over) {
            State::Discovering => {
                self.state = State::Discovering;
                self.heard_offer(packet);
            }
            State::Requesting(choice) => {
                self.state = State::Requesting(choice.clone());
                self.heard_answer(packet, &choice, now, out);
            }
            other => self.state = other,
        }
    }

    fn due(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        if let State::Prompt(until, item) = self.state {
            if now >= until {
                self.choose(item, now, out);
            }
            return;
        }
        let due = self.progress.retry.due(now);
        if due == Due::NotYet {
            return;
        }
        match &self.state {
            State::Discovering => match select(&self.offers) {
                Some(choice) => self.enter(State::Requesting(Box::new(choice)), now, out),
                None if due == Due::Over => self.end(Err(no_valid_offer())),
                None => self.say(now, out),
            },
            State::AskingBootServer { item: Some(_), .. } if due == Due::Over => {
                self.end(Err(GaveUp::new("PXE-E18", "Server response timeout")));
            }
            _ if due == Due::Over => self.end(Err(no_valid_offer())),
            State::Requesting(_) => {
                self.tries += 1;
                self.say(now, out);
            }
            _ => self.say(now, out),
        }
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn progress_mut(&mut self) -> &mut Progress {
        &mut self.progress
    }
}
