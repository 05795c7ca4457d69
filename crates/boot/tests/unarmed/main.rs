//! Whatever happens in whatever order, a machine that nobody armed for an installer never gets a plan with one.
//!
//! The oracle beside the state table is deliberately simple: of each host and of each network's name the last word that was
//! spoken, and of a host's how much is used up. What a machine is (its cards, its addresses) it finds by looking at everything.

#![allow(clippy::unwrap_used)]

mod moves;
mod oracle;
mod site;
mod world;

use nextboot_boot::{Client, decide};
use nextboot_model::Until;
use proptest::prelude::*;

use crate::{
    moves::{Move, moves},
    site::{ATTEMPTS, address, mac},
    world::World,
};

proptest! {
    // Few and long: what is wrong shows when much has happened before.
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_machine_that_nobody_armed_never_gets_an_installer(moves in prop::collection::vec(moves(), 60..120)) {
        let mut world = World::new();
        for (turn, the_move) in moves.iter().enumerate() {
            world.step(the_move);
            world.check(turn);
        }
    }
}

/// The property would hold trivially if nothing ever installed.
#[test]
fn an_armed_host_does_get_its_installer() {
    let mut world = World::new();
    world.step(&Move::Add(1));
    world.step(&Move::Assign { machine: 1, profile: 0, until: Until::Done });
    for _ in 0..ATTEMPTS {
        assert!(decide(&world.site, &world.state, &world.tree, &Client::of(mac(1))).installs());
        world.step(&Move::Delivered(1));
    }
    let plan = decide(&world.site, &world.state, &world.tree, &Client::of(mac(1)));
    assert!(!plan.installs() && plan.exhausted, "{plan:?}");
}

/// So does a single address, by either way to arm it; the image of a disc and a file count as installers.
#[test]
fn an_armed_address_does_get_its_installer() {
    for (profile, name) in [(0, "installer"), (5, "disc"), (6, "wipe")] {
        let assigned =
            [Move::AddNet { system: 3, network: 2 }, Move::AssignNet { system: 3, profile: Some(profile) }];
        let linked = [Move::Link { spot: 4 * 2 + 3, profile, prof: true }];
        let taken = [Move::TakeOver { machine: 0, profile, since: None }];
        for (moves, who) in [(&assigned[..], 2), (&linked, 2), (&taken, 0)] {
            let mut world = World::new();
            moves.iter().for_each(|the_move| world.step(the_move));
            let client = Client { address: Some(address(who).into()), ..Client::of(mac(who)) };
            let plan = decide(&world.site, &world.state, &world.tree, &client);
            assert_eq!(
                plan.profile.map(|profile| profile.name.to_string()).as_deref(),
                Some(name),
                "{moves:?}"
            );
            assert!(world.check(0) > 0, "{moves:?}");
        }
    }
}
