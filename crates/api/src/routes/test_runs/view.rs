use nextboot_model::{Change, TestChange, TestLine, TestRun, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One test on one host, from the moment when somebody asked for it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestRun)]
pub(crate) struct TestRunView {
    /// Its number: 1, 2, 3 and so on.
    id: u64,
    host: String,
    test: String,
    /// `queued`, `started`, `done` or `error`.
    status: &'static str,
    /// The same as pxemngr writes it: `R`, `S`, `D` or `E`.
    letter: &'static str,
    #[schema(value_type = u64)]
    queued: Timestamp,
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    finished: Option<Timestamp>,
    /// What was tested, as the log says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    infos: u32,
    warnings: u32,
    errors: u32,
    /// The size of the log.
    bytes: u64,
    /// Whether it is done and has no error.
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl TestRunView {
    pub(super) fn of(run: &TestRun) -> Self {
        Self {
            id: run.id.0,
            host: run.host.to_string(),
            test: run.test.to_string(),
            status: run.status.word(),
            letter: run.status.letter(),
            queued: run.queued,
            started: run.started,
            finished: run.finished,
            version: run.version.clone(),
            infos: run.infos,
            warnings: run.warnings,
            errors: run.errors,
            bytes: run.bytes,
            passed: run.passed(),
            note: run.note.clone(),
        }
    }
}

/// Test runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestList {
    pub(super) tests: Vec<TestRunView>,
}

/// Those that a command made or filed.
pub(super) fn opened(changes: &[Change]) -> Vec<TestRunView> {
    let runs = changes.iter().filter_map(|change| match change {
        Change::Test(TestChange::Open(run) | TestChange::File { run, .. }) => Some(TestRunView::of(run)),
        _ => None,
    });
    runs.collect()
}

/// A line of a log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = TestLine)]
pub(crate) struct LineView {
    /// `I`, `W` or `E`.
    pub(super) kind: String,
    pub(super) text: String,
}

impl LineView {
    pub(super) fn of(line: TestLine) -> Self {
        Self { kind: line.kind.letter().to_owned(), text: line.text }
    }
}
