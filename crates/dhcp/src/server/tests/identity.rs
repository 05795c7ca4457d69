//! What makes two packets come from one client, where the site says that it is the identifier.

use super::*;

fn strict() -> World {
    World::new(ServerConfig { identity: IdentityRule::ClientId, ..config(10, 20) })
}

fn with(number: u8, id: &[u8]) -> Client {
    Client::new(number).option(61, id)
}

/// RFC 2131 section 4.2.
#[test]
fn identifiers_tell_clients_apart_behind_one_hardware_address() {
    let mut world = strict();
    assert_eq!(world.lease(&with(1, &[0, 1])), ip(10));
    assert_eq!(world.lease(&with(1, &[0, 2])), ip(11));
    assert_eq!(world.lease(&Client::new(1)), ip(12));
    for _ in 0..2 {
        assert_eq!(world.lease(&with(1, &[0, 1])), ip(10));
        assert_eq!(world.lease(&with(1, &[0, 2])), ip(11));
        assert_eq!(world.lease(&Client::new(1)), ip(12));
        world.restart();
        world.wait(4000);
    }
}

#[test]
fn changing_hw_address_keeps_the_lease_of_an_identifier() {
    let mut world = strict();
    assert_eq!(world.lease(&with(1, &[0, 1])), ip(10));
    let out = world.send(&selecting(&with(2, &[0, 1]), ip(10)));
    assert_eq!(answer(&out), Answer::Ack);
    assert!(!out.notes.iter().any(|note| matches!(note, Note::IdentifierShared { .. })));
    assert_eq!(world.server.leases().get(ip(10)).unwrap().mac, Mac([2, 0, 0, 0, 0, 2]));
    assert_eq!(world.server.leases().iter().count(), 1);
}

#[test]
fn second_request_fails_for_another_identifier() {
    let mut world = strict();
    world.lease(&with(1, &[0, 1]));
    assert_eq!(answer(&world.send(&selecting(&with(1, &[0, 2]), ip(10)))), Answer::Nak);
    assert_eq!(answer(&world.send(&selecting(&Client::new(1), ip(10)))), Answer::Nak);
    assert_eq!(answer(&world.send(&selecting(&with(1, &[0, 1]), ip(10)))), Answer::Ack);
}

#[test]
fn release_and_decline_are_heard_from_the_holder_only() {
    for (lease_id, number, id, heard) in [
        (None, 1, None, true),
        (None, 2, None, false),
        (None, 1, Some([1, 1]), false),
        (Some([1, 1]), 1, Some([1, 1]), true),
        (Some([1, 1]), 1, Some([2, 2]), false),
        (Some([1, 1]), 2, Some([1, 1]), false),
        (Some([1, 1]), 1, None, false),
    ] {
        let client = |number, id: Option<[u8; 2]>| match id {
            Some(id) => with(number, &id),
            None => Client::new(number),
        };
        let mut world = strict();
        world.lease(&client(1, lease_id));
        let release = client(number, id).kind(7).ciaddr(ip(10));
        let decline = client(number, id).kind(4).address(50, ip(10));
        for packet in [release, decline] {
            let mut world = World {
                server: world.server.clone(),
                hosts: Hosts::default(),
                disk: HashMap::new(),
                ..world
            };
            let out = world.send_from(ip(10), &packet);
            assert_eq!(
                !out.notes.contains(&Note::Ignored(Why::NotHolder)),
                heard,
                "{lease_id:?} {number} {id:?}"
            );
        }
    }
}

/// A machine with an address of its own shows several identifiers in one boot.
#[test]
fn a_reserved_address_is_its_machine_s_under_every_identifier() {
    let mut world = strict();
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), ip(100)));
    for stage in [Client::new(1), with(1, &[1, 2, 0, 0, 0, 0, 1]), with(1, &[255, 7, 7])] {
        assert_eq!(world.lease(&stage), ip(100));
        assert_eq!(answer(&world.send_from(ip(100), &extending(&stage, ip(100)))), Answer::Ack);
    }
    assert_eq!(world.lease(&with(2, &[255, 7, 7])), ip(10), "but not another machine's");
}

#[test]
fn taking_another_server_s_offer_frees_that_identifier_s_offer_alone() {
    let mut world = strict();
    world.offered(&discover(&with(1, &[0, 1])));
    world.offered(&discover(&with(1, &[0, 2])));
    world.send(&with(1, &[0, 1]).kind(3).address(54, ip(2)).address(50, ip(77)));
    let offered = |last| world.server.leases().get(ip(last)).unwrap().expires > world.now;
    assert!(!offered(10) && offered(11));
}

#[test]
fn a_client_whose_move_could_not_be_written_goes_on_using_its_address() {
    for (mut world, one) in [(strict(), with(1, &[9, 1])), (World::pool(10, 20), Client::new(1))] {
        assert_eq!(world.lease(&one), ip(10));
        world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), ip(12)));
        world.disk_works = false;
        let out = world.send(&init_reboot(&one, ip(12)));
        assert!(out.replies.is_empty(), "nothing leaves before it is on the disk");
        world.disk_works = true;
        let offer = world.send(&discover(&Client::new(2)).address(50, ip(10)));
        assert_ne!(reply(&offer).yiaddr, ip(10), "it is in use");
        let out = world.send(&init_reboot(&one, ip(12)));
        assert_eq!(answer(&out), Answer::Ack);
        world.restart();
        assert_eq!(world.server.leases().get(ip(10)).map(|lease| lease.state), Some(LeaseState::Released));
        assert_eq!(answer(&world.send(&selecting(&Client::new(3), ip(10)))), Answer::Ack, "now it is free");
    }
}
