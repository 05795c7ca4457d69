use nextboot_model::Arch;

use super::pxe::Variant;
use crate::message::{Kind, Message, code};
use crate::testkit::*;
use crate::{Booted, Firmware, Verdict};

fn pxe() -> Bench {
    Bench::new(Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::Current))
}

fn http() -> Bench {
    Bench::new(Firmware::Edk2Http(Arch::HTTP_X64))
}

fn complete(message: Message) -> Message {
    names_file(gives_address(message), SERVER, "dhcp.efi")
}

fn pxe10(message: Message) -> Message {
    speaks_pxe(names_file(message, PROXY, "proxy.efi")).option(code::VENDOR, DIRECT)
}

/// Who offers, and what.
type Offer = (&'static str, fn(Message) -> Message);

/// Whom it asks for which file after these offers; the DHCP server says the same in its ACK.
fn chosen(variant: Variant, offers: &[Offer]) -> Option<String> {
    let mut bench = Bench::new(Firmware::Edk2Pxe(Arch::UEFI_X64, variant));
    for (who, with) in offers {
        bench.reply(if *who == "proxy" { PROXY } else { SERVER }, Kind::OFFER, with);
    }
    bench.wait();
    let (_, ack) = offers.iter().find(|(who, _)| *who == "server")?;
    bench.reply(SERVER, Kind::ACK, ack);
    if bench.last().to.port() == 4011 {
        return Some(format!("4011 of {}", bench.last().to.ip()));
    }
    bench.asks_for().map(|(_, name)| name)
}

#[test]
fn offers_are_chosen_in_edk2s_order() {
    fn current(offers: &[Offer]) -> Option<String> {
        chosen(Variant::Current, offers)
    }
    let binl = |m| speaks_pxe(gives_address(m)).set(|header| header.siaddr = SERVER);
    let proxy_binl = |m| speaks_pxe(m).set(|header| header.siaddr = PROXY);
    assert_eq!(current(&[("server", complete)]).as_deref(), Some("dhcp.efi"));
    assert_eq!(current(&[("server", gives_address)]), None);
    assert_eq!(current(&[("server", complete), ("proxy", pxe10)]).as_deref(), Some("proxy.efi"));
    assert_eq!(current(&[("proxy", pxe10), ("server", gives_address)]).as_deref(), Some("proxy.efi"));
    assert_eq!(
        current(&[("server", gives_address), ("proxy", proxy_binl)]).as_deref(),
        Some("4011 of 10.0.0.2")
    );
    // An address with option 60 alone goes to port 4011 even where it has a file, and before any proxy without 43.
    assert_eq!(current(&[("server", binl), ("proxy", proxy_binl)]).as_deref(), Some("4011 of 10.0.0.1"));
    let dhcp_pxe10 = |m| speaks_pxe(complete(m)).option(code::VENDOR, DIRECT);
    assert_eq!(current(&[("proxy", pxe10), ("server", dhcp_pxe10)]).as_deref(), Some("dhcp.efi"));
    // A proxy without option 60 is passed over.
    let stray = |m| names_file(m, PROXY, "stray.efi");
    assert_eq!(current(&[("proxy", stray), ("server", complete)]).as_deref(), Some("dhcp.efi"));
}

#[test]
fn an_old_udk_and_one_laptop_take_complete_offers_only() {
    for variant in [Variant::Udk2014, Variant::TakesNeither] {
        assert_eq!(chosen(variant, &[("server", complete), ("proxy", pxe10)]).as_deref(), Some("dhcp.efi"));
        assert_eq!(chosen(variant, &[("server", gives_address), ("proxy", pxe10)]), None);
    }
    let mut bench = Bench::new(Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::TakesNeither));
    let mut secs = vec![bench.said().header.secs];
    while bench.machine.verdict().is_none() {
        let before = bench.sent.len();
        bench.wait();
        if bench.sent.len() > before {
            secs.push(bench.said().header.secs);
        }
    }
    assert_eq!(secs, [0, 4, 12, 28], "as in the packets of that laptop");
    assert_eq!(bench.gives_up(), "PXE-E16");
}

#[test]
fn one_wrong_option_and_the_packet_never_came() {
    let wrong: [fn(Message) -> Message; 5] = [
        |m| m.option(code::LEASE_TIME, [0, 0]),
        |m| m.option(code::CLIENT_ID, [1]),
        |m| m.option(121, [24, 10, 0]),
        |m| m.option(code::DNS, [10, 0, 0]),
        |m| m.at_least(1473),
    ];
    for with in wrong {
        let mut bench = pxe();
        bench.reply(SERVER, Kind::OFFER, |m| with(complete(m)));
        assert_eq!(bench.gives_up(), "PXE-E16");
    }
    // Nobody's offer: no option 54, or not from port 67.
    let mut bench = pxe();
    let xid = bench.said().header.xid;
    let bare = complete(Message::new(MAC).kind(Kind::OFFER)).set(|header| {
        header.op = 2;
        header.xid = xid;
    });
    bench.hear(SERVER, 67, bare.bytes());
    bench.reply_from(SERVER, 4011, Kind::OFFER, complete);
    assert_eq!(bench.gives_up(), "PXE-E16");
}

#[test]
fn an_empty_option_in_the_acknowledgement_makes_it_decline() {
    let mut bench = pxe();
    bench.lease(|m| complete(m).option(code::HOST_NAME, []));
    assert_eq!(bench.said().kind(), Some(Kind::DECLINE));
    assert_eq!(bench.said().address(code::REQUESTED), Some(ADDRESS));
    assert_eq!(bench.gives_up(), "PXE-E16");
}

#[test]
fn option_67_goes_before_the_header_and_66_is_never_read() {
    let mut bench = pxe();
    bench.lease(|m| {
        let m = complete(m).option(code::TFTP_SERVER, "10.0.0.9");
        m.option(code::BOOT_FILE, "option.efi").set(|header| header.siaddr = [0; 4].into())
    });
    assert_eq!(bench.asks_for(), Some((SERVER, "option.efi".to_owned())), "option 54 stands in for siaddr");
}

#[test]
fn port_4011_is_asked_from_port_4011_and_any_sender_may_answer() {
    let mut bench = pxe();
    bench.reply(PROXY, Kind::OFFER, |m| speaks_pxe(m).set(|header| header.siaddr = PROXY));
    bench.lease(gives_address);
    assert_eq!((bench.last().from.port(), bench.last().to.port()), (4011, 4011));
    bench.reply_from(SERVER, 9999, Kind::ACK, |m| speaks_pxe(names_file(m, PROXY, "p.efi")));
    assert_eq!(bench.asks_for(), Some((PROXY, "p.efi".to_owned())));
}

#[test]
fn a_menu_is_asked_for_its_first_item_and_needs_an_answer_about_it() {
    let mut bench = pxe();
    bench.lease(|m| speaks_pxe(gives_address(m)).option(code::VENDOR, menu(&[0x8001], 3, PROXY)));
    bench.wait();
    assert_eq!(bench.said().codes().first(), Some(&code::VENDOR), "sorted by code: 43 precedes 53");
    bench.reply_from(PROXY, 4011, Kind::ACK, |m| speaks_pxe(names_file(m, PROXY, "p.efi")));
    assert_eq!(bench.asks_for(), None);
    assert_eq!(bench.gives_up(), "PXE-E18");
}

#[test]
fn a_missing_file_is_e23_and_bootp_boots() {
    let mut bench = pxe();
    bench.lease(complete);
    bench.refuse();
    assert_eq!(bench.gives_up(), "PXE-E23");
    let mut bench = pxe();
    let xid = bench.said().header.xid;
    let reply = complete(Message::new(MAC)).set(|header| {
        header.op = 2;
        header.xid = xid;
    });
    bench.hear(SERVER, 67, reply.bytes());
    bench.wait();
    bench.hear(SERVER, 67, reply.bytes());
    assert_eq!(bench.asks_for().map(|(_, name)| name).as_deref(), Some("dhcp.efi"));
}

fn url(message: Message, url: &str) -> Message {
    message.option(code::VENDOR_CLASS, "HTTPClient").option(code::BOOT_FILE, url)
}

#[test]
fn http_boot_climbs_its_ladder() {
    const BY_ADDRESS: &str = "http://10.0.0.2/proxy.efi";
    const BY_NAME: &str = "http://boot.example/name.efi";
    let dns = |m: Message| m.address(code::DNS, SERVER);
    let ends = |offers: &[(&str, &dyn Fn(Message) -> Message)]| {
        let mut bench = http();
        for (who, with) in offers {
            bench.reply(if *who == "proxy" { PROXY } else { SERVER }, Kind::OFFER, with);
        }
        bench.wait();
        bench.reply(SERVER, Kind::ACK, gives_address);
        bench.url()
    };
    let head = |url: &str| Some(format!("HEAD {url}"));
    let server = |m| url(gives_address(m), "http://10.0.0.1/a.efi");
    assert_eq!(
        ends(&[("proxy", &|m| url(m, BY_ADDRESS)), ("server", &server)]),
        head("http://10.0.0.1/a.efi")
    );
    let proxy = |m| url(m, BY_ADDRESS);
    assert_eq!(ends(&[("server", &gives_address), ("proxy", &proxy)]), head(BY_ADDRESS));
    // A name needs a DNS server.
    let named = |m| url(m, BY_NAME);
    assert_eq!(ends(&[("server", &gives_address), ("proxy", &named)]), None);
    assert_eq!(ends(&[("server", &|m| dns(gives_address(m))), ("proxy", &named)]), head(BY_NAME));
    assert_eq!(ends(&[("server", &|m| url(gives_address(m), BY_NAME))]), None);
    assert_eq!(ends(&[("server", &|m| dns(url(gives_address(m), BY_NAME)))]), head(BY_NAME));
    // Without the class there is no URL.
    assert_eq!(ends(&[("server", &|m| gives_address(m).option(code::BOOT_FILE, BY_ADDRESS))]), None);
}

#[test]
fn http_boot_goes_by_the_type_or_by_the_name() {
    let end = |file: &str, status: u16, kind: Option<&str>| {
        let mut bench = http();
        bench.lease(|m| url(gives_address(m), &format!("http://10.0.0.1/{file}")));
        bench.answer(404, None, b"");
        // Without the size it fetches all the same.
        bench.answer(status, kind, b"program");
        bench.end()
    };
    let runs = |file: &str| Verdict::Booted(Booted::Program(format!("http://10.0.0.1/{file}")));
    assert_eq!(end("x", 200, Some("application/efi")), runs("x"));
    assert_eq!(end("x.efi", 200, Some("text/plain")), runs("x.efi"));
    assert!(matches!(end("x", 200, Some("text/plain")), Verdict::GaveUp(_)));
    assert!(matches!(end("x.efi", 301, None), Verdict::GaveUp(_)), "no redirection is followed");
}
