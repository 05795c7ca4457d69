//! Classes of machines, and which level's options are sent.

use super::*;
use crate::{
    ClientKind, code,
    testkit::{captured, captured::*},
};
use nextboot_model::Arch;

fn options(list: &[(u8, &[u8])]) -> Parameters {
    let option =
        |(code, value): &(u8, &[u8])| SiteOption { code: *code, value: value.to_vec(), always: false };
    Parameters { options: list.iter().map(option).collect(), ..Parameters::default() }
}

fn kind(kind: ClientKind) -> Members {
    Members { firmware: vec![kind], ..Members::default() }
}

fn class(members: Members) -> Class {
    Class { members, parameters: options(&[(225, b"member")]), ..Class::default() }
}

/// A server with these classes.
fn world(classes: Vec<Class>) -> World {
    World::new(ServerConfig { classes, ..config(10, 19) })
}

fn is_member(members: Members, seen: &Seen) -> bool {
    let out = world(vec![class(members)]).handle(&broadcast(), seen, &BootAnswer::Silent);
    reply(&out).options.has(225)
}

#[test]
fn firmware_tells_members() {
    let pi = Client::new(1).mac([0xb8, 0x27, 0xeb, 1, 2, 3]).kind(1).option(60, b"PXEClient").seen();
    // Without a list of what they want, so that they are told everything.
    let plain = Client::new(1).kind(1).option(60, b"MSFT 5.0").seen();
    let pxe = Client::new(1).kind(1).option(60, b"PXEClient:Arch:00007:UNDI:003000").seen();
    let http = Client::new(1).kind(1).option(60, b"HTTPClient:Arch:00016:UNDI:003000").seen();
    let ipxe = Client::new(1).kind(1).option(60, b"PXEClient").option(77, b"iPXE").seen();
    let all = [
        (ClientKind::RaspberryPi, &pi),
        (ClientKind::Plain, &plain),
        (ClientKind::Pxe, &pxe),
        (ClientKind::UefiHttp, &http),
        (ClientKind::Ipxe, &ipxe),
    ];
    for (of, _) in &all {
        for (is, seen) in &all {
            assert_eq!(is_member(kind(*of), seen), of == is, "{is:?} in a class of {of:?}");
        }
    }
}

#[test]
fn v4_classes_ipxe_client_arch_and_all_other_keys() {
    let client = Client::new(1)
        .kind(1)
        .option(60, b"PXEClient:Arch:00011:UNDI:003000")
        .option(93, &[0, 11, 0, 7])
        .option(77, b"\x03lab")
        .seen();
    let none = Members::default;
    for (members, fits) in [
        (Members { archs: vec![Arch(11)], ..none() }, true),
        (Members { archs: vec![Arch(0), Arch(7)], ..none() }, true),
        (Members { archs: vec![Arch(0)], ..none() }, false),
        (Members { vendors: vec![b"PXEClient:Arch:00011".to_vec()], ..none() }, true),
        (Members { vendors: vec![b"MSFT".to_vec(), b"PXE".to_vec()], ..none() }, true),
        (Members { vendors: vec![b"XEClient".to_vec()], ..none() }, false),
        (Members { user_classes: vec![b"lab".to_vec()], ..none() }, true),
        (Members { user_classes: vec![b"la".to_vec()], ..none() }, false),
        (Members { macs: vec![vec![2, 0, 0]], ..none() }, true),
        (Members { macs: vec![vec![2, 0, 0, 0, 0, 2]], ..none() }, false),
        (Members { subnets: vec!["10.0.0.0/8".parse().unwrap()], ..none() }, true),
        (Members { subnets: vec!["10.0.0.0/25".parse().unwrap()], ..none() }, false),
        (none(), true),
    ] {
        assert_eq!(is_member(members.clone(), &client), fits, "{members:?}");
    }
    let both = |mac| Members { archs: vec![Arch(11)], macs: vec![vec![mac]], ..none() };
    assert!(is_member(both(2), &client) && !is_member(both(4), &client), "every key must fit");
}

#[test]
fn a_dropped_class_hears_nothing_and_others_do() {
    let classes = vec![Class { drop: true, ..class(kind(ClientKind::Plain)) }];
    let mut world = world(classes);
    for message in 1..=8 {
        let out = world.send(&Client::new(1).kind(message).address(50, ip(10)));
        assert_eq!(out.notes, [Note::Ignored(Why::Dropped)]);
        assert!(out.replies.is_empty() && out.lease_changes.is_empty());
    }
    let out = world.handle(&broadcast(), &captured(OVMF_DISCOVER), &BootAnswer::Silent);
    assert_eq!(reply(&out).yiaddr, ip(10));
}

#[test]
fn a_dropped_class_hears_nothing_on_port_4011_either() {
    for (subnet, why) in [("10.0.0.0/8", true), ("10.9.0.0/16", false)] {
        let members = Members { subnets: vec![subnet.parse().unwrap()], ..kind(ClientKind::Pxe) };
        let mut world = world(vec![Class { drop: true, ..class(members) }]);
        let arrival = unicast(Port::Pxe, SocketAddrV4::new(ip(100), 4011));
        let out = world.handle(&arrival, &captured(OVMF_4011), &crate::testkit::boot("a.efi"));
        assert_eq!(out.notes == [Note::Ignored(Why::Dropped)], why, "{subnet}");
    }
}

#[test]
fn bootp_gets_addresses_of_classes_that_name_it() {
    let one = |last| vec![PoolRange { first: ip(last), last: ip(last) }];
    let by_mac = Members { macs: vec![vec![2]], ..Members::default() };
    let mut world = world(vec![
        Class { pools: one(30), ..class(by_mac) },
        Class { pools: one(31), parameters: Parameters::default(), ..class(kind(ClientKind::Bootp)) },
    ]);
    for _ in 0..2 {
        let heard = reply(&world.send(&Client::new(1)));
        assert_eq!((heard.message, heard.yiaddr), (None, ip(31)));
    }
    assert_eq!(world.server.leases().get(ip(31)).unwrap().expires, Timestamp::NEVER);
    assert!(
        reply(&world.send(&Client::new(1))).options.has(225),
        "what its other classes are told, it is told"
    );
    // Neither another class's nor everybody's, and that one is taken for ever.
    assert_eq!(world.send(&Client::new(2)).notes, [Note::Ignored(Why::NotReserved)]);
    // DHCP clients have the others.
    assert_eq!(world.lease(&Client::new(3)), ip(30));
    assert_eq!(world.lease(&Client::new(4)), ip(10));
}

/// Reservation, class, subnet, everybody: the nearest that says something counts, thing by thing.
#[test]
fn the_nearest_level_counts() {
    let mut config = config(10, 19);
    let dns = |last| vec![ip(last)];
    config.parameters = Parameters { dns: dns(31), ntp: dns(31), ..options(&[(230, b"all"), (231, b"all")]) };
    config.subnets[0].parameters = Parameters {
        dns: dns(32),
        domain: Some("subnet.example".to_owned()),
        routers: vec![ip(254)],
        ..options(&[(231, b"subnet"), (232, b"subnet"), (233, b"subnet"), (234, b"subnet")])
    };
    config.classes = vec![
        Class {
            parameters: Parameters { dns: dns(33), ..options(&[(232, b"first"), (233, b"first")]) },
            ..class(Members {
                macs: vec![vec![2, 0, 0, 0, 0, 1], vec![2, 0, 0, 0, 0, 2]],
                ..Members::default()
            })
        },
        Class {
            parameters: options(&[(232, b"second"), (234, b"second")]),
            ..class(Members { macs: vec![vec![2, 0, 0, 0, 0, 1]], ..Members::default() })
        },
    ];
    config.subnets[0].reservations = vec![Reservation {
        address: Some(ip(100)),
        host_name: Some("one".to_owned()),
        parameters: Parameters {
            domain: Some("one.example".to_owned()),
            routers: vec![Ipv4Addr::new(10, 9, 0, 1)],
            ..options(&[(233, b"one")])
        },
        ..Reservation::new(Owner::Mac(Mac([2, 0, 0, 0, 0, 1])))
    }];
    let mut world = World::new(config);
    let mut told = |number, codes: &[u8]| -> Vec<String> {
        let heard = reply(&world.send(&discover(&Client::new(number))));
        let text = |code: &u8| match heard.options.get(*code) {
            Some(&[10, 0, 0, last]) => last.to_string(),
            Some(raw) => String::from_utf8(raw.to_vec()).unwrap(),
            None => "-".to_owned(),
        };
        codes.iter().map(text).collect()
    };
    let codes = [3, 6, 15, 42, 230, 231, 232, 233, 234];
    assert_eq!(
        told(1, &codes),
        ["254", "33", "one.example", "31", "all", "subnet", "first", "one", "second"],
        "a router that the client cannot reach is left out"
    );
    assert_eq!(
        told(2, &codes),
        ["254", "33", "subnet.example", "31", "all", "subnet", "first", "first", "subnet"]
    );
    assert_eq!(told(3, &codes)[1..3], ["32", "subnet.example"]);
}

#[test]
fn always_send_and_never_send() {
    let mut config = config(10, 19);
    let option = |code, always| SiteOption { code, value: b"x".to_vec(), always };
    config.parameters.options = vec![option(230, false), option(231, true), option(232, true)];
    config.subnets[0].parameters.never = vec![232, 6, 119];
    let mut world = World::new(config);
    for (wish, sent) in [(&[1u8, 3][..], [false, true, false]), (&[230, 232], [true, true, false])] {
        let heard = reply(&world.send(&discover(&Client::new(1)).option(55, wish)));
        assert_eq!([230, 231, 232].map(|code| heard.options.has(code)), sent, "{wish:?}");
        assert!(!heard.options.has(code::DNS) && !heard.options.has(code::SEARCH));
    }
}

#[test]
fn a_class_has_leases_of_its_own_length() {
    let classes = vec![Class { lease_time: Some(LeaseTime::Seconds(300)), ..class(kind(ClientKind::Pxe)) }];
    let mut world = world(classes);
    let firmware = Client::new(1).option(60, b"PXEClient");
    let address = world.lease(&firmware);
    let lease = world.server.leases().get(address).unwrap().clone();
    assert_eq!(lease.expires.since(world.now), Duration::from_secs(300));
    let heard = reply(&world.send(&discover(&firmware)));
    assert_eq!(heard.options.get(51), Some(&300u32.to_be_bytes()[..]));
    assert_eq!(heard.options.get(58), Some(&150u32.to_be_bytes()[..]));
    assert_eq!(
        reply(&world.send(&discover(&Client::new(2)))).options.get(51),
        Some(&3600u32.to_be_bytes()[..])
    );
}

fn with_pool() -> World {
    let pools = vec![PoolRange { first: ip(15), last: ip(16) }, PoolRange { first: ip(40), last: ip(40) }];
    world(vec![Class { pools, ..class(Members { macs: vec![vec![2, 7]], ..Members::default() }) }])
}

fn member(number: u8) -> Client {
    Client::new(number).mac([2, 7, 0, 0, 0, number])
}

#[test]
fn a_class_s_pool_is_its_members_alone_and_goes_before_the_subnet_s() {
    let mut world = with_pool();
    let given: Vec<_> = (1..=8).map(|number| world.lease(&Client::new(number))).collect();
    assert_eq!(given, [10, 11, 12, 13, 14, 17, 18, 19].map(ip));
    assert_eq!(world.offered(&discover(&Client::new(9))), None);
    assert_eq!(world.offered(&discover(&Client::new(9)).address(50, ip(15))), None);
    assert_eq!(answer(&world.send(&selecting(&Client::new(9), ip(15)))), Answer::Nak);
    for (number, address) in [(1, 15), (2, 16), (3, 40)] {
        assert_eq!(world.lease(&member(number)), ip(address));
    }
    assert_eq!(world.offered(&discover(&member(4))), None);
    world.send_from(ip(12), &Client::new(3).kind(7).ciaddr(ip(12)));
    assert_eq!(world.lease(&member(4)), ip(12), "members may have everybody's");
    world.send_from(ip(15), &member(1).kind(7).ciaddr(ip(15)));
    assert_eq!(world.offered(&discover(&Client::new(9))), None, "but not the other way round");
    let (size, taken) = world.server.leases().fill(net(), world.now);
    assert_eq!((size, taken), (11, 10));
}

#[test]
fn who_leaves_a_class_leaves_its_pool() {
    let mut world = with_pool();
    assert_eq!(world.lease(&member(1)), ip(15));
    let mut config = world.server.config.clone();
    config.classes[0].members = Members { macs: vec![vec![2, 8]], ..Members::default() };
    world.server.reconfigure(config);
    assert_eq!(answer(&world.send_from(ip(15), &extending(&member(1), ip(15)))), Answer::Nak);
    assert_eq!(world.lease(&member(1)), ip(10));
}

#[test]
fn a_class_leaves_out_whom_it_excepts_and_has_only_who_is_all_that_it_wants() {
    let none = Members::default;
    let mac = |last| Members { macs: vec![vec![2, 0, 0, 0, 0, last]], ..none() };
    let says = |code, says| Members { options: vec![OptionTest { code, says }], ..none() };
    for (class, told) in [
        (Class { except: vec![mac(1)], ..class(none()) }, [false, true]),
        (Class { except: vec![mac(3), mac(1)], ..class(none()) }, [false, true]),
        (Class { also: vec![says(60, Says::Anything)], ..class(mac(1)) }, [true, false]),
        (Class { also: vec![says(60, Says::Anything)], ..class(mac(2)) }, [false, false]),
        (class(says(60, Says::Begins(b"Pri".to_vec()))), [true, false]),
        (class(says(60, Says::Begins(b"rin".to_vec()))), [false, false]),
        (class(says(60, Says::Contains(b"nter".to_vec(), 1))), [true, false]),
        (class(says(60, Says::Contains(b"nter".to_vec(), 2))), [false, false]),
        (class(says(60, Says::Contains(b"inte".to_vec(), 2))), [true, false]),
        (class(Members { client_ids: vec![vec![9, 9]], ..none() }), [false, true]),
        (class(Members { known: Some(true), ..none() }), [false, true]),
        (class(Members { known: Some(false), ..none() }), [true, false]),
    ] {
        let mut config = config(10, 20);
        config.classes = vec![class.clone()];
        let owner = Owner::Mac(Mac([2, 0, 0, 0, 0, 2]));
        config.subnets[0].reservations = vec![Reservation::new(owner)];
        let mut world = World::new(config);
        let printer = Client::new(1).option(60, b"Printer");
        let named = Client::new(2).option(61, &[9, 9]);
        let is_member = [printer, named].map(|client| {
            let heard = reply(&world.send(&discover(&client)));
            heard.options.get(225).is_some()
        });
        assert_eq!(is_member, told, "{class:?}");
    }
}
