use axum::{extract::State, http::StatusCode};
use nextboot_model::TestName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    reply::Reply,
};

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

pub(super) fn no_directory(error: String) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "no-tests", error)
}
