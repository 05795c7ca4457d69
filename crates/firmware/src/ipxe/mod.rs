//! iPXE: as an option ROM, or chain-loaded by another firmware.

mod packet;
mod script;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_model::Arch;

use crate::dhcp::{CLIENT_PORT, Identity, PXE_PORT, Progress, SERVER_PORT, offers_address, vendor_class};
use crate::message::{Kind, Received, code};
use crate::random::Random;
use crate::retry::{Due, Retry};
use crate::tftp::Style;
use crate::vendor::Vendor;
use crate::{Datagram, Dhcp, GaveUp, Load};

pub(crate) use script::Script;

/// Seen: DISCOVER at 0, 1 and 3 s; from there its timer doubles up to 10 s.
const DISCOVER_WAITS: &[u64] = &[1000, 2000, 4000, 8000, 10_000];
/// Seen on port 4011: at 0, 0.24, 0.79 and 1.83 s.
const REQUEST_WAITS: &[u64] = &[250, 500, 1000, 2000, 4000, 8000];
/// How long it waits for a proxy, and for port 4011.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which iPXE it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The machine.
    pub arch: Arch,
    /// The file that this iPXE was loaded from; nothing in an option ROM. It notices when it is offered to itself.
    pub loaded_from: Option<String>,
}

/// The client.
#[derive(Debug)]
pub struct Ipxe {
    identity: Identity,
    build: Build,
    xid: u32,
    started: Duration,
    /// When the state began, for those that end when the patience is over.
    entered: Duration,
    progress: Progress,
    count: u16,
    state: State,
    offer: Option<Received>,
    proxy: Option<Received>,
}

#[derive(Debug)]
enum State {
    Off,
    Discovering,
    Requesting,
    AskingProxy,
    Prompt(Duration, u16),
    AskingBootServer { to: Ipv4Addr, item: u16 },
    Over,
}

impl Build {
    /// An iPXE that other firmware loaded. It names its own platform, also behind HTTP Boot.
    pub(crate) fn chained(arch: Arch, loaded_from: &str) -> Self {
        let arch = match arch.0 {
            0x0f => Arch::UEFI_IA32,
            0x10 => Arch::UEFI_X64,
            0x12 => Arch::UEFI_ARM32,
            0x13 => Arch::UEFI_ARM64,
            _ => arch,
        };
        Self { arch, loaded_from: Some(loaded_from.to_owned()) }
    }
}

impl Ipxe {
    /// A machine that is switched off.
    #[must_use]
    pub fn new(identity: Identity, build: Build, random: &mut Random) -> Self {
        Self {
            identity,
            build,
            xid: random.xid(),
            started: Duration::ZERO,
            entered: Duration::ZERO,
            progress: Progress::default(),
            count: 0,
            state: State::Off,
            offer: None,
            proxy: None,
        }
    }

    fn enter(&mut self, state: State, now: Duration, out: &mut Vec<Datagram>) {
        self.progress.retry = match state {
            State::Discovering => Retry::new(DISCOVER_WAITS, now),
            State::Requesting | State::AskingProxy | State::AskingBootServer { .. } => {
                Retry::new(REQUEST_WAITS, now)
            }
            State::Prompt(until, _) => Retry::at(until),
            State::Off | State::Over => Retry::off(),
        };
        self.entered = now;
        self.state = state;
        self.say(out);
    }

    fn end(&mut self, outcome: Result<Load, GaveUp>) {
        self.state = State::Over;
        self.progress.end(outcome, no_configuration);
    }

    fn heard_offer(&mut self, packet: Received, port: u16, now: Duration, out: &mut Vec<Datagram>) {
        let priority = |packet: &Received| {
            let inside = packet.encapsulated(code::IPXE);
            inside.and_then(|inside| inside.value(code::ipxe::PRIORITY)?.first().copied()).unwrap_or_default()
        };
        let better =
            |old: &Option<Received>| old.as_ref().is_none_or(|old| priority(&packet) >= priority(old));
        if offers_address(&packet) && port == SERVER_PORT && better(&self.offer) {
            self.offer = Some(packet.clone());
        }
        if vendor_class(&packet, "PXEClient") && better(&self.proxy) {
            self.proxy = Some(packet);
        }
        if self.offer.is_some()
            && (self.ignores_proxies() || self.proxy.is_some() || self.waited(self.started, now))
        {
            self.enter(State::Requesting, now, out);
        }
    }

    /// Option 175.176 of the offer it takes.
    fn ignores_proxies(&self) -> bool {
        let inside = self.offer.as_ref().and_then(|offer| offer.encapsulated(code::IPXE));
        inside.is_some_and(|inside| {
            inside.value(code::ipxe::NO_PXEDHCP).is_some_and(|value| value.ends_with(&[1]))
        })
    }

    fn waited(&self, since: Duration, now: Duration) -> bool {
        now.saturating_sub(since) > PATIENCE
    }

    fn heard_answer(&mut self, packet: Received, now: Duration, out: &mut Vec<Datagram>) {
        let expected = self.offer.as_ref().map(|offer| (offer.header.yiaddr, offer.server_id()));
        match packet.kind() {
            Some(Kind::NAK) => {
                self.offer = None;
                self.proxy = None;
                self.started = now;
                self.enter(State::Discovering, now, out);
            }
            Some(Kind::ACK) | None if expected == Some((packet.header.yiaddr, packet.server_id())) => {
                self.progress.ack = Some(packet);
                match self.proxy.clone().filter(|_| !self.ignores_proxies()) {
                    Some(proxy) if has_pxe_options(&proxy) => {
                        self.progress.pxe = Some(proxy);
                        self.boot(now, out);
                    }
                    Some(_) => self.enter(State::AskingProxy, now, out),
                    None => self.boot(now, out),
                }
            }
            _ => {}
        }
    }

    fn heard_proxy(&mut self, packet: Received, now: Duration, out: &mut Vec<Datagram>) {
        let expected = self.proxy.as_ref().and_then(Received::server_id);
        let known = packet.server_id().is_none_or(|server| Some(server) == expected);
        if known && matches!(packet.kind(), Some(Kind::ACK | Kind::OFFER)) {
            self.progress.pxe = Some(packet);
            self.boot(now, out);
        }
    }

    /// All packets are there: a menu, or a file.
    fn boot(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        let menu = self.progress.pxe.as_ref().and_then(|packet| {
            let vendor = Vendor::read(packet);
            let exact = packet.value(code::VENDOR_CLASS) == Some(b"PXEClient");
            let direct = vendor.direct() && !file(packet).is_empty();
            let (item, _) = vendor.menu.first().filter(|_| exact && !direct)?;
            Some((*item, vendor.prompt.filter(|seconds| *seconds != 255).unwrap_or_default()))
        });
        match menu {
            Some((item, seconds)) => {
                self.enter(State::Prompt(now + Duration::from_secs(u64::from(seconds)), item), now, out);
                self.due(now, out);
            }
            None => self.load(),
        }
    }

    fn choose(&mut self, item: u16, now: Duration, out: &mut Vec<Datagram>) {
        let Some(packet) = self.progress.pxe.clone() else { return };
        let vendor = Vendor::read(&packet);
        let to = match vendor.servers_of(item).first() {
            Some(listed) => *listed,
            None if vendor.control & 1 == 0 => Ipv4Addr::BROADCAST,
            None => packet.header.siaddr,
        };
        // Seen: the boot server is asked in a transaction of its own.
        self.xid = 0;
        self.count = 0;
        self.offer = None;
        self.proxy = None;
        self.enter(State::AskingBootServer { to, item }, now, out);
    }

    fn load(&mut self) {
        let packets = self.progress.ack.iter().chain(&self.progress.pxe);
        // The file and the server come from the same packet, the DHCP server's before the proxy's.
        let found =
            packets.map(|packet| (file(packet), packet.header.siaddr)).find(|(name, _)| !name.is_empty());
        let Some((name, server)) = found else {
            return self.end(Err(GaveUp::new("iPXE", "Nothing to boot")));
        };
        if self.build.loaded_from.as_ref().is_some_and(|own| last_part(own) == last_part(&name)) {
            let words = format!("{name} loads itself again and again");
            return self.end(Err(GaveUp::new("iPXE", words)));
        }
        if let Some(rest) = name.strip_prefix("tftp://") {
            return self.end(match rest.split_once('/').map(|(host, file)| (host.parse(), file)) {
                Some((Ok(server), file)) => {
                    Ok(Load::Tftp { server, file: file.to_owned(), style: Style::Ipxe })
                }
                _ => Err(GaveUp::new("iPXE", format!("{name}: Could not start download"))),
            });
        }
        self.end(match server {
            _ if name.starts_with("http://") || name.starts_with("https://") => {
                Ok(Load::Http { url: name, head: false })
            }
            // Seen: options 66 and 67 alone are nothing to it.
            Ipv4Addr::UNSPECIFIED => Err(GaveUp::new("iPXE", format!("{name}: Could not start download"))),
            server => Ok(Load::Tftp { server, file: name, style: Style::Ipxe }),
        });
    }
}

/// The header's name wins over option 67 (seen in capture `conflict`).
fn file(packet: &Received) -> String {
    match packet.header.file_text() {
        name if name.is_empty() => packet.text(code::BOOT_FILE).unwrap_or_default(),
        name => name,
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Port 4011 need not be asked.
fn has_pxe_options(packet: &Received) -> bool {
    let named = !packet.header.siaddr.is_unspecified() && !file(packet).is_empty();
    named || !Vendor::read(packet).menu.is_empty()
}

fn no_configuration() -> GaveUp {
    GaveUp::new("iPXE", "No configuration methods succeeded")
}

impl Dhcp for Ipxe {
    fn start(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        self.started = now;
        self.enter(State::Discovering, now, out);
    }

    fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Vec<Datagram>) {
        let Some(packet) = self.identity.reply(datagram, CLIENT_PORT, self.xid) else { return };
        let port = datagram.from.port();
        match self.state {
            State::Discovering => self.heard_offer(packet, port, now, out),
            State::Requesting if port == SERVER_PORT => self.heard_answer(packet, now, out),
            State::AskingProxy if port == PXE_PORT => self.heard_proxy(packet, now, out),
            State::AskingBootServer { item, .. } if matches!(port, SERVER_PORT | PXE_PORT) => {
                let answered = Vendor::read(&packet).item.map(|(kind, _)| kind);
                if packet.kind() == Some(Kind::ACK) && answered == Some(item) {
                    self.progress.pxe = Some(packet);
                    self.load();
                }
            }
            _ => {}
        }
    }

    fn due(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        if let State::Prompt(until, item) = self.state {
            match item {
                _ if now < until => {}
                0 => self.end(Ok(Load::Disk)),
                item => self.choose(item, now, out),
            }
            return;
        }
        let due = self.progress.retry.due(now);
        match (&self.state, due) {
            (_, Due::NotYet) => {}
            (State::Discovering, _) if self.offer.is_some() && self.waited(self.started, now) => {
                // Seen: the packet that was due is counted and not sent.
                self.count += 1;
                self.enter(State::Requesting, now, out);
            }
            // It goes on without the proxy.
            (State::AskingProxy, _) if self.waited(self.entered, now) => self.boot(now, out),
            (State::AskingBootServer { .. }, Due::Over) => {
                self.end(Err(GaveUp::new("iPXE", "Connection timed out")));
            }
            (_, Due::Over) => self.end(Err(no_configuration())),
            (_, Due::Again(_)) => self.say(out),
        }
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn progress_mut(&mut self) -> &mut Progress {
        &mut self.progress
    }
}
