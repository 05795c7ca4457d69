use std::net::{Ipv4Addr, SocketAddrV4};

use super::*;
use crate::{
    Heard,
    testkit::{Client, boot, broadcast, captured, captured::*, reply, unicast},
};

fn proxy(uefi: UefiPolicy) -> Proxy {
    Proxy::new(ProxyConfig { uefi, ..ProxyConfig::default() })
}

fn handle(uefi: UefiPolicy, arrival: &Arrival, seen: &Seen, file: &str) -> Outcome {
    let out = proxy(uefi).handle(Timestamp(1), arrival, seen, &boot(file));
    assert!(out.lease_changes.is_empty());
    out
}

fn offer(uefi: UefiPolicy, packet: &str, file: &str) -> (Outcome, Heard) {
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
        (UefiPolicy::Direct, OVMF_DISCOVER),
        (UefiPolicy::Direct, IPXE_DISCOVER),
        (UefiPolicy::Binl, IPXE_DISCOVER),
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
    assert_eq!(UefiPolicy::default(), UefiPolicy::Binl);
    let (out, heard) = offer(UefiPolicy::Binl, OVMF_DISCOVER, "shimx64.efi");
    assert_eq!(heard.vendor_class.as_deref(), Some("PXEClient"));
    assert!(!heard.options.has(code::VENDOR) && heard.file.is_none());
    assert_eq!(heard.next_server, Ipv4Addr::new(10, 0, 0, 1), "where it will ask");
    assert_eq!(out.notes.last(), Some(&Note::ProxyOffer { file: None }));
}

#[test]
fn rule_15_http_boot_works_from_a_proxy() {
    for uefi in [UefiPolicy::Binl, UefiPolicy::Direct] {
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
        assert!(
            handle(UefiPolicy::Direct, &broadcast(), &client.seen(), "x").replies.is_empty(),
            "{client:?}"
        );
    }
}

#[test]
fn a_request_on_port_67_is_heard_and_not_answered() {
    for packet in [OVMF_REQUEST, IPXE_REQUEST, OVMF_HTTP_REQUEST] {
        let out = handle(UefiPolicy::Direct, &broadcast(), &captured(packet), "http://10.0.0.1/x.efi");
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
            proxy(UefiPolicy::Direct).handle(Timestamp(1), &arrival, &captured(packet), &BootAnswer::Silent);
        assert!(out.replies.is_empty());
        assert_eq!(out.notes.last(), Some(&Note::Ignored(Why::NothingToBoot)));
    }
}

#[test]
fn relays_are_answered_where_they_are_configured() {
    let client = Client::new(1).kind(1).option(60, b"PXEClient:Arch:00000:UNDI:002001");
    let relay = Ipv4Addr::new(10, 9, 0, 1);
    let seen = client.giaddr(relay).seen();
    assert!(handle(UefiPolicy::Direct, &broadcast(), &seen, "x").replies.is_empty());
    let networks = vec!["10.9.0.0/16".parse().unwrap()];
    let mut proxy = Proxy::new(ProxyConfig { networks, ..ProxyConfig::default() });
    let out = proxy.handle(Timestamp(1), &broadcast(), &seen, &boot("x"));
    assert_eq!(out.replies[0].to, Destination::Relay(SocketAddrV4::new(relay, 67)));
}

#[test]
fn rule_11_port_4011_answers_to_where_it_was_asked_from() {
    for (packet, port) in [(OVMF_4011, 4011), (IPXE_4011, 68)] {
        let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), port);
        let out = handle(UefiPolicy::Binl, &unicast(Port::Pxe, source), &captured(packet), "shimx64.efi");
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
    let heard = reply(&handle(UefiPolicy::Binl, &arrival, &captured(IPXE_4011_MENU), "x"));
    assert_eq!(heard.options.get(43), Some(&[0x47, 4, 0x80, 1, 0, 0, 255][..]));
    let inform = menu_request(8, [0x80, 1, 0, 3]).seen();
    assert_eq!(
        reply(&handle(UefiPolicy::Binl, &arrival, &inform, "x")).options.get(43).unwrap()[4..6],
        [0, 3]
    );
    for item in [[0, 0, 0, 0], [0x80, 1, 0x80, 0]] {
        let out = handle(UefiPolicy::Binl, &arrival, &menu_request(3, item).seen(), "x");
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
        let out = handle(UefiPolicy::Binl, &unicast(Port::Pxe, source), &client.seen(), "x");
        assert_eq!((out.replies.len(), out.notes.as_slice()), (0, &[Note::Ignored(why)][..]), "{client:?}");
    }
}

#[test]
fn rule_12_and_24_no_time_the_client_names_changes_anything() {
    let seen = captured(OVMF_DISCOVER);
    let mut bytes = crate::testkit::hex(OVMF_DISCOVER);
    (bytes[8], bytes[9]) = (0xff, 0xff);
    let late = Seen::read(&bytes).unwrap();
    let tell = |seen| handle(UefiPolicy::Direct, &broadcast(), seen, "x").replies;
    assert_eq!(tell(&seen), tell(&late));
}

#[test]
fn one_noisy_client_is_cut_off() {
    let mut proxy = proxy(UefiPolicy::Direct);
    let seen = captured(OVMF_DISCOVER);
    let mut answered = 0;
    for _ in 0..1000 {
        answered += proxy.handle(Timestamp(1), &broadcast(), &seen, &boot("x")).replies.len();
    }
    assert_eq!(answered, 20);
}
