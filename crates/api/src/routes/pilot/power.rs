//! Switching hosts.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use nextboot_model::{Door, PowerAction};

use super::answer::{Complaint, Refused};
use crate::{access::Caller, app::App, extract::Named};

/// Switch a host on.
#[utoipa::path(
    patch, path = "/v1/hosts/{name}/on", tag = "compatible",
    params(("name" = String, Path, description = "The host")),
    responses(
        (status = 204, description = "It was told to"),
        (status = 404, description = "No such host"),
        (status = 409, description = "Nothing switches it, or what does failed", body = Complaint),
    ),
)]
pub(super) async fn on(app: State<App>, caller: Caller, name: Named) -> Result<Response, Refused> {
    switch(app, caller, name, PowerAction::On).await
}

/// Switch a host off.
#[utoipa::path(
    patch, path = "/v1/hosts/{name}/off", tag = "compatible",
    params(("name" = String, Path, description = "The host")),
    responses(
        (status = 204, description = "It was told to"),
        (status = 404, description = "No such host"),
        (status = 409, description = "Nothing switches it, or what does failed", body = Complaint),
    ),
)]
pub(super) async fn off(app: State<App>, caller: Caller, name: Named) -> Result<Response, Refused> {
    switch(app, caller, name, PowerAction::Off).await
}

/// Reset a host that is on; switch on one that is off.
#[utoipa::path(
    patch, path = "/v1/hosts/{name}/reboot", tag = "compatible",
    params(("name" = String, Path, description = "The host")),
    responses(
        (status = 204, description = "It was told to"),
        (status = 404, description = "No such host"),
        (status = 409, description = "Nothing switches it, or what does failed", body = Complaint),
    ),
)]
pub(super) async fn reboot(app: State<App>, caller: Caller, name: Named) -> Result<Response, Refused> {
    switch(app, caller, name, PowerAction::Reboot).await
}

async fn switch(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named,
    action: PowerAction,
) -> Result<Response, Refused> {
    let known = name.parse().ok().filter(|name| app.state().host(name).is_some());
    let Some(host) = known else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let done = app.power(vec![host], action, Door::Deploy { who: caller.who }).await?;
    Ok(match done.into_iter().next().map(|outcome| outcome.result) {
        Some(Ok(_)) => StatusCode::NO_CONTENT.into_response(),
        Some(Err(failure)) => Complaint::of(StatusCode::CONFLICT, failure.message),
        None => StatusCode::CONFLICT.into_response(),
    })
}

/// Forget where management controllers were found, and search their networks again. Configured addresses stay.
#[utoipa::path(
    patch, path = "/v1/refresh", tag = "compatible",
    responses((status = 204, description = "Done")),
)]
pub(super) async fn refresh(State(app): State<App>) -> StatusCode {
    app.control.find_controllers().await;
    StatusCode::NO_CONTENT
}
