//! What must hold of the state table after any sequence of commands.

mod common;

use common::{Step, address, mac, name, steps, uuid};
use nextboot_model::{Change, Command, Refusal, State, Timestamp, Until};
use proptest::{collection::vec, prelude::*};

fn run(steps: &[Step], mut after: impl FnMut(&Command, Timestamp, &State, &State)) -> State {
    let mut state = State::default();
    for step in steps {
        let command = step.command(&state);
        let before = state.clone();
        if let Ok(verdict) = command.check(&state, step.now) {
            verdict.changes.iter().for_each(|change| state.apply(change));
        }
        after(&command, step.now, &before, &state);
    }
    state
}

/// Every way to find a host finds exactly the hosts that have it.
fn check_indexes(state: &State) {
    let records: Vec<_> = state.records().collect();
    assert_eq!(records.len(), state.len());
    assert_eq!(records.is_empty(), state.is_empty());
    assert!(records.is_sorted_by(|a, b| a.host.name < b.host.name));
    for number in 0..8 {
        let owners: Vec<_> =
            records.iter().filter(|record| record.host.macs.contains(&mac(number))).collect();
        assert!(owners.len() <= 1);
        assert_eq!(owners.first().copied(), state.by_mac(mac(number)).as_ref());

        let orders = [uuid(number), uuid(number).to_wire()];
        let owners: Vec<_> = records
            .iter()
            .filter(|record| record.host.uuid.is_some_and(|uuid| orders.contains(&uuid)))
            .collect();
        assert!(owners.len() <= 1);
        assert_eq!(owners.first().copied(), state.by_uuid(uuid(number)).as_ref());

        let owners: Vec<_> =
            records.iter().filter(|record| record.host.address == Some(address(number))).collect();
        assert!(owners.len() <= 1);
        assert_eq!(owners.first().copied(), state.by_address(address(number)).as_ref());
        assert_eq!(
            state.host(&name(number)),
            records.iter().find(|record| record.host.name == name(number)).copied()
        );
    }
    let mut paged = Vec::new();
    loop {
        let next = state.records_after(paged.last()).next().map(|record| record.host.name.clone());
        let Some(next) = next else { break };
        paged.push(next);
    }
    assert_eq!(paged.len(), state.len());
}

proptest! {
    #[test]
    fn every_way_to_find_a_host_finds_exactly_the_hosts_that_have_it(steps in vec(steps(), 0..40)) {
        run(&steps, |_, _, _, state| check_indexes(state));
    }

    #[test]
    fn every_record_is_one_that_may_be(steps in vec(steps(), 0..40)) {
        run(&steps, |_, _, _, state| for record in state.records() {
            assert_eq!(record.host.check(), Ok(()));
            let assignment = &record.assignment;
            let lasting = match &assignment.before {
                Some(before) if assignment.until == Until::Once => before,
                _ => assignment,
            };
            assert_ne!(lasting.until, Until::Once);
            if let Some(before) = &lasting.before {
                assert_eq!((lasting.until, &before.before), (Until::Changed, &None), "a rescue");
                assert!(before.until != Until::Once && !before.arms());
            }
        });
    }

    #[test]
    fn what_was_read_back_is_the_same_state(steps in vec(steps(), 0..40)) {
        let state = run(&steps, |_, _, _, _| {});
        let mut again = State::default();
        for record in state.records() {
            again.apply(&Change::Put(record.clone()));
        }
        let again = again.with_revision(state.revision());
        check_indexes(&again);
        assert_eq!(again.revision(), state.revision());
        assert!(again.records().eq(state.records()));
    }

    #[test]
    fn a_later_change_does_not_touch_a_snapshot(
        first in vec(steps(), 0..20), second in vec(steps(), 0..20),
    ) {
        let mut steps = first.clone();
        let snapshot = run(&first, |_, _, _, _| {});
        let records: Vec<_> = snapshot.records().cloned().collect();
        steps.extend(second);
        run(&steps, |_, _, _, _| {});
        assert!(snapshot.records().eq(&records));
        check_indexes(&snapshot);
    }

    /// Also when the clock steps back: a proof of the one must not be one of the other.
    #[test]
    fn no_assignment_has_the_moment_of_the_one_it_follows(steps in vec(steps(), 0..40)) {
        run(&steps, |command, _, before, after| if let Command::Assign { .. } = command {
            for record in after.records() {
                let Some(old) = before.host(&record.host.name) else { continue };
                if old.assignment != record.assignment {
                    assert!(record.assignment.since > old.assignment.since);
                    let used = old.assignment.used.as_ref().map(|used| used.since);
                    assert!(used.is_none_or(|used| record.assignment.since > used));
                }
            }
        });
    }

    /// Nothing but an assignment (made here, taken over with the host, or back after one that held once) lets an installer
    /// reach a host.
    #[test]
    fn nothing_else_arms_a_host(steps in vec(steps(), 0..40)) {
        run(&steps, |command, _, before, after| {
            for record in after.records().filter(|record| record.assignment.arms()) {
                let old = before.host(&record.host.name).map(|record| &record.assignment);
                let assigned = matches!(command, Command::Assign { .. } | Command::TakeHost { .. } | Command::TakeEntry { .. });
                let restored = old.and_then(|old| old.before.as_ref()).is_some_and(|before| before.arms());
                assert!(assigned || restored || old.is_some_and(|old| old.arms()), "{command:?}");
            }
        });
    }

    #[test]
    fn a_command_changes_all_its_hosts_or_none(steps in vec(steps(), 0..40)) {
        let mut state = State::default();
        for step in &steps {
            let command = step.command(&state);
            let verdict = command.check(&state, step.now);
            if let (Command::Assign { targets, .. } | Command::Cancel { targets, .. }, Ok(verdict)) =
                (&command, &verdict)
            {
                assert_eq!(verdict.changes.len(), targets.len());
                assert_eq!(verdict.events.len(), targets.len());
            }
            if let Err(Refusal::Full) = verdict {
                panic!("five hosts do not fill the table");
            }
            for change in verdict.map(|verdict| verdict.changes).unwrap_or_default() {
                state.apply(&change);
            }
        }
    }
}
