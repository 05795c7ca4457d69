//! Whatever a server or a stranger sends, a machine goes on: no panic, no endless loop, no flood of its own.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use nextboot_firmware::edk2::pxe::Variant;
use nextboot_firmware::message::{Kind, Message, code};
use nextboot_firmware::raspberry::Model;
use nextboot_firmware::{Datagram, Firmware, HttpAnswer, Machine, Output, rom};
use nextboot_model::{Arch, Mac};
use proptest::prelude::*;

const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);

/// More datagrams than this for one that came is a flood.
const MOST: usize = 20;

/// What the network does to the machine.
#[derive(Debug, Clone)]
enum Doing {
    /// Any bytes to the port that it uses.
    Noise(Vec<u8>),
    /// A reply about its transaction, with options that may be wrong.
    Reply {
        port: u16,
        kind: Option<u8>,
        address: bool,
        file: String,
        options: Vec<(u8, Vec<u8>)>,
        tail: Vec<u8>,
    },
    /// Something of TFTP's.
    Tftp(u8, Vec<u8>),
    /// The bytes of a small file, in one block.
    File(String),
    /// An answer to its HTTP request.
    Http(u16, String),
    /// Nothing until it does something itself.
    Wait,
}

fn text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "#!ipxe\n",
        "kernel ",
        "chain ",
        "initrd --name x ",
        "boot\n",
        "${mac}",
        "${",
        "}",
        "||",
        "goto x\n",
        ":x\n",
        "DEFAULT x\n",
        "LABEL x\n",
        "KERNEL ",
        "APPEND initrd=a,,b seed=http://h/s\n",
        "linux (http,h)/k a\n",
        "initrd /",
        "http://h/",
        "tftp://",
        "curl -X PUT http://h/d -d '\n",
        "ä\n",
        "/",
        "exit\n",
        " ",
        "\n",
        "",
    ]);
    prop::collection::vec(words, 0..12).prop_map(|words| words.concat())
}

fn doing() -> impl Strategy<Value = Doing> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..60);
    let codes =
        prop::sample::select(vec![1, 3, 6, 12, 43, 51, 52, 54, 60, 66, 67, 93, 97, 121, 175, 209, 210]);
    let class = prop::sample::select(vec![
        &b"PXEClient"[..],
        b"HTTPClient",
        b"http://h/x.efi",
        b"\x06\x01\x08\xff",
        b"\xb0\x01\x01",
    ]);
    let value = prop_oneof![bytes(), class.prop_map(<[u8]>::to_vec)];
    let files = prop::sample::select(vec![
        "",
        "x",
        "pxelinux.0",
        "snponly.efi",
        "shimx64.efi",
        "http://h/s",
        "tftp://h",
        "ä/",
        "grub.efi",
    ]);
    let ports = prop::sample::select(vec![67, 68, 4011, 9]);
    let reply = (
        ports,
        prop::option::of(0..9_u8),
        any::<bool>(),
        files,
        prop::collection::vec((codes, value), 0..8),
        bytes(),
    );
    prop_oneof![
        1 => bytes().prop_map(Doing::Noise),
        8 => reply.prop_map(|(port, kind, address, file, options, tail)| Doing::Reply {
            port, kind, address, file: file.to_owned(), options, tail
        }),
        1 => (0..8_u8, bytes()).prop_map(|(opcode, bytes)| Doing::Tftp(opcode, bytes)),
        3 => text().prop_map(Doing::File),
        2 => (prop::sample::select(vec![200, 301, 404]), text()).prop_map(|(status, body)| Doing::Http(status, body)),
        4 => Just(Doing::Wait),
    ]
}

fn firmwares() -> Vec<Firmware> {
    vec![
        Firmware::Rom(rom::Variant { uuid: false, always_4011: false }),
        Firmware::Rom(rom::Variant { uuid: true, always_4011: true }),
        Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::Current),
        Firmware::Edk2Http(Arch::HTTP_X64),
        Firmware::Ipxe(Arch::BIOS),
        Firmware::UBoot(Arch(0x16)),
        Firmware::RaspberryPi(Model::Pi3),
        Firmware::RaspberryPi(Model::Pi5),
        Firmware::Bootp,
    ]
}

struct Victim {
    machine: Machine,
    now: Duration,
    last: Option<Datagram>,
    xid: [u8; 4],
}

impl Victim {
    fn take(&mut self, out: Output) {
        assert!(out.datagrams.len() <= MOST, "a flood of {} datagrams", out.datagrams.len());
        for datagram in out.datagrams {
            if let (true, Some(xid)) = (datagram.bytes.len() > 240, datagram.bytes.get(4..8)) {
                self.xid.copy_from_slice(xid);
            }
            self.last = Some(datagram);
        }
    }

    fn hear(&mut self, port: u16, bytes: Vec<u8>) {
        let Some(last) = &self.last else { return };
        let datagram = Datagram {
            from: SocketAddrV4::new(SERVER, port),
            to: SocketAddrV4::new(ADDRESS, last.from.port()),
            bytes,
        };
        let mut out = Output::default();
        self.machine.receive(self.now, &datagram, &mut out);
        self.take(out);
    }

    fn wait(&mut self) {
        let Some(deadline) = self.machine.deadline() else { return };
        assert!(
            deadline >= self.now || self.machine.verdict().is_some(),
            "a timer that is over is not asked for again"
        );
        self.now = self.now.max(deadline);
        let mut out = Output::default();
        self.machine.due(self.now, &mut out);
        self.take(out);
    }

    fn bear(&mut self, doing: Doing) {
        let port = self.last.as_ref().map_or(0, |last| last.to.port());
        match doing {
            Doing::Noise(bytes) => self.hear(port, bytes),
            Doing::Reply { port, kind, address, file, options, tail } => {
                let xid = u32::from_be_bytes(self.xid);
                let mut message = Message::new(MAC).set(|header| {
                    header.op = 2;
                    header.xid = xid;
                    header.siaddr = SERVER;
                    header.set_file(&file);
                    if address {
                        header.yiaddr = ADDRESS;
                    }
                });
                if let Some(kind) = kind {
                    message = message.kind(Kind(kind)).address(code::SERVER_ID, SERVER);
                }
                for (code, value) in options {
                    message = message.option(code, value);
                }
                self.hear(port, message.raw(tail).bytes());
            }
            Doing::Tftp(opcode, bytes) => self.hear(5000, [&[0, opcode][..], &bytes].concat()),
            Doing::File(text) => {
                self.hear(5000, b"\0\x06tsize\x001\0".to_vec());
                self.hear(5001, [&[0, 3, 0, 1][..], text.as_bytes()].concat());
            }
            Doing::Http(status, body) => {
                let answer = HttpAnswer { status, body: body.into_bytes(), ..HttpAnswer::default() };
                let mut out = Output::default();
                self.machine.answered(self.now, Ok(answer), &mut out);
                self.take(out);
            }
            Doing::Wait => self.wait(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_reply_harms_a_machine(doings in prop::collection::vec(doing(), 0..60), which in 0..9_usize) {
        let mut machine = Machine::new(firmwares()[which], MAC, None, 3);
        let mut out = Output::default();
        machine.start(Duration::ZERO, &mut out);
        let mut victim = Victim { machine, now: Duration::ZERO, last: None, xid: [0; 4] };
        victim.take(out);
        for doing in doings {
            victim.bear(doing);
        }
        // And with nobody left to talk to, it comes to an end by itself.
        for _ in 0..5000 {
            if victim.machine.verdict().is_some() {
                break;
            }
            let before = victim.now;
            victim.wait();
            if victim.machine.deadline().is_none() && victim.machine.verdict().is_none() {
                let mut out = Output::default();
                victim.machine.answered(before, Err("nobody".to_owned()), &mut out);
                victim.take(out);
            }
        }
        prop_assert!(victim.machine.verdict().is_some(), "no end: {:?}", victim.machine);
    }
}
