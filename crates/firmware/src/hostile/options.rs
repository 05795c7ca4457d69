//! Values of single options, and options in wrong numbers.

use super::{Book, Fate};
use crate::message::code;

pub(super) fn add(book: &mut Book) {
    repeated(book);
    identifiers(book);
    names(book);
    overload(book);
    relay_information(book);
    sizes_and_architectures(book);
    encapsulated(book);
    every_code(book);
}

fn repeated(book: &mut Book) {
    let class = "options a hundred times";
    for (code, value, fate) in [
        (code::PARAMETERS, &[1, 3, 6][..], Fate::Answer),
        (code::CLIENT_ID, &[1, 2, 3, 4, 5, 6, 7], Fate::Answer),
        (code::HOST_NAME, b"node", Fate::Answer),
        (code::VENDOR_CLASS, b"PXEClient", Fate::Answer),
        (code::REQUESTED, &[10, 77, 0, 120], Fate::Answer),
        (code::VENDOR, &[6, 1, 8], Fate::Answer),
        (code::RELAY_INFO, &[1, 1, 9], Fate::Answer),
        (code::ARCH, &[0, 0], Fate::Answer),
        // A hundred bytes long it is no message type.
        (code::MESSAGE_TYPE, &[1], Fate::Silence),
    ] {
        book.discover(class, format!("code {code}"), fate, |message| {
            (0..100).fold(message, |message, _| message.option(code, value))
        });
    }
    book.discover(class, "code 43, not one behind the other", Fate::Answer, |message| {
        (0..100).fold(message, |message, _| message.option(43, [6, 1, 8]).raw([0]).option(12, "n"))
    });
}

/// CVE-2019-6472 (identifiers over 255 bytes), CVE-2010-2156 (empty), CVE-2012-3571 (malformed).
fn identifiers(book: &mut Book) {
    for length in [0, 1, 2, 128, 255, 256, 300, 600] {
        book.discover("client identifier", format!("{length} bytes"), Fate::Answer, |message| {
            message.option(code::CLIENT_ID, vec![7; length])
        });
    }
    for kind in [0, 1, 255] {
        book.discover("client identifier", format!("type {kind}, cut short"), Fate::Answer, |message| {
            message.option(code::CLIENT_ID, [kind, 0, 0])
        });
    }
}

/// CVE-2019-6473 (host names and FQDNs), CVE-2022-2929 (labels over 63), CVE-2025-11232 (names of which nothing is left).
fn names(book: &mut Book) {
    let values: [(&str, Vec<u8>); 14] = [
        ("empty", Vec::new()),
        ("a question mark thrice", b"???".to_vec()),
        ("a point", b".".to_vec()),
        ("a dash", b"-".to_vec()),
        ("points and dashes", b"-.-.-".to_vec()),
        ("a zero byte", vec![0]),
        ("a zero byte inside", b"a\0b".to_vec()),
        ("no UTF-8", vec![0xff, 0xfe, 0xc0, 0x80]),
        ("a label of 64", vec![b'a'; 64]),
        ("255 letters", vec![b'a'; 255]),
        ("300 letters", vec![b'a'; 300]),
        ("labels of one letter", b"a.".repeat(127)),
        ("terminal codes", b"\x1b[2J\x1b]0;x\x07\r\nINFO event: installed".to_vec()),
        ("a path", b"../../etc/passwd".to_vec()),
    ];
    for (name, value) in &values {
        book.discover("host name", *name, Fate::Answer, |message| message.option(12, value));
    }
    for (name, value) in &values {
        for flags in [0, 4, 0xff] {
            let value = [&[flags, 0, 0], value.as_slice()].concat();
            book.discover("FQDN", format!("{name}, flags {flags}"), Fate::Answer, |message| {
                message.option(code::FQDN, &value)
            });
        }
    }
    let wire: [(&str, &[u8]); 5] = [
        ("without a name", &[4, 0, 0]),
        ("cut in its flags", &[4]),
        ("a label longer than the option", &[4, 0, 0, 63, b'a']),
        ("a pointer to itself", &[4, 0, 0, 0xc0, 0]),
        ("labels of 255", &[4, 0, 0, 255, 255, 255]),
    ];
    for (name, value) in wire {
        book.discover("FQDN", name, Fate::Answer, |message| message.option(code::FQDN, value));
    }
}

fn overload(book: &mut Book) {
    let class = "overload";
    for value in [0, 1, 2, 3, 4, 255] {
        // Each of the fields points at the other and at itself, and claims to be another message.
        let field: [(u8, &[u8]); 3] = [(52, &[3]), (12, b"n"), (52, &[1])];
        book.discover(class, format!("{value}, fields that point at each other"), Fate::Answer, |message| {
            message.option(code::OVERLOAD, [value]).in_file(&field).in_sname(&field)
        });
    }
    for value in [&[][..], &[1, 1], &[3; 200]] {
        book.discover(class, format!("{} bytes", value.len()), Fate::Answer, |message| {
            message.option(code::OVERLOAD, value)
        });
    }
    book.discover(class, "fields without an end", Fate::Answer, |message| {
        message.option(code::OVERLOAD, [3]).set(|header| {
            header.file.fill(12);
            header.sname.fill(12);
        })
    });
    book.discover(class, "a second message type in the field", Fate::Either, |message| {
        message.option(code::OVERLOAD, [1]).in_file(&[(53, &[7])])
    });
}

const ELSEWHERE: &str = "a server identifier elsewhere";

fn relay_information(book: &mut Book) {
    let values: [(&str, Vec<u8>); 15] = [
        ("empty", Vec::new()),
        ("a code alone", vec![1]),
        ("a length beyond the end", vec![1, 255, 9]),
        ("lengths of zero", [1, 0].repeat(100)),
        ("itself in itself", vec![82, 6, 82, 4, 82, 2, 82, 0]),
        ("255 bytes", vec![1; 255]),
        ("600 bytes", vec![1; 600]),
        ("a link of three bytes", vec![5, 3, 10, 0, 0]),
        ("a link elsewhere", vec![5, 4, 8, 8, 8, 8]),
        ("padding and END", vec![0, 0, 0, 255, 255]),
        ("a server identifier of three bytes", vec![11, 3, 10, 0, 0]),
        ("a server identifier of nobody", vec![11, 4, 255, 255, 255, 255]),
        ("a server identifier of a group", vec![11, 4, 224, 0, 0, 1]),
        ("a port with a value", vec![19, 2, 0, 9]),
        (ELSEWHERE, vec![11, 4, 8, 8, 8, 8]),
    ];
    for (name, value) in values {
        // Without a relay these are a client's words, and nobody need read them.
        let direct = if name == "a link elsewhere" { Fate::Either } else { Fate::Answer };
        book.discover("relay information", name, direct, |message| message.option(82, &value));
        // RFC 5107 gives a relay the right to say so.
        if name == ELSEWHERE {
            continue;
        }
        let relay = book.near(9);
        book.discover("relay information", format!("{name}, by a relay"), Fate::Either, |message| {
            message.set(|header| header.giaddr = relay).option(82, &value)
        });
    }
}

fn sizes_and_architectures(book: &mut Book) {
    for size in [0u16, 1, 27, 28, 300, 575, 576, 1500, 0xff00, 65_535] {
        book.discover("largest size", format!("{size}"), Fate::Answer, |message| {
            message.option(code::MAX_SIZE, size.to_be_bytes())
        });
    }
    for length in [0, 1, 3, 255] {
        book.discover("largest size", format!("of {length} bytes"), Fate::Answer, |message| {
            message.option(code::MAX_SIZE, vec![5; length])
        });
    }
    for length in [1, 3, 255] {
        book.discover("architecture", format!("{length} bytes more"), Fate::Answer, |message| {
            message.option(code::ARCH, vec![0; length])
        });
    }
    for length in [0, 1, 15, 16, 18, 255] {
        book.discover("UUID", format!("{length} bytes"), Fate::Answer, |message| {
            message.option(code::UUID, vec![0; length])
        });
    }
}

fn encapsulated(book: &mut Book) {
    let values: [(&str, Vec<u8>); 7] = [
        ("empty", Vec::new()),
        ("itself in itself", vec![43, 6, 43, 4, 43, 2, 43, 0]),
        ("a length beyond the end", vec![6, 255, 8]),
        ("a boot item of one byte", vec![71, 1, 0, 255]),
        ("a boot item for ever", vec![71; 255]),
        ("padding", vec![0; 255]),
        ("an empty menu", vec![9, 0, 10, 0, 255]),
    ];
    for (name, value) in &values {
        book.discover("vendor options", *name, Fate::Answer, |message| message.option(43, value));
    }
    for (name, value) in &values {
        // Any option 175 makes the sender iPXE, and that is answered, too.
        book.discover("iPXE's options", *name, Fate::Answer, |message| message.option(175, value));
    }
    for (name, value) in &values {
        book.discover("user class", *name, Fate::Answer, |message| message.option(77, value));
    }
}

/// Every option there is, empty, long, and with a length that lies: none may hide the others, nor is any needed.
fn every_code(book: &mut Book) {
    for code in (1..=254).filter(|code| ![50, 53, 54, 60, 61, 118].contains(code)) {
        book.discover("every option", format!("{code}, empty"), Fate::Answer, |message| {
            message.option(code, [])
        });
        book.discover("every option", format!("{code}, 255 bytes"), Fate::Either, |message| {
            message.option(code, [0x41; 255])
        });
    }
}
