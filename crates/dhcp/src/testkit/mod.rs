//! Clients for the tests, written down byte by byte.

pub(crate) mod captured;

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::{Arrival, Boot, BootAnswer, Heard, Outcome, Port, Seen};

#[derive(Debug, Clone)]
pub(crate) struct Client {
    header: Vec<u8>,
    options: Vec<u8>,
    cookie: bool,
}

impl Client {
    pub(crate) fn new(number: u8) -> Self {
        let mut header = vec![0; 236];
        header[..8].copy_from_slice(&[1, 1, 6, 0, 0xaa, 0xbb, 0xcc, number]);
        header[28..34].copy_from_slice(&[2, 0, 0, 0, 0, number]);
        Self { header, options: Vec::new(), cookie: true }
    }

    pub(crate) fn option(mut self, code: u8, value: &[u8]) -> Self {
        for part in value.chunks(255) {
            self.options.extend([code, part.len() as u8]);
            self.options.extend(part);
        }
        if value.is_empty() {
            self.options.extend([code, 0]);
        }
        self
    }

    pub(crate) fn kind(self, message: u8) -> Self {
        self.option(53, &[message])
    }

    pub(crate) fn address(self, code: u8, address: Ipv4Addr) -> Self {
        self.option(code, &address.octets())
    }

    pub(crate) fn mac(mut self, mac: [u8; 6]) -> Self {
        self.header[28..34].copy_from_slice(&mac);
        self
    }

    pub(crate) fn field(mut self, at: usize, address: Ipv4Addr) -> Self {
        self.header[at..at + 4].copy_from_slice(&address.octets());
        self
    }

    pub(crate) fn ciaddr(self, address: Ipv4Addr) -> Self {
        self.field(12, address)
    }

    pub(crate) fn giaddr(self, address: Ipv4Addr) -> Self {
        self.field(24, address)
    }

    pub(crate) fn wants_broadcast(mut self) -> Self {
        self.header[10] = 0x80;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.clone();
        if self.cookie {
            bytes.extend([0x63, 0x82, 0x53, 0x63]);
            bytes.extend(&self.options);
            bytes.push(255);
        }
        bytes
    }

    pub(crate) fn seen(&self) -> Seen {
        Seen::read(&self.bytes()).unwrap()
    }
}

pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// A broadcast on port 67 at 10.0.0.1/24.
pub(crate) fn broadcast() -> Arrival {
    Arrival {
        interface: 2,
        local: "10.0.0.1/24".parse().unwrap(),
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        port: Port::Dhcp,
        broadcast: true,
    }
}

/// A unicast to 10.0.0.1.
pub(crate) fn unicast(port: Port, source: SocketAddrV4) -> Arrival {
    Arrival { source, port, broadcast: false, ..broadcast() }
}

/// The bytes of a hexadecimal literal.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn captured(text: &str) -> Seen {
    Seen::read(&hex(text)).unwrap()
}

pub(crate) fn boot(file: &str) -> BootAnswer {
    BootAnswer::Boot(Boot {
        next_server: SERVER,
        server_name: None,
        file: file.to_owned(),
        options: vec![(210, b"/tftp/".to_vec())],
    })
}

/// The only reply of an outcome, read back.
pub(crate) fn reply(outcome: &Outcome) -> Heard {
    assert_eq!(outcome.replies.len(), 1, "{outcome:?}");
    Heard::read(&outcome.replies[0].bytes).unwrap()
}
