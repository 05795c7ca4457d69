//! Which address a client gets.

use super::*;

#[test]
fn rule_18_an_offer_holds_its_address_back() {
    let mut world = World::pool(10, 20);
    assert_eq!(world.offered(&discover(&Client::new(1))), Some(ip(10)));
    assert_eq!(world.offered(&discover(&Client::new(1))), Some(ip(10)), "the same for the same client");
    assert_eq!(world.offered(&discover(&Client::new(2))), Some(ip(11)));
}

#[test]
fn the_oldest_offer_gives_way_when_nothing_else_is_left() {
    let mut full = World::pool(10, 12);
    for number in 1..=3 {
        assert_eq!(full.offered(&discover(&Client::new(number))), Some(ip(9 + number)));
        full.wait(1);
    }
    assert_eq!(full.offered(&discover(&Client::new(4))), Some(ip(10)));
    assert_eq!(full.lease(&Client::new(2)), ip(11));
    assert_eq!(full.lease(&Client::new(3)), ip(12));
    assert_eq!(full.lease(&Client::new(4)), ip(10));
    assert_eq!(full.offered(&discover(&Client::new(5))), None);
}

#[test]
fn rule_17_one_machine_keeps_one_address_through_all_stages_of_its_boot() {
    let mut world = World::pool(10, 20);
    let firmware = Client::new(1);
    let ipxe = Client::new(1).option(61, &[1, 2, 0, 0, 0, 0, 1]);
    let system = Client::new(1).option(61, &[255, 0, 0, 0, 1, 0, 2, 0, 0, 0xab, 0x11]);
    for _ in 0..3 {
        for stage in [&firmware, &ipxe, &system] {
            assert_eq!(world.lease(stage), ip(10));
        }
        world.wait(4000);
    }
    assert_eq!(world.server.leases().iter().count(), 1);
}

#[test]
fn machines_from_one_disk_image_do_not_share_an_address() {
    let mut world = World::pool(10, 20);
    let id = [255, 0, 0, 0, 1, 0, 2, 0, 0, 0xab, 0x11];
    assert_eq!(world.lease(&Client::new(1).option(61, &id)), ip(10));
    let out = world.send(&discover(&Client::new(2).option(61, &id)));
    assert_eq!(reply(&out).yiaddr, ip(11));
    let out = world.send(&selecting(&Client::new(2).option(61, &id), ip(11)));
    let with = Mac([2, 0, 0, 0, 0, 1]);
    assert!(out.notes.contains(&Note::IdentifierShared { with, address: ip(10) }));
    for number in [1, 2, 1, 2] {
        assert_eq!(world.lease(&Client::new(number).option(61, &id)), ip(9 + number));
    }
}

#[test]
fn a_namesake_s_address_does_not_hide_one_s_own_old_address() {
    let mut world = World::pool(10, 20);
    assert_eq!(world.lease(&Client::new(2)), ip(10));
    world.wait(3601);
    assert_eq!(world.lease(&Client::new(1).option(61, &[7, 7, 7])), ip(11));
    assert_eq!(world.lease(&Client::new(2).option(61, &[7, 7, 7])), ip(10));
}

#[test]
fn an_idle_address_follows_the_client_identifier_to_a_new_card() {
    let mut world = World::pool(10, 20);
    assert_eq!(world.lease(&Client::new(9)), ip(10));
    assert_eq!(world.lease(&Client::new(1).option(61, &[7, 7, 7])), ip(11));
    world.wait(3601);
    assert_eq!(world.lease(&Client::new(2).option(61, &[7, 7, 7])), ip(11));
}

#[test]
fn a_wish_is_granted_if_it_can_be() {
    let mut world = World::pool(10, 20);
    let wish = |number, last| discover(&Client::new(number)).address(50, ip(last));
    assert_eq!(world.offered(&wish(1, 15)), Some(ip(15)));
    assert_eq!(world.offered(&wish(2, 15)), Some(ip(10)), "taken");
    assert_eq!(world.offered(&wish(3, 99)), Some(ip(11)), "in no pool");
    assert_eq!(world.offered(&wish(1, 16)), Some(ip(15)), "has one");
}

#[test]
fn unused_addresses_come_first_then_the_one_longest_out_of_use() {
    let mut world = World::pool(10, 12);
    for number in 1..=3 {
        assert_eq!(world.lease(&Client::new(number)), ip(9 + number));
        world.wait(10);
    }
    world.send_from(ip(11), &Client::new(2).kind(7).ciaddr(ip(11)));
    world.wait(10);
    world.send_from(ip(10), &Client::new(1).kind(7).ciaddr(ip(10)));
    assert_eq!(world.lease(&Client::new(4)), ip(11));
    assert_eq!(world.lease(&Client::new(5)), ip(10));
    let out = world.send(&discover(&Client::new(6)));
    assert_eq!(out.notes.last(), Some(&Note::PoolExhausted { network: net() }));
    world.wait(3600);
    assert_eq!(world.lease(&Client::new(6)), ip(12));
}

#[test]
fn what_belongs_to_the_network_is_never_given() {
    let mut config = config(0, 255);
    config.subnets[0].excluded = (2..250).map(ip).collect();
    let mut world = World::new(config);
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 77]), ip(250)));
    let given: Vec<_> = (100..110).filter_map(|n| world.offered(&discover(&Client::new(n)))).collect();
    assert_eq!(
        given[..3],
        [ip(251), ip(252), ip(253)],
        "not .0, .1 (ours), .250 (reserved), .254 (router), .255"
    );
    assert!(given.iter().all(|address| given[..3].contains(address)));
}

#[test]
fn reserved_addresses_go_to_their_machine_inside_and_outside_the_pool() {
    let mut config = config(10, 11);
    let mac = |last| Mac([2, 0, 0, 0, 0, last]);
    config.subnets[0].reservations = vec![Reservation {
        address: Some(ip(10)),
        host_name: Some("one".to_owned()),
        ..Reservation::new(Owner::Mac(mac(1)))
    }];
    let mut world = World::new(config);
    world.hosts.0.push((mac(2), ip(200)));
    assert_eq!(world.lease(&Client::new(3)), ip(11));
    assert_eq!(world.offered(&discover(&Client::new(4))), None);
    let heard = reply(&world.send(&discover(&Client::new(1))));
    assert_eq!((heard.yiaddr, heard.options.get(12)), (ip(10), Some(&b"one"[..])));
    assert_eq!(world.lease(&Client::new(1)), ip(10));
    assert_eq!(world.lease(&Client::new(2)), ip(200));
}

#[test]
fn the_server_s_own_address_is_nobody_s_even_if_reserved() {
    let mut world = World::pool(10, 11);
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), ip(1)));
    assert_eq!(world.lease(&Client::new(1)), ip(10));
}

#[test]
fn the_network_s_own_and_its_broadcast_address_are_nobody_s_even_if_reserved() {
    for edge in [ip(0), ip(255)] {
        let mut world = World::pool(10, 11);
        world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), edge));
        assert_eq!(world.lease(&Client::new(1)), ip(10), "{edge}");
    }
}

#[test]
fn a_reservation_made_for_a_machine_with_another_lease_moves_it() {
    let mut world = World::pool(10, 11);
    assert_eq!(world.lease(&Client::new(1)), ip(10));
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), ip(50)));
    assert_eq!(answer(&world.send_from(ip(10), &extending(&Client::new(1), ip(10)))), Answer::Nak);
    assert_eq!(world.lease(&Client::new(1)), ip(50));
    assert_eq!(world.lease(&Client::new(2)), ip(11));
    assert_eq!(world.lease(&Client::new(3)), ip(10), "the old address is free again");
}

#[test]
fn a_reserved_address_in_use_is_given_up_at_the_next_renewal() {
    let mut world = World::pool(10, 20);
    assert_eq!(world.lease(&Client::new(1)), ip(10));
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 2]), ip(10)));
    let out = world.send(&discover(&Client::new(2)));
    let holder = Mac([2, 0, 0, 0, 0, 1]);
    assert!(out.notes.contains(&Note::ReservedInUse { address: ip(10), holder }));
    assert_eq!(reply(&out).yiaddr, ip(11), "another one for the time being");
    assert_eq!(answer(&world.send(&selecting(&Client::new(2), ip(11)))), Answer::Ack);
    assert_eq!(answer(&world.send_from(ip(10), &extending(&Client::new(1), ip(10)))), Answer::Nak);
    assert_eq!(world.lease(&Client::new(1)), ip(12));
    assert_eq!(world.lease(&Client::new(2)), ip(10));
}

/// The cost of one DISCOVER must not grow with the pool: a scan of it would make this take minutes.
#[test]
fn a_full_pool_of_65_000_addresses_is_served_without_scanning_it() {
    let mut config = config(10, 20);
    config.subnets = vec![Subnet {
        pools: vec![PoolRange { first: Ipv4Addr::new(10, 0, 0, 2), last: Ipv4Addr::new(10, 0, 255, 254) }],
        ..Subnet::new("10.0.0.0/16".parse().unwrap())
    }];
    let mut world = World::new(config);
    let client = |number: u32| {
        let [_, a, b, c] = number.to_be_bytes();
        Client::new(0).mac([2, 9, 9, a, b, c])
    };
    for number in 0..65_533 {
        world.send(&discover(&client(number)));
    }
    for number in 70_000..90_000 {
        assert!(world.offered(&discover(&client(number))).is_some());
    }
    assert_eq!(world.server.leases().fill("10.0.0.0/16".parse().unwrap(), world.now), (65_533, 65_533));
    world.wait(121);
    assert_eq!(world.offered(&discover(&client(90_000))), Some(Ipv4Addr::new(10, 0, 0, 2)));
}

#[test]
fn a_flood_of_discovers_does_not_grow_the_table_beyond_the_pool() {
    let mut world = World::pool(10, 19);
    for round in 0..50 {
        for number in 0..=255 {
            world.send(&discover(&Client::new(number).mac([2, round, 0, 0, 0, number])));
        }
        world.wait(60);
        assert!(world.server.leases().iter().count() <= 10);
    }
}

fn exclude_first_last_24(network: &str, first: [u8; 4], last: [u8; 4], wanted: &[[u8; 4]]) {
    for exclude_first_last_24 in [true, false] {
        let mut config = config(10, 20);
        config.subnets = vec![Subnet {
            pools: vec![PoolRange { first: first.into(), last: last.into() }],
            exclude_first_last_24,
            ..Subnet::new(network.parse().unwrap())
        }];
        let mut world = World::new(config);
        let arrival = Arrival { local: "192.168.50.7/22".parse().unwrap(), ..broadcast() };
        let given = (1..=10).filter_map(|number| {
            let out = world.handle(&arrival, &discover(&Client::new(number)).seen(), &BootAnswer::Silent);
            let address = reply(&out).yiaddr;
            // Then the oldest offer is taken back.
            (!out.replies.is_empty()).then_some(address)
        });
        let given: std::collections::BTreeSet<Ipv4Addr> = given.collect();
        let all: std::collections::BTreeSet<Ipv4Addr> =
            wanted.iter().map(|raw| Ipv4Addr::from(*raw)).collect();
        if exclude_first_last_24 {
            assert_eq!(given, all, "{network}");
        } else {
            assert!(given.is_superset(&all), "{network}");
        }
    }
}

#[test]
fn exclude_first_last_24_subnet_24() {
    exclude_first_last_24(
        "192.168.50.0/24",
        [192, 168, 50, 254],
        [192, 168, 50, 255],
        &[[192, 168, 50, 254]],
    );
    exclude_first_last_24("192.168.50.0/24", [192, 168, 50, 0], [192, 168, 50, 1], &[[192, 168, 50, 1]]);
}

#[test]
fn exclude_first_last_24_subnet_23() {
    let wanted = [[192, 168, 50, 254], [192, 168, 51, 1]];
    exclude_first_last_24("192.168.50.0/23", [192, 168, 50, 254], [192, 168, 51, 1], &wanted);
}

/// In a smaller network `.0` and `.255` are its own two addresses, or none of it.
#[test]
fn exclude_first_last_24_subnet_25_both_halves() {
    let wanted = [[192, 168, 50, 126]];
    exclude_first_last_24("192.168.50.0/25", [192, 168, 50, 126], [192, 168, 50, 127], &wanted);
    let second = Arrival { local: "192.168.50.200/25".parse().unwrap(), ..broadcast() };
    let mut config = config(10, 20);
    config.subnets = vec![Subnet {
        pools: vec![PoolRange { first: [192, 168, 50, 128].into(), last: [192, 168, 50, 129].into() }],
        exclude_first_last_24: true,
        ..Subnet::new("192.168.50.128/25".parse().unwrap())
    }];
    let out = World::new(config).handle(&second, &discover(&Client::new(1)).seen(), &BootAnswer::Silent);
    assert_eq!(reply(&out).yiaddr, Ipv4Addr::new(192, 168, 50, 129));
}

/// It answers ARP for everybody, and finds each address that it is given in use.
#[test]
fn one_machine_puts_eight_addresses_into_quarantine_at_most() {
    let mut world = World::pool(10, 209);
    for round in 0..30 {
        let address = world.lease(&Client::new(1));
        let out = world.send(&Client::new(1).kind(4).address(50, address));
        assert_eq!(out.notes.iter().any(|note| matches!(note, Note::QuarantineFull { .. })), round >= 8);
        let declined = world.server.leases().iter().filter(|l| l.state == LeaseState::Declined).count();
        assert!(declined <= 8, "{declined}");
    }
}
