//! Lengths, fixed fields, and the frame of the options.

use super::{Book, Fate};
use crate::message::{HEADER_SIZE, Kind, code};

pub(super) fn add(book: &mut Book) {
    lengths(book);
    fixed_fields(book);
    frame(book);
}

fn lengths(book: &mut Book) {
    let class = "length";
    for length in 0..HEADER_SIZE + 4 {
        let whole = book.message(Kind::DISCOVER).bytes();
        book.broadcast(class, format!("{length} bytes"), Fate::Silence, whole[..length].to_vec());
    }
    // Ethernet carries 1472 bytes; more comes in fragments.
    for (length, fate) in
        [(1472, Fate::Answer), (4096, Fate::Either), (4097, Fate::Either), (9000, Fate::Either)]
    {
        book.discover(class, format!("{length} bytes"), fate, |message| message.at_least(length));
    }
}

fn fixed_fields(book: &mut Book) {
    let class = "fixed fields";
    for op in [0, 2, 3, 128, 255] {
        book.header(class, format!("op {op}"), Fate::Silence, |header| header.op = op);
    }
    for htype in [0, 6, 7, 32, 255] {
        book.header(class, format!("htype {htype}"), Fate::Silence, |header| header.htype = htype);
    }
    for hlen in [0, 1, 5, 7, 8, 15, 16, 17, 128, 255] {
        book.header(class, format!("hlen {hlen}"), Fate::Silence, |header| header.hlen = hlen);
        let both = |header: &mut crate::message::Header| (header.htype, header.hlen) = (32, hlen);
        book.header(class, format!("htype 32, hlen {hlen}"), Fate::Silence, both);
    }
    for (name, mac) in [("zeros", [0; 6]), ("broadcast", [255; 6]), ("a group", [1, 0, 0x5e, 0, 0, 1])] {
        book.header(class, format!("chaddr {name}"), Fate::Silence, |header| {
            header.chaddr[..6].copy_from_slice(&mac);
        });
    }
    book.header(class, "bytes behind the address", Fate::Answer, |header| header.chaddr[6..].fill(0xff));
    for (hops, fate) in [(1, Fate::Answer), (16, Fate::Answer), (17, Fate::Silence), (255, Fate::Silence)] {
        book.header(class, format!("hops {hops}"), fate, |header| header.hops = hops);
    }
    for secs in [1, 0x0400, 65_535] {
        book.header(class, format!("secs {secs}"), Fate::Answer, |header| header.secs = secs);
    }
    book.header(class, "all flags", Fate::Answer, |header| header.flags = 0xffff);
    for xid in [0, u32::MAX] {
        book.header(class, format!("xid {xid}"), Fate::Either, |header| header.xid = xid);
    }
    // Two machines of one disk image, or one that wants the other's answer.
    for name in ["first", "second"] {
        book.header(class, format!("xid reused, {name}"), Fate::Either, |header| header.xid = 0x6862_5555);
    }
    book.header(class, "file and sname without an end", Fate::Answer, |header| {
        header.file.fill(b'x');
        header.sname.fill(b'x');
    });
    book.header(class, "file with line breaks", Fate::Answer, |header| header.set_file("a\r\nb\x1b[2J"));
}

fn frame(book: &mut Book) {
    let class = "frame of the options";
    for cookie in [&[0; 4][..], &[99, 130, 83, 98], &[83, 99, 99, 130], &[]] {
        book.discover(class, format!("cookie {cookie:?}"), Fate::Silence, |message| message.cookie(cookie));
    }
    book.discover(class, "no END", Fate::Answer, |message| message.without_end());
    book.discover(class, "noise behind END", Fate::Answer, |message| message.tail([0xa5; 200]));
    book.discover(class, "another type behind END", Fate::Answer, |message| message.tail([53, 1, 7, 255]));
    let (mac, _) = book.next();
    let only = crate::message::Message::new(mac);
    book.broadcast(class, "nothing but padding", Fate::Silence, only.raw([0; 300]).without_end().bytes());
    let padded = [&[0; 255][..], &[53, 1, 1]].concat();
    let rom = super::ROM.as_bytes();
    let (mac, xid) = book.next();
    let late = crate::message::Message::new(mac).set(|header| header.xid = xid).broadcast().raw(padded);
    book.broadcast(class, "255 bytes of padding first", Fate::Answer, late.option(60, rom).bytes());
    for (name, rest) in [
        ("a code alone at the end", &[60][..]),
        ("one byte of many", &[61, 255, 1]),
        ("no byte of many", &[12, 255]),
        ("a list longer than the packet", &[code::PARAMETERS, 200, 1, 3]),
    ] {
        book.discover(class, name, Fate::Answer, |message| message.raw(rest).without_end());
    }
    for (name, raw) in [("all ones", [255; 300]), ("all twos", [2; 300]), ("code 53 for ever", [53; 300])] {
        let (mac, xid) = book.next();
        let noise = crate::message::Message::new(mac).set(|header| header.xid = xid).raw(raw);
        book.broadcast(class, format!("options of {name}"), Fate::Silence, noise.bytes());
    }
}
