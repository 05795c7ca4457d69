use axum::{extract::State, http::StatusCode};
use nextboot_model::{Command, Door, TestCommand, TestName};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    find::{found, number},
    names::no_directory,
    view::{TestList, TestRunView, opened},
};
use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Body, Named},
    reply::Reply,
    routes::hosts::find,
};

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
