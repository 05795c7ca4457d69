//! Reserved addresses, by each thing that a machine can be recognised by.

use super::*;
use crate::testkit::captured::OVMF_DISCOVER;

const UUID_TEXT: &str = "b8945908-d6a6-41a9-a11d-74a6ab80b83d";

fn uuid() -> Uuid {
    UUID_TEXT.parse().unwrap()
}

/// Option 97 of a machine.
fn option_97(uuid: Uuid) -> Vec<u8> {
    [&[0][..], &uuid.to_wire().0].concat()
}

fn option_82(circuit: &[u8], remote: Option<&[u8]>) -> Vec<u8> {
    let mut raw = [&[1, circuit.len() as u8][..], circuit].concat();
    if let Some(remote) = remote {
        raw.extend([2, remote.len() as u8]);
        raw.extend(remote);
    }
    raw
}

fn world(owners: &[(Owner, u8)]) -> World {
    let mut config = config(10, 20);
    config.subnets[0].reservations = owners
        .iter()
        .map(|(owner, last)| Reservation { address: Some(ip(*last)), ..Reservation::new(owner.clone()) })
        .collect();
    World::new(config)
}

fn circuit(circuit: &[u8], remote: Option<&[u8]>) -> Owner {
    Owner::Circuit { circuit: circuit.to_vec(), remote: remote.map(<[u8]>::to_vec) }
}

#[test]
fn a_host_is_told_its_name_with_any_address() {
    let mut world = World::pool(10, 20);
    // Its address is in another network.
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(10, 9, 0, 5)));
    for (client, name) in [(1, Some(&b"node"[..])), (2, None)] {
        let heard = reply(&world.send(&discover(&Client::new(client))));
        assert_eq!(heard.options.get(crate::code::HOST_NAME), name);
    }
}

#[test]
fn reservation_by_client_id() {
    let mut world = world(&[(Owner::ClientId(vec![1, 2, 3]), 100), (Owner::ClientId(vec![1, 2, 4]), 101)]);
    assert_eq!(world.lease(&Client::new(1).option(61, &[1, 2, 3])), ip(100));
    assert_eq!(world.lease(&Client::new(2).option(61, &[1, 2, 3, 0])), ip(10), "all bytes count");
    assert_eq!(world.lease(&Client::new(3)), ip(11));
}

#[test]
fn reservation_by_uuid_in_both_byte_orders() {
    for shown in [uuid(), uuid().to_wire()] {
        let mut world = world(&[(Owner::Uuid(uuid()), 100)]);
        assert_eq!(world.lease(&Client::new(1).option(97, &option_97(shown))), ip(100));
    }
    let mut world = world(&[(Owner::Uuid(uuid()), 100)]);
    let out = world.handle(&broadcast(), &crate::testkit::captured(OVMF_DISCOVER), &BootAnswer::Silent);
    assert_eq!(reply(&out).yiaddr, ip(10), "all zeros are nobody's UUID");
}

/// Firmware tells its UUID, PXELINUX and the system behind it do not.
#[test]
fn reservation_by_uuid_holds_for_the_system_behind_the_firmware() {
    let mut world = world(&[(Owner::Uuid(uuid()), 100)]);
    let firmware = Client::new(1).option(97, &option_97(uuid()));
    let system = Client::new(1).option(61, &[255, 9, 9, 9]);
    assert_eq!(world.lease(&firmware), ip(100));
    for _ in 0..3 {
        world.restart();
        assert_eq!(world.lease(&system), ip(100));
        assert_eq!(answer(&world.send_from(ip(100), &extending(&system, ip(100)))), Answer::Ack);
        world.wait(4000);
    }
    assert_eq!(world.lease(&Client::new(2)), ip(10), "and for nobody else");
}

#[test]
fn reservation_by_circuit_id_with_and_without_remote_id() {
    let mut world = world(&[
        (circuit(b"port-1", None), 100),
        (circuit(b"port-1", Some(b"switch-b")), 101),
        (circuit(b"port-2", Some(b"switch-b")), 102),
    ]);
    let behind = |number, raw: Vec<u8>| Client::new(number).giaddr(ip(2)).option(82, &raw);
    assert_eq!(world.lease(&behind(1, option_82(b"port-1", Some(b"switch-a")))), ip(100));
    assert_eq!(world.lease(&behind(2, option_82(b"port-1", Some(b"switch-b")))), ip(101));
    assert_eq!(world.lease(&behind(3, option_82(b"port-2", None))), ip(10), "another switch's port 2");
    assert_eq!(world.lease(&behind(4, option_82(b"port-2", Some(b"switch-b")))), ip(102));
    assert_eq!(world.lease(&behind(5, option_82(b"port-11", None))), ip(11));
}

/// Switches that snoop add option 82 without being relays.
#[test]
fn reservation_by_circuit_id_of_a_switch_that_is_no_relay() {
    let mut world = world(&[(circuit(b"port-1", None), 100)]);
    assert_eq!(world.lease(&Client::new(1).option(82, &option_82(b"port-1", None))), ip(100));
}

#[test]
fn stash_agent_options_a_renewal_past_the_relay_gets_the_same_answer() {
    let mut world = world(&[(circuit(b"port-1", None), 100)]);
    let relayed = Client::new(1).giaddr(ip(2)).option(82, &option_82(b"port-1", None));
    assert_eq!(world.lease(&relayed), ip(100));
    let renewal = extending(&Client::new(1), ip(100));
    for _ in 0..3 {
        world.restart();
        let out = world.send_from(ip(100), &renewal);
        assert_eq!(answer(&out), Answer::Ack);
        assert!(!reply(&out).options.has(82), "the relay is not on this way");
    }
    assert_eq!(
        answer(&world.send_from(ip(100), &extending(&Client::new(2), ip(100)))),
        Answer::Nak,
        "another machine's word does not count"
    );
    world.wait(4000);
    assert_eq!(answer(&world.send(&renewal)), Answer::Ack, "nor is it forgotten");
}

#[test]
fn host_identifiers_order_mac_client_id_uuid_circuit() {
    let all = [
        (Owner::Mac(Mac([2, 0, 0, 0, 0, 1])), 100),
        (Owner::ClientId(vec![7, 7]), 101),
        (Owner::Uuid(uuid()), 102),
        (circuit(b"p", Some(b"r")), 103),
        (circuit(b"p", None), 104),
    ];
    let client = Client::new(1)
        .option(61, &[7, 7])
        .option(97, &option_97(uuid()))
        .option(82, &option_82(b"p", Some(b"r")));
    for from in 0..all.len() {
        let mut turned = all[from..].to_vec();
        turned.reverse();
        assert_eq!(world(&turned).lease(&client), ip(100 + from as u8));
    }
}

#[test]
fn option_82_of_any_length_is_survived_and_kept_short() {
    for len in [0, 1, 2, 255, 256, 700] {
        let mut world = World::pool(10, 20);
        world.lease(&Client::new(1).giaddr(ip(2)).option(82, &vec![1; len]));
        let lease = world.server.leases().get(ip(10)).unwrap().clone();
        assert_eq!(lease.relay_info.map(|info| info.len()), (1..=255).contains(&len).then_some(len));
    }
}

#[test]
fn what_is_reserved_without_an_address_holds_with_one_of_the_pool() {
    let mut config = config(10, 20);
    let own = Reservation {
        host_name: Some("one".to_owned()),
        lease_time: Some(LeaseTime::Infinite),
        ..Reservation::new(Owner::Mac(Mac([2, 0, 0, 0, 0, 1])))
    };
    config.subnets[0].reservations = vec![own];
    let mut world = World::new(config);
    let told = |world: &mut World, number| {
        let heard = reply(&world.send(&discover(&Client::new(number))));
        let seconds = heard.options.get(crate::code::LEASE_TIME).map(<[u8]>::to_vec);
        (heard.options.get(crate::code::HOST_NAME).map(<[u8]>::to_vec), seconds)
    };
    assert_eq!(told(&mut world, 1), (Some(b"one".to_vec()), Some(vec![255; 4])));
    assert_eq!(world.lease(&Client::new(1)), ip(10));
    assert_eq!(told(&mut world, 2), (None, Some(vec![0, 0, 14, 16])), "nobody else");
}

/// A laptop with a cable and a radio: one address, and never at both.
#[test]
fn one_address_of_several_network_cards_goes_to_the_one_that_asks() {
    let owner = |number| Owner::Mac(Mac([2, 0, 0, 0, 0, number]));
    let mut world = world(&[(owner(1), 100), (owner(2), 100)]);
    for number in [1, 2, 1] {
        assert_eq!(world.lease(&Client::new(number)), ip(100), "{number}");
    }
    assert_ne!(world.lease(&Client::new(3)), ip(100));
}
