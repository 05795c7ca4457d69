use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Status,
    app::App,
    error::{ApiError, ErrorBody},
    reply::Reply,
};

/// What the appliance says of itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServerStatus)]
pub(crate) struct StatusView {
    #[serde(flatten)]
    status: Status,
    /// Counts the changes that were made since the server was started.
    revision: u64,
    /// How many hosts are known.
    hosts: usize,
}

/// How the server is.
#[utoipa::path(
    get, path = "/api/status", tag = "server",
    responses((status = 200, body = StatusView), (status = 401, body = ErrorBody)),
)]
pub(crate) async fn status(State(app): State<App>) -> Reply<StatusView> {
    let state = app.state();
    Reply::ok(StatusView { status: app.control.status(), revision: state.revision(), hosts: state.len() })
}

/// The configuration was read again and is in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reloaded {
    reloaded: bool,
    /// Settings that the file has otherwise now and that hold only after a restart.
    needs_restart: Vec<String>,
}

/// Read the configuration again.
///
/// A wrong one changes nothing. Leases, transfers and assignments live on.
#[utoipa::path(
    post, path = "/api/reload", tag = "server",
    responses(
        (status = 200, body = Reloaded),
        (status = 422, description = "The configuration is wrong; the message is its complaints", body = ErrorBody),
    ),
)]
pub(crate) async fn reload(State(app): State<App>) -> Result<Reply<Reloaded>, ApiError> {
    match app.control.reload().await {
        Ok(needs_restart) => Ok(Reply::ok(Reloaded { reloaded: true, needs_restart })),
        Err(complaints) => {
            Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-configuration", complaints))
        }
    }
}
