use std::sync::Arc;

use crate::{
    Change, Door, EventKind, HostName, MAX_TEST_LINES, Refusal, State, TestChange, TestLine, TestName,
    TestReport, TestRun, TestRunId, TestStatus, Timestamp, Verdict, test_log::version,
};

/// Most runs that may be open for one host.
pub const MAX_TESTS_OF_HOST: usize = 256;
/// Most runs that may be open in all; they are kept in memory.
pub const MAX_OPEN_TESTS: usize = 100_000;

/// What somebody wants of the test runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestCommand {
    /// Have a host run these tests, in this order, after what is queued for it.
    Queue {
        /// Which host.
        host: HostName,
        /// Which tests; that they exist is the caller's duty.
        tests: Vec<TestName>,
        /// Who wants it.
        by: Door,
    },
    /// The machine takes the script of a run that is queued.
    Start {
        /// Which.
        id: TestRunId,
    },
    /// Have a run that was started begin anew: the machine will not finish it.
    Requeue {
        /// Which.
        id: TestRunId,
    },
    /// The log of a run came. A later one replaces it.
    Report {
        /// Which run.
        id: TestRunId,
        /// What it says.
        report: Arc<TestReport>,
        /// How many bytes it has.
        bytes: u64,
        /// The run as the disk has it, when it is finished already.
        past: Option<Arc<TestRun>>,
        /// When it was finished, if not now.
        at: Option<Timestamp>,
        /// How many finished runs are kept; the oldest go first.
        keep: usize,
    },
    /// There is no log.
    Fail {
        /// Which run.
        id: TestRunId,
        /// Why.
        reason: String,
        /// How many finished runs are kept; the oldest go first.
        keep: usize,
    },
    /// Forget runs and their logs.
    Remove {
        /// Which: all of them, or none when one is unknown.
        ids: Vec<TestRunId>,
    },
    /// Take over runs from elsewhere, each with its lines. One whose number is taken gets the next free one.
    Import {
        /// The runs.
        runs: Vec<(TestRun, Vec<TestLine>)>,
        /// How many finished runs are kept; the oldest go first.
        keep: usize,
    },
}

impl TestCommand {
    pub(crate) fn check(&self, state: &State, now: Timestamp) -> Result<Verdict, Refusal> {
        let mut verdict = Verdict::default();
        let tests = state.tests();
        match self {
            Self::Queue { host, tests: names, by } => {
                known(state, host)?;
                has_room(state, host, names.len())?;
                for (test, number) in names.iter().zip(tests.last() + 1..) {
                    let run = TestRun::queued(number_of(number)?, host.clone(), test.clone(), now);
                    let event = EventKind::TestQueued { run: run.id, test: test.clone(), by: by.clone() };
                    open(&mut verdict, run, event);
                }
            }
            Self::Start { id } => {
                let run = in_status(state, *id, TestStatus::Queued)?;
                let event = EventKind::TestStarted { run: *id, test: run.test.clone() };
                let run = TestRun { status: TestStatus::Started, started: Some(now), ..TestRun::clone(run) };
                open(&mut verdict, run, event);
            }
            Self::Requeue { id } => {
                let run = in_status(state, *id, TestStatus::Started)?;
                let event = EventKind::TestRequeued { run: *id, test: run.test.clone() };
                let run = TestRun { status: TestStatus::Queued, started: None, ..TestRun::clone(run) };
                open(&mut verdict, run, event);
            }
            Self::Report { id, report, bytes, past, at, keep } => {
                let past = past.as_ref().filter(|past| {
                    past.id == *id && tests.is_finished(*id) && tests.host_of(*id) == Some(&past.host)
                });
                let run = tests.run(*id).or(past).ok_or(Refusal::UnknownTestRun(*id))?;
                let TestReport { version, infos, warnings, errors, lines } = &**report;
                let event = EventKind::TestReported {
                    run: *id,
                    test: run.test.clone(),
                    version: version.clone(),
                    warnings: *warnings,
                    errors: *errors,
                    bytes: *bytes,
                };
                let run = TestRun {
                    status: TestStatus::Done,
                    finished: at.or(Some(now)),
                    version: version.clone(),
                    infos: *infos,
                    warnings: *warnings,
                    errors: *errors,
                    bytes: *bytes,
                    note: report.note(),
                    ..TestRun::clone(run)
                };
                verdict.events.push((run.host.clone(), None, event));
                file(&mut verdict, run, lines.as_slice().into());
                forget_oldest(state, &mut verdict, *keep);
            }
            Self::Fail { id, reason, keep } => {
                let run = tests.run(*id).ok_or_else(|| gone(state, *id))?;
                let event =
                    EventKind::TestFailed { run: *id, test: run.test.clone(), reason: reason.clone() };
                let run = TestRun {
                    status: TestStatus::Error,
                    finished: Some(now),
                    note: Some(reason.clone()),
                    ..TestRun::clone(run)
                };
                verdict.events.push((run.host.clone(), None, event));
                file(&mut verdict, run, [].into());
                forget_oldest(state, &mut verdict, *keep);
            }
            Self::Remove { ids } => {
                for id in ids {
                    let host = tests.host_of(*id).ok_or(Refusal::UnknownTestRun(*id))?;
                    if verdict.changes.contains(&Change::Test(TestChange::Remove(*id))) {
                        continue;
                    }
                    verdict.changes.push(Change::Test(TestChange::Remove(*id)));
                    verdict.events.push((host.clone(), None, EventKind::TestRemoved { run: *id }));
                }
            }
            Self::Import { runs, keep } => return import(state, runs, *keep),
        }
        Ok(verdict)
    }
}

/// Runs that are open in the other system wait here; what came of the others is looked at as if it had come from the disk.
fn import(state: &State, runs: &[(TestRun, Vec<TestLine>)], keep: usize) -> Result<Verdict, Refusal> {
    let mut verdict = Verdict::default();
    let mut after = state.clone();
    for (run, lines) in runs {
        known(state, &run.host)?;
        let free = after.tests().host_of(run.id).is_none() && (1..=TestRunId::MAX.0).contains(&run.id.0);
        let id = if free { run.id } else { number_of(after.tests().last() + 1)? };
        let version = run.version.as_deref().and_then(version);
        let note = run.note.clone().or_else(|| {
            (run.id != id).then(|| format!("it was number {} in the system that it comes from", run.id))
        });
        let run = TestRun { id, version, note, ..run.clone() };
        let change = if run.status.is_finished() {
            TestChange::File {
                run: Arc::new(run),
                lines: lines.iter().take(MAX_TEST_LINES).cloned().collect(),
            }
        } else {
            has_room(&after, &run.host, 1)?;
            TestChange::Open(Arc::new(run))
        };
        let change = Change::Test(change);
        after.apply(&change);
        verdict.changes.push(change);
    }
    forget_oldest(state, &mut verdict, keep);
    Ok(verdict)
}

fn open(verdict: &mut Verdict, run: TestRun, event: EventKind) {
    verdict.events.push((run.host.clone(), None, event));
    verdict.changes.push(Change::Test(TestChange::Open(Arc::new(run))));
}

fn file(verdict: &mut Verdict, run: TestRun, lines: Arc<[TestLine]>) {
    verdict.changes.push(Change::Test(TestChange::File { run: Arc::new(run), lines }));
}

/// Makes room for what was just filed: a run goes with its log.
fn forget_oldest(state: &State, verdict: &mut Verdict, keep: usize) {
    let mut after = state.clone();
    verdict.changes.iter().for_each(|change| after.apply(change));
    let over = after.tests().finished_len().saturating_sub(keep.max(1));
    let oldest: Vec<TestRunId> = after.tests().finished().take(over).collect();
    verdict.changes.extend(oldest.into_iter().map(|id| Change::Test(TestChange::Remove(id))));
}

fn number_of(number: u64) -> Result<TestRunId, Refusal> {
    if number <= TestRunId::MAX.0 { Ok(TestRunId(number)) } else { Err(Refusal::TestsFull) }
}

fn known(state: &State, host: &HostName) -> Result<(), Refusal> {
    state.host(host).map(drop).ok_or_else(|| Refusal::UnknownName(host.clone()))
}

fn has_room(state: &State, host: &HostName, more: usize) -> Result<(), Refusal> {
    let tests = state.tests();
    if tests.queue_len(host).saturating_add(more) > MAX_TESTS_OF_HOST {
        return Err(Refusal::TestQueueFull(host.clone()));
    }
    if tests.open_len().saturating_add(more) > MAX_OPEN_TESTS {
        return Err(Refusal::TestsFull);
    }
    Ok(())
}

fn in_status(state: &State, id: TestRunId, status: TestStatus) -> Result<&Arc<TestRun>, Refusal> {
    let run = state.tests().run(id).ok_or_else(|| gone(state, id))?;
    if run.status == status { Ok(run) } else { Err(Refusal::TestRunIs { id, status: run.status }) }
}

/// Why a run is not among the open ones.
fn gone(state: &State, id: TestRunId) -> Refusal {
    if state.tests().is_finished(id) { Refusal::TestRunFinished(id) } else { Refusal::UnknownTestRun(id) }
}

/// A host that is forgotten leaves what it finished, and nothing that waits for it.
pub(crate) fn drop_queue(state: &State, host: &HostName, verdict: &mut Verdict) {
    let open = state.tests().of_host(host).map(|run| Change::Test(TestChange::Remove(run.id)));
    verdict.changes.extend(open);
}
