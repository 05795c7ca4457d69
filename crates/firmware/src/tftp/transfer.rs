use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::Style;
use crate::random::Random;
use crate::retry::{Due, Retry};
use crate::{Datagram, GaveUp};

const RRQ: u16 = 1;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OACK: u16 = 6;

/// RFC 1350: the well-known port.
const PORT: u16 = 69;
/// RFC 1350's block, without options.
const BLOCK: usize = 512;
/// More than any kernel or RAM disk: whoever sends more is cut off.
const LARGEST: usize = 1 << 30;

/// The transfer of one file.
#[derive(Debug)]
pub struct Transfer {
    style: Style,
    name: String,
    server: Ipv4Addr,
    own: SocketAddrV4,
    /// The port that the server answers from, once it did.
    peer: Option<u16>,
    probing: bool,
    block_size: usize,
    window: u16,
    /// The last block that came in order, and how many of its window.
    block: u16,
    in_window: u16,
    data: Vec<u8>,
    size: usize,
    keep: bool,
    last: Vec<u8>,
    retry: Retry,
    random: Random,
    outcome: Option<Result<Vec<u8>, GaveUp>>,
}

impl Transfer {
    /// A transfer that [`Transfer::start`] begins.
    #[must_use]
    pub fn new(own: Ipv4Addr, server: Ipv4Addr, name: &str, style: Style, random: &mut Random) -> Self {
        Self {
            style,
            name: name.to_owned(),
            server,
            own: SocketAddrV4::new(own, random.port()),
            peer: None,
            probing: style.probe().is_some(),
            block_size: BLOCK,
            window: 1,
            block: 0,
            in_window: 0,
            data: Vec::new(),
            size: 0,
            keep: true,
            last: Vec::new(),
            retry: Retry::off(),
            random: random.clone(),
            outcome: None,
        }
    }

    /// Nobody here reads the file: only its size counts, and [`Transfer::outcome`] is empty.
    #[must_use]
    pub fn unread(self) -> Self {
        Self { keep: false, ..self }
    }

    /// How many bytes have come.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Sends the request.
    pub fn start(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        let options = match self.style.probe() {
            Some(probe) if self.probing => probe.options,
            _ => self.style.options(),
        };
        let mut bytes = RRQ.to_be_bytes().to_vec();
        for text in [self.name.as_str(), "octet"]
            .into_iter()
            .chain(options.iter().flat_map(|(key, value)| [*key, *value]))
        {
            bytes.extend(text.as_bytes());
            bytes.push(0);
        }
        self.last = bytes;
        self.retry = Retry::new(self.style.waits(), now);
        self.send_last(out);
    }

    /// When the transfer wants to look at the clock again.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.retry.deadline().filter(|_| self.outcome.is_none())
    }

    /// The file, or why there is none; once.
    pub fn outcome(&mut self) -> Option<Result<Vec<u8>, GaveUp>> {
        self.outcome.take()
    }

    /// The time of [`Transfer::deadline`] has come.
    pub fn due(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        if self.outcome.is_some() {
            return;
        }
        match self.retry.due(now) {
            Due::NotYet => {}
            Due::Again(_) => {
                self.in_window = 0;
                self.send_last(out);
            }
            Due::Over => self.outcome = Some(Err(self.style.silence(&self.name, self.peer.is_some()))),
        }
    }

    /// ARP found nobody at this address.
    pub fn unreachable(&mut self, address: Ipv4Addr) {
        if address == self.server && self.style == Style::Rom && self.outcome.is_none() {
            self.fail(GaveUp::new("PXE-E11", "ARP timeout"));
        }
    }

    /// A datagram came.
    pub fn receive(&mut self, now: Duration, datagram: &Datagram, out: &mut Vec<Datagram>) {
        if self.outcome.is_some() || datagram.to != self.own || *datagram.from.ip() != self.server {
            return;
        }
        let Some((opcode, rest)) = number(&datagram.bytes) else { return };
        match self.peer {
            None => self.peer = Some(datagram.from.port()),
            Some(port) if port != datagram.from.port() => {
                // RFC 1350 section 4: a stranger's packet disturbs nothing.
                let bytes = error(5, "Unknown transfer ID");
                out.push(Datagram { from: self.own, to: datagram.from, bytes });
                return;
            }
            Some(_) => {}
        }
        match opcode {
            OACK => self.agreed(now, rest, out),
            DATA => self.data(now, rest, out),
            ERROR => {
                let (code, text) = number(rest).unwrap_or((0, &[]));
                let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
                self.fail(self.style.refused(&self.name, code, &String::from_utf8_lossy(text)));
            }
            _ => {}
        }
    }

    fn agreed(&mut self, now: Duration, options: &[u8], out: &mut Vec<Datagram>) {
        if self.block != 0 || self.size != 0 {
            return;
        }
        if self.probing {
            self.hang_up(now, out);
            return;
        }
        let mut texts = options.split(|byte| *byte == 0);
        while let (Some(key), Some(value)) = (texts.next(), texts.next()) {
            let value = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u32>().ok());
            match (key.to_ascii_lowercase().as_slice(), value) {
                (b"blksize", Some(size @ 8..=65464)) => self.block_size = size as usize,
                (b"windowsize", Some(size @ 1..=65535)) => self.window = size as u16,
                _ => {}
            }
        }
        self.acknowledge(now, out);
    }

    /// The size is known: ends the probe and asks for the file.
    fn hang_up(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        if let (Some(port), Some(probe)) = (self.peer, self.style.probe()) {
            let bytes = error(probe.error.0, probe.error.1);
            out.push(Datagram { from: self.own, to: SocketAddrV4::new(self.server, port), bytes });
        }
        self.probing = false;
        self.peer = None;
        self.own.set_port(match self.style {
            // Seen: EDK2's second request comes from the next port.
            Style::Edk2 => self.own.port().checked_add(1).unwrap_or(1024),
            _ => self.random.port(),
        });
        self.start(now, out);
    }

    fn data(&mut self, now: Duration, rest: &[u8], out: &mut Vec<Datagram>) {
        let Some((block, bytes)) = number(rest) else { return };
        // A server without options answers the probe with the file itself.
        self.probing = false;
        if block != self.block.wrapping_add(1) {
            if self.window == 1 {
                // RFC 1123 section 4.2.3.1: never answer an old block.
                return;
            }
            // EDK2 says for each block that it did not expect what it has, and counts its window from there.
            self.acknowledge(now, out);
            return;
        }
        if bytes.len() > self.block_size || self.size + bytes.len() > LARGEST {
            self.send_error(4, "Too much", out);
            self.fail(self.style.refused(&self.name, 4, "the server sends more than was agreed"));
            return;
        }
        self.block = block;
        self.in_window += 1;
        self.size += bytes.len();
        if self.keep {
            self.data.extend_from_slice(bytes);
        }
        let last = bytes.len() < self.block_size;
        if last || self.in_window >= self.window {
            self.acknowledge(now, out);
        } else {
            self.retry = Retry::new(self.style.waits(), now);
        }
        if last {
            self.retry = Retry::off();
            self.outcome = Some(Ok(std::mem::take(&mut self.data)));
        }
    }

    fn acknowledge(&mut self, now: Duration, out: &mut Vec<Datagram>) {
        self.in_window = 0;
        self.last = [ACK.to_be_bytes(), self.block.to_be_bytes()].concat();
        self.retry = Retry::new(self.style.waits(), now);
        self.send_last(out);
    }

    fn send_last(&self, out: &mut Vec<Datagram>) {
        let to = SocketAddrV4::new(self.server, self.peer.unwrap_or(PORT));
        out.push(Datagram { from: self.own, to, bytes: self.last.clone() });
    }

    fn send_error(&self, code: u16, text: &str, out: &mut Vec<Datagram>) {
        let to = SocketAddrV4::new(self.server, self.peer.unwrap_or(PORT));
        out.push(Datagram { from: self.own, to, bytes: error(code, text) });
    }

    fn fail(&mut self, why: GaveUp) {
        self.retry = Retry::off();
        self.outcome = Some(Err(why));
    }
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    bytes.split_first_chunk::<2>().map(|(number, rest)| (u16::from_be_bytes(*number), rest))
}

fn error(code: u16, text: &str) -> Vec<u8> {
    let mut bytes = [ERROR.to_be_bytes(), code.to_be_bytes()].concat();
    bytes.extend(text.as_bytes());
    bytes.push(0);
    bytes
}
