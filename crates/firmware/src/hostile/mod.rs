//! Packets that nobody means well with, and odd ones that honest firmware sends: for tests of any DHCP server.
//!
//! Every packet is a DISCOVER of a BIOS PXE ROM with one thing changed, unless its class is about another message; so a server
//! and a proxy alike have a reason to answer where the one thing is harmless. Each comes from a machine of its own, so
//! that no limit on what one machine may send hides it.
//!
//! ```
//! use std::net::Ipv4Addr;
//! use nextboot_firmware::hostile::{Fate, corpus};
//!
//! let cases = corpus(Ipv4Addr::new(10, 0, 0, 1));
//! let short = cases.iter().find(|case| case.class == "length" && case.bytes.len() == 100).unwrap();
//! assert_eq!(short.fate, Fate::Silence);
//! ```

mod addresses;
mod messages;
mod options;
mod shape;

use std::net::{Ipv4Addr, SocketAddrV4};

use nextboot_model::Mac;

use crate::message::{Header, Kind, Message, code};

/// What a server may make of a packet, beside going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nobody is answered.
    Silence,
    /// The oddity is harmless, and real machines show it: the machine is answered as any other.
    Answer,
    /// Either, as the server likes; an answer is a correct one, and goes to nobody else.
    Either,
}

/// Where a packet is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Port 67 of everybody.
    All,
    /// Port 67 of the server.
    Server,
    /// Port 4011 of the server.
    BootServer,
}

/// One packet.
#[derive(Debug, Clone)]
pub struct Case {
    /// What sort of oddity it is.
    pub class: &'static str,
    /// Which of them.
    pub name: String,
    /// The machine that sends it; unlike any other case's.
    pub mac: Mac,
    /// Its transaction, as far as the packet is long enough to show it; unlike any other case's unless that is the oddity.
    pub xid: u32,
    /// The sender's address and port.
    pub from: SocketAddrV4,
    /// Where it goes.
    pub to: To,
    /// The UDP payload.
    pub bytes: Vec<u8>,
    /// What may come of it.
    pub fate: Fate,
}

/// All packets, for a server with this address in a network of 24 bits. The server gives no address to BOOTP clients and
/// knows no relay outside its network.
#[must_use]
pub fn corpus(server: Ipv4Addr) -> Vec<Case> {
    let mut book = Book { server, cases: Vec::new() };
    shape::add(&mut book);
    options::add(&mut book);
    addresses::add(&mut book);
    messages::add(&mut book);
    book.cases
}

/// The cases so far.
struct Book {
    server: Ipv4Addr,
    cases: Vec<Case>,
}

impl Book {
    /// The address with this last number in the server's network.
    fn near(&self, last: u8) -> Ipv4Addr {
        let [a, b, c, _] = self.server.octets();
        Ipv4Addr::new(a, b, c, last)
    }

    fn next(&self) -> (Mac, u32) {
        let number = u16::try_from(self.cases.len()).unwrap_or(u16::MAX);
        let [high, low] = number.to_be_bytes();
        (Mac([2, 0xbd, 0, 0, high, low]), 0x6862_0000 | u32::from(number))
    }

    /// A message of this kind from the next machine, broadcast.
    fn message(&self, kind: Kind) -> Message {
        let (mac, xid) = self.next();
        Message::new(mac).set(|header| header.xid = xid).broadcast().kind(kind)
    }

    /// A DISCOVER of the next machine with `change` made to it.
    fn discover(
        &mut self,
        class: &'static str,
        name: impl Into<String>,
        fate: Fate,
        change: impl FnOnce(Message) -> Message,
    ) {
        let rom = self.message(Kind::DISCOVER).option(code::VENDOR_CLASS, ROM).option(code::ARCH, [0, 0]);
        self.broadcast(class, name, fate, change(rom.option(code::PARAMETERS, [1, 3, 6])).bytes());
    }

    /// A DISCOVER with something in its fixed fields.
    fn header(
        &mut self,
        class: &'static str,
        name: impl Into<String>,
        fate: Fate,
        change: impl FnOnce(&mut Header),
    ) {
        self.discover(class, name, fate, |message| message.set(change));
    }

    /// These bytes to everybody, from a machine without an address.
    fn broadcast(&mut self, class: &'static str, name: impl Into<String>, fate: Fate, bytes: Vec<u8>) {
        self.push(class, name, fate, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68), To::All, bytes);
    }

    fn push(
        &mut self,
        class: &'static str,
        name: impl Into<String>,
        fate: Fate,
        from: SocketAddrV4,
        to: To,
        bytes: Vec<u8>,
    ) {
        let (mac, xid) = self.next();
        self.cases.push(Case { class, name: name.into(), mac, xid, from, to, bytes, fate });
    }
}

/// The class of a BIOS PXE ROM.
const ROM: &str = "PXEClient:Arch:00000:UNDI:002001";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_has_a_machine_and_a_name_of_its_own() {
        let cases = corpus(Ipv4Addr::new(10, 0, 0, 1));
        let macs: HashSet<Mac> = cases.iter().map(|case| case.mac).collect();
        let names: HashSet<(&str, &str)> =
            cases.iter().map(|case| (case.class, case.name.as_str())).collect();
        assert_eq!((macs.len(), names.len()), (cases.len(), cases.len()));
        assert!(cases.len() > 400, "{}", cases.len());
        for fate in [Fate::Silence, Fate::Answer, Fate::Either] {
            assert!(cases.iter().filter(|case| case.fate == fate).count() > 20, "{fate:?}");
        }
    }
}
