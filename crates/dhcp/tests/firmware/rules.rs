//! The rules that decide whether machines boot, each over all captured machines and all our parts.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddrV4};

use nextboot_dhcp::{ClientKind, Destination, LeaseChange, Seen};
use nextboot_firmware::message::{Kind, Received};
use nextboot_model::Timestamp;

use crate::pcap;
use crate::world::{
    Answered, PROXY, Role, all, all_changed, answered, arrival, boot, file_for, outcome, server,
};

/// Without option 54 EDK2 drops a proxy's offer and begins anew for ever.
#[test]
fn rule_01_every_reply_names_its_server() {
    for answered in all() {
        assert_eq!(answered.reply.server_id(), Some(answered.role.address()), "{}", answered.what());
    }
}

/// For one empty host name OVMF declined its lease.
#[test]
fn rule_02_no_option_is_empty_or_of_a_wrong_length() {
    for answered in all() {
        for option in &answered.reply.options {
            let length = option.value.len();
            let right = match option.code {
                1 | 50 | 51 | 54 | 58 | 59 => length == 4,
                3 | 6 | 42 => length > 0 && length % 4 == 0,
                53 => length == 1,
                61 => length >= 2,
                97 => length == 17,
                _ => length > 0,
            };
            assert!(right, "{option:?} in {}", answered.what());
        }
    }
}

/// iPXE reads the field, EDK2 the option: where they differ, the two boot different files.
#[test]
fn rule_03_siaddr_and_file_and_option_67_agree() {
    for answered in all().iter().filter(|answered| !is_binl_offer(answered)) {
        let header = &answered.reply.header;
        assert_eq!(header.siaddr, answered.role.address(), "{}", answered.what());
        assert_eq!(header.file_text(), file_for(answered.kind), "{}", answered.what());
        assert_eq!(answered.reply.text(67), Some(header.file_text()), "{}", answered.what());
    }
}

/// Neither EDK2 nor iPXE takes the server from option 66; with that alone one asks option 54's server, the other nobody.
#[test]
fn rule_04_the_boot_server_stands_in_siaddr_and_option_66_is_not_sent() {
    for answered in all() {
        assert!(!answered.reply.has(66), "{}", answered.what());
        assert!(!answered.reply.header.siaddr.is_unspecified(), "{}", answered.what());
    }
}

/// iPXE would ask for a file named like the raw options.
#[test]
fn rule_05_no_option_hides_in_file_or_sname() {
    for answered in all() {
        assert!(!answered.reply.has(52), "{}", answered.what());
    }
}

/// EDK2 writes a zero over the byte behind the value of option 67.
#[test]
fn rule_06_option_67_ends_with_a_zero_and_is_last() {
    for answered in all().iter().filter(|answered| !is_binl_offer(answered)) {
        let last = answered.reply.options.last().unwrap();
        assert_eq!((last.code, last.value.last()), (67, Some(&0)), "{}", answered.what());
    }
}

/// With the class and no option 43 an address-giving offer sends OVMF to port 4011: `dhcpbinl.pcap`.
#[test]
fn rule_07_who_gets_an_address_gets_no_class_unless_it_wants_http() {
    for answered in all().iter().filter(|answered| !answered.reply.header.yiaddr.is_unspecified()) {
        assert_eq!(answered.role, Role::Server, "{}", answered.what());
        let class = (answered.kind == ClientKind::UefiHttp).then_some("HTTPClient".to_owned());
        assert_eq!(answered.reply.text(60), class, "{}", answered.what());
    }
}

#[test]
fn rule_08_a_direct_offer_is_complete() {
    let proxied = |answered: &&Answered| answered.role == Role::Direct && !answered.is_pxe();
    for answered in all().iter().filter(proxied) {
        let reply = &answered.reply;
        assert_eq!((reply.header.op, reply.kind()), (2, Some(Kind::OFFER)), "{}", answered.what());
        assert_eq!(reply.header.yiaddr, Ipv4Addr::UNSPECIFIED, "{}", answered.what());
        assert_eq!(reply.value(97), answered.request.value(97), "{}", answered.what());
        let (class, vendor) = match answered.kind {
            ClientKind::UefiHttp => ("HTTPClient", None),
            _ => ("PXEClient", Some(&[6, 1, 8, 255][..])),
        };
        assert_eq!(
            (reply.text(60).as_deref(), reply.value(43)),
            (Some(class), vendor),
            "{}",
            answered.what()
        );
        for code in [1, 3, 6, 51, 58, 59] {
            assert!(!reply.has(code), "{code} is the other server's: {}", answered.what());
        }
    }
}

#[test]
fn rule_09_uefi_pxe_can_be_led_to_port_4011_and_is_answered_there_in_every_part() {
    let mut led = 0;
    for answered in all().iter().filter(|answered| is_binl_offer(answered)) {
        led += 1;
        let reply = &answered.reply;
        assert_eq!(reply.text(60).as_deref(), Some("PXEClient"), "{}", answered.what());
        assert_eq!(reply.header.siaddr, PROXY, "where it will ask");
        assert!(
            !reply.has(43) && !reply.has(67) && reply.header.file_text().is_empty(),
            "{}",
            answered.what()
        );
    }
    assert_eq!(led, 7, "one in each capture of OVMF's PXE");
    let on_4011: HashSet<String> = all()
        .iter()
        .filter(|answered| answered.is_pxe() && answered.kind == ClientKind::Pxe)
        .map(|answered| format!("{:?}", answered.role))
        .collect();
    assert_eq!(on_4011.len(), 3, "{on_4011:?}");
}

/// `43.6 = 3` without a menu is "PXE-E21: Remote boot cancelled": `http_full.pcap`.
#[test]
fn rule_10_discovery_control_is_8_unless_a_menu_stands_beside_it() {
    for answered in all() {
        let Some(space) = answered.reply.encapsulated(43) else { continue };
        assert!(space.end && space.rest.is_empty(), "{}", answered.what());
        if let Some(control) = space.value(6) {
            assert!(control == [8] || space.value(9).is_some(), "{}", answered.what());
        }
    }
}

/// EDK2 asks from port 4011, iPXE from port 68, and iPXE listens to port 4011 alone.
#[test]
fn rule_11_port_4011_is_answered_from_4011_to_where_the_question_came_from() {
    let mut ports = HashSet::new();
    for answered in all().iter().filter(|answered| answered.is_pxe()) {
        ports.insert(answered.asked.from.port());
        assert_eq!(answered.to(), Destination::Unicast(answered.asked.from), "{}", answered.what());
        assert_eq!(answered.sent.from.number(), 4011, "{}", answered.what());
        assert_eq!(answered.reply.kind(), Some(Kind::ACK), "{}", answered.what());
        assert_eq!(answered.reply.header.ciaddr, answered.request.header.ciaddr, "{}", answered.what());
    }
    assert_eq!(ports, HashSet::from([68, 4011]));
}

/// U-Boot waits a tenth of a second for a proxy, iPXE two: no answer waits for a second packet or a timer.
#[test]
fn rule_12_the_first_packet_is_answered_at_once() {
    for answered in all().iter().filter(|answered| answered.request.kind() == Some(Kind::DISCOVER)) {
        assert_eq!(answered.reply.kind(), Some(Kind::OFFER), "{}", answered.what());
    }
}

#[test]
fn rule_13_a_proxy_broadcasts_to_who_has_no_address() {
    for answered in all().iter().filter(|answered| answered.role != Role::Server && !answered.is_pxe()) {
        assert_eq!(answered.request.header.ciaddr, Ipv4Addr::UNSPECIFIED);
        assert_eq!(answered.to(), Destination::Broadcast, "{}", answered.what());
    }
}

/// After an ACK with a bare class iPXE's own class is bare, too: `samehost.pcap`.
#[test]
fn rule_14_a_bare_class_is_enough_and_the_architecture_is_that_of_option_93() {
    let mut bare = 0;
    for answered in all().iter().filter(|answered| answered.request.value(60) == Some(b"PXEClient")) {
        bare += 1;
        assert_eq!(answered.reply.header.file_text(), file_for(answered.kind), "{}", answered.what());
        let seen = Seen::read(&answered.asked.payload).unwrap();
        assert_eq!(seen.client().arch().map(|arch| arch.0), answered.request.u16(93));
    }
    assert!(bare > 0);
}

/// Without the class HTTP Boot ignores an offer, and it can do nothing with a name that is no URL.
#[test]
fn rule_15_http_boot_gets_its_class_and_a_url_or_nothing_about_booting() {
    let mut seen = 0;
    for answered in all().iter().filter(|answered| answered.kind == ClientKind::UefiHttp) {
        seen += 1;
        assert_eq!(answered.reply.text(60).as_deref(), Some("HTTPClient"), "{}", answered.what());
        assert!(
            answered.reply.text(67).unwrap().starts_with("http://192.168.77."),
            "an address needs no DNS"
        );
        let out = outcome(answered.role, &answered.asked, &boot("shimx64.efi"));
        for sent in out.replies {
            assert_eq!(answered.role, Role::Server, "a proxy has nothing else to say");
            let reply = Received::read(&sent.bytes).unwrap();
            assert!(!reply.has(60) && !reply.has(67) && reply.header.file_text().is_empty());
        }
    }
    assert_eq!(seen, 8, "four offers by us in two captures of HTTP Boot, and two ACKs: {seen}");
}

/// EDK2 ignores more than 1472 bytes and claims 65280 in its REQUEST; old ROMs and relays want 300.
#[test]
fn rule_16_replies_have_a_size_that_every_firmware_reads() {
    for answered in all() {
        let claimed = answered.request.u16(57).map_or(548, |claimed| usize::from(claimed).saturating_sub(28));
        let length = answered.sent.bytes.len();
        assert!((300..=claimed.min(1472)).contains(&length), "{length} bytes: {}", answered.what());
    }
}

/// OVMF sends no identifier, iPXE its own: one machine, one address.
#[test]
fn rule_17_one_machine_has_one_address_whatever_runs_on_it() {
    let mut server = server();
    let mut given = HashSet::new();
    for capture in pcap::all() {
        for (at, datagram) in capture.requests().enumerate().filter(|(_, datagram)| datagram.to.port() == 67)
        {
            let seen = Seen::read(&datagram.payload).unwrap();
            let arrival = arrival(Role::Server, datagram.from, datagram.to);
            let now = Timestamp(1_000_000 * at as u64);
            let out = server.handle(now, &arrival, &seen, &boot(file_for(seen.client().kind)), &());
            for sent in &out.replies {
                given.insert(Received::read(&sent.bytes).unwrap().header.yiaddr);
            }
        }
    }
    assert_eq!(given.len(), 1, "{given:?}");
    assert_eq!(server.leases().iter().count(), 1);
}

/// A Raspberry Pi 3 uses the offered address without asking again.
#[test]
fn rule_18_the_address_is_reserved_when_it_is_offered() {
    for capture in pcap::all() {
        let discover = capture.requests().next().unwrap();
        let out = outcome(Role::Server, discover, &boot("x"));
        let [LeaseChange::Put(lease)] = out.lease_changes.as_slice() else { panic!("{out:?}") };
        let offered = Received::read(&out.replies[0].bytes).unwrap();
        assert_eq!(lease.address, offered.header.yiaddr);
    }
}

#[test]
fn rule_19_what_identifies_the_exchange_comes_back() {
    for answered in all() {
        let (asked, reply) = (&answered.request.header, &answered.reply.header);
        assert_eq!((reply.op, reply.htype, reply.hlen), (2, 1, 6));
        assert_eq!((reply.xid, reply.chaddr, reply.giaddr), (asked.xid, asked.chaddr, asked.giaddr));
        assert_eq!((reply.flags, reply.hops, reply.secs), (asked.flags, 0, 0), "{}", answered.what());
        assert_eq!(answered.reply.value(97), answered.request.value(97), "{}", answered.what());
        if !answered.is_pxe() {
            assert_eq!(answered.reply.value(61), answered.request.value(61), "{}", answered.what());
        }
    }
}

/// Otherwise it gets its own binary again, for ever.
#[test]
fn rule_20_ipxe_is_told_from_the_rom_that_it_replaces() {
    for answered in all() {
        let marked = answered.request.value(77) == Some(b"iPXE") || answered.request.has(175);
        assert_eq!(answered.kind == ClientKind::Ipxe, marked, "{}", answered.what());
    }
}

/// `i_nopxe.pcap` against `i_full.pcap`: three seconds.
#[test]
fn rule_21_ipxe_need_not_wait_for_a_proxy_where_we_give_the_address() {
    for answered in all() {
        let wanted = answered.kind == ClientKind::Ipxe && answered.role == Role::Server && !answered.is_pxe();
        let value = wanted.then_some(&[0xb0, 1, 1][..]);
        assert_eq!(answered.reply.value(175), value, "{}", answered.what());
    }
}

/// EDK2 makes its buffer as large as option 13 says.
#[test]
fn rule_22_no_file_size_is_claimed() {
    for answered in all() {
        assert!(!answered.reply.has(13), "{}", answered.what());
    }
}

/// iPXE uses it as a bit field, EDK2 swaps its bytes on port 4011.
#[test]
fn rule_24_secs_decides_nothing() {
    let plain = all();
    for secs in [[0, 0], [1, 0], [0xff, 0xff]] {
        let changed = all_changed(|bytes| bytes[8..10].copy_from_slice(&secs));
        assert_eq!(plain.len(), changed.len());
        for (one, other) in plain.iter().zip(&changed) {
            assert_eq!((&one.sent.bytes, one.to()), (&other.sent.bytes, other.to()));
        }
    }
}

/// The one reply without a file: an offer that leads to port 4011.
fn is_binl_offer(answered: &Answered) -> bool {
    answered.role == Role::Binl && answered.kind == ClientKind::Pxe && !answered.is_pxe()
}

/// Nobody is answered who asks from elsewhere, whatever the captured packet.
#[test]
fn port_4011_is_for_the_own_network() {
    for capture in pcap::all() {
        for datagram in capture.requests().filter(|datagram| datagram.to.port() == 4011) {
            let mut datagram = datagram.clone();
            for address in [[8, 8, 8, 8], [0; 4], [255; 4], [224, 0, 0, 1], [127, 0, 0, 1]] {
                datagram.from = SocketAddrV4::new(address.into(), datagram.from.port());
                for role in crate::world::ROLES {
                    assert!(answered(role, &datagram).is_none(), "{datagram:?}");
                }
            }
        }
    }
}
