//! Message types out of place.

use std::net::SocketAddrV4;

use super::{Book, Fate, To};
use crate::message::{Kind, Message, code};

pub(super) fn add(book: &mut Book) {
    kinds(book);
    boot_server(book);
}

fn kinds(book: &mut Book) {
    let class = "message types";
    for kind in [0, 2, 5, 6, 9, 10, 11, 12, 13, 14, 17, 18, 100, 255] {
        let message = book.message(Kind(kind)).option(code::VENDOR_CLASS, super::ROM);
        book.broadcast(class, format!("{kind}"), Fate::Silence, message.bytes());
    }
    for value in [&[][..], &[1, 1], &[0, 0, 0, 1]] {
        let (mac, xid) = book.next();
        let message = Message::new(mac).set(|header| header.xid = xid).option(code::MESSAGE_TYPE, value);
        let message = message.option(code::VENDOR_CLASS, super::ROM);
        book.broadcast(class, format!("of {} bytes", value.len()), Fate::Silence, message.bytes());
    }
    // Two servers that answered each other's replies would never end.
    for kind in [Kind::OFFER, Kind::ACK, Kind::NAK] {
        let (server, given) = (book.near(2), book.near(120));
        let reply = book.message(kind).address(54, server).set(|header| {
            header.op = 2;
            header.yiaddr = given;
        });
        let from = SocketAddrV4::new(server, 67);
        book.push(class, format!("{kind} of another server"), Fate::Silence, from, To::All, reply.bytes());
        let to = To::Server;
        book.push(class, format!("{kind} of another server to us"), Fate::Silence, from, to, reply.bytes());
    }
    // Who holds nothing can give nothing back.
    let (server, address) = (book.server, book.near(120));
    let release = book.message(Kind::RELEASE).address(54, server).set(|header| header.ciaddr = address);
    book.push(class, "RELEASE", Fate::Silence, SocketAddrV4::new(address, 68), To::Server, release.bytes());
    let decline = book.message(Kind::DECLINE).address(54, server).address(code::REQUESTED, address);
    book.broadcast(class, "DECLINE", Fate::Silence, decline.bytes());
    let bare = [Kind::REQUEST, Kind::DECLINE, Kind::RELEASE, Kind::INFORM];
    for kind in bare {
        let message = book.message(kind);
        book.broadcast(class, format!("{kind} with nothing in it"), Fate::Silence, message.bytes());
    }
}

/// Port 4011, from a machine of the network.
fn boot_server(book: &mut Book) {
    let from = SocketAddrV4::new(book.near(77), 68);
    let machine = book.near(77);
    let mut ask = |name: &str, fate, change: &dyn Fn(Message) -> Message| {
        let (mac, xid) = book.next();
        let message = Message::new(mac).set(|header| (header.xid, header.ciaddr) = (xid, machine));
        book.push("port 4011", name, fate, from, To::BootServer, change(message).bytes());
    };
    let request = |message: Message| message.kind(Kind::REQUEST).option(code::ARCH, [0, 0]);
    ask("a system's REQUEST", Fate::Silence, &request);
    ask("BOOTP", Fate::Silence, &|message| message.at_least(300));
    ask("UEFI HTTP Boot", Fate::Silence, &|message| request(message).option(60, "HTTPClient:Arch:00016"));
    ask("DISCOVER", Fate::Silence, &|message| message.kind(Kind::DISCOVER).option(60, super::ROM));
    ask("a reply", Fate::Silence, &|message| {
        request(message).option(60, super::ROM).set(|header| header.op = 2)
    });
    for (name, item) in
        [("the local disk", &[71, 4, 0, 0, 0, 0, 255][..]), ("credentials", &[71, 4, 0x80, 1, 0x80, 0, 255])]
    {
        ask(name, Fate::Silence, &|message| request(message).option(60, super::ROM).option(43, item));
    }
    for (name, item) in [
        ("an item cut short", &[71, 4, 0x80][..]),
        ("an item of one byte", &[71, 1, 1, 255]),
        ("an item for ever", &[71; 255]),
        ("itself in itself", &[43, 4, 43, 2, 43, 0]),
    ] {
        ask(name, Fate::Either, &|message| request(message).option(60, super::ROM).option(43, item));
    }
}
