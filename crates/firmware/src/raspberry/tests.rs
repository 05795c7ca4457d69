use std::net::Ipv4Addr;

use super::Model;
use crate::message::{Kind, Message, code};
use crate::testkit::*;
use crate::{Booted, Firmware, Verdict};

fn pi(model: Model) -> Bench {
    Bench::new(Firmware::RaspberryPi(model))
}

fn named(message: Message) -> Message {
    speaks_pxe(message)
        .set(|header| header.siaddr = SERVER)
        .option(code::VENDOR, b"\x06\x01\x03\x0a\x04\x00PXE\x09\x17\x00\x00\x14Raspberry Pi Boot   \xff")
}

/// Serves `files`, refuses all others, and returns what was asked for.
fn boot(bench: &mut Bench, files: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    while bench.machine.verdict().is_none() {
        let (_, name) = bench.asks_for().expect("a request");
        if files.contains(&name.as_str()) {
            bench.serve(b"file")
        } else {
            bench.refuse()
        }
        names.push(name);
    }
    names
}

#[test]
fn a_pi_3_takes_the_offer_and_never_sends_a_request() {
    let mut bench = pi(Model::Pi3);
    bench.reply(SERVER, Kind::OFFER, |m| named(gives_address(m)));
    let names = boot(&mut bench, &["bootcode.bin", "00000001/start.elf", "00000001/kernel8.img"]);
    assert_eq!(names[..4], ["bootcode.bin", "bootsig.bin", "00000001/start.elf", "00000001/config.txt"]);
    assert_eq!(bench.kinds(), [Kind::DISCOVER]);
    assert!(matches!(bench.end(), Verdict::Booted(Booted::Kernel { .. })));
}

#[test]
fn a_pi_3_hears_nothing_from_a_relay_or_without_its_name_and_gives_up_after_five_tries() {
    let deaf: [fn(Message) -> Message; 2] = [
        |m| named(gives_address(m)).set(|header| header.hops = 1),
        |m| names_file(gives_address(m), SERVER, "x"),
    ];
    for with in deaf {
        let mut bench = pi(Model::Pi3);
        bench.reply(SERVER, Kind::OFFER, with);
        assert_eq!(bench.gives_up(), "Raspberry Pi");
        assert_eq!((bench.sent.len(), bench.now.as_secs()), (5, 25));
    }
}

#[test]
fn a_pi_3_finds_no_server_in_another_subnet() {
    let mut bench = pi(Model::Pi3);
    bench.reply(SERVER, Kind::OFFER, |m| {
        named(gives_address(m)).set(|header| header.siaddr = Ipv4Addr::new(192, 0, 2, 1))
    });
    assert_eq!(bench.gives_up(), "Raspberry Pi");
}

#[test]
fn the_later_ones_request_and_look_beneath_their_serial_number() {
    for (model, first) in [(Model::Pi4, "00000001/start4.elf"), (Model::Pi5, "00000001/config.txt")] {
        let mut bench = pi(model);
        assert_eq!(bench.said().value(code::UUID).map(|value| &value[1..5]), Some(&b"RPi4"[..]));
        bench.reply(PROXY, Kind::OFFER, |m| named(m).set(|header| header.siaddr = PROXY));
        bench.lease(gives_address);
        assert_eq!(bench.kinds(), [Kind::DISCOVER, Kind::REQUEST]);
        assert_eq!(bench.asks_for(), Some((PROXY, first.to_owned())));
        let kernel = if model == Model::Pi4 { "00000001/kernel8.img" } else { "00000001/kernel_2712.img" };
        boot(&mut bench, &[first, kernel]);
        assert!(matches!(bench.end(), Verdict::Booted(Booted::Kernel { kernel: own, .. }) if own == kernel));
    }
}
