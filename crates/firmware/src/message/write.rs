use std::net::Ipv4Addr;

use nextboot_model::Mac;

use super::header::{COOKIE, Header, fill};
use super::{Kind, code};

/// A packet to be sent. Options come out in the order in which they were added, repeated ones too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The fixed fields.
    pub header: Header,
    cookie: Vec<u8>,
    options: Vec<u8>,
    end: bool,
    tail: Vec<u8>,
    least: usize,
}

impl Message {
    /// A BOOTREQUEST without options from an Ethernet card: transaction 0, all addresses 0.
    #[must_use]
    pub fn new(mac: Mac) -> Self {
        Self {
            header: Header::request(mac),
            cookie: COOKIE.to_vec(),
            options: Vec::new(),
            end: true,
            tail: Vec::new(),
            least: 0,
        }
    }

    /// Changes the fixed fields.
    #[must_use]
    pub fn set(mut self, change: impl FnOnce(&mut Header)) -> Self {
        change(&mut self.header);
        self
    }

    /// Sets the flag that asks for a broadcast answer.
    #[must_use]
    pub fn broadcast(self) -> Self {
        self.set(|header| header.flags |= 0x8000)
    }

    /// Adds option 53. Without it the packet is BOOTP's.
    #[must_use]
    pub fn kind(self, kind: Kind) -> Self {
        self.option(code::MESSAGE_TYPE, [kind.0])
    }

    /// Adds an option. A value of more than 255 bytes becomes several options with this code (RFC 3396); an empty one
    /// becomes an option of length 0.
    #[must_use]
    pub fn option(mut self, code: u8, value: impl AsRef<[u8]>) -> Self {
        push(&mut self.options, code, value.as_ref());
        self
    }

    /// Adds an option with one address.
    #[must_use]
    pub fn address(self, code: u8, address: Ipv4Addr) -> Self {
        self.option(code, address.octets())
    }

    /// Adds an option that holds other options, closed with END if `end` says so.
    #[must_use]
    pub fn encapsulated(self, code: u8, options: &[(u8, &[u8])], end: bool) -> Self {
        let mut value = Vec::new();
        for (code, part) in options {
            push(&mut value, *code, part);
        }
        if end {
            value.push(code::END);
        }
        self.option(code, value)
    }

    /// Adds bytes to the options as they are: an option with a length that lies, padding between options, noise.
    #[must_use]
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.options.extend_from_slice(bytes.as_ref());
        self
    }

    /// Writes options into `file`, closed with END where there is room; add option 52 yourself.
    #[must_use]
    pub fn in_file(mut self, options: &[(u8, &[u8])]) -> Self {
        fill(&mut self.header.file, &area(options));
        self
    }

    /// Writes options into `sname`, closed with END where there is room; add option 52 yourself.
    #[must_use]
    pub fn in_sname(mut self, options: &[(u8, &[u8])]) -> Self {
        fill(&mut self.header.sname, &area(options));
        self
    }

    /// Another cookie than RFC 2131's; an empty one is none at all.
    #[must_use]
    pub fn cookie(mut self, cookie: impl AsRef<[u8]>) -> Self {
        self.cookie = cookie.as_ref().to_vec();
        self
    }

    /// Leaves END out.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.end = false;
        self
    }

    /// Bytes behind END.
    #[must_use]
    pub fn tail(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.tail = bytes.as_ref().to_vec();
        self
    }

    /// Fills up with zeros to this many bytes; BOOTP wants 300.
    #[must_use]
    pub fn at_least(mut self, bytes: usize) -> Self {
        self.least = bytes;
        self
    }

    /// The UDP payload.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.bytes();
        bytes.extend(&self.cookie);
        bytes.extend(&self.options);
        if self.end {
            bytes.push(code::END);
        }
        bytes.extend(&self.tail);
        if bytes.len() < self.least {
            bytes.resize(self.least, 0);
        }
        bytes
    }
}

fn push(area: &mut Vec<u8>, code: u8, value: &[u8]) {
    if value.is_empty() {
        area.extend([code, 0]);
    }
    for part in value.chunks(255) {
        // A chunk has at most 255 bytes.
        area.extend([code, u8::try_from(part.len()).unwrap_or(u8::MAX)]);
        area.extend(part);
    }
}

fn area(options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut area = Vec::new();
    for (code, value) in options {
        push(&mut area, *code, value);
    }
    area.push(code::END);
    area
}
