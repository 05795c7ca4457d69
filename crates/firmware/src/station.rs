use std::time::Duration;

use crate::http::Fetch;
use crate::message::{Kind, Message, code};
use crate::{Boot, Datagram, Link, Machine, Output, Random};

/// A machine at its network card: frames in, frames out. Its TCP and ARP are its own, so whoever moves the frames needs
/// neither an address nor a route of its host's.
#[derive(Debug)]
pub struct Station {
    machine: Machine,
    link: Link,
    fetch: Option<Fetch>,
    random: Random,
    /// Repeats on connections that have ended.
    repeats: u64,
}

impl Station {
    /// A machine that is switched off. `seed` decides its random numbers below its firmware.
    #[must_use]
    pub fn new(machine: Machine, seed: u64) -> Self {
        let link = Link::new(machine.mac());
        Self { machine, link, fetch: None, random: Random::new(seed), repeats: 0 }
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// How many packets it sent again because no answer came.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.machine.repeats() + self.repeats + self.fetch.as_ref().map_or(0, Fetch::repeats)
    }

    /// Switches it on. Frames to be sent go to `out`, in their order.
    pub fn start(&mut self, now: Duration, out: &mut Vec<Vec<u8>>) {
        let mut done = Output::default();
        self.machine.start(now, &mut done);
        self.put(now, done, out);
    }

    /// A frame came.
    pub fn receive(&mut self, now: Duration, frame: &[u8], out: &mut Vec<Vec<u8>>) {
        let arrived = self.link.receive(frame);
        out.extend(arrived.frames);
        if let Some(datagram) = arrived.datagram {
            let mut done = Output::default();
            self.machine.receive(now, &datagram, &mut done);
            self.put(now, done, out);
        }
        if let (Some(segment), Some(fetch)) = (arrived.segment, &mut self.fetch) {
            let mut segments = Vec::new();
            fetch.receive(now, segment, &mut segments);
            out.extend(segments.into_iter().flat_map(|segment| self.link.send_segment(segment)));
            self.look_at_fetch(now, out);
        }
    }

    /// The time of [`Station::deadline`] has come.
    pub fn due(&mut self, now: Duration, out: &mut Vec<Vec<u8>>) {
        if let Some(fetch) = &mut self.fetch {
            let mut segments = Vec::new();
            fetch.due(now, &mut segments);
            out.extend(segments.into_iter().flat_map(|segment| self.link.send_segment(segment)));
            self.look_at_fetch(now, out);
            return;
        }
        let mut done = Output::default();
        self.machine.due(now, &mut done);
        self.put(now, done, out);
        if let Some(silent) = self.link.silent_neighbour() {
            let mut done = Output::default();
            self.machine.unreachable(now, silent, &mut done);
            self.put(now, done, out);
        }
    }

    /// When it wants to be called again at the latest; nothing once the machine has a verdict.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.fetch {
            Some(fetch) => fetch.deadline(),
            None => self.machine.deadline(),
        }
    }

    /// Gives its address back (RFC 2131 section 4.4.6).
    pub fn release(&mut self, out: &mut Vec<Vec<u8>>) {
        let Some((own, server)) = self.lease() else { return };
        let xid = self.random.xid();
        let message = Message::new(self.machine.mac()).set(|header| {
            header.xid = xid;
            header.ciaddr = own;
        });
        let message = message.kind(Kind::RELEASE).address(code::SERVER_ID, server);
        out.extend(self.link.send(Datagram::new((own, 68), (server, 67), message.bytes())));
    }

    /// Its address and the DHCP server that gave it.
    fn lease(&self) -> Option<(std::net::Ipv4Addr, std::net::Ipv4Addr)> {
        let boot = self.machine.boot()?;
        Some((boot.address(), boot.ack.server_id()?))
    }

    fn look_at_fetch(&mut self, now: Duration, out: &mut Vec<Vec<u8>>) {
        let Some(answer) = self.fetch.as_mut().and_then(|fetch| fetch.outcome(now)) else { return };
        self.repeats += self.fetch.take().map_or(0, |fetch| fetch.repeats());
        let mut done = Output::default();
        self.machine.answered(now, answer, &mut done);
        self.put(now, done, out);
    }

    /// Does what the machine wants.
    fn put(&mut self, now: Duration, mut done: Output, out: &mut Vec<Vec<u8>>) {
        loop {
            let boot = self.machine.boot();
            let (mask, router) = (boot.and_then(Boot::mask), boot.and_then(Boot::router));
            out.extend(self.link.configure(self.machine.address(), mask, router));
            for datagram in done.datagrams {
                out.extend(self.link.send(datagram));
            }
            let Some(request) = done.http else { return };
            let mut segments = Vec::new();
            let begun = match self.machine.address() {
                Some(own) => Fetch::start(own, &request, &mut self.random, now, &mut segments),
                None => Err("no address".to_owned()),
            };
            out.extend(segments.into_iter().flat_map(|segment| self.link.send_segment(segment)));
            match begun {
                Ok(fetch) => {
                    self.fetch = Some(fetch);
                    return;
                }
                Err(words) => {
                    done = Output::default();
                    self.machine.answered(now, Err(words), &mut done);
                }
            }
        }
    }
}
