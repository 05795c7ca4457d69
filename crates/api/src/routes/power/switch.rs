use axum::extract::State;
use nextboot_model::{Door, HostName, PowerAction};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{super::hosts::find, hosts, result::PowerResult};
use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Body, Named},
    reply::Reply,
};

/// What to do with one host.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    /// `on`, `off`, `reset`, `cycle` (off and on; on when it is off), `reboot` (reset; on when it is off), `boot-network`
    /// (boot from the network this once, then as `cycle`) or `status`.
    #[schema(value_type = String, example = "on")]
    action: PowerAction,
}

/// What to do with which hosts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchMany {
    /// Names or MAC addresses; at most 10000.
    #[schema(example = json!(["n1", "52:54:00:00:00:02"]))]
    hosts: Vec<String>,
    /// As for one host.
    #[schema(value_type = String, example = "reset")]
    action: PowerAction,
}

/// What came of it, host by host, in the order of the call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Switched {
    hosts: Vec<PowerResult>,
}

async fn switch(
    app: &App,
    hosts: Vec<HostName>,
    action: PowerAction,
    who: String,
) -> Result<Vec<PowerResult>, ApiError> {
    let outcomes = app.power(hosts, action, Door::Api { who }).await?;
    Ok(outcomes.into_iter().map(PowerResult::of).collect())
}

/// See whether a host is on, by asking what switches it.
#[utoipa::path(
    get, path = "/api/hosts/{name}/power", tag = "power",
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses")),
    responses((status = 200, body = PowerResult), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn see(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named,
) -> Result<Reply<PowerResult>, ApiError> {
    one(&app, &name, PowerAction::Status, caller).await
}

/// Switch a host.
///
/// The answer is 200 whether or not it could be done; `ok` and `error` say what came of it.
#[utoipa::path(
    put, path = "/api/hosts/{name}/power", tag = "power", request_body = Switch,
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses")),
    responses(
        (status = 200, body = PowerResult),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(crate) async fn set(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named,
    Body(wish): Body<Switch>,
) -> Result<Reply<PowerResult>, ApiError> {
    one(&app, &name, wish.action, caller).await
}

async fn one(
    app: &App,
    name: &str,
    action: PowerAction,
    caller: Caller,
) -> Result<Reply<PowerResult>, ApiError> {
    let name = find(&app.state(), name)?.host.name.clone();
    let mut results = switch(app, vec![name], action, caller.who).await?;
    results.pop().map(Reply::ok).ok_or_else(ApiError::internal)
}

/// Switch hosts, side by side.
///
/// What is wrong with one does not keep the others.
#[utoipa::path(
    post, path = "/api/power", tag = "power", request_body = SwitchMany,
    responses(
        (status = 200, body = Switched),
        (status = 400, body = ErrorBody),
        (status = 404, description = "A host is not known; nothing was switched", body = ErrorBody),
    ),
)]
pub(crate) async fn many(
    State(app): State<App>,
    caller: Caller,
    Body(wish): Body<SwitchMany>,
) -> Result<Reply<Switched>, ApiError> {
    let hosts = hosts(&app, &wish.hosts)?;
    Ok(Reply::ok(Switched { hosts: switch(&app, hosts, wish.action, caller.who).await? }))
}
