//! Several networks on one link.

use super::*;
use crate::{NakReason, code};

fn far(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 9, 0, last)
}

/// Two networks with two addresses each, and one more on another wire.
fn two(name: Option<&str>) -> ServerConfig {
    let mut config = config(10, 11);
    let shared_network = name.map(str::to_owned);
    config.subnets[0].shared_network.clone_from(&shared_network);
    let pools = |a, b| vec![PoolRange { first: a, last: b }];
    config.subnets.push(Subnet {
        shared_network,
        pools: pools(far(10), far(11)),
        parameters: Parameters { routers: vec![far(254)], ..Parameters::default() },
        lease_time: LeaseTime::Seconds(900),
        ..Subnet::new("10.9.0.0/24".parse().unwrap())
    });
    config.subnets.push(Subnet {
        pools: pools(Ipv4Addr::new(10, 8, 0, 10), Ipv4Addr::new(10, 8, 0, 11)),
        ..Subnet::new("10.8.0.0/24".parse().unwrap())
    });
    config
}

fn world() -> World {
    World::new(two(Some("wire")))
}

#[test]
fn a_class_has_its_own_addresses_first_in_whichever_network_of_the_link() {
    let members = Members { macs: vec![vec![2, 0, 0, 0, 0, 1]], ..Members::default() };
    let pools = vec![PoolRange { first: far(20), last: far(20) }];
    let class = Class { members, pools, ..Class::default() };
    let mut world = World::new(ServerConfig { classes: vec![class], ..two(Some("wire")) });
    assert_eq!([world.lease(&Client::new(1)), world.lease(&Client::new(2))], [far(20), ip(10)]);
}

#[test]
fn the_next_subnet_gives_when_the_first_is_full_and_tells_its_own_options() {
    let mut world = world();
    assert_eq!([world.lease(&Client::new(1)), world.lease(&Client::new(2))], [ip(10), ip(11)]);
    let heard = reply(&world.send(&discover(&Client::new(3))));
    assert_eq!(heard.yiaddr, far(10));
    for (code, value) in [
        (code::ROUTER, &[10, 9, 0, 254][..]),
        (code::SUBNET_MASK, &[255, 255, 255, 0]),
        (51, &[0, 0, 3, 132]),
    ] {
        assert_eq!(heard.options.get(code), Some(value), "{code}");
    }
    assert_eq!(heard.server_id, Some(ip(1)), "whom it can reach");
    assert_eq!([world.lease(&Client::new(3)), world.lease(&Client::new(4))], [far(10), far(11)]);
    let out = world.send(&discover(&Client::new(5)));
    assert_eq!(out.notes.last(), Some(&Note::PoolExhausted { network: net() }), "not of the other wire");
}

#[test]
fn a_subnet_that_is_alone_gives_no_addresses_of_others() {
    let mut world = World::new(two(None));
    assert_eq!([world.lease(&Client::new(1)), world.lease(&Client::new(2))], [ip(10), ip(11)]);
    assert_eq!(world.offered(&discover(&Client::new(3))), None);
    let out = world.send(&selecting(&Client::new(3), far(10)));
    assert!(out.notes.contains(&Note::Nak { address: far(10), reason: NakReason::WrongNetwork }));
}

#[test]
fn addresses_of_one_interface_make_its_networks_one_link() {
    let mut world = World::new(two(None));
    world.server.set_own_addresses([(2, ip(1)), (2, far(1)), (3, Ipv4Addr::new(10, 8, 0, 1))]);
    for (number, address) in [(1, ip(10)), (2, ip(11)), (3, far(10)), (4, far(11))] {
        assert_eq!(world.lease(&Client::new(number)), address);
    }
    assert_eq!(world.offered(&discover(&Client::new(5))), None);
    world.server.reconfigure(two(None));
    assert_eq!(world.lease(&Client::new(4)), far(11), "a new configuration keeps the interfaces");
    let relayed = Client::new(6).giaddr(ip(2));
    assert_eq!(world.offered(&discover(&relayed)), None, "behind a relay is another link");
}

#[test]
fn an_offer_is_taken_back_only_when_no_subnet_has_another_address() {
    let mut world = world();
    for (number, address) in [(1, ip(10)), (2, ip(11)), (3, far(10)), (4, far(11)), (5, ip(10))] {
        assert_eq!(world.offered(&discover(&Client::new(number))), Some(address));
        world.wait(1);
    }
}

#[test]
fn a_lease_in_any_subnet_of_the_link_is_right_in_every_state() {
    let mut world = world();
    for number in 1..=3 {
        world.lease(&Client::new(number));
    }
    let three = Client::new(3);
    world.send_from(ip(10), &Client::new(1).kind(7).ciaddr(ip(10)));
    assert_eq!(world.offered(&discover(&three)), Some(far(10)), "its own, though the first has room again");
    assert_eq!(answer(&world.send(&init_reboot(&three, far(10)))), Answer::Ack);
    assert_eq!(answer(&world.send(&extending(&three, far(10)))), Answer::Ack);
    assert_eq!(answer(&world.send_from(far(10), &extending(&three, far(10)))), Answer::Ack);
    let heard = reply(&world.send(&selecting(&three, far(10))));
    assert_eq!(heard.options.get(51), Some(&900u32.to_be_bytes()[..]));
}

#[test]
fn a_wish_in_any_subnet_of_the_link_is_granted() {
    let mut world = world();
    assert_eq!(world.offered(&discover(&Client::new(1)).address(50, far(11))), Some(far(11)));
    let elsewhere = Ipv4Addr::new(10, 8, 0, 10);
    assert_eq!(world.offered(&discover(&Client::new(2)).address(50, elsewhere)), Some(ip(10)));
}

#[test]
fn who_knows_the_client_refuses_addresses_of_other_links_only() {
    let mut world = world();
    let one = Client::new(1);
    world.lease(&one);
    let elsewhere = Ipv4Addr::new(10, 8, 0, 10);
    let out = world.send(&init_reboot(&one, elsewhere));
    assert!(out.notes.contains(&Note::Nak { address: elsewhere, reason: NakReason::WrongNetwork }));
    let out = world.send(&init_reboot(&one, far(10)));
    assert!(out.notes.contains(&Note::Nak { address: far(10), reason: NakReason::NotYours }));
}

#[test]
fn one_client_has_one_address_on_the_link() {
    let mut world = world();
    let mac = Mac([2, 0, 0, 0, 0, 1]);
    assert_eq!(world.lease(&Client::new(1)), ip(10));
    world.hosts.0.push((mac, far(100)));
    assert_eq!(world.lease(&Client::new(1)), far(100));
    let held: Vec<Ipv4Addr> =
        world.server.leases().iter().filter(|l| l.is_bound(world.now)).map(|l| l.address).collect();
    assert_eq!(held, [far(100)]);
}

#[test]
fn reservations_in_any_subnet_of_the_link_count() {
    let mut config = two(Some("wire"));
    let owner = Owner::Mac(Mac([2, 0, 0, 0, 0, 1]));
    config.subnets[1].reservations = vec![Reservation {
        address: Some(far(10)),
        host_name: Some("one".to_owned()),
        ..Reservation::new(owner)
    }];
    let mut world = World::new(config);
    assert_eq!(world.lease(&Client::new(1)), far(10));
    world.lease(&Client::new(2));
    world.lease(&Client::new(3));
    assert_eq!(world.lease(&Client::new(4)), far(11), "nobody else gets it");
    let heard = reply(&world.send(&Client::new(1)));
    assert_eq!((heard.message, heard.yiaddr), (None, far(10)), "BOOTP too");
}

#[test]
fn relays_reach_the_whole_shared_network() {
    let mut world = world();
    let relayed = |number| Client::new(number).giaddr(far(2));
    for (number, address) in [(1, far(10)), (2, far(11)), (3, ip(10))] {
        assert_eq!(world.lease(&relayed(number)), address);
    }
    // Renewing past the relay, and INFORM, tell what belongs to the address.
    let heard = reply(&world.send_from(ip(10), &extending(&Client::new(3), ip(10))));
    assert_eq!(heard.options.get(code::ROUTER), Some(&[10, 0, 0, 254][..]));
    let heard = reply(&world.send(&relayed(3).kind(8).ciaddr(ip(10))));
    assert_eq!(heard.options.get(code::ROUTER), Some(&[10, 0, 0, 254][..]));
}
