//! RFC 2131 section 4.3.2: every state of a client against everything the server may know.

use super::*;

/// What the server knows when client 1 asks for 10.0.0.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knows {
    Nothing,
    Offered,
    Bound,
    Expired,
    Released,
    OtherAddress,
    OtherClient,
    Reserved,
    ReservedElsewhere,
    ReservedForOther,
}

const ALL: [Knows; 10] = [
    Knows::Nothing,
    Knows::Offered,
    Knows::Bound,
    Knows::Expired,
    Knows::Released,
    Knows::OtherAddress,
    Knows::OtherClient,
    Knows::Reserved,
    Knows::ReservedElsewhere,
    Knows::ReservedForOther,
];

fn world(knows: Knows, authoritative: bool) -> World {
    let mut world = World::new(ServerConfig { authoritative, ..config(10, 20) });
    let (one, two) = (Client::new(1), Client::new(2));
    match knows {
        Knows::Nothing => {}
        Knows::Offered => assert_eq!(world.offered(&discover(&one)), Some(ip(10))),
        Knows::Bound => assert_eq!(world.lease(&one), ip(10)),
        Knows::Expired => {
            world.lease(&one);
            world.wait(3601);
        }
        Knows::Released => {
            world.lease(&one);
            world.send_from(ip(10), &one.clone().kind(7).ciaddr(ip(10)));
        }
        Knows::OtherAddress => {
            world.lease(&two);
            assert_eq!(world.lease(&one), ip(11));
            world.send_from(ip(10), &two.clone().kind(7).ciaddr(ip(10)));
        }
        Knows::OtherClient => assert_eq!(world.lease(&two), ip(10)),
        Knows::Reserved => world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), ip(10))),
        Knows::ReservedElsewhere => world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), ip(100))),
        Knows::ReservedForOther => world.hosts.0.push((Mac([2, 0, 0, 0, 0, 2]), ip(10))),
    }
    world
}

#[test]
fn every_state_gets_the_answer_of_rfc_2131() {
    use Answer::{Ack, Nak, Nothing};
    // Selecting, init-reboot, renewing, rebinding; then the last three on an authoritative server.
    let table = |knows| match knows {
        Knows::Nothing => [Ack, Nothing, Nothing, Nothing, Nak, Ack, Ack],
        Knows::Offered => [Ack, Ack, Ack, Ack, Ack, Ack, Ack],
        Knows::Bound => [Ack, Ack, Ack, Ack, Ack, Ack, Ack],
        Knows::Expired => [Ack, Ack, Ack, Ack, Ack, Ack, Ack],
        Knows::Released => [Ack, Ack, Ack, Ack, Ack, Ack, Ack],
        Knows::OtherAddress => [Nak, Nak, Nak, Nak, Nak, Nak, Nak],
        Knows::OtherClient => [Nak, Nothing, Nak, Nothing, Nak, Nak, Nak],
        Knows::Reserved => [Ack, Ack, Ack, Ack, Ack, Ack, Ack],
        Knows::ReservedElsewhere => [Nak, Nak, Nak, Nak, Nak, Nak, Nak],
        Knows::ReservedForOther => [Nak, Nothing, Nak, Nothing, Nak, Nak, Nak],
    };
    let one = Client::new(1);
    for knows in ALL {
        let ask = |authoritative, ask: fn(&mut World, &Client) -> Outcome| {
            answer(&ask(&mut world(knows, authoritative), &one))
        };
        let selecting = |world: &mut World, who: &Client| world.send(&selecting(who, ip(10)));
        let reboot = |world: &mut World, who: &Client| world.send(&init_reboot(who, ip(10)));
        let renewing = |world: &mut World, who: &Client| world.send_from(ip(10), &extending(who, ip(10)));
        let rebinding = |world: &mut World, who: &Client| world.send(&extending(who, ip(10)));
        let seen = [
            ask(false, selecting),
            ask(false, reboot),
            ask(false, renewing),
            ask(false, rebinding),
            ask(true, reboot),
            ask(true, renewing),
            ask(true, rebinding),
        ];
        assert_eq!(seen, table(knows), "{knows:?}");
    }
}

#[test]
fn another_network_is_refused_only_by_who_knows_the_client() {
    let far = Ipv4Addr::new(192, 168, 7, 7);
    for (knows, authoritative, wanted) in [
        (Knows::Nothing, false, Answer::Nothing),
        (Knows::Expired, false, Answer::Nothing),
        (Knows::Released, false, Answer::Nothing),
        (Knows::Bound, false, Answer::Nak),
        (Knows::Reserved, false, Answer::Nak),
        (Knows::Nothing, true, Answer::Nak),
    ] {
        let out = world(knows, authoritative).send(&init_reboot(&Client::new(1), far));
        assert_eq!(answer(&out), wanted, "{knows:?} {authoritative}");
    }
}

#[test]
fn addresses_outside_the_pools_are_refused() {
    for last in [0, 1, 5, 21, 254, 255] {
        let out = World::pool(10, 20).send(&selecting(&Client::new(1), ip(last)));
        assert_eq!(answer(&out), Answer::Nak, "{last}");
    }
}

#[test]
fn taking_another_server_s_offer_frees_ours_at_once() {
    let mut world = World::pool(10, 11);
    let (one, two) = (Client::new(1), Client::new(2));
    assert_eq!(world.offered(&discover(&one)), Some(ip(10)));
    assert_eq!(world.lease(&Client::new(3)), ip(11), "held back for the first");
    let out = world.send(&one.clone().kind(3).address(54, ip(2)).address(50, ip(77)));
    assert_eq!(answer(&out), Answer::Nothing);
    assert!(out.notes.contains(&Note::ChoseOther { server: ip(2), address: Some(ip(77)) }));
    assert_eq!(world.offered(&discover(&two)), Some(ip(10)));
}

#[test]
fn taking_another_server_s_offer_keeps_a_lease_that_holds() {
    let mut world = World::pool(10, 10);
    world.lease(&Client::new(1));
    world.send(&Client::new(1).kind(3).address(54, ip(2)).address(50, ip(77)));
    assert_eq!(world.offered(&discover(&Client::new(2))), None);
}

#[test]
fn every_address_of_this_machine_is_accepted_as_server() {
    let mut world = World::pool(10, 20);
    let request = Client::new(1).kind(3).address(54, Ipv4Addr::new(172, 16, 0, 1)).address(50, ip(10));
    assert_eq!(answer(&world.send(&request)), Answer::Nothing);
    world.server.set_own_addresses([(3, Ipv4Addr::new(172, 16, 0, 1)), (2, ip(11))]);
    assert_eq!(answer(&world.send(&request)), Answer::Ack);
    assert_eq!(world.lease(&Client::new(2)), ip(12), "nor is any of them given away");
}

#[test]
fn a_request_for_nothing_is_dropped() {
    let mut world = World::pool(10, 20);
    for request in [Client::new(1).kind(3), Client::new(1).kind(3).address(54, ip(1))] {
        let out = world.send(&request);
        assert_eq!((out.replies.len(), out.notes.last()), (0, Some(&Note::Ignored(Why::Malformed))));
    }
}

#[test]
fn an_offer_forgotten_in_a_restart_is_still_good() {
    let mut world = World::pool(10, 20);
    assert_eq!(world.offered(&discover(&Client::new(1))), Some(ip(10)));
    world.restart();
    assert_eq!(answer(&world.send(&selecting(&Client::new(1), ip(10)))), Answer::Ack);
}

#[test]
fn leases_survive_a_restart_and_a_new_configuration() {
    let mut world = World::pool(10, 20);
    assert_eq!(world.lease(&Client::new(1)), ip(10));
    world.restart();
    assert_eq!(world.offered(&discover(&Client::new(2))), Some(ip(11)));
    world.server.reconfigure(config(10, 30));
    assert_eq!(answer(&world.send_from(ip(10), &extending(&Client::new(1), ip(10)))), Answer::Ack);
    world.server.reconfigure(config(40, 50));
    assert_eq!(
        answer(&world.send_from(ip(10), &extending(&Client::new(1), ip(10)))),
        Answer::Nak,
        "moved away"
    );
    assert_eq!(world.lease(&Client::new(1)), ip(40));
}
