use super::Variant;
use crate::message::{Kind, code};
use crate::testkit::*;
use crate::{Booted, Firmware, Verdict};

fn rom() -> Bench {
    Bench::new(Firmware::Rom(Variant::default()))
}

#[test]
fn it_discovers_at_0_4_12_and_28_seconds_and_says_e51() {
    let mut bench = rom();
    assert!(!bench.said().has(code::UUID), "Intel's sends no option 97");
    let mut times = vec![0];
    while bench.machine.verdict().is_none() {
        let before = bench.sent.len();
        bench.wait();
        if bench.sent.len() > before {
            times.push(bench.now.as_secs());
        }
    }
    assert_eq!(times, [0, 4, 12, 28]);
    assert_eq!(bench.gives_up(), "PXE-E51");
    assert_eq!(bench.said().header.secs, 28);
}

#[test]
fn with_proxies_alone_it_says_e52_and_without_a_file_e53() {
    let mut bench = rom();
    bench.reply(PROXY, Kind::OFFER, |m| speaks_pxe(names_file(m, PROXY, "p.0")).option(code::VENDOR, DIRECT));
    assert_eq!(bench.gives_up(), "PXE-E52");
    let mut bench = rom();
    bench.reply(SERVER, Kind::OFFER, gives_address);
    assert_eq!(bench.gives_up(), "PXE-E53");
}

#[test]
fn a_dhcp_offer_with_a_file_is_taken_when_no_proxy_came_in_time() {
    let mut bench = rom();
    bench.lease(|m| names_file(gives_address(m), SERVER, "pxelinux.0"));
    assert_eq!(bench.now.as_secs(), 4);
    assert_eq!(bench.asks_for(), Some((SERVER, "pxelinux.0".to_owned())));
    assert_eq!(bench.gives_up(), "PXE-E32");
}

#[test]
fn address_and_proxy_offer_are_put_together_at_once() {
    let mut bench = rom();
    bench.reply(SERVER, Kind::OFFER, gives_address);
    bench.reply(PROXY, Kind::OFFER, |m| speaks_pxe(names_file(m, PROXY, "p.0")).option(code::VENDOR, DIRECT));
    assert_eq!((bench.now.as_secs(), bench.said().server_id()), (0, Some(SERVER)));
    bench.reply(SERVER, Kind::ACK, gives_address);
    assert_eq!(bench.asks_for(), Some((PROXY, "p.0".to_owned())));
}

#[test]
fn without_a_direct_boot_it_asks_port_4011_and_insists_on_a_boot_item() {
    let mut bench = rom();
    bench.reply(SERVER, Kind::OFFER, gives_address);
    bench.reply(PROXY, Kind::OFFER, |m| speaks_pxe(m).set(|header| header.siaddr = PROXY));
    bench.reply(SERVER, Kind::ACK, gives_address);
    let asked = bench.said();
    assert_eq!((bench.last().to.port(), *bench.last().to.ip(), asked.header.ciaddr), (4011, PROXY, ADDRESS));
    bench.reply_from(PROXY, 4011, Kind::ACK, |m| speaks_pxe(names_file(m, PROXY, "p.0")));
    assert_eq!(bench.asks_for(), None, "no boot item in the reply");
    bench.reply_from(PROXY, 4011, Kind::ACK, |m| {
        speaks_pxe(names_file(m, PROXY, "p.0")).option(code::VENDOR, [71, 4, 0, 0, 0, 0, 255])
    });
    assert_eq!(bench.asks_for(), Some((PROXY, "p.0".to_owned())));
}

#[test]
fn silence_on_port_4011_is_e55_after_four_tries() {
    let mut bench = Bench::new(Firmware::Rom(Variant { uuid: true, always_4011: true }));
    assert_eq!(bench.said().value(code::UUID).map(<[u8]>::len), Some(17));
    bench.lease(|m| speaks_pxe(names_file(gives_address(m), SERVER, "p.0")).option(code::VENDOR, DIRECT));
    assert_eq!(bench.gives_up(), "PXE-E55");
    assert_eq!(bench.sent.iter().filter(|datagram| datagram.to.port() == 4011).count(), 4);
}

#[test]
fn a_menus_first_item_is_taken_when_its_time_is_over() {
    let mut bench = rom();
    bench.lease(|m| speaks_pxe(gives_address(m)).option(code::VENDOR, menu(&[0x8001, 0x8002], 5, PROXY)));
    assert_eq!(bench.asks_for(), None);
    let before = bench.now.as_secs();
    bench.wait();
    assert_eq!(bench.now.as_secs() - before, 5);
    assert_eq!(bench.said().value(code::VENDOR), Some(&[71, 4, 0x80, 1, 0, 0, 255][..]));
    // Another item's file is not what was chosen.
    for item in [2, 1] {
        assert_eq!(bench.asks_for(), None);
        bench.reply_from(PROXY, 4011, Kind::ACK, |m| {
            speaks_pxe(names_file(m, PROXY, "p.0")).option(code::VENDOR, [71, 4, 0x80, item, 0, 0, 255])
        });
    }
    assert_eq!(bench.asks_for(), Some((PROXY, "p.0".to_owned())));
}

#[test]
fn item_0_is_the_local_disk() {
    let mut bench = rom();
    bench.lease(|m| speaks_pxe(gives_address(m)).option(code::VENDOR, menu(&[0, 0x8001], 0, PROXY)));
    assert_eq!(bench.end(), Verdict::Booted(Booted::Disk));
}

#[test]
fn a_refused_request_begins_again_and_a_silent_neighbour_is_e11() {
    let mut bench = rom();
    bench.reply(SERVER, Kind::OFFER, |m| speaks_pxe(gives_address(m)).option(code::VENDOR, DIRECT));
    bench.reply(SERVER, Kind::NAK, |m| m);
    assert_eq!(bench.said().kind(), Some(Kind::DISCOVER));
    bench.lease(|m| speaks_pxe(names_file(gives_address(m), SERVER, "p.0")).option(code::VENDOR, DIRECT));
    bench.machine.unreachable(bench.now, SERVER, &mut crate::Output::default());
    assert_eq!(bench.gives_up(), "PXE-E11");
}
