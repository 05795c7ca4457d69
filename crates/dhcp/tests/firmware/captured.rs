//! Each captured packet: who sent it, and whether it is answered, in each of our parts.

use nextboot_dhcp::{ClientKind, Destination, Seen};
use nextboot_firmware::message::Kind;
use nextboot_model::{Arch, Mac};

use crate::pcap::{self, Datagram};
use crate::world::{ROLES, Role, answered};

/// The kinds of packets of one capture, in their order: message and port.
fn sent(capture: &pcap::Capture) -> Vec<(Kind, u16)> {
    let kind = |datagram: &Datagram| {
        nextboot_firmware::message::Received::read(&datagram.payload).unwrap().kind().unwrap()
    };
    capture.requests().map(|datagram| (kind(datagram), datagram.to.port())).collect()
}

#[test]
fn the_captures_are_what_their_page_says() {
    let (discover, request, pxe) = ((Kind::DISCOVER, 67), (Kind::REQUEST, 67), (Kind::REQUEST, 4011));
    for capture in pcap::all() {
        let expected = match capture.name.as_str() {
            "i_full" => vec![discover, discover, request],
            "http_full" | "http_proxy" => vec![discover, request, discover, request],
            "dhcpbinl" | "i_60only" => vec![discover, request, pxe, pxe, pxe, pxe],
            "samehost" | "menu" | "i_nosi" => vec![discover, request, pxe],
            _ => vec![discover, request],
        };
        assert_eq!(sent(&capture), expected, "{}", capture.name);
        assert!(capture.replies().count() >= 2, "{}", capture.name);
    }
}

#[test]
fn every_captured_machine_is_told_what_it_is() {
    for capture in pcap::all() {
        let ovmf = ["dhcpbinl", "dhcppxe10", "latedhcp", "both", "no60", "http_full", "http_proxy"];
        for (nth, datagram) in capture.requests().enumerate() {
            let seen = Seen::read(&datagram.payload).unwrap();
            let client = seen.client();
            let (kind, arch) = if !ovmf.contains(&capture.name.as_str()) {
                (ClientKind::Ipxe, Arch::BIOS)
            } else if capture.name.starts_with("http") && nth >= 2 {
                (ClientKind::UefiHttp, Arch::HTTP_X64)
            } else {
                (ClientKind::Pxe, Arch::UEFI_X64)
            };
            assert_eq!((client.kind, client.arch()), (kind, Some(arch)), "{} {nth}", capture.name);
            assert_eq!(client.mac, Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
            assert_eq!((client.uuid, client.archs.len()), (None, 1), "QEMU has no UUID unless told one");
            assert_eq!(client.is_uefi(), arch != Arch::BIOS);
            assert_eq!(client.user_class.is_some(), kind == ClientKind::Ipxe);
        }
    }
}

#[test]
fn every_captured_packet_is_answered_by_whom_it_concerns() {
    for capture in pcap::all() {
        for datagram in capture.requests() {
            for role in ROLES {
                let answer = answered(role, datagram);
                let request = nextboot_firmware::message::Received::read(&datagram.payload).unwrap();
                let expected = match (request.kind().unwrap(), datagram.to.port(), role) {
                    (Kind::DISCOVER, _, _) => Some(Kind::OFFER),
                    (_, 4011, _) | (_, _, Role::Server) => Some(Kind::ACK),
                    // A REQUEST on port 67 is between the client and its DHCP server.
                    _ => None,
                };
                let kind = answer.as_ref().and_then(|answered| answered.reply.kind());
                assert_eq!(kind, expected, "{} {role:?}", capture.name);
            }
        }
    }
}

/// RFC 2131 section 4.1 for the server; a proxy does not know the address that the client will have.
#[test]
fn every_reply_goes_where_that_machine_can_hear_it() {
    for answered in crate::world::all() {
        let flags = answered.request.header.flags;
        let mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        let expected = if answered.is_pxe() {
            Destination::Unicast(answered.asked.from)
        } else if answered.role != Role::Server || flags & 0x8000 != 0 {
            Destination::Broadcast
        } else {
            Destination::Direct { ip: answered.reply.header.yiaddr, mac }
        };
        assert_eq!(answered.to(), expected, "{}", answered.what());
        assert_eq!(answered.sent.from.number(), answered.asked.to.port(), "{}", answered.what());
    }
}

/// Message type and server first, the relay's words last: what EDK2, dhclient and relays expect.
#[test]
fn options_stand_in_an_order_that_firmware_likes() {
    for answered in crate::world::all_changed(|bytes| {
        // As a relay passes it on; the END byte is the last one in all captures.
        assert_eq!(bytes.pop(), Some(255));
        bytes[24..28].copy_from_slice(&[192, 168, 77, 9]);
        bytes.extend([82, 6, 2, 1, 9, 1, 1, 0, 255]);
    }) {
        let codes = answered.reply.codes();
        assert_eq!((codes[..2].to_vec(), codes.last()), (vec![53, 54], Some(&82)), "{}", answered.what());
        assert_eq!(answered.reply.value(82), Some(&[2, 1, 9, 1, 1, 0][..]), "byte for byte");
        assert!(answered.reply.end, "{}", answered.what());
        assert!(answered.reply.tail.iter().all(|byte| *byte == 0), "nothing behind END but padding");
        let mut once = codes.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), codes.len(), "no option twice: {}", answered.what());
    }
}
