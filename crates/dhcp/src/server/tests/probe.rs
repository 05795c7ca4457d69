//! Whether somebody uses an address is asked before it is offered, and never of its own client.

use super::*;

fn world() -> World {
    World::new(ServerConfig { probe: true, ..config(10, 12) })
}

/// What happens when somebody answers at the address that is asked for.
fn found(world: &mut World, out: &Outcome, number: u8) -> Outcome {
    let address = out.probe.unwrap();
    world.server.in_use(world.now, address, Mac([2, 0, 0, 0, 0, number]))
}

#[test]
fn ping_check_basic_an_address_in_use_is_set_aside_and_the_next_is_offered() {
    let mut world = world();
    let out = world.send(&discover(&Client::new(1)));
    assert_eq!((out.probe, reply(&out).yiaddr), (Some(ip(10)), ip(10)));
    let aside = found(&mut world, &out, 1);
    assert_eq!(aside.notes, [Note::InUse { address: ip(10) }]);
    assert!(aside.lease_changes[0].must_be_durable());
    let out = world.send(&discover(&Client::new(1)));
    assert_eq!((out.probe, reply(&out).yiaddr), (Some(ip(11)), ip(11)), "the retry gets the next");
    assert_eq!(world.lease(&Client::new(2)), ip(12));
    assert_eq!(answer(&world.send(&selecting(&Client::new(3), ip(10)))), Answer::Nak);
    world.wait(86_400);
    assert_eq!(answer(&world.send(&selecting(&Client::new(3), ip(10)))), Answer::Ack, "for decline_time");
}

#[test]
fn ping_check_cltt_who_had_the_address_lately_is_not_asked_for() {
    let mut world = world();
    let one = Client::new(1);
    assert_eq!(world.send(&discover(&one)).probe, Some(ip(10)));
    assert_eq!(world.send(&discover(&one)).probe, Some(ip(10)), "who is impatient gets no answer sooner");
    world.wait(2);
    assert_eq!(world.send(&discover(&one)).probe, None, "asked already");
    world.lease(&one);
    for packet in [discover(&one), selecting(&one, ip(10)), extending(&one, ip(10))] {
        assert_eq!(world.send(&packet).probe, None, "it would answer itself");
    }
    world.send_from(ip(10), &one.clone().kind(7).ciaddr(ip(10)));
    world.wait(59);
    assert_eq!(world.send(&discover(&one)).probe, None, "it may still answer");
    world.wait(200);
    assert_eq!(world.send(&discover(&one)).probe, Some(ip(10)));
}

#[test]
fn an_address_of_another_is_asked_for_and_off_is_off() {
    let mut world = world();
    world.lease(&Client::new(1));
    world.send_from(ip(10), &Client::new(1).kind(7).ciaddr(ip(10)));
    let out = world.send(&discover(&Client::new(2)).address(50, ip(10)));
    assert_eq!((reply(&out).yiaddr, out.probe), (ip(10), Some(ip(10))));
    assert_eq!(World::pool(10, 12).send(&discover(&Client::new(1))).probe, None);
}

/// The client did not wait for the offer's answer, or it is another's by now.
#[test]
fn what_was_taken_meanwhile_is_not_set_aside() {
    let mut world = world();
    let out = world.send(&discover(&Client::new(1)));
    assert_eq!(world.server.in_use(world.now, ip(10), Mac([2, 0, 0, 0, 0, 9])), Outcome::default());
    world.send(&selecting(&Client::new(1), ip(10)));
    assert_eq!(found(&mut world, &out, 1), Outcome::default());
    assert!(world.server.leases().get(ip(10)).unwrap().is_bound(world.now));
}

#[test]
fn squatters_do_not_use_up_the_quarantine() {
    let mut world = World::new(ServerConfig { probe: true, ..config(10, 59) });
    for round in 0..30 {
        let out = world.send(&discover(&Client::new(1)));
        let aside = found(&mut world, &out, 1);
        assert_eq!(aside.notes.len() == 2, round >= 5, "{:?}", aside.notes);
        let declined = world.server.leases().iter().filter(|l| l.state == LeaseState::Declined).count();
        assert!(declined <= 5, "a tenth of the pool: {declined}");
    }
}
