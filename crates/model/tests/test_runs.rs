//! The queue of tests: what may be asked of it, and what it leads to.

#![allow(clippy::unwrap_used, reason = "a test fails where it must not go on")]

mod common;

use std::sync::Arc;

use common::{add, host, name, operator};
use nextboot_model::{
    Command, EventKind, MAX_TESTS_OF_HOST, Refusal, State, TestCommand, TestReport, TestRun, TestRunId,
    TestStatus, Timestamp,
};

fn with_hosts() -> State {
    let mut state = State::default();
    for number in 0..2 {
        carry_out(&mut state, 1, add(host(number, &[number]))).unwrap();
    }
    state
}

fn carry_out(state: &mut State, at: u64, command: Command) -> Result<Vec<EventKind>, Refusal> {
    let verdict = command.check(state, Timestamp(at))?;
    verdict.changes.iter().for_each(|change| state.apply(change));
    Ok(verdict.events.into_iter().map(|(_, _, event)| event).collect())
}

fn test(state: &mut State, at: u64, command: TestCommand) -> Result<Vec<EventKind>, Refusal> {
    carry_out(state, at, Command::Test(command))
}

fn queue(host: u8, tests: &[&str]) -> TestCommand {
    let tests = tests.iter().map(|test| test.parse().unwrap()).collect();
    TestCommand::Queue { host: name(host), tests, by: operator() }
}

fn report(id: u64, keep: usize) -> TestCommand {
    let report = Arc::new(TestReport { version: Some("1.2".into()), errors: 1, ..TestReport::default() });
    TestCommand::Report { id: TestRunId(id), report, bytes: 9, past: None, at: None, keep }
}

#[test]
fn runs_are_taken_in_the_order_in_which_they_were_queued() {
    let mut state = with_hosts();
    let events = test(&mut state, 5, queue(0, &["cpu", "mem"])).unwrap();
    assert!(matches!(&events[..], [EventKind::TestQueued { run: TestRunId(1), .. }, _]));
    test(&mut state, 6, queue(1, &["disk"])).unwrap();
    assert_eq!(state.tests().next(&name(0)).map(|run| run.to_string()).as_deref(), Some("cpu R"));
    assert_eq!(state.tests().under_way(&name(0)), None);
    test(&mut state, 7, TestCommand::Start { id: TestRunId(1) }).unwrap();
    assert_eq!(state.tests().next(&name(0)).map(|run| run.id), Some(TestRunId(2)));
    let run = state.tests().under_way(&name(0)).unwrap();
    assert_eq!((run.id, run.started, run.to_string().as_str()), (TestRunId(1), Some(Timestamp(7)), "cpu S"));
    let again = test(&mut state, 8, TestCommand::Start { id: TestRunId(1) });
    assert_eq!(again, Err(Refusal::TestRunIs { id: TestRunId(1), status: TestStatus::Started }));
    test(&mut state, 9, TestCommand::Requeue { id: TestRunId(1) }).unwrap();
    assert_eq!(state.tests().next(&name(0)).map(|run| run.id), Some(TestRunId(1)), "it is the oldest again");
}

#[test]
fn a_log_finishes_its_run_and_a_later_one_replaces_it() {
    let mut state = with_hosts();
    test(&mut state, 5, queue(0, &["cpu"])).unwrap();
    let past = TestRun::clone(state.tests().run(TestRunId(1)).unwrap());
    test(&mut state, 6, report(1, 10)).unwrap();
    assert_eq!(state.tests().run(TestRunId(1)), None);
    assert!(state.tests().is_finished(TestRunId(1)));
    assert_eq!(state.tests().queue_len(&name(0)), 0);
    assert_eq!(test(&mut state, 7, report(1, 10)), Err(Refusal::UnknownTestRun(TestRunId(1))), "which?");
    let with = |past: TestRun| match report(1, 10) {
        TestCommand::Report { id, report, bytes, at, keep, .. } => {
            TestCommand::Report { id, report, bytes, at, keep, past: Some(Arc::new(past)) }
        }
        other => other,
    };
    assert!(test(&mut state, 7, with(past.clone())).is_ok());
    let other = TestRun { host: name(1), ..past.clone() };
    assert!(test(&mut state, 7, with(other)).is_err(), "that is another host's");
    test(&mut state, 8, TestCommand::Remove { ids: vec![TestRunId(1)] }).unwrap();
    assert!(test(&mut state, 9, with(past)).is_err(), "what was removed does not come back");
    for command in [
        TestCommand::Start { id: TestRunId(1) },
        TestCommand::Requeue { id: TestRunId(1) },
        TestCommand::Fail { id: TestRunId(1), reason: "x".into(), keep: 1 },
        TestCommand::Remove { ids: vec![TestRunId(1)] },
        report(2, 1),
    ] {
        assert!(matches!(test(&mut state, 9, command), Err(Refusal::UnknownTestRun(_))));
    }
}

#[test]
fn the_oldest_finished_runs_go_first_and_numbers_never_come_again() {
    let mut state = with_hosts();
    test(&mut state, 5, queue(0, &["a", "b", "c", "d"])).unwrap();
    for id in [2, 1] {
        test(&mut state, 6, report(id, 2)).unwrap();
    }
    test(&mut state, 7, TestCommand::Fail { id: TestRunId(3), reason: "no file".into(), keep: 2 }).unwrap();
    assert_eq!(state.tests().finished().map(|id| id.0).collect::<Vec<_>>(), [2, 3]);
    let ids = vec![TestRunId(4), TestRunId(4)];
    test(&mut state, 8, TestCommand::Remove { ids }).unwrap();
    test(&mut state, 9, queue(0, &["e"])).unwrap();
    assert_eq!(state.tests().next(&name(0)).map(|run| run.id), Some(TestRunId(5)));
}

#[test]
fn a_queue_has_an_end_and_goes_with_its_host() {
    let mut state = with_hosts();
    let many = vec!["t"; MAX_TESTS_OF_HOST];
    test(&mut state, 5, queue(0, &many)).unwrap();
    assert_eq!(test(&mut state, 6, queue(0, &["t"])), Err(Refusal::TestQueueFull(name(0))));
    test(&mut state, 6, queue(1, &["t"])).unwrap();
    test(&mut state, 7, report(1, 10)).unwrap();
    carry_out(&mut state, 8, Command::RemoveHost { name: name(0) }).unwrap();
    assert_eq!((state.tests().open_len(), state.tests().finished_len()), (1, 1));
    assert_eq!(test(&mut state, 9, queue(0, &["t"])), Err(Refusal::UnknownName(name(0))));
}

#[test]
fn runs_from_elsewhere_keep_their_numbers_where_those_are_free() {
    let mut state = with_hosts();
    test(&mut state, 5, queue(0, &["a", "b"])).unwrap();
    let template = TestRun::clone(state.tests().run(TestRunId(1)).unwrap());
    let run = |id: u64, status| (TestRun { id: TestRunId(id), status, ..template.clone() }, Vec::new());
    let runs = vec![
        run(2, TestStatus::Done),
        run(17, TestStatus::Done),
        run(0, TestStatus::Queued),
        run(u64::MAX, TestStatus::Error),
    ];
    test(&mut state, 6, TestCommand::Import { runs, keep: 10 }).unwrap();
    assert_eq!(state.tests().finished().map(|id| id.0).collect::<Vec<_>>(), [3, 17, 19]);
    assert!(state.tests().run(TestRunId(2)).is_some() && state.tests().run(TestRunId(18)).is_some());
    let stranger = vec![(TestRun { host: name(7), ..template }, Vec::new())];
    let refused = test(&mut state, 7, TestCommand::Import { runs: stranger, keep: 10 });
    assert_eq!(refused, Err(Refusal::UnknownName(name(7))));
}
