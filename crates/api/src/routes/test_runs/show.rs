use axum::extract::State;
use nextboot_model::{HostName, MAX_TEST_LINES, TestName, TestRunId, TestStatus};
use nextboot_store::{MAX_TEST_ROWS, Order, TestQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    find::found,
    view::{LineView, TestList, TestRunView},
};
use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Named, Params},
    reply::Reply,
    routes::hosts::find,
};

const USUAL: usize = 200;

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

/// A test run and what its log says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestResult {
    #[serde(flatten)]
    run: TestRunView,
    /// The lines of the log that tell of something, in their order.
    lines: Vec<LineView>,
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
