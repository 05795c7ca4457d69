//! A client that knows BOOTP only (RFC 951, RFC 1533 for its options).

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::dhcp::{CLIENT_PORT, Identity, Progress, SERVER_PORT};
use crate::message::Message;
use crate::random::Random;
use crate::retry::{Due, Retry};
use crate::tftp::Style;
use crate::{Boot, Datagram, Dhcp, GaveUp, Load};

const WAITS: &[u64] = &[4000, 8000, 16_000, 32_000];
/// RFC 951: the packet has 300 bytes, and this client has no room for more.
const SIZE: usize = 300;

/// The client.
#[derive(Debug)]
pub struct Bootp {
    identity: Identity,
    xid: u32,
    started: Duration,
    progress: Progress,
}

impl Bootp {
    /// A machine that is switched off.
    #[must_use]
    pub fn new(identity: Identity, random: &mut Random) -> Self {
        Self { identity, xid: random.xid(), started: Duration::ZERO, progress: Progress::default() }
    }

    fn say(&self, now: Duration, out: &mut Vec<Datagram>) {
        let secs = u16::try_from(now.saturating_sub(self.started).as_secs()).unwrap_or(u16::MAX);
        let message = Message::new(self.identity.mac)
            .set(|header| {
                header.xid = self.xid;
                header.secs = secs;
            })
            .at_least(SIZE);
        let to = (Ipv4Addr::BROADCAST, SERVER_PORT);
        out.push(Datagram::new((Ipv4Addr::UNSPECIFIED, CLIENT_PORT), to, message.bytes()));
    }
}

impl Dhcp for Bootp {
    fn start(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        self.started = now;
        self.progress.retry = Retry::new(WAITS, now);
        self.say(now, out);
    }

    fn receive(&mut self, _now: Duration, datagram: &Datagram, _out: &mut Vec<Datagram>) {
        if self.progress.ack.is_some() || datagram.from.port() != SERVER_PORT || datagram.bytes.len() > SIZE {
            return;
        }
        let Some(packet) = self.identity.reply(datagram, CLIENT_PORT, self.xid) else { return };
        // RFC 1534: what has option 53 is not for it.
        if packet.kind().is_some() || packet.header.yiaddr.is_unspecified() {
            return;
        }
        let (server, file) = (packet.header.siaddr, packet.header.file_text());
        self.progress.retry = Retry::off();
        self.progress.ack = Some(packet.clone());
        self.progress.outcome = Some(if file.is_empty() || server.is_unspecified() {
            Err(GaveUp::new("BOOTP", "no boot file in the reply"))
        } else {
            let load = Load::Tftp { server, file, style: Style::Plain };
            Ok(Boot { ack: packet, pxe: None, load })
        });
    }

    fn due(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        match self.progress.retry.due(now) {
            Due::NotYet => {}
            Due::Again(_) => self.say(now, out),
            Due::Over => self.progress.outcome = Some(Err(GaveUp::new("BOOTP", "no reply"))),
        }
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn progress_mut(&mut self) -> &mut Progress {
        &mut self.progress
    }
}
