use std::sync::Arc;

use axum::http::StatusCode;
use nextboot_model::{TestRun, TestRunId};

use crate::{app::App, error::ApiError};

pub(super) async fn found(app: &App, text: &str) -> Result<Arc<TestRun>, ApiError> {
    let run = match number(text) {
        Ok(id) => app.store().test_run(id).await?,
        Err(error) => return Err(error),
    };
    run.ok_or_else(|| unknown_run(text))
}

pub(super) fn number(text: &str) -> Result<TestRunId, ApiError> {
    text.parse().map_err(|_| unknown_run(text))
}

fn unknown_run(text: &str) -> ApiError {
    let text: String = text.chars().take(40).collect();
    ApiError::new(StatusCode::NOT_FOUND, "unknown-test-run", format!("there is no test run {text}"))
}
