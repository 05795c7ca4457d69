//! U-Boot's DHCP (net/bootp.c), as built with `CONFIG_SERVERIP_FROM_PROXYDHCP`.

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::time::Duration;

use nextboot_model::Arch;

use crate::dhcp::{CLIENT_PORT, Identity, Progress, SERVER_PORT, offers_address};
use crate::message::{Kind, Message, Received, code};
use crate::random::Random;
use crate::retry::{Due, Retry};
use crate::tftp::Style;
use crate::{Boot, Datagram, Dhcp, GaveUp, Load};

/// The same transaction id each time.
const WAITS: &[u64] = &[2000, 4000, 8000, 16_000, 16_000];
/// `CONFIG_SERVERIP_FROM_PROXYDHCP_DELAY_MS`: a proxy that answers later than this after the DHCP server is not heard.
const PROXY_WINDOW: Duration = Duration::from_millis(100);

/// The client.
#[derive(Debug)]
pub struct UBoot {
    identity: Identity,
    arch: Arch,
    xid: u32,
    started: Duration,
    progress: Progress,
    state: State,
    offer: Option<Received>,
    proxy: Option<Received>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Off,
    Discovering,
    WaitingForProxy(Duration),
    Requesting,
    Over,
}

impl UBoot {
    /// A board that is switched off.
    #[must_use]
    pub fn new(identity: Identity, arch: Arch, random: &mut Random) -> Self {
        Self {
            identity,
            arch,
            xid: random.xid(),
            started: Duration::ZERO,
            progress: Progress::default(),
            state: State::Off,
            offer: None,
            proxy: None,
        }
    }

    fn say(&self, now: Duration, out: &mut Vec<Datagram>) {
        let secs = u16::try_from(now.saturating_sub(self.started).as_secs()).unwrap_or(u16::MAX);
        let mut message = Message::new(self.identity.mac).set(|header| {
            header.xid = self.xid;
            header.secs = secs;
        });
        message = match (self.state, &self.offer) {
            (State::Requesting, Some(offer)) => {
                message = message.kind(Kind::REQUEST).option(code::MAX_SIZE, 576_u16.to_be_bytes());
                if let Some(server) = offer.server_id() {
                    message = message.address(code::SERVER_ID, server);
                }
                message.address(code::REQUESTED, offer.header.yiaddr)
            }
            _ => message.kind(Kind::DISCOVER).option(code::MAX_SIZE, 576_u16.to_be_bytes()),
        };
        let message = message
            .option(code::ARCH, self.arch.0.to_be_bytes())
            .option(code::UNDI, [1, 0, 0])
            .option(code::UUID, self.identity.option_97())
            .option(code::VENDOR_CLASS, format!("PXEClient:Arch:{:05}:UNDI:003000", self.arch.0))
            .option(code::PARAMETERS, [1, 3, 6, 12, 17, 66, 67])
            .at_least(300);
        let to = (Ipv4Addr::BROADCAST, SERVER_PORT);
        out.push(Datagram::new((Ipv4Addr::UNSPECIFIED, CLIENT_PORT), to, message.bytes()));
    }

    fn enter(&mut self, state: State, now: Duration, out: &mut Vec<Datagram>) {
        self.state = state;
        match state {
            State::Discovering | State::Requesting => {
                self.progress.retry = Retry::new(WAITS, now);
                self.say(now, out);
            }
            State::WaitingForProxy(until) => self.progress.retry = Retry::at(until),
            State::Off | State::Over => self.progress.retry = Retry::off(),
        }
    }

    fn end(&mut self, ack: Received) {
        let source = self.proxy.as_ref().unwrap_or(&ack);
        let (server, file) = (source.header.siaddr, name(source));
        self.progress.outcome = Some(if server.is_unspecified() {
            Err(GaveUp::new("U-Boot", "*** ERROR: `serverip' not set"))
        } else if file.is_empty() {
            Err(GaveUp::new("U-Boot", "*** Warning: no boot file name"))
        } else {
            self.progress.ack = Some(ack.clone());
            let load = Load::Tftp { server, file, style: Style::UBoot };
            Ok(Boot { ack, pxe: self.proxy.clone(), load })
        });
        self.state = State::Over;
        self.progress.retry = Retry::off();
    }
}

fn name(packet: &Received) -> String {
    match packet.header.file_text() {
        // With overload the header's field is full of options.
        text if text.is_empty() || packet.has(code::OVERLOAD) => {
            packet.text(code::BOOT_FILE).unwrap_or_default()
        }
        text => text,
    }
}

impl Dhcp for UBoot {
    fn start(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        self.started = now;
        self.enter(State::Discovering, now, out);
    }

    fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Vec<Datagram>) {
        if datagram.from.port() != SERVER_PORT {
            return;
        }
        let Some(packet) = self.identity.reply(datagram, CLIENT_PORT, self.xid) else { return };
        if packet.header.htype != 1 || packet.header.hlen != 6 {
            return;
        }
        match self.state {
            State::Discovering | State::WaitingForProxy(_) if packet.kind() == Some(Kind::OFFER) => {
                if offers_address(&packet) {
                    if self.offer.is_none() {
                        self.offer = Some(packet);
                        self.enter(State::WaitingForProxy(now + PROXY_WINDOW), now, out);
                    }
                } else if !packet.header.siaddr.is_unspecified() {
                    self.proxy = Some(packet);
                }
            }
            State::Requesting => match packet.kind() {
                Some(Kind::ACK) => self.end(packet),
                Some(Kind::NAK) => {
                    self.offer = None;
                    self.enter(State::Discovering, now, out);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn due(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        if let State::WaitingForProxy(until) = self.state {
            if now >= until {
                self.enter(State::Requesting, now, out);
            }
            return;
        }
        match self.progress.retry.due(now) {
            Due::NotYet => {}
            Due::Again(_) => self.say(now, out),
            Due::Over => {
                self.state = State::Over;
                self.progress.outcome =
                    Some(Err(GaveUp::new("U-Boot", "Retry time exceeded; starting again")));
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
