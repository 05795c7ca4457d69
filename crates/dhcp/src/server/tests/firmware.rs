//! The rules by which machines boot, with packets of real machines.

use super::*;
use crate::{
    code,
    testkit::{boot, captured, captured::*},
};

fn offer(packet: &str, file: &str) -> (Outcome, Heard) {
    let out = World::pool(100, 200).handle(&broadcast(), &captured(packet), &boot(file));
    let heard = reply(&out);
    (out, heard)
}

#[test]
fn rule_7_a_pxe_rom_gets_its_file_without_the_vendor_class() {
    let (out, heard) = offer(OVMF_DISCOVER, "shimx64.efi");
    assert_eq!(out.replies[0].to, Destination::Broadcast, "EDK2 asks for broadcast");
    assert_eq!((heard.yiaddr, heard.next_server), (ip(100), ip(1)));
    assert_eq!(heard.file.as_deref(), Some("shimx64.efi"));
    assert!(!heard.options.has(code::VENDOR_CLASS) && !heard.options.has(code::VENDOR));
    assert_eq!(heard.options.get(code::UUID), Some(&[0; 17][..]), "rule 19");
    assert_eq!(heard.options.get(210), Some(&b"/tftp/"[..]));
}

#[test]
fn offer_and_ack_say_the_same() {
    let mut world = World::pool(100, 200);
    let mut tell = |packet| {
        let seen = captured(packet);
        reply(&world.handle(&broadcast(), &seen, &boot("shimx64.efi")))
    };
    let (offer, first) = (tell(OVMF_DISCOVER), tell(IPXE_DISCOVER));
    assert_eq!(offer.yiaddr, first.yiaddr, "rule 17: firmware and iPXE of one machine");
    // The captured REQUEST names 192.168.77.1 and .100.
    let mut config = config(100, 200);
    config.subnets = vec![Subnet {
        pools: vec![PoolRange {
            first: Ipv4Addr::new(192, 168, 77, 100),
            last: Ipv4Addr::new(192, 168, 77, 200),
        }],
        ..Subnet::new("192.168.77.0/24".parse().unwrap())
    }];
    let mut world = World::new(config);
    let arrival = Arrival { local: "192.168.77.1/24".parse().unwrap(), ..broadcast() };
    for (discover, request) in [
        (OVMF_DISCOVER, OVMF_REQUEST),
        (IPXE_DISCOVER, IPXE_REQUEST),
        (OVMF_HTTP_DISCOVER, OVMF_HTTP_REQUEST),
    ] {
        let answer = boot("http://192.168.77.1/a.efi");
        let offer = reply(&world.handle(&arrival, &captured(discover), &answer));
        let ack = reply(&world.handle(&arrival, &captured(request), &answer));
        assert_eq!(ack.message, Some(MessageType::Ack));
        let said = |heard: &Heard| -> Vec<(u8, Vec<u8>)> {
            heard
                .options
                .iter()
                .filter(|(code, _)| *code != 53)
                .map(|(code, value)| (code, value.to_vec()))
                .collect()
        };
        assert_eq!(said(&offer), said(&ack));
        assert_eq!((offer.yiaddr, offer.file), (ack.yiaddr, ack.file));
    }
}

#[test]
fn rule_15_http_boot_gets_its_class_and_a_url() {
    let (_, heard) = offer(OVMF_HTTP_DISCOVER, "http://10.0.0.1/shimx64.efi");
    assert_eq!(heard.options.get(code::VENDOR_CLASS), Some(&b"HTTPClient"[..]));
    assert_eq!(heard.file.as_deref(), Some("http://10.0.0.1/shimx64.efi"));
    let (out, heard) = offer(OVMF_HTTP_DISCOVER, "shimx64.efi");
    assert!(out.notes.contains(&Note::BootLeftOut(Why::NotAUrl)));
    assert_eq!((heard.file, heard.yiaddr), (None, ip(100)));
    assert!(!heard.options.has(code::VENDOR_CLASS));
}

#[test]
fn rule_20_and_21_ipxe_is_told_apart_and_need_not_wait_for_a_proxy() {
    assert!(captured(IPXE_DISCOVER).client().is_ipxe());
    let (out, heard) = offer(IPXE_DISCOVER, "http://10.0.0.1/boot.ipxe");
    assert_eq!(heard.options.get(code::IPXE), Some(&[0xb0, 1, 1][..]));
    assert!(!heard.options.has(code::VENDOR_CLASS));
    assert!(matches!(out.replies[0].to, Destination::Direct { .. }), "flags are 0");
    assert_eq!(out.replies[0].bytes[108..133], *b"http://10.0.0.1/boot.ipxe");
}

#[test]
fn nothing_to_boot_is_an_address_and_no_more() {
    for packet in [OVMF_DISCOVER, OVMF_HTTP_DISCOVER, IPXE_DISCOVER] {
        let out = World::pool(100, 200).handle(&broadcast(), &captured(packet), &BootAnswer::Silent);
        let heard = reply(&out);
        assert_eq!((heard.yiaddr, heard.next_server, heard.file), (ip(100), Ipv4Addr::UNSPECIFIED, None));
        for code in [43, 60, 66, 67, 175] {
            assert!(!heard.options.has(code));
        }
    }
}

#[test]
fn a_raspberry_pi_finds_its_name_in_an_offer_that_is_final() {
    let pi = Client::new(1)
        .mac([0xb8, 0x27, 0xeb, 1, 2, 3])
        .kind(1)
        .option(60, b"PXEClient:Arch:00000:UNDI:002001")
        .option(93, &[0, 0]);
    let mut world = World::pool(100, 100);
    let heard = reply(&world.handle(&broadcast(), &pi.seen(), &boot("bootcode.bin")));
    world.wait(599);
    assert_eq!(world.offered(&discover(&Client::new(1))), None, "it never sends a REQUEST");
    let name = b"Raspberry Pi Boot   ";
    assert!(heard.options.get(43).unwrap().windows(name.len()).any(|window| window == name));
    assert_eq!((heard.next_server, heard.vendor_class.as_deref()), (ip(1), Some("PXEClient")));
}

#[test]
fn next_server_is_this_server_where_nobody_says_otherwise() {
    let answer = BootAnswer::Boot(crate::Boot {
        next_server: Ipv4Addr::UNSPECIFIED,
        server_name: None,
        file: "pxelinux.0".to_owned(),
        options: Vec::new(),
    });
    let out = World::pool(100, 200).handle(&broadcast(), &captured(OVMF_DISCOVER), &answer);
    assert_eq!(reply(&out).next_server, ip(1));
}

#[test]
fn the_server_answers_port_4011_too() {
    let mut world = World::pool(100, 200);
    let source = SocketAddrV4::new(ip(100), 4011);
    let out = world.handle(&unicast(Port::Pxe, source), &captured(OVMF_4011), &boot("shimx64.efi"));
    assert_eq!((out.replies[0].to, out.replies[0].from), (Destination::Unicast(source), Port::Pxe));
    assert!(out.lease_changes.is_empty());
}
