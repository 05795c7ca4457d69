//! A bench for one machine: scripted servers, and time that passes when a test says so.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use nextboot_model::Mac;

use crate::message::{Kind, Message, Received, code};
use crate::{Datagram, Firmware, HttpAnswer, HttpRequest, Machine, Output, Verdict};

pub(crate) const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);
/// The DHCP server.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// The proxy.
pub(crate) const PROXY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);

pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) now: Duration,
    pub(crate) sent: Vec<Datagram>,
    pub(crate) http: Option<HttpRequest>,
}

impl Bench {
    /// A machine that has just been switched on.
    pub(crate) fn new(firmware: Firmware) -> Self {
        let machine = Machine::new(firmware, MAC, None, 7);
        let mut bench = Self { machine, now: Duration::ZERO, sent: Vec::new(), http: None };
        bench.then(|machine, now, out| machine.start(now, out));
        bench
    }

    fn then(&mut self, what: impl FnOnce(&mut Machine, Duration, &mut Output)) {
        let mut out = Output::default();
        what(&mut self.machine, self.now, &mut out);
        self.sent.extend(out.datagrams);
        if out.http.is_some() {
            self.http = out.http;
        }
    }

    /// The last datagram.
    pub(crate) fn last(&self) -> &Datagram {
        self.sent.last().expect("it said something")
    }

    /// The last datagram, read as DHCP.
    pub(crate) fn said(&self) -> Received {
        Received::read(&self.last().bytes).expect("DHCP")
    }

    /// The kinds of all DHCP messages so far.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let read = |datagram: &Datagram| Received::read(&datagram.bytes).ok()?.kind();
        self.sent.iter().filter_map(read).collect()
    }

    /// The name in the last TFTP request.
    pub(crate) fn asks_for(&self) -> Option<(Ipv4Addr, String)> {
        let request = self.sent.iter().rev().find(|datagram| datagram.to.port() == 69)?;
        let name = request.bytes.get(2..)?.split(|byte| *byte == 0).next()?;
        Some((*request.to.ip(), String::from_utf8_lossy(name).into_owned()))
    }

    /// A datagram in answer to the last one, from this address and port.
    pub(crate) fn hear(&mut self, from: Ipv4Addr, port: u16, bytes: Vec<u8>) {
        let to = SocketAddrV4::new(ADDRESS, self.last().from.port());
        let datagram = Datagram { from: SocketAddrV4::new(from, port), to, bytes };
        self.then(|machine, now, out| machine.receive(now, &datagram, out));
    }

    /// A reply to the last DHCP message.
    pub(crate) fn reply(&mut self, from: Ipv4Addr, kind: Kind, with: impl FnOnce(Message) -> Message) {
        self.reply_from(from, 67, kind, with);
    }

    /// The same from another port.
    pub(crate) fn reply_from(
        &mut self,
        from: Ipv4Addr,
        port: u16,
        kind: Kind,
        with: impl FnOnce(Message) -> Message,
    ) {
        let xid = self.said().header.xid;
        let message = Message::new(MAC)
            .set(|header| {
                header.op = 2;
                header.xid = xid;
            })
            .kind(kind)
            .address(code::SERVER_ID, from);
        self.hear(from, port, with(message).bytes());
    }

    /// An address from the DHCP server, offered and given.
    pub(crate) fn lease(&mut self, with: impl Fn(Message) -> Message) {
        self.reply(SERVER, Kind::OFFER, |message| with(gives_address(message)));
        self.until_request();
        self.reply(SERVER, Kind::ACK, |message| with(gives_address(message)));
    }

    /// Lets the time pass until it asks for an address.
    pub(crate) fn until_request(&mut self) {
        for _ in 0..10 {
            if self.kinds().last() == Some(&Kind::REQUEST) {
                return;
            }
            self.wait();
        }
        panic!("no REQUEST, but {:?}", self.kinds());
    }

    /// Lets the time pass until the machine does something by itself.
    pub(crate) fn wait(&mut self) {
        if let Some(deadline) = self.machine.deadline() {
            self.now = deadline;
            self.then(Machine::due);
        }
    }

    /// Nobody says anything any more: how it ends.
    pub(crate) fn end(&mut self) -> Verdict {
        for _ in 0..1000 {
            if let Some(verdict) = self.machine.verdict() {
                return verdict.clone();
            }
            self.wait();
        }
        panic!("it does not end: {:?}", self.machine);
    }

    /// The code of a machine that gives up.
    pub(crate) fn gives_up(&mut self) -> &'static str {
        match self.end() {
            Verdict::GaveUp(why) => why.code,
            Verdict::Booted(booted) => panic!("it booted {booted:?}"),
        }
    }

    /// Serves the file that it asks for, to a size probe too.
    pub(crate) fn serve(&mut self, bytes: &[u8]) {
        let (server, _) = self.asks_for().expect("a request");
        let probe = self.last().bytes.windows(5).any(|part| part == b"tsize");
        let blocks = bytes.chunks(512).map(<[u8]>::to_vec);
        let last = bytes.len().is_multiple_of(512).then(Vec::new);
        if probe {
            self.hear(server, 4000, b"\0\x06tsize\x001\0".to_vec());
        }
        for (number, block) in (1_u16..).zip(blocks.chain(last)) {
            let data = [&[0, 3][..], &number.to_be_bytes(), &block].concat();
            self.hear(server, if probe && !self.sent.is_empty() { self.port() } else { 4000 }, data);
        }
    }

    /// The port that the machine expects its server at.
    fn port(&self) -> u16 {
        match self.last().to.port() {
            69 => 4001,
            port => port,
        }
    }

    /// There is no such file.
    pub(crate) fn refuse(&mut self) {
        let (server, _) = self.asks_for().expect("a request");
        self.hear(server, 4000, b"\0\x05\0\x01File not found\0".to_vec());
    }

    /// Answers its HTTP request.
    pub(crate) fn answer(&mut self, status: u16, content_type: Option<&str>, body: &[u8]) {
        let answer = HttpAnswer {
            status,
            content_type: content_type.map(str::to_owned),
            content_length: Some(body.len() as u64),
            body: body.to_vec(),
            size: body.len(),
        };
        self.http = None;
        self.then(|machine, now, out| machine.answered(now, Ok(answer), out));
    }

    /// The URL that it asks for, after the method.
    pub(crate) fn url(&self) -> Option<String> {
        self.http.as_ref().map(|request| format!("{} {}", request.method, request.url))
    }
}

/// Makes a reply one that gives the address.
pub(crate) fn gives_address(message: Message) -> Message {
    message
        .set(|header| header.yiaddr = ADDRESS)
        .option(code::SUBNET_MASK, [255, 255, 255, 0])
        .address(code::ROUTER, SERVER)
        .option(code::LEASE_TIME, 3600_u32.to_be_bytes())
}

/// Makes a reply one that names a file.
pub(crate) fn names_file(message: Message, server: Ipv4Addr, file: &str) -> Message {
    message.set(|header| {
        header.siaddr = server;
        header.set_file(file);
    })
}

/// Option 60 of a PXE server.
pub(crate) fn speaks_pxe(message: Message) -> Message {
    message.option(code::VENDOR_CLASS, "PXEClient")
}

/// "Boot the file of this packet".
pub(crate) const DIRECT: [u8; 4] = [6, 1, 8, 255];

/// A menu with these items, its time-out and their boot server.
pub(crate) fn menu(items: &[u16], seconds: u8, server: Ipv4Addr) -> Vec<u8> {
    let (mut menu, mut servers) = (Vec::new(), Vec::new());
    for item in items {
        menu.extend(item.to_be_bytes());
        menu.extend(b"\x04item");
        servers.extend(item.to_be_bytes());
        servers.push(1);
        servers.extend(server.octets());
    }
    let mut value = vec![6, 1, 3];
    for (code, part) in [(8, servers), (9, menu), (10, vec![seconds, b'?'])] {
        value.extend([code, part.len() as u8]);
        value.extend(part);
    }
    value.push(255);
    value
}
