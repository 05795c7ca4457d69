//! Fields, options and ways of replies; DECLINE, RELEASE, INFORM, BOOTP; relays.

use super::*;
use crate::{NakReason, code};

#[test]
fn an_offer_says_what_rfc_2131_wants_and_nothing_it_forbids() {
    let mut world = World::pool(10, 20);
    let id = [1, 2, 0, 0, 0, 0, 1];
    let out = world.send(&Client::new(1).kind(1).option(61, &id).option(57, &[5, 0xc0]));
    let (heard, to) = read(&out);
    assert_eq!(to, Destination::Direct { ip: ip(10), mac: Mac([2, 0, 0, 0, 0, 1]) });
    let bytes = &out.replies[0].bytes;
    assert_eq!(bytes[..12], [2, 1, 6, 0, 0xaa, 0xbb, 0xcc, 1, 0, 0, 0, 0], "op, xid, secs, flags");
    assert_eq!((heard.ciaddr, heard.giaddr), (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED));
    assert_eq!(heard.server_id, Some(ip(1)));
    let options = &heard.options;
    for (code, value) in [
        (51, &3600u32.to_be_bytes()[..]),
        (58, &1800u32.to_be_bytes()),
        (59, &3150u32.to_be_bytes()),
        (1, &[255, 255, 255, 0]),
        (3, &[10, 0, 0, 254]),
        (6, &[10, 0, 0, 253, 10, 0, 0, 252]),
        (15, b"example.org"),
        (42, &[10, 0, 0, 251]),
        (61, &id),
        (224, b"site"),
    ] {
        assert_eq!(options.get(code), Some(value), "{code}");
    }
    assert!(
        options.get(119).is_some_and(|raw| raw.starts_with(b"\x07example\x03org\0\x03lab")),
        "{options:?}"
    );
    for forbidden in [50, 55, 57, 60, 13, 66, 43] {
        assert!(!options.has(forbidden), "{forbidden}");
    }
}

#[test]
fn options_go_to_those_who_want_them() {
    let mut world = World::pool(10, 20);
    let heard = reply(&world.send(&Client::new(1).kind(1).option(55, &[1, 3, 224])));
    assert!(heard.options.has(224) && heard.options.has(1) && heard.options.has(6));
    for code in [12, 15, 42, 119] {
        assert!(!heard.options.has(code), "{code}");
    }
}

#[test]
fn an_infinite_lease_has_nothing_to_renew() {
    let mut config = config(10, 20);
    config.subnets[0].lease_time = LeaseTime::Infinite;
    let mut world = World::new(config);
    let address = world.lease(&Client::new(1));
    assert_eq!(world.server.leases().get(address).unwrap().expires, Timestamp::NEVER);
    let heard = reply(&world.send(&discover(&Client::new(1))));
    assert_eq!(heard.options.get(51), Some(&[255; 4][..]));
    assert!(!heard.options.has(58) && !heard.options.has(59));
}

#[test]
fn a_nak_carries_only_who_and_why_and_is_broadcast() {
    let mut world = World::pool(10, 20);
    world.lease(&Client::new(2));
    let id = [1, 2, 3];
    let out = world.send(&selecting(&Client::new(1).option(61, &id), ip(10)));
    let (heard, to) = read(&out);
    assert_eq!(to, Destination::Broadcast);
    let zero = Ipv4Addr::UNSPECIFIED;
    assert_eq!((heard.ciaddr, heard.yiaddr, heard.next_server, heard.file), (zero, zero, zero, None));
    let codes: Vec<u8> = heard.options.iter().map(|(code, _)| code).collect();
    assert_eq!(codes, [53, 54, 56, 61]);
    assert!(out.notes.contains(&Note::Nak { address: ip(10), reason: NakReason::Taken }));
}

#[test]
fn replies_go_where_rfc_2131_section_4_1_says() {
    let mut world = World::pool(10, 20);
    let out = world.send(&discover(&Client::new(1).wants_broadcast()));
    assert_eq!(out.replies[0].to, Destination::Broadcast);
    assert_eq!(out.replies[0].bytes[10], 0x80);
    let address = world.lease(&Client::new(1));
    let (heard, to) = read(&world.send_from(address, &extending(&Client::new(1), address)));
    assert_eq!(to, Destination::Unicast(SocketAddrV4::new(address, 68)));
    assert_eq!(heard.ciaddr, address);
    // What the client writes into ciaddr does not aim replies elsewhere.
    let out = world.send(&discover(&Client::new(2).ciaddr(ip(99))));
    assert!(matches!(out.replies[0].to, Destination::Direct { .. }));
    let out = world.send(&selecting(&Client::new(2).ciaddr(ip(99)), ip(11)));
    assert!(matches!(out.replies[0].to, Destination::Direct { .. }));
    assert_eq!(reply(&out).ciaddr, Ipv4Addr::UNSPECIFIED);
}

#[test]
fn decline_by_the_holder_takes_the_address_out_of_use_for_a_day() {
    let mut world = World::pool(10, 10);
    world.lease(&Client::new(1));
    let decline = |number| Client::new(number).kind(4).address(54, ip(1)).address(50, ip(10));
    for stranger in [decline(2), decline(1).option(61, &[9, 9, 9])] {
        let mut world = World::pool(10, 10);
        world.lease(&Client::new(1).option(61, &[1, 2, 3]));
        assert_eq!(world.send(&stranger).notes, [Note::Ignored(Why::NotHolder)]);
    }
    assert_eq!(world.send(&Client::new(1).kind(4)).notes, [Note::Ignored(Why::Malformed)]);
    let other = Client::new(1).kind(4).address(54, ip(9)).address(50, ip(10));
    assert_eq!(world.send(&other).notes, [Note::Ignored(Why::OtherServer)]);
    let out = world.send(&decline(1));
    assert!(out.replies.is_empty() && out.lease_changes[0].must_be_durable());
    assert_eq!(out.notes, [Note::Decline { address: ip(10) }]);
    world.restart();
    for (seconds, offer) in [(0, None), (86_399, None), (1, Some(ip(10)))] {
        world.wait(seconds);
        assert_eq!(world.offered(&discover(&Client::new(2))), offer);
    }
}

#[test]
fn a_decliner_gets_another_address_and_quarantine_takes_a_tenth_at_most() {
    let mut world = World::pool(10, 49);
    for round in 0..30 {
        let address = world.lease(&Client::new(1));
        let out = world.send(&Client::new(1).kind(4).address(54, ip(1)).address(50, address));
        let evicted = out.notes.iter().any(|note| matches!(note, Note::QuarantineFull { .. }));
        assert_eq!(evicted, round >= 4);
        let declined = world.server.leases().iter().filter(|l| l.state == LeaseState::Declined).count();
        assert!(declined <= 4);
    }
}

#[test]
fn release_is_heard_from_the_holder_only() {
    // (client id at the lease; hardware address and client id at the release; freed)
    for (lease_id, number, id, freed) in [
        (None, 1, None, true),
        (None, 2, None, false),
        (Some([1, 1]), 1, Some([1, 1]), true),
        (Some([1, 1]), 1, Some([2, 2]), false),
        (Some([1, 1]), 2, Some([1, 1]), false),
        (Some([1, 1]), 2, Some([2, 2]), false),
        (Some([1, 1]), 1, None, true),
        (None, 1, Some([1, 1]), true),
    ] {
        let with = |number, id: Option<[u8; 2]>| match id {
            Some(id) => Client::new(number).option(61, &id),
            None => Client::new(number),
        };
        let mut world = World::pool(10, 10);
        world.lease(&with(1, lease_id));
        let out = world.send_from(ip(10), &with(number, id).kind(7).ciaddr(ip(10)));
        assert!(out.replies.is_empty());
        let next = world.offered(&discover(&Client::new(9)));
        assert_eq!(next, freed.then(|| ip(10)), "{lease_id:?} {number} {id:?}");
    }
}

#[test]
fn a_released_address_is_kept_for_its_client_while_others_are_free() {
    let mut world = World::pool(10, 12);
    world.lease(&Client::new(1));
    world.send_from(ip(10), &Client::new(1).kind(7).ciaddr(ip(10)));
    assert_eq!(world.lease(&Client::new(2)), ip(11));
    assert_eq!(world.lease(&Client::new(1)), ip(10));
}

#[test]
fn inform_gets_options_and_no_lease() {
    let mut world = World::pool(10, 20);
    let out = world.send_from(ip(99), &Client::new(1).kind(8).ciaddr(ip(99)));
    let (heard, to) = read(&out);
    assert_eq!(to, Destination::Unicast(SocketAddrV4::new(ip(99), 68)));
    assert_eq!(
        (heard.message, heard.yiaddr, heard.ciaddr),
        (Some(MessageType::Ack), Ipv4Addr::UNSPECIFIED, ip(99))
    );
    assert!(heard.options.has(6));
    for code in [51, 58, 59] {
        assert!(!heard.options.has(code));
    }
    assert!(out.lease_changes.is_empty());
    let (heard, to) = read(&world.send_from(ip(99), &Client::new(1).kind(8)));
    assert_eq!(to, Destination::Unicast(SocketAddrV4::new(ip(99), 68)), "without ciaddr the sender is meant");
    assert_eq!(heard.ciaddr, Ipv4Addr::UNSPECIFIED);
}

#[test]
fn inform_cannot_aim_replies_at_others() {
    let mut world = World::pool(10, 20);
    let far = Ipv4Addr::new(8, 8, 8, 8);
    for (source, ciaddr) in [
        (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
        (far, far),
        (ip(99), ip(98)),
        (ip(99), far),
        (far, ip(99)),
        (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST),
        (Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(224, 0, 0, 1)),
    ] {
        assert!(
            world.send_from(source, &Client::new(1).kind(8).ciaddr(ciaddr)).replies.is_empty(),
            "{source} {ciaddr}"
        );
    }
}

#[test]
fn bootp_gets_reserved_addresses_only_without_a_message_type() {
    let mut world = World::pool(10, 20);
    assert_eq!(world.send(&Client::new(1)).notes, [Note::Ignored(Why::NotReserved)]);
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), ip(100)));
    let out = world.handle(&broadcast(), &Client::new(1).seen(), &crate::testkit::boot("pxelinux.0"));
    let heard = reply(&out);
    assert_eq!((heard.message, heard.yiaddr, out.replies[0].bytes.len()), (None, ip(100), 300));
    assert!(!heard.options.has(code::MESSAGE_TYPE) && !heard.options.has(code::LEASE_TIME));
    assert_eq!(heard.file.as_deref(), Some("pxelinux.0"));
    for _ in 0..3 {
        assert_eq!(world.lease(&Client::new(1)), ip(100));
        assert_eq!(reply(&world.send(&Client::new(1))).yiaddr, ip(100));
    }
}

#[test]
fn no_subnet_no_answer() {
    let mut world = World::pool(10, 20);
    let elsewhere = Arrival { local: "172.16.0.1/24".parse().unwrap(), ..broadcast() };
    for kind in 0..20 {
        let mut client = Client::new(1).kind(kind);
        for code in (1..=254).filter(|code| *code != 53) {
            client = client.option(code, &[10, 0, 0, 10]);
        }
        let out = world.handle(&elsewhere, &client.seen(), &BootAnswer::Silent);
        assert!(out.replies.is_empty() && out.lease_changes.is_empty());
    }
}

#[test]
fn messages_of_servers_and_unknown_ones_are_not_answered() {
    let mut world = World::pool(10, 20);
    for kind in [0, 2, 5, 6, 9, 10, 11, 12, 13, 18, 255] {
        assert_eq!(world.send(&Client::new(1).kind(kind)).notes, [Note::Ignored(Why::MessageType)]);
    }
    assert_eq!(world.send(&Client::new(1).option(53, &[1, 1])).notes, [Note::Ignored(Why::Malformed)]);
}

#[test]
fn one_noisy_client_is_cut_off_and_others_are_served() {
    let config = ServerConfig { limits: LimitConfig::default(), ..config(10, 20) };
    let mut world = World::new(config);
    let answered = (0..1000).filter(|_| !world.send(&discover(&Client::new(1))).replies.is_empty()).count();
    assert_eq!(answered, 20);
    assert!(world.offered(&discover(&Client::new(2))).is_some());
}

/// Whether a packet is handled is asked before anything is decided about its sender.
#[test]
fn the_limit_comes_before_the_decision_and_counts_each_packet_once() {
    let limits = LimitConfig { client_burst: 5, ..LimitConfig::default() };
    let mut world = World::new(ServerConfig { limits, ..config(10, 20) });
    let seen = discover(&Client::new(1)).seen();
    let mut answered = 0;
    for _ in 0..1000 {
        if let Some(admitted) = world.server.admit(world.now, Load::Heavy, &seen, &world.hosts) {
            let silent = BootAnswer::Silent;
            let out = world.server.answer(admitted, world.now, &broadcast(), &seen, &silent, &world.hosts);
            answered += out.replies.len();
        }
    }
    assert_eq!(answered, 5);
}
