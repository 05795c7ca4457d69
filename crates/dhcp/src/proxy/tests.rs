use std::net::{Ipv4Addr, SocketAddrV4};

use super::*;
use crate::{
    Heard,
    testkit::{Client, boot, broadcast, captured, captured::*, reply, unicast},
};

fn proxy(uefi: OfferWay) -> Proxy {
    Proxy::new(ProxyConfig { ways: Ways { uefi, ..Ways::default() }, ..ProxyConfig::default() })
}

fn handle(uefi: OfferWay, arrival: &Arrival, seen: &Seen, file: &str) -> Outcome {
    let out = proxy(uefi).handle(Timestamp(1), arrival, seen, &boot(file));
    assert!(out.lease_changes.is_empty());
    out
}

fn offer(uefi: OfferWay, packet: &str, file: &str) -> (Outcome, Heard) {
    let out = handle(uefi, &broadcast(), &captured(packet), file);
    let heard = reply(&out);
    assert_eq!((heard.message, heard.yiaddr), (Some(MessageType::Offer), Ipv4Addr::UNSPECIFIED));
    assert_eq!(heard.server_id, Some(Ipv4Addr::new(10, 0, 0, 1)), "rule 1");
    assert_eq!((out.replies[0].to, out.replies[0].from), (Destination::Broadcast, Port::Dhcp), "rule 13");
    for code in [51, 58, 59, 1, 3, 6, 50, 13] {
        assert!(!heard.options.has(code), "{code} is the other server's");
    }
    (out, heard)
}

#[test]
fn rule_8_a_direct_offer_is_complete() {
    for (uefi, packet) in [
        (OfferWay::Direct, OVMF_DISCOVER),
        (OfferWay::Direct, IPXE_DISCOVER),
        (OfferWay::BootServer, IPXE_DISCOVER),
    ] {
        let (out, heard) = offer(uefi, packet, "pxelinux.0");
        assert_eq!(heard.vendor_class.as_deref(), Some("PXEClient"));
        assert_eq!(heard.options.get(code::VENDOR), Some(&[6, 1, 8, 255][..]), "rule 10");
        assert_eq!(heard.options.get(code::UUID), Some(&[0; 17][..]));
        assert_eq!(heard.next_server, Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(heard.file.as_deref(), Some("pxelinux.0"));
        assert_eq!(out.replies[0].bytes[108..118], *b"pxelinux.0");
        assert_eq!(heard.options.get(210), Some(&b"/tftp/"[..]));
    }
}

#[test]
fn rule_9_uefi_is_led_to_port_4011_unless_told_otherwise() {
    assert_eq!(Ways::default(), Ways { bios: OfferWay::Direct, uefi: OfferWay::BootServer });
    let (out, heard) = offer(OfferWay::BootServer, OVMF_DISCOVER, "shimx64.efi");
    assert_eq!(heard.vendor_class.as_deref(), Some("PXEClient"));
    assert!(!heard.options.has(code::VENDOR) && heard.file.is_none());
    assert_eq!(heard.next_server, Ipv4Addr::new(10, 0, 0, 1), "where it will ask");
    assert_eq!(out.notes.last(), Some(&Note::ProxyOffer { file: None }));
}

#[test]
fn rule_15_http_boot_works_from_a_proxy() {
    for uefi in [OfferWay::BootServer, OfferWay::Direct] {
        let (_, heard) = offer(uefi, OVMF_HTTP_DISCOVER, "http://10.0.0.1/shimx64.efi");
        assert_eq!(heard.vendor_class.as_deref(), Some("HTTPClient"));
        assert_eq!(heard.file.as_deref(), Some("http://10.0.0.1/shimx64.efi"));
        assert!(!heard.options.has(code::VENDOR));
        let out = handle(uefi, &broadcast(), &captured(OVMF_HTTP_DISCOVER), "shimx64.efi");
        assert_eq!(out.notes.last(), Some(&Note::Ignored(Why::NotAUrl)));
        assert!(out.replies.is_empty());
    }
}

#[test]
fn nobody_but_boot_firmware_is_answered() {
    let clients = [
        Client::new(1),
        Client::new(1).kind(1),
        Client::new(1).kind(1).option(60, b"MSFT 5.0"),
        Client::new(1).kind(1).option(60, b"udhcp 1.35.0").option(61, &[1, 2, 0, 0, 0, 0, 1]),
        Client::new(1).kind(1).option(60, b"PXEClien"),
        Client::new(1).kind(1).option(60, b"xPXEClient"),
        Client::new(1).kind(1).option(60, b""),
        Client::new(1).kind(8).option(60, b"PXEClient").ciaddr(Ipv4Addr::new(10, 0, 0, 9)),
        Client::new(1).kind(4).option(60, b"PXEClient").address(50, Ipv4Addr::new(10, 0, 0, 9)),
        Client::new(1).kind(7).option(60, b"PXEClient").ciaddr(Ipv4Addr::new(10, 0, 0, 9)),
    ];
    for client in clients {
        assert!(handle(OfferWay::Direct, &broadcast(), &client.seen(), "x").replies.is_empty(), "{client:?}");
    }
}

#[test]
fn a_request_on_port_67_is_heard_and_not_answered() {
    for packet in [OVMF_REQUEST, IPXE_REQUEST, OVMF_HTTP_REQUEST] {
        let out = handle(OfferWay::Direct, &broadcast(), &captured(packet), "http://10.0.0.1/x.efi");
        assert!(out.replies.is_empty());
        let [address, server] = [100, 1].map(|last| Ipv4Addr::new(192, 168, 77, last));
        let state = RequestState::Selecting;
        assert_eq!(out.notes, [Note::Request { state, address, server: Some(server) }]);
    }
}

#[test]
fn nothing_to_boot_is_silence() {
    for (arrival, packet) in [
        (broadcast(), OVMF_DISCOVER),
        (broadcast(), IPXE_DISCOVER),
        (unicast(Port::Pxe, SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), 4011)), OVMF_4011),
    ] {
        let out =
            proxy(OfferWay::Direct).handle(Timestamp(1), &arrival, &captured(packet), &BootAnswer::Silent);
        assert!(out.replies.is_empty());
        assert_eq!(out.notes.last(), Some(&Note::Ignored(Why::NothingToBoot)));
    }
}

#[test]
fn relays_are_answered_where_they_are_configured() {
    let client = Client::new(1).kind(1).option(60, b"PXEClient:Arch:00000:UNDI:002001");
    let relay = Ipv4Addr::new(10, 9, 0, 1);
    let seen = client.giaddr(relay).seen();
    assert!(handle(OfferWay::Direct, &broadcast(), &seen, "x").replies.is_empty());
    let networks = vec!["10.9.0.0/16".parse().unwrap()];
    let mut proxy = Proxy::new(ProxyConfig { networks, ..ProxyConfig::default() });
    let out = proxy.handle(Timestamp(1), &broadcast(), &seen, &boot("x"));
    assert_eq!(out.replies[0].to, Destination::Relay(SocketAddrV4::new(relay, 67)));
}

#[test]
fn rule_11_port_4011_answers_to_where_it_was_asked_from() {
    for (packet, port) in [(OVMF_4011, 4011), (IPXE_4011, 68)] {
        let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), port);
        let out = handle(OfferWay::BootServer, &unicast(Port::Pxe, source), &captured(packet), "shimx64.efi");
        assert_eq!((out.replies[0].to, out.replies[0].from), (Destination::Unicast(source), Port::Pxe));
        let heard = reply(&out);
        assert_eq!((heard.message, heard.yiaddr), (Some(MessageType::Ack), Ipv4Addr::UNSPECIFIED));
        assert_eq!(heard.ciaddr, captured(packet).packet().ciaddr);
        assert_eq!(heard.vendor_class.as_deref(), Some("PXEClient"));
        assert_eq!(heard.file.as_deref(), Some("shimx64.efi"));
    }
}

fn menu_request(kind: u8, item: [u8; 4]) -> Client {
    let [a, b, c, d] = item;
    Client::new(1).option(43, &[71, 4, a, b, c, d, 255]).kind(kind).option(60, b"PXEClient")
}

#[test]
fn a_boot_item_comes_back_as_it_was_asked_for() {
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), 68);
    let arrival = unicast(Port::Pxe, source);
    let heard = reply(&handle(OfferWay::BootServer, &arrival, &captured(IPXE_4011_MENU), "x"));
    assert_eq!(heard.options.get(43), Some(&[0x47, 4, 0x80, 1, 0, 0, 255][..]));
    let inform = menu_request(8, [0x80, 1, 0, 3]).seen();
    assert_eq!(
        reply(&handle(OfferWay::BootServer, &arrival, &inform, "x")).options.get(43).unwrap()[4..6],
        [0, 3]
    );
    for item in [[0, 0, 0, 0], [0x80, 1, 0x80, 0]] {
        let out = handle(OfferWay::BootServer, &arrival, &menu_request(3, item).seen(), "x");
        assert_eq!(out.notes, [Note::Ignored(Why::BootItem)]);
    }
}

#[test]
fn port_4011_has_the_gates_of_port_67() {
    let near = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), 68);
    let request = Client::new(1).kind(3).option(60, b"PXEClient");
    for (client, source, why) in [
        (Client::new(1).kind(3).option(60, b"HTTPClient:Arch:00016"), near, Why::NotBooting),
        (Client::new(1).kind(3), near, Why::NotBooting),
        (Client::new(1).kind(1).option(60, b"PXEClient"), near, Why::MessageType),
        (Client::new(1).kind(8).option(60, b"PXEClient"), near, Why::MessageType),
        (Client::new(1), near, Why::MessageType),
        (request.clone().giaddr(Ipv4Addr::new(10, 0, 0, 9)), near, Why::UnknownRelay),
        (request.clone(), SocketAddrV4::new(Ipv4Addr::new(8, 8, 8, 8), 68), Why::ForeignSource),
        (request.clone(), SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68), Why::ForeignSource),
    ] {
        let out = handle(OfferWay::BootServer, &unicast(Port::Pxe, source), &client.seen(), "x");
        assert_eq!((out.replies.len(), out.notes.as_slice()), (0, &[Note::Ignored(why)][..]), "{client:?}");
    }
}

#[test]
fn rule_12_and_24_no_time_the_client_names_changes_anything() {
    let seen = captured(OVMF_DISCOVER);
    let mut bytes = crate::testkit::hex(OVMF_DISCOVER);
    (bytes[8], bytes[9]) = (0xff, 0xff);
    let late = Seen::read(&bytes).unwrap();
    let tell = |seen| handle(OfferWay::Direct, &broadcast(), seen, "x").replies;
    assert_eq!(tell(&seen), tell(&late));
}

#[test]
fn one_noisy_client_is_cut_off() {
    let mut proxy = proxy(OfferWay::Direct);
    let seen = captured(OVMF_DISCOVER);
    let mut answered = 0;
    for _ in 0..1000 {
        answered += proxy.handle(Timestamp(1), &broadcast(), &seen, &boot("x")).replies.len();
    }
    assert_eq!(answered, 20);
}

/// A BIOS ROM that sends no option 97, as Intel's do.
fn intel_rom() -> Client {
    Client::new(1).kind(1).option(60, b"PXEClient:Arch:00000:UNDI:002001").option(93, &[0, 0])
}

fn at(seconds: u64) -> Timestamp {
    Timestamp(1_000_000 + seconds * 1000)
}

/// Whether the offer to a DISCOVER at that second carries the file, and what was told of the way.
fn ask(proxy: &mut Proxy, second: u64, packet: &Client) -> (OfferWay, Vec<Note>) {
    let out = proxy.handle(at(second), &broadcast(), &packet.seen(), &boot("pxelinux.0"));
    let way = if reply(&out).file.is_some() { OfferWay::Direct } else { OfferWay::BootServer };
    let of_the_way = |note: &Note| !matches!(note, Note::Discover { .. } | Note::ProxyOffer { .. });
    (way, out.notes.into_iter().filter(of_the_way).collect())
}

fn ask_port_4011(proxy: &mut Proxy, second: u64, packet: &Client) -> Vec<Note> {
    let arrival = unicast(Port::Pxe, SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), 4011));
    proxy.handle(at(second), &arrival, &packet.seen(), &boot("pxelinux.0")).notes
}

#[test]
fn a_machine_that_takes_no_direct_offer_is_led_to_port_4011_and_that_is_remembered() {
    let mut proxy = proxy(OfferWay::BootServer);
    let rom = intel_rom();
    assert_eq!(ask(&mut proxy, 0, &rom), (OfferWay::Direct, vec![]));
    assert_eq!(ask(&mut proxy, 4, &rom), (OfferWay::Direct, vec![]));
    let failed = Note::OfferNotTaken { failed: OfferWay::Direct };
    assert_eq!(ask(&mut proxy, 12, &rom), (OfferWay::BootServer, vec![failed]));
    let request = Client::new(1).kind(3).option(60, b"PXEClient:Arch:00000:UNDI:002001");
    let notes = ask_port_4011(&mut proxy, 16, &request);
    assert_eq!(notes.last(), Some(&Note::WayFound { way: OfferWay::BootServer }));
    assert_eq!(proxy.fetched(intel_rom().seen().client().mac), None, "told once");
    proxy.reconfigure(ProxyConfig::default());
    assert_eq!(ask(&mut proxy, 900, &rom), (OfferWay::BootServer, vec![]), "remembered, after a reload too");
    assert!(proxy.sweep(at(2000)).is_empty());
}

#[test]
fn a_machine_that_fetches_or_asks_port_4011_keeps_its_way() {
    let mut proxy = proxy(OfferWay::BootServer);
    let uefi = Client::new(2).kind(1).option(60, b"PXEClient:Arch:00007:UNDI:003000");
    for round in 0..5 {
        let begin = round * 20;
        assert_eq!(ask(&mut proxy, begin, &intel_rom()), (OfferWay::Direct, vec![]));
        assert_eq!(ask(&mut proxy, begin + 4, &intel_rom()), (OfferWay::Direct, vec![]));
        assert_eq!(proxy.fetched(intel_rom().seen().client().mac), None);
        assert_eq!(ask(&mut proxy, begin, &uefi), (OfferWay::BootServer, vec![]));
        let request = Client::new(2).kind(3).option(60, b"PXEClient:Arch:00007:UNDI:003000");
        assert!(matches!(ask_port_4011(&mut proxy, begin, &request)[..], [Note::PxeAck { .. }]));
    }
}

#[test]
fn a_machine_that_merges_no_two_offers_is_told_about_with_what_would_boot_it() {
    let mut proxy = proxy(OfferWay::BootServer);
    let laptop = Client::new(3).kind(1).option(60, b"PXEClient:Arch:00007:UNDI:003000");
    let mac = laptop.seen().client().mac;
    // As seen of one: the same DISCOVER after 0, 4, 12 and 28 seconds, and then nothing.
    let ways: Vec<OfferWay> =
        [0, 4, 12, 28].iter().map(|second| ask(&mut proxy, *second, &laptop).0).collect();
    assert_eq!(ways, [OfferWay::BootServer, OfferWay::BootServer, OfferWay::Direct, OfferWay::Direct]);
    proxy.heard(&Heard { mac, ..Heard::read(&crate::testkit::hex(SERVER_ACK)).unwrap() });
    assert!(proxy.sweep(at(60)).is_empty(), "it may go on");
    let needs = Note::NeedsOneOffer {
        address_by: Some(Ipv4Addr::new(192, 168, 77, 1)),
        next_server: Ipv4Addr::new(10, 0, 0, 1),
        file: "pxelinux.0".into(),
    };
    assert_eq!(proxy.sweep(at(70)), [(mac, needs)]);
    assert!(proxy.sweep(at(80)).is_empty(), "told once");
    assert_eq!(ask(&mut proxy, 100, &laptop).0, OfferWay::BootServer, "the next try begins as the first");
}

#[test]
fn without_port_4011_every_offer_carries_the_file() {
    let config = ProxyConfig { without_pxe_port: true, ..ProxyConfig::default() };
    let mut proxy = Proxy::new(config);
    proxy.reconfigure(ProxyConfig::default());
    let uefi = Client::new(2).kind(1).option(60, b"PXEClient:Arch:00007:UNDI:003000");
    for second in [0, 4, 12, 28] {
        assert_eq!(ask(&mut proxy, second, &uefi), (OfferWay::Direct, vec![]));
    }
}

#[test]
fn what_is_remembered_of_machines_is_bounded() {
    let limits = LimitConfig { clients: 10, ..LimitConfig::default() };
    let mut proxy = Proxy::new(ProxyConfig { limits, ..ProxyConfig::default() });
    for number in 1..=255 {
        ask(&mut proxy, 0, &Client::new(number).kind(1).option(60, b"PXEClient"));
        assert!(proxy.trials.size() <= 20);
    }
}

#[test]
fn a_bios_rom_without_option_97_gets_its_boot_item_on_port_4011() {
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), 68);
    let ask = |client: &Client| {
        reply(&handle(OfferWay::Direct, &unicast(Port::Pxe, source), &client.seen(), "pxelinux.0"))
    };
    let heard = ask(&Client::new(1).kind(3).option(60, b"PXEClient:Arch:00000:UNDI:002001"));
    assert_eq!(heard.options.get(43), Some(&[6, 1, 8, 71, 4, 0, 0, 0, 0, 255][..]));
    assert!(!heard.options.has(97), "none was sent");
    let broken = Client::new(1).kind(3).option(60, b"PXEClient:Arch:00000").option(97, &[0; 16]);
    assert!(!ask(&broken).options.has(97), "a broken one does not come back");
    let bios = offer(OfferWay::BootServer, IPXE_DISCOVER, "pxelinux.0").1;
    assert_eq!(bios.options.get(43), Some(&[6, 1, 8, 255][..]), "iPXE takes the file of the offer");
}

#[test]
fn rule_14_a_vendor_s_own_class_is_answered_with_it() {
    let vendors = crate::VendorClasses::new([b"HW-Client".to_vec()]);
    let with = |class: &[u8]| {
        let bytes = Client::new(1).kind(1).option(60, class).option(93, &[0, 7]).bytes();
        Seen::read_with(&bytes, &vendors).unwrap()
    };
    let mut proxy = Proxy::new(ProxyConfig::default());
    let out =
        proxy.handle(Timestamp(9), &broadcast(), &with(b"HW-Client:Arch:00007:UNDI:003000"), &boot("a.efi"));
    assert_eq!(reply(&out).vendor_class.as_deref(), Some("HW-Client"));
    let out =
        proxy.handle(Timestamp(9), &broadcast(), &with(b"PXEClient:Arch:00007:UNDI:003000"), &boot("a.efi"));
    assert!(out.replies.is_empty(), "no longer in the list");
}

fn menu() -> BootAnswer {
    let items = vec![(0x8001, "Rescue".to_owned()), (0, "Disk".to_owned())];
    BootAnswer::Menu(crate::PxeMenu { prompt: "Choose".into(), timeout: Some(5), items })
}

#[test]
fn a_menu_is_offered_to_firmware_that_shows_one() {
    for packet in [OVMF_DISCOVER, IPXE_DISCOVER] {
        let out = proxy(OfferWay::BootServer).handle(Timestamp(1), &broadcast(), &captured(packet), &menu());
        let heard = reply(&out);
        assert_eq!(heard.vendor_class.as_deref(), Some("PXEClient"));
        assert_eq!(heard.discovery_control, Some(3), "rule 10: only with a menu");
        assert!(heard.file.is_none() && heard.next_server == Ipv4Addr::new(10, 0, 0, 1));
        let space = crate::Options::read(heard.options.get(43).unwrap());
        assert_eq!(space.get(8), Some(&[0x80, 1, 1, 10, 0, 0, 1][..]));
        assert!(space.has(9) && space.has(10));
        assert_eq!(
            out.notes.last(),
            Some(&Note::MenuOffered { items: vec!["Rescue".into(), "Disk".into()] })
        );
    }
    let http = captured(OVMF_HTTP_DISCOVER);
    let out = proxy(OfferWay::BootServer).handle(Timestamp(1), &broadcast(), &http, &menu());
    assert_eq!(out.notes.last(), Some(&Note::Ignored(Why::NothingToBoot)), "HTTP Boot shows none");
}

#[test]
fn what_is_not_in_the_menu_is_not_answered_on_port_4011() {
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), 68);
    let ask = |answer: &BootAnswer| {
        let arrival = unicast(Port::Pxe, source);
        proxy(OfferWay::Direct).handle(Timestamp(1), &arrival, &captured(IPXE_4011_MENU), answer)
    };
    assert_eq!(ask(&menu()).notes, [Note::Ignored(Why::BootItem)]);
    let heard = reply(&ask(&boot("pxelinux.0")));
    assert_eq!(heard.options.get(43), Some(&[0x47, 4, 0x80, 1, 0, 0, 255][..]), "as it was asked for");
    assert_eq!(heard.file.as_deref(), Some("pxelinux.0"));
}
