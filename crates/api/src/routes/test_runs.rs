use std::{io, sync::Arc};

use axum::{
    body::Body as Stream,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use nextboot_model::{
    Change, Command, Door, HostName, LineKind, MAX_TEST_LINE, MAX_TEST_LINES, TestChange, TestCommand,
    TestLine, TestName, TestReport, TestRun, TestRunId, TestStatus, Timestamp,
};
use nextboot_store::{FileError, LogError, MAX_TEST_ROWS, Order, TestQuery};
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncReadExt as _, sync::mpsc};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use utoipa::{IntoParams, ToSchema};

use super::hosts::find;
use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Body, Named, Params},
    reply::Reply,
};

const USUAL: usize = 200;
/// How much of a log is read in one go, bytes.
const PIECE: usize = 64 * 1024;

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
    fn of(run: &TestRun) -> Self {
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

/// Which test runs. Everything that is given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Of this host: its name, or one of its MAC addresses.
    host: Option<String>,
    /// Of this test.
    #[param(value_type = Option<String>)]
    test: Option<TestName>,
    /// Of this version, as logs name it.
    version: Option<String>,
    /// As far as this: `queued`, `started`, `done` or `error`.
    #[param(value_type = Option<String>)]
    status: Option<TestStatus>,
    /// With a greater number; then the oldest come first.
    #[param(value_type = Option<u64>)]
    after: Option<TestRunId>,
    /// With a smaller number.
    #[param(value_type = Option<u64>)]
    before: Option<TestRunId>,
    /// At most so many, up to 10000; 200 when absent.
    limit: Option<usize>,
}

/// Test runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestList {
    tests: Vec<TestRunView>,
}

/// List test runs.
///
/// The newest first; with `after`, the oldest.
#[utoipa::path(
    get, path = "/api/tests", tag = "tests", params(Wanted),
    responses(
        (status = 200, body = TestList),
        (status = 400, body = ErrorBody),
        (status = 404, description = "No such host", body = ErrorBody),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(wanted): Params<Wanted>,
) -> Result<Reply<TestList>, ApiError> {
    // Runs outlive their hosts.
    let host = wanted.host.map(|host| match find(&app.state(), &host) {
        Ok(record) => Ok(record.host.name.clone()),
        Err(unknown) => host.parse::<HostName>().map_err(|_| unknown),
    });
    let query = TestQuery {
        host: host.transpose()?,
        test: wanted.test,
        version: wanted.version,
        status: wanted.status,
        after: wanted.after,
        before: wanted.before,
        limit: wanted.limit.unwrap_or(USUAL).clamp(1, MAX_TEST_ROWS),
        order: if wanted.after.is_some() { Order::OldestFirst } else { Order::NewestFirst },
    };
    let runs = app.store().test_runs(query).await?;
    Ok(Reply::ok(TestList { tests: runs.iter().map(TestRunView::of).collect() }))
}

/// What a host is to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTests {
    /// Its name, or one of its MAC addresses.
    host: String,
    /// The tests, in the order in which they are to be run.
    #[schema(value_type = Vec<String>, example = json!(["cpu", "memory"]))]
    tests: Vec<TestName>,
}

/// Queue tests for a host.
///
/// The machine takes them one after the other by `/nexttest/` on the boot side, and uploads its logs to `/upload/NUMBER/`.
#[utoipa::path(
    post, path = "/api/tests", tag = "tests", request_body = NewTests,
    responses(
        (status = 201, body = TestList),
        (status = 400, body = ErrorBody),
        (status = 404, description = "No such host or test", body = ErrorBody),
        (status = 409, description = "Enough is queued", body = ErrorBody),
    ),
)]
pub(crate) async fn queue(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewTests>,
) -> Result<Reply<TestList>, ApiError> {
    let host = find(&app.state(), &new.host)?.host.name.clone();
    if new.tests.is_empty() {
        return Err(ApiError::bad_request("name at least one test"));
    }
    let known = app.look(|app| app.control.test_names()).await?.map_err(no_directory)?;
    if let Some(unknown) = new.tests.iter().find(|test| !known.contains(test)) {
        let message = format!("no test is named {unknown}: there is no {unknown}.test in [tests] directory");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "unknown-test", message));
    }
    let queue = TestCommand::Queue { host, tests: new.tests, by: Door::Api { who: caller.who } };
    let receipt = app.store().submit(Command::Test(queue)).await?;
    Ok(Reply(StatusCode::CREATED, TestList { tests: opened(&receipt.changes) }))
}

fn opened(changes: &[Change]) -> Vec<TestRunView> {
    let runs = changes.iter().filter_map(|change| match change {
        Change::Test(TestChange::Open(run) | TestChange::File { run, .. }) => Some(TestRunView::of(run)),
        _ => None,
    });
    runs.collect()
}

fn no_directory(error: String) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "no-tests", error)
}

/// The names of tests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestNames {
    /// Those that can be queued, in order.
    #[schema(value_type = Vec<String>)]
    tests: Vec<TestName>,
    /// Those that only runs tell of.
    #[schema(value_type = Vec<String>)]
    gone: Vec<TestName>,
}

/// List the tests that there are.
#[utoipa::path(
    get, path = "/api/tests/names", tag = "tests",
    responses((status = 200, body = TestNames), (status = 409, description = "There is no directory", body = ErrorBody)),
)]
pub(crate) async fn names(State(app): State<App>) -> Result<Reply<TestNames>, ApiError> {
    let tests = app.look(|app| app.control.test_names()).await?.map_err(no_directory)?;
    let mut gone = app.store().tests_run().await?;
    gone.retain(|test| !tests.contains(test));
    Ok(Reply::ok(TestNames { tests, gone }))
}

/// A test run and what its log says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestResult {
    #[serde(flatten)]
    run: TestRunView,
    /// The lines of the log that tell of something, in their order.
    lines: Vec<LineView>,
}

/// A line of a log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = TestLine)]
pub(crate) struct LineView {
    /// `I`, `W` or `E`.
    kind: String,
    text: String,
}

impl LineView {
    fn of(line: TestLine) -> Self {
        Self { kind: line.kind.letter().to_owned(), text: line.text }
    }
}

async fn found(app: &App, text: &str) -> Result<Arc<TestRun>, ApiError> {
    let run = match number(text) {
        Ok(id) => app.store().test_run(id).await?,
        Err(error) => return Err(error),
    };
    run.ok_or_else(|| unknown_run(text))
}

fn number(text: &str) -> Result<TestRunId, ApiError> {
    text.parse().map_err(|_| unknown_run(text))
}

fn unknown_run(text: &str) -> ApiError {
    let text: String = text.chars().take(40).collect();
    ApiError::new(StatusCode::NOT_FOUND, "unknown-test-run", format!("there is no test run {text}"))
}

/// Show a test run.
#[utoipa::path(
    get, path = "/api/tests/{id}", tag = "tests", params(("id" = u64, Path, description = "Its number")),
    responses((status = 200, body = TestResult), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn show(State(app): State<App>, Named(id): Named) -> Result<Reply<TestResult>, ApiError> {
    let run = found(&app, &id).await?;
    let lines = app.store().test_lines(run.id, 0, MAX_TEST_LINES).await?;
    let lines = lines.into_iter().map(LineView::of).collect();
    Ok(Reply::ok(TestResult { run: TestRunView::of(&run), lines }))
}

/// Forget a test run and its log.
#[utoipa::path(
    delete, path = "/api/tests/{id}", tag = "tests", params(("id" = u64, Path, description = "Its number")),
    responses((status = 204, description = "It is gone"), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn remove(State(app): State<App>, Named(id): Named) -> Result<StatusCode, ApiError> {
    let remove = TestCommand::Remove { ids: vec![number(&id)?] };
    app.store().submit(Command::Test(remove)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a test run that was started begin anew.
///
/// A machine that crashed asks for the next test when it is back; this gives it the one again that it did not finish.
#[utoipa::path(
    post, path = "/api/tests/{id}/requeue", tag = "tests", params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, body = TestRunView),
        (status = 404, body = ErrorBody),
        (status = 409, description = "It is not under way", body = ErrorBody),
    ),
)]
pub(crate) async fn requeue(
    State(app): State<App>,
    Named(id): Named,
) -> Result<Reply<TestRunView>, ApiError> {
    app.store().submit(Command::Test(TestCommand::Requeue { id: number(&id)? })).await?;
    let run = found(&app, &id).await?;
    Ok(Reply::ok(TestRunView::of(&run)))
}

/// Read the log of a test run, as the machine sent it.
#[utoipa::path(
    get, path = "/api/tests/{id}/log", tag = "tests", params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 404, description = "No such run, or it has no log yet", body = ErrorBody),
    ),
)]
pub(crate) async fn log(State(app): State<App>, Named(id): Named) -> Result<Response, ApiError> {
    let run = found(&app, &id).await?;
    log_of(&app, run.id).await
}

/// The log of a run as an answer.
pub(crate) async fn log_of(app: &App, id: TestRunId) -> Result<Response, ApiError> {
    let opened = app.look(move |app| app.store().test_logs().open(id)).await?;
    let (file, bytes) = opened
        .map_err(|_| ApiError::new(StatusCode::NOT_FOUND, "no-log", format!("test run {id} has no log")))?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send(tokio::fs::File::from_std(file), bytes, sender));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CONTENT_LENGTH, HeaderValue::from(bytes)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'")),
    ];
    Ok((headers, Stream::from_stream(ReceiverStream::new(receiver))).into_response())
}

/// Reads a log piece by piece, as fast as somebody takes it.
async fn send(file: tokio::fs::File, bytes: u64, sender: mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut file = file.take(bytes);
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = file.read_buf(&mut piece).await;
        let is_end = matches!(read, Ok(0) | Err(_));
        match read {
            Ok(0) => {}
            Ok(_) => {
                if sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            Err(error) => drop(sender.send(Err(error)).await),
        }
        if is_end {
            return;
        }
    }
}

/// Give a test run its log.
///
/// The body is the log itself. It replaces the one that the run has, and finishes a run that is under way.
#[utoipa::path(
    put, path = "/api/tests/{id}/log", tag = "tests", params(("id" = u64, Path, description = "Its number")),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, body = TestRunView),
        (status = 404, body = ErrorBody),
        (status = 408, description = "It came too slowly", body = ErrorBody),
        (status = 413, description = "It is too large", body = ErrorBody),
    ),
)]
pub(crate) async fn put_log(
    State(app): State<App>,
    Named(id): Named,
    body: Stream,
) -> Result<Reply<TestRunView>, ApiError> {
    let run = found(&app, &id).await?;
    let limits = app.control.test_limits();
    let id = run.id;
    let mut upload =
        app.look(move |app| app.store().test_logs().begin(id, limits.max_log)).await?.map_err(refused)?;
    let mut pieces = body.into_data_stream();
    loop {
        let slow =
            || ApiError::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the log did not come in time");
        let piece = tokio::time::timeout(app.limits.body_time, pieces.next()).await.map_err(|_| slow())?;
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|error| ApiError::bad_request(error.to_string()))?;
        upload.write(&piece).await.map_err(refused)?;
    }
    // A log that somebody adds later does not make the test a later one.
    match app.store().file_log(upload, limits.keep, run.finished).await {
        Ok(_) => {}
        Err(FileError::Log(error)) => return Err(refused(error)),
        Err(FileError::Submit(error)) => return Err(error.into()),
        Err(FileError::Read(error)) => return Err(error.into()),
    }
    let run = found(&app, &id.to_string()).await?;
    Ok(Reply::ok(TestRunView::of(&run)))
}

fn refused(error: LogError) -> ApiError {
    let (status, code) = match &error {
        LogError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "log-too-large"),
        LogError::Busy => (StatusCode::CONFLICT, "log-busy"),
        LogError::Disk(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-written"),
    };
    ApiError::new(status, code, error.to_string())
}

/// A test run of another system.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastTest {
    /// Its number, which it keeps where that is free.
    #[serde(default)]
    id: Option<u64>,
    /// The name of a host.
    #[schema(value_type = String)]
    host: HostName,
    #[schema(value_type = String)]
    test: TestName,
    /// `queued`, `started`, `done` or `error`.
    #[schema(value_type = String)]
    status: TestStatus,
    /// When it came to that, in milliseconds since 1970.
    #[schema(value_type = u64)]
    at: Timestamp,
    #[serde(default)]
    version: Option<String>,
    /// What its log told of.
    #[serde(default)]
    lines: Vec<LineView>,
}

/// Test runs of another system.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastTests {
    tests: Vec<PastTest>,
}

/// Take over test runs from another system.
///
/// All of them, or none when one is wrong. Those that are not finished there are queued or under way here.
#[utoipa::path(
    post, path = "/api/tests/import", tag = "tests", request_body = PastTests,
    responses(
        (status = 201, description = "As they are now, in the same order", body = TestList),
        (status = 400, body = ErrorBody),
        (status = 404, description = "No such host", body = ErrorBody),
    ),
)]
pub(crate) async fn import(
    State(app): State<App>,
    Body(past): Body<PastTests>,
) -> Result<Reply<TestList>, ApiError> {
    let runs = past.tests.into_iter().map(PastTest::read).collect::<Result<Vec<_>, _>>()?;
    let import = TestCommand::Import { runs, keep: app.control.test_limits().keep };
    let receipt = app.store().submit(Command::Test(import)).await?;
    Ok(Reply(StatusCode::CREATED, TestList { tests: opened(&receipt.changes) }))
}

impl PastTest {
    fn read(self) -> Result<(TestRun, Vec<TestLine>), ApiError> {
        let mut report = TestReport::default();
        for LineView { kind, mut text } in self.lines {
            let kind = LineKind::of(&kind)
                .ok_or_else(|| ApiError::bad_request("the kind of a line is \"I\", \"W\" or \"E\""))?;
            if text.len() > MAX_TEST_LINE {
                let end = (0..=MAX_TEST_LINE).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
                text.truncate(end);
            }
            report.add(kind, text);
        }
        let Self { id, host, test, status, at, version, .. } = self;
        let run = TestRun {
            id: TestRunId(id.unwrap_or(0)),
            host,
            test,
            status,
            queued: at,
            started: (status != TestStatus::Queued).then_some(at),
            finished: status.is_finished().then_some(at),
            version,
            infos: report.infos,
            warnings: report.warnings,
            errors: report.errors,
            bytes: 0,
            note: report.note(),
        };
        Ok((run, report.lines))
    }
}
