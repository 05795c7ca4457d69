//! Floods of DISCOVERs and wrong clocks: nobody who means it is kept out.

use proptest::prelude::*;

use super::*;

/// A DISCOVER of one more machine that never existed.
fn flood(world: &mut World, number: u16) -> Client {
    let [high, low] = number.to_be_bytes();
    let client = Client::new(0).mac([6, 0, 0, 0, high, low]);
    world.send(&discover(&client));
    client
}

#[test]
fn offers_to_strangers_leave_half_of_the_pool_alone() {
    let mut world = World::pool(10, 29);
    let known: Vec<_> = (1..=8).map(|number| (number, world.lease(&Client::new(number)))).collect();
    world.wait(3601);
    for number in 0..5000 {
        flood(&mut world, number);
    }
    for (number, address) in known {
        assert_eq!(world.offered(&discover(&Client::new(number))), Some(address), "its old address");
    }
}

#[test]
fn a_wish_does_not_get_around_that() {
    let mut world = World::pool(10, 29);
    let address = world.lease(&Client::new(1));
    world.wait(3601);
    for number in 0..5000 {
        flood(&mut world, number);
    }
    let thief = discover(&Client::new(2)).address(50, address);
    assert_ne!(world.offered(&thief), Some(address));
    assert_eq!(world.offered(&discover(&Client::new(1))), Some(address));
}

#[test]
fn who_takes_its_offer_gets_it_even_after_a_thousand_others_were_offered_it() {
    for size in [0, 1, 5, 20] {
        let mut world = World::pool(10, 10 + size);
        for number in 0..100 {
            flood(&mut world, number);
        }
        let honest = Client::new(1);
        let address = world.offered(&discover(&honest)).expect("an offer");
        for number in 100..1100 {
            flood(&mut world, number);
        }
        assert_eq!(answer(&world.send(&selecting(&honest, address))), Answer::Ack);
        let late = Client::new(2);
        assert_eq!(answer(&world.send(&selecting(&late, address))), Answer::Nak, "it is somebody's now");
    }
}

#[test]
fn an_offer_that_was_not_given_up_is_nobody_elses() {
    let mut world = World::pool(10, 29);
    let address = world.offered(&discover(&Client::new(1))).expect("an offer");
    assert_eq!(answer(&world.send(&selecting(&Client::new(2), address))), Answer::Nak);
    assert_eq!(answer(&world.send(&selecting(&Client::new(1), address))), Answer::Ack);
}

#[test]
fn machines_that_say_they_are_raspberry_pis_hold_a_quarter_of_the_pool_at_most() {
    let mut world = World::pool(10, 29);
    let pi = |number: u8| {
        let client = Client::new(0).mac([0xb8, 0x27, 0xeb, 1, 2, number]);
        client.kind(1).option(60, b"PXEClient:Arch:00000:UNDI:002001").option(93, &[0, 0])
    };
    let honest: Vec<_> = (0..5).map(|number| world.offered(&pi(number)).unwrap()).collect();
    for number in 5..=255 {
        world.send(&pi(number));
    }
    for number in 0..1000 {
        flood(&mut world, number);
    }
    world.wait(599);
    let others: Vec<_> = (1..=15).map(|number| world.lease(&Client::new(number))).collect();
    assert!(others.iter().all(|address| !honest.contains(address)));
    assert_eq!(world.offered(&discover(&Client::new(16))), None);
}

#[test]
fn under_a_flood_the_known_are_heard_first() {
    let limits = LimitConfig { burst: 100, rate: 1, ..LimitConfig::default() };
    let mut world = World::new(ServerConfig { limits, ..config(10, 29) });
    let (bound, reserved) = (Client::new(1), Client::new(2));
    world.lease(&bound);
    world.hosts.0.push((Mac([2, 0, 0, 0, 0, 2]), ip(200)));
    for number in 0..1000 {
        let client = flood(&mut world, number);
        world.send(&client.kind(3).address(50, ip(15)));
    }
    assert_eq!(world.offered(&discover(&Client::new(3))), None, "a stranger waits its turn");
    assert_eq!(world.lease(&bound), ip(10));
    assert_eq!(world.lease(&reserved), ip(200));
}

#[test]
fn leases_from_a_clock_that_ran_years_ahead_do_not_hold_for_years() {
    let year = 365 * 86_400;
    let mut world = World::pool(10, 10);
    world.wait(10 * year);
    assert_eq!(world.lease(&Client::new(1)), ip(10));
    world.now = Timestamp(world.now.0 - 10 * year * 1000);
    assert_eq!(world.offered(&discover(&Client::new(2))), None, "its time is not over");
    world.wait(3599);
    assert_eq!(world.offered(&discover(&Client::new(2))), None, "nor is it now");
    world.wait(2);
    assert_eq!(world.offered(&discover(&Client::new(2))), Some(ip(10)));

    let mut world = World::pool(10, 10);
    world.wait(10 * year);
    assert_eq!(world.lease(&Client::new(1)), ip(10));
    world.now = Timestamp(world.now.0 - 10 * year * 1000);
    world.restart();
    assert_eq!(world.offered(&discover(&Client::new(2))), None, "after a restart, too");
    world.wait(3601);
    assert_eq!(world.offered(&discover(&Client::new(2))), Some(ip(10)));
}

proptest! {
    #[test]
    fn whatever_the_flood_an_honest_client_gets_an_address(
        size in 0u8..12,
        steps in prop::collection::vec((any::<u16>(), prop::option::of(10u8..24), 0u64..40), 0..300),
        between in prop::collection::vec((any::<u16>(), prop::option::of(10u8..24)), 0..100),
    ) {
        let mut world = World::pool(10, 10 + size);
        let send = |world: &mut World, number: u16, wish: Option<u8>| {
            let [high, low] = number.to_be_bytes();
            let client = discover(&Client::new(0).mac([6, 0, 0, 0, high, low]));
            world.send(&match wish { Some(wish) => client.address(50, ip(wish)), None => client });
        };
        for (number, wish, seconds) in steps {
            world.wait(seconds);
            send(&mut world, number, wish);
        }
        let honest = Client::new(1);
        let address = world.offered(&discover(&honest));
        prop_assert!(address.is_some());
        for (number, wish) in between {
            send(&mut world, number, wish);
        }
        let address = address.unwrap_or(Ipv4Addr::UNSPECIFIED);
        prop_assert_eq!(answer(&world.send(&selecting(&honest, address))), Answer::Ack);
    }
}
