//! Machines followed from their first packet to their end.
#![allow(clippy::unwrap_used, reason = "a test fails where it must not go on")]

mod common;

use std::{collections::BTreeSet, net::IpAddr};

use common::{mac, name, profile};
use nextboot_model::{
    Arch, Attempts, Class, Command, EventKind, FilePart, MAX_LIVE, Mac, Needs, Outcome, Promise, Stage, Step,
    Timestamp,
};
use proptest::{collection::vec, option, prelude::*};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;

fn at(seconds: u64) -> Timestamp {
    Timestamp(1_000_000 + seconds * SECOND)
}

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn needs(sets: &[&[&str]]) -> Needs {
    sets.iter().map(|set| set.iter().map(|name| (*name).to_owned()).collect()).collect()
}

fn promise(class: Class, sets: &[&[&str]]) -> Promise {
    Promise {
        host: Some(name(1)),
        profile: profile("ubuntu"),
        class,
        armed: Some(Timestamp(7)),
        needs: needs(sets),
        kernels: sets.iter().filter_map(|set| set.first()).map(|name| (*name).to_owned()).collect(),
    }
}

fn asked(attempts: &mut Attempts, seconds: u64) -> Step {
    attempts.asked(at(seconds), mac(1), Some(Arch::UEFI_X64), false)
}

fn stage(attempts: &Attempts) -> Stage {
    attempts.of(mac(1)).unwrap().stage
}

fn started(step: &Step) -> bool {
    step.events.iter().any(|(_, _, kind)| *kind == EventKind::AttemptStarted)
}

fn outcome(step: &Step) -> Option<&Outcome> {
    step.events.iter().find_map(|(_, _, kind)| match kind {
        EventKind::AttemptEnded { outcome } => Some(outcome),
        _ => None,
    })
}

fn delivered() -> Option<Command> {
    Some(Command::Delivered { name: name(1), armed: Timestamp(7) })
}

/// EDK2 repeats its DISCOVER after 4, 8, 16 and 32 seconds, and begins again with its next boot option.
#[test]
fn what_a_file_is_depends_on_what_the_configuration_names() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 1);
    let part = |attempts: &Attempts, name: &str| attempts.of(mac(1)).unwrap().part(name);
    assert_eq!(part(&attempts, "pxelinux.0"), Some(FilePart::Loader));
    attempts.configured(at(2), mac(1), None, promise(Class::Live, &[&["linux", "initrd", "more"]]));
    assert_eq!(part(&attempts, "linux"), Some(FilePart::Kernel));
    assert_eq!(part(&attempts, "initrd"), Some(FilePart::Initrd));
    assert_eq!(part(&attempts, "more"), Some(FilePart::Initrd));
    assert_eq!(part(&attempts, "vesamenu.c32"), None);
}

#[test]
fn the_retries_of_a_firmware_are_one_attempt() {
    let mut attempts = Attempts::default();
    assert!(started(&asked(&mut attempts, 0)));
    let id = attempts.of(mac(1)).unwrap().id;
    for seconds in [4, 12, 28, 60, 120, 240] {
        assert_eq!(asked(&mut attempts, seconds), Step::default());
    }
    assert_eq!(attempts.of(mac(1)).unwrap().id, id);
    assert_eq!(attempts.of(mac(1)).unwrap().started, at(0));
    let anew = asked(&mut attempts, 361);
    assert_eq!((started(&anew), outcome(&anew)), (true, Some(&Outcome::StartedAnew)));
    assert!(attempts.of(mac(1)).unwrap().id > id);
}

#[test]
fn a_loader_that_asks_for_an_address_itself_continues_the_attempt() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 0);
    attempts.fetched(at(1), mac(1), "undionly.kpxe");
    assert_eq!(attempts.asked(at(500), mac(1), None, true), Step::default());
    let attempt = attempts.of(mac(1)).unwrap();
    assert_eq!((attempt.stage, attempt.arch), (Stage::Loading, Some(Arch::UEFI_X64)));
}

#[test]
fn a_loader_that_nobody_saw_begin_is_an_attempt_too() {
    let mut attempts = Attempts::default();
    assert!(started(&attempts.asked(at(0), mac(1), None, true)));
    let mut attempts = Attempts::default();
    let step = attempts.configured(at(0), mac(1), Some(ip(9)), promise(Class::Live, &[&["vmlinuz"]]));
    assert!(started(&step));
    assert_eq!(attempts.at(ip(9)), Some(mac(1)));
}

#[test]
fn files_of_a_machine_that_is_in_no_attempt_are_nobodys() {
    let mut attempts = Attempts::default();
    assert_eq!(attempts.fetched(at(0), mac(1), "vmlinuz"), Step::default());
    assert_eq!(attempts.called_back(mac(1)), Step::default());
    attempts.heard(at(0), mac(1));
    attempts.addressed(at(0), mac(1), ip(1));
    assert_eq!((attempts.iter().count(), attempts.at(ip(1))), (0, None));
}

#[test]
fn a_boot_is_delivered_when_all_it_needs_was_fetched_and_once() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 0);
    // A name that is fetched before the configuration counts: firmware fetches a loader's modules first.
    attempts.fetched(at(1), mac(1), "ldlinux.c32");
    let needs: &[&[&str]] = &[&["ldlinux.c32", "vmlinuz", "initrd"]];
    assert_eq!(attempts.configured(at(2), mac(1), None, promise(Class::Install, needs)), Step::default());
    assert_eq!(stage(&attempts), Stage::Configured);
    assert_eq!(attempts.fetched(at(3), mac(1), "vmlinuz").wish, None);
    assert_eq!(attempts.fetched(at(3), mac(1), "vmlinuz").wish, None);
    assert_eq!(attempts.fetched(at(4), mac(1), "initrd").wish, delivered());
    assert_eq!(stage(&attempts), Stage::Delivered);
    for again in ["initrd", "vmlinuz", "seed"] {
        assert_eq!(attempts.fetched(at(5), mac(1), again).wish, None);
    }
}

#[test]
fn any_entry_of_a_menu_makes_a_boot_complete() {
    for (fetched, complete) in
        [(&["a"][..], false), (&["a", "c"], false), (&["a", "b"], true), (&["c", "d"], true), (&["x"], false)]
    {
        let mut attempts = Attempts::default();
        asked(&mut attempts, 0);
        attempts.configured(at(1), mac(1), None, promise(Class::Live, &[&["a", "b"], &["c", "d"]]));
        let wishes = fetched.iter().filter_map(|name| attempts.fetched(at(2), mac(1), name).wish).count();
        assert_eq!(wishes, usize::from(complete), "{fetched:?}");
    }
}

#[test]
fn where_nothing_is_fetched_from_us_the_configuration_is_all() {
    for sets in [&[][..], &[&[][..]]] {
        let mut attempts = Attempts::default();
        asked(&mut attempts, 0);
        let step = attempts.configured(at(1), mac(1), None, promise(Class::Live, sets));
        assert_eq!((step.wish, stage(&attempts)), (delivered(), Stage::Delivered));
    }
}

#[test]
fn what_nobody_assigned_is_not_counted() {
    for (host, armed) in [(None, Some(Timestamp(7))), (Some(name(1)), None), (None, None)] {
        let mut attempts = Attempts::default();
        asked(&mut attempts, 0);
        let promise = Promise { host, armed, ..promise(Class::Live, &[]) };
        assert_eq!(attempts.configured(at(1), mac(1), None, promise).wish, None);
        assert_eq!(stage(&attempts), Stage::Delivered);
    }
}

#[test]
fn a_machine_that_is_sent_to_its_disk_is_done() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 0);
    attempts.addressed(at(1), mac(1), ip(1));
    let step = attempts.configured(at(1), mac(1), Some(ip(1)), promise(Class::Local, &[]));
    assert_eq!((outcome(&step), &step.wish), (Some(&Outcome::Local), &delivered()));
    assert_eq!((attempts.of(mac(1)), attempts.at(ip(1))), (None, None));
}

#[test]
fn the_call_back_ends_the_attempt() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 0);
    attempts.configured(at(1), mac(1), None, promise(Class::Install, &[]));
    let step = attempts.called_back(mac(1));
    assert_eq!(outcome(&step), Some(&Outcome::CalledBack));
    assert_eq!(attempts.called_back(mac(1)), Step::default());
}

#[test]
fn a_machine_that_comes_again_ended_its_last_attempt() {
    for (class, sets, ended) in [
        (Class::Install, &[][..], Outcome::StartedAnew),
        (Class::Live, &[], Outcome::Booted),
        (Class::Unclassified, &[], Outcome::Booted),
        (Class::Live, &[&["vmlinuz"][..]], Outcome::StartedAnew),
    ] {
        let mut attempts = Attempts::default();
        asked(&mut attempts, 0);
        attempts.configured(at(1), mac(1), None, promise(class, sets));
        // Even at once: whoever has its configuration does not ask for a boot file again in the same boot.
        let step = asked(&mut attempts, 2);
        assert_eq!((outcome(&step), started(&step)), (Some(&ended), true));
        assert_eq!(stage(&attempts), Stage::Asking);
    }
}

#[test]
fn what_was_fetched_before_does_not_count_for_the_next_attempt() {
    let mut attempts = Attempts::default();
    let needs: &[&[&str]] = &[&["vmlinuz"]];
    asked(&mut attempts, 0);
    attempts.configured(at(1), mac(1), None, promise(Class::Install, needs));
    assert_eq!(attempts.fetched(at(2), mac(1), "vmlinuz").wish, delivered());
    asked(&mut attempts, 3);
    assert_eq!(attempts.configured(at(4), mac(1), None, promise(Class::Install, needs)).wish, None);
    assert_eq!(attempts.fetched(at(5), mac(1), "vmlinuz").wish, delivered());
}

#[test]
fn an_address_leads_to_the_machine_that_had_it_last() {
    let mut attempts = Attempts::default();
    for number in [1, 2] {
        attempts.asked(at(0), mac(number), None, false);
        attempts.addressed(at(0), mac(number), ip(1));
    }
    assert_eq!(attempts.at(ip(1)), Some(mac(2)));
    // The first moves, or ends: the address is still the second's.
    attempts.addressed(at(1), mac(1), ip(3));
    assert_eq!((attempts.at(ip(1)), attempts.at(ip(3))), (Some(mac(2)), Some(mac(1))));
    attempts.called_back(mac(1));
    assert_eq!((attempts.at(ip(1)), attempts.at(ip(3))), (Some(mac(2)), None));
    attempts.addressed(at(2), mac(2), ip(4));
    assert_eq!((attempts.at(ip(1)), attempts.at(ip(4))), (None, Some(mac(2))));
}

#[test]
fn silent_machines_are_let_go() {
    for (class, ended) in [(Class::Live, Outcome::Booted), (Class::Install, Outcome::Silent)] {
        let mut attempts = Attempts::default();
        asked(&mut attempts, 0);
        attempts.configured(at(0), mac(1), Some(ip(1)), promise(class, &[]));
        attempts.asked(at(0), mac(2), None, false);
        let later = |hours: u64| Timestamp(at(0).0 + hours * HOUR);
        attempts.heard(later(2), mac(2));
        assert_eq!(attempts.sweep(later(4)), Step::default());
        let step = attempts.sweep(Timestamp(later(4).0 + 1));
        assert_eq!((step.events.len(), outcome(&step)), (1, Some(&ended)));
        assert_eq!((attempts.of(mac(1)), attempts.at(ip(1))), (None, None));
        assert_eq!(outcome(&attempts.sweep(later(7))), Some(&Outcome::Silent));
        assert_eq!(attempts.iter().count(), 0);
    }
}

#[test]
fn attempts_have_numbers_of_their_own_even_when_the_clock_stands_or_steps_back() {
    let mut attempts = Attempts::default();
    let mut last = None;
    for (number, seconds) in [(1, 10), (2, 10), (3, 0), (4, 10)] {
        let step = attempts.asked(at(seconds), mac(number), None, false);
        let id = step.events.first().map(|(id, ..)| *id);
        assert!(id > last);
        last = id;
    }
}

/// Whoever makes up MACs must not be able to fill the memory.
#[test]
fn so_many_machines_are_followed_and_no_more() {
    let mut attempts = Attempts::default();
    let machine = |number: usize| {
        let [.., a, b, c, d] = number.to_be_bytes();
        Mac([2, 0, a, b, c, d])
    };
    let extra = 1000;
    let mut ended = 0;
    for number in 0..MAX_LIVE + extra {
        let step = attempts.asked(at(0), machine(number), None, false);
        attempts.addressed(
            at(0),
            machine(number),
            IpAddr::from(u128::try_from(number).unwrap().to_be_bytes()),
        );
        ended += usize::from(outcome(&step) == Some(&Outcome::Silent));
    }
    assert_eq!((attempts.iter().count(), ended), (MAX_LIVE, extra));
    assert!(attempts.of(machine(extra - 1)).is_none(), "the oldest is let go");
    assert!(attempts.of(machine(extra)).is_some());
    assert_eq!(attempts.at(IpAddr::from([0; 16])), None);
}

#[test]
fn one_attempt_remembers_so_many_files_and_no_more() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 0);
    (0..1000).for_each(|number| drop(attempts.fetched(at(1), mac(1), &format!("noise/{number}"))));
    attempts.configured(at(2), mac(1), None, promise(Class::Live, &[&["vmlinuz"]]));
    let debug = format!("{:?}", attempts.of(mac(1)).unwrap());
    assert!(debug.matches("noise/").count() < 1000);
}

/// What may be observed of a machine.
#[derive(Debug, Clone)]
enum Seen {
    Asked { chained: bool },
    Addressed(u8),
    Configured { address: Option<u8>, class: Class, needs: Vec<BTreeSet<u8>> },
    Fetched(u8),
    CalledBack,
    Swept,
}

fn seen() -> impl Strategy<Value = Seen> {
    let classes = prop_oneof![Just(Class::Local), Just(Class::Install), Just(Class::Live)];
    let sets = vec(proptest::collection::btree_set(0..4_u8, 0..3), 0..3);
    prop_oneof![
        3 => any::<bool>().prop_map(|chained| Seen::Asked { chained }),
        2 => (0..3_u8).prop_map(Seen::Addressed),
        3 => (option::of(0..3_u8), classes, sets)
            .prop_map(|(address, class, needs)| Seen::Configured { address, class, needs }),
        6 => (0..4_u8).prop_map(Seen::Fetched),
        1 => Just(Seen::CalledBack),
        1 => Just(Seen::Swept),
    ]
}

proptest! {
    /// Whatever comes in whatever order: beginnings and ends take turns, a delivery is counted at most once per attempt
    /// and only after its configuration, and an address leads to a machine that is there.
    #[test]
    fn attempts_begin_and_end_in_turn(
        all in vec((0..3_u8, 0..100_000_000_u64, seen()), 0..80),
    ) {
        let mut attempts = Attempts::default();
        let mut running = std::collections::HashMap::new();
        for (number, moment, seen) in all {
            let (machine, now) = (mac(number), Timestamp(moment));
            let file = |number: u8| format!("f{number}");
            let before = attempts.of(machine).map(|attempt| attempt.stage);
            let step = match seen {
                Seen::Asked { chained } => attempts.asked(now, machine, None, chained),
                Seen::Addressed(number) => {
                    attempts.addressed(now, machine, ip(number));
                    Step::default()
                }
                Seen::Configured { address, class, needs } => {
                    let needs = needs.into_iter().map(|set| set.into_iter().map(file).collect()).collect();
                    attempts.configured(now, machine, address.map(ip), Promise { needs, ..promise(class, &[]) })
                }
                Seen::Fetched(number) => attempts.fetched(now, machine, &file(number)),
                Seen::CalledBack => attempts.called_back(machine),
                Seen::Swept => attempts.sweep(now),
            };
            if step.wish.is_some() && !started(&step) {
                assert!(before.is_some_and(|stage| stage < Stage::Delivered));
            }
            for (id, machine, kind) in step.events {
                match kind {
                    EventKind::AttemptStarted => assert_eq!(running.insert(machine, id), None),
                    EventKind::AttemptEnded { .. } => assert_eq!(running.remove(&machine), Some(id)),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(attempts.iter().count(), running.len());
            for attempt in attempts.iter() {
                assert_eq!(running.get(&attempt.mac), Some(&attempt.id));
            }
            for number in 0..3 {
                if let Some(found) = attempts.at(ip(number)) {
                    assert_eq!(attempts.of(found).unwrap().address, Some(ip(number)));
                }
            }
        }
    }
}

/// A host is known by its first MAC, and boots with whichever card has the cable.
#[test]
fn a_call_back_ends_the_attempt_of_whichever_card_the_host_booted_with() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 0);
    attempts.asked(at(1), mac(2), None, false);
    attempts.configured(at(2), mac(2), None, promise(Class::Install, &[&["k"]]));
    let step = attempts.host_called_back(&name(1));
    assert_eq!(outcome(&step), Some(&Outcome::CalledBack));
    assert!(attempts.of(mac(2)).is_none() && attempts.of(mac(1)).is_some());
    assert_eq!(attempts.host_called_back(&name(1)), Step::default());
}

#[test]
fn a_menu_that_reads_its_configuration_again_is_not_counted_twice() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 0);
    let first = attempts.configured(at(1), mac(1), None, promise(Class::Install, &[]));
    assert_eq!(first.wish, delivered());
    let again = attempts.configured(at(3), mac(1), None, promise(Class::Install, &[]));
    assert_eq!(again, Step::default());
    // A boot whose DHCP was not heard is a boot.
    let later = attempts.configured(at(600), mac(1), None, promise(Class::Install, &[]));
    assert_eq!((started(&later), later.wish), (true, delivered()));
    // So is one that was heard, however soon.
    asked(&mut attempts, 601);
    let heard = attempts.configured(at(602), mac(1), None, promise(Class::Install, &[]));
    assert_eq!(heard.wish, delivered());
}

#[test]
fn whoever_fetches_hundreds_of_files_first_is_counted_still() {
    let mut attempts = Attempts::default();
    asked(&mut attempts, 0);
    attempts.configured(at(1), mac(1), None, promise(Class::Install, &[&["k"]]));
    assert!(!attempts.of(mac(1)).unwrap().has_fetched("f1"));
    for file in 0..1000 {
        attempts.fetched(at(2), mac(1), &format!("f{file}"));
    }
    let attempt = attempts.of(mac(1)).unwrap();
    assert!(attempt.has_fetched("f1") && attempt.has_fetched("f999") && attempt.has_fetched("never"));
    assert_eq!(attempts.fetched(at(3), mac(1), "k").wish, delivered());
}

#[test]
fn what_was_picked_at_the_console_holds_for_one_attempt() {
    let mut attempts = Attempts::default();
    let picked = |attempts: &Attempts| attempts.of(mac(1)).unwrap().picked;
    attempts.picked(mac(1), 7);
    assert!(attempts.of(mac(1)).is_none(), "nobody asked yet");
    attempts.asked(Timestamp(1), mac(1), None, false);
    attempts.picked(mac(1), 7);
    attempts.fetched(Timestamp(2), mac(1), "loader");
    attempts.asked(Timestamp(3), mac(1), None, true);
    assert_eq!(picked(&attempts), Some(7), "a loader goes on");
    attempts.asked(Timestamp(4), mac(1), None, false);
    assert_eq!(picked(&attempts), None, "firmware begins anew");
    attempts.picked(mac(1), 7);
    attempts.forget_picks();
    assert_eq!(picked(&attempts), None, "the menu changed");
}
