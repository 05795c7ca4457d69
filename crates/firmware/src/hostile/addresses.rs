//! Addresses that no machine has, and addresses that are somebody else's.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Book, Fate, To};
use crate::message::{Kind, code};

/// Nobody's address.
const NOBODY: [(&str, Ipv4Addr); 5] = [
    ("broadcast", Ipv4Addr::BROADCAST),
    ("a group", Ipv4Addr::new(224, 0, 0, 1)),
    ("loopback", Ipv4Addr::LOCALHOST),
    ("zero net", Ipv4Addr::new(0, 0, 0, 1)),
    ("class E", Ipv4Addr::new(240, 0, 0, 1)),
];

/// Somebody far away, whom a spoofed packet wants to be answered.
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 66);

pub(super) fn add(book: &mut Book) {
    fields(book);
    wishes(book);
    relays(book);
    spoofed(book);
}

fn fields(book: &mut Book) {
    for (name, address) in NOBODY.into_iter().chain([("far", FAR)]) {
        let class = "addresses of a client";
        book.header(class, format!("yiaddr {name}"), Fate::Answer, |header| header.yiaddr = address);
        book.header(class, format!("siaddr {name}"), Fate::Answer, |header| header.siaddr = address);
        // RFC 2131 has 0 there in a DISCOVER.
        book.header(class, format!("ciaddr {name}"), Fate::Either, |header| header.ciaddr = address);
    }
}

/// Options 50 and 54.
fn wishes(book: &mut Book) {
    let class = "wishes";
    let own = ("the server's own", book.server);
    let edges = [("the network", book.near(0)), ("its broadcast", book.near(255))];
    let zero = ("zero", Ipv4Addr::UNSPECIFIED);
    for (name, address) in NOBODY.into_iter().chain([("far", FAR), zero, own]).chain(edges) {
        book.discover(class, format!("50 {name}"), Fate::Answer, |message| {
            message.address(code::REQUESTED, address)
        });
        // A server may refuse it by DHCPNAK, and gives it to nobody.
        let server = book.server;
        let request = book.message(Kind::REQUEST).address(code::REQUESTED, address);
        book.broadcast(class, format!("REQUEST of {name}, remembered"), Fate::Either, request.bytes());
        let request = book.message(Kind::REQUEST).address(code::REQUESTED, address).address(54, server);
        book.broadcast(class, format!("REQUEST of {name}, offered"), Fate::Either, request.bytes());
        let renewal = book.message(Kind::REQUEST).set(|header| header.ciaddr = address);
        book.broadcast(class, format!("REQUEST of {name}, in use"), Fate::Either, renewal.bytes());
    }
    let near = book.near(120);
    for (name, address) in NOBODY.into_iter().chain([("far", FAR), zero]) {
        let request = book.message(Kind::REQUEST).address(code::REQUESTED, near).address(54, address);
        book.broadcast(class, format!("54 {name}"), Fate::Silence, request.bytes());
    }
    for length in [0, 1, 3, 5, 16, 255] {
        book.discover(class, format!("50 of {length} bytes"), Fate::Answer, |message| {
            message.option(code::REQUESTED, vec![10; length])
        });
        let request = book.message(Kind::REQUEST).option(code::REQUESTED, vec![10; length]);
        book.broadcast(class, format!("REQUEST, 50 of {length} bytes"), Fate::Silence, request.bytes());
        book.discover(class, format!("54 of {length} bytes"), Fate::Answer, |message| {
            message.option(code::SERVER_ID, vec![10; length])
        });
    }
    book.discover(class, "118 far", Fate::Either, |message| message.address(118, FAR));
}

/// `giaddr` says where the answer goes.
fn relays(book: &mut Book) {
    let class = "relays";
    for (name, address) in NOBODY.into_iter().chain([("far", FAR)]) {
        book.header(class, name, Fate::Silence, |header| header.giaddr = address);
    }
    let (own, near, edge) = (book.server, book.near(9), book.near(255));
    for (name, address) in [("the server itself", own), ("of the network", near), ("its broadcast", edge)] {
        book.header(class, name, Fate::Either, |header| header.giaddr = address);
    }
}

/// Packets that want the answer to go to somebody else.
fn spoofed(book: &mut Book) {
    let class = "spoofed";
    let victim = book.near(77);
    for (name, source, ciaddr) in [
        ("INFORM for another in the network", book.near(78), victim),
        ("INFORM for somebody far", book.near(78), FAR),
        ("INFORM from far", FAR, FAR),
        ("INFORM from far for one in the network", FAR, victim),
        ("INFORM from nobody for nobody", Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
        ("INFORM from nobody for a group", Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(224, 0, 0, 1)),
    ] {
        let inform = book.message(Kind::INFORM).set(|header| header.ciaddr = ciaddr);
        book.push(class, name, Fate::Silence, SocketAddrV4::new(source, 68), To::Server, inform.bytes());
    }
    for (name, source) in NOBODY.into_iter().chain([("far", FAR), ("zero", Ipv4Addr::UNSPECIFIED)]) {
        let request = book.message(Kind::REQUEST).option(code::VENDOR_CLASS, super::ROM);
        let request = request.option(code::ARCH, [0, 0]).set(|header| header.ciaddr = victim);
        let from = SocketAddrV4::new(source, 4011);
        book.push(
            class,
            format!("port 4011 from {name}"),
            Fate::Silence,
            from,
            To::BootServer,
            request.bytes(),
        );
    }
    // CVE-2025-40779: a unicast request from a network that nobody serves, with every option there is.
    for kind in [Kind::REQUEST, Kind::INFORM, Kind::DISCOVER] {
        let every = (1..=254).filter(|code| *code != code::MESSAGE_TYPE);
        let message = every.fold(book.message(kind), |message, code| message.option(code, [1, 1, 1, 1]));
        let message = message.set(|header| header.ciaddr = FAR);
        let fate = if kind == Kind::DISCOVER { Fate::Either } else { Fate::Silence };
        let from = SocketAddrV4::new(FAR, 68);
        book.push(
            class,
            format!("{kind} from far with every option"),
            fate,
            from,
            To::Server,
            message.bytes(),
        );
    }
}
