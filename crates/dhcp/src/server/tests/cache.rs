//! Who comes back soon gets what is left of its lease, and nothing is written.

use super::*;
use crate::code;

fn world(cache_threshold: u8) -> World {
    World::new(ServerConfig { cache_threshold, ..config(10, 20) })
}

/// The times of the reply, and whether anything was to be written.
fn told(out: &Outcome) -> (Vec<Option<u32>>, bool) {
    let heard = reply(out);
    let number = |code| heard.options.get(code).map(|raw| u32::from_be_bytes(raw.try_into().unwrap()));
    let times = [code::LEASE_TIME, code::RENEWAL_TIME, code::REBINDING_TIME].map(number).to_vec();
    (times, out.lease_changes.iter().any(LeaseChange::must_be_durable))
}

fn times(seconds: u32) -> Vec<Option<u32>> {
    vec![Some(seconds), Some(seconds / 2), Some(seconds - seconds / 8)]
}

#[test]
fn lease_cache_enabled_what_is_left_is_told_in_offer_and_ack_until_a_quarter_is_over() {
    let one = Client::new(1);
    for (passed, left, written) in [(0, 3600, false), (1, 3599, false), (899, 2701, false), (900, 3600, true)]
    {
        let mut world = world(25);
        world.lease(&one);
        let expires = world.server.leases().get(ip(10)).unwrap().expires;
        world.wait(passed);
        let offer = world.send(&discover(&one));
        assert_eq!(told(&offer), (times(left), false), "{passed} s later");
        assert!(offer.lease_changes.is_empty());
        for packet in [selecting(&one, ip(10)), init_reboot(&one, ip(10)), extending(&one, ip(10))] {
            let mut world = World { server: world.server.clone(), now: world.now, ..World::pool(10, 20) };
            assert_eq!(told(&world.send(&packet)), (times(left), written), "{passed} s later");
            let now = world.server.leases().get(ip(10)).unwrap().expires;
            assert_eq!(now > expires, written && passed > 0);
        }
    }
}

#[test]
fn lease_cache_disabled_every_ack_is_a_new_lease() {
    let mut world = world(0);
    world.lease(&Client::new(1));
    world.wait(1);
    let out = world.send(&extending(&Client::new(1), ip(10)));
    assert_eq!(told(&out), (times(3600), true));
}

#[test]
fn a_client_that_shows_something_else_has_it_written() {
    let base = Client::new(1).option(61, &[1, 2, 3]).option(12, b"one");
    for other in [
        Client::new(1).option(61, &[1, 2, 4]).option(12, b"one"),
        Client::new(1).option(61, &[1, 2, 3]).option(12, b"two"),
        Client::new(1).option(61, &[1, 2, 3]),
        base.clone().option(82, &[1, 1, 7]),
        base.clone().option(97, &[&[0][..], &[7; 16]].concat()),
    ] {
        let mut world = world(25);
        world.lease(&base);
        assert!(!told(&world.send(&extending(&base, ip(10)))).1);
        assert!(told(&world.send(&extending(&other, ip(10)))).1);
        assert!(!told(&world.send(&extending(&other, ip(10)))).1);
    }
}

#[test]
fn a_new_lease_time_holds_at_once() {
    let mut world = world(25);
    world.lease(&Client::new(1));
    let mut config = world.server.config.clone();
    for (time, seconds) in [(LeaseTime::Seconds(60), Some(60)), (LeaseTime::Infinite, Some(u32::MAX))] {
        config.subnets[0].lease_time = time;
        world.server.reconfigure(config.clone());
        let (times, written) = told(&world.send(&extending(&Client::new(1), ip(10))));
        assert_eq!((times[0], written), (seconds, true));
        assert!(!told(&world.send(&extending(&Client::new(1), ip(10)))).1);
    }
}

/// The first answer did not leave, because the disk did not take the lease: the next must not leave either.
#[test]
fn nothing_is_told_that_is_not_on_the_disk() {
    let mut world = world(25);
    let one = Client::new(1);
    world.offered(&discover(&one));
    world.disk_works = false;
    for _ in 0..3 {
        assert_eq!(answer(&world.send(&selecting(&one, ip(10)))), Answer::Nothing);
    }
    // Nor while it is on its way there.
    let unwritten = world.server.handle(
        world.now,
        &broadcast(),
        &selecting(&one, ip(10)).seen(),
        &BootAnswer::Silent,
        &(),
    );
    assert!(told(&unwritten).1);
    world.disk_works = true;
    let out = world.send(&selecting(&one, ip(10)));
    assert!(told(&out).1, "written now");
    assert!(!told(&world.send(&selecting(&one, ip(10)))).1);
    // What is told of the disk late says nothing about what changed since.
    world.wait(1000);
    let newer = world.server.handle(
        world.now,
        &broadcast(),
        &selecting(&one, ip(10)).seen(),
        &BootAnswer::Silent,
        &(),
    );
    world.server.written(&out.lease_changes);
    assert!(told(&newer).1 && told(&world.send(&selecting(&one, ip(10)))).1);
}

#[test]
fn leases_read_at_the_start_are_on_the_disk_and_stay_so_over_a_new_configuration() {
    let mut world = world(25);
    world.lease(&Client::new(1));
    world.restart();
    assert!(!told(&world.send(&extending(&Client::new(1), ip(10)))).1);
    world.server.reconfigure(world.server.config.clone());
    assert!(!told(&world.send(&extending(&Client::new(1), ip(10)))).1);
}

#[test]
fn bootp_is_not_answered_from_a_binding_that_no_disk_has() {
    let mut world = world(25);
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 1]), ip(100)));
    world.disk_works = false;
    for _ in 0..2 {
        assert!(world.send(&Client::new(1)).replies.is_empty());
    }
    world.disk_works = true;
    assert_eq!(reply(&world.send(&Client::new(1))).yiaddr, ip(100));
    assert!(world.send(&Client::new(1)).lease_changes.is_empty());
}
