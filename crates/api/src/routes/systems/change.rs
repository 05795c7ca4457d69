use axum::{extract::State, http::StatusCode};
use nextboot_model::{Command, Door, HostName, Mac, Network, Refusal};
use nextboot_store::SubmitError;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    find::{known, unknown},
    view::System,
};
use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Body, Named},
    reply::Reply,
};

/// What a system is to have beside what it has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct More {
    /// MAC addresses. They make it a host, and move when others have them.
    #[schema(value_type = Vec<String>)]
    #[serde(default)]
    macs: Vec<Mac>,
    /// Networks. They move, too.
    #[schema(value_type = Vec<String>)]
    #[serde(default)]
    networks: Vec<Network>,
}

/// Add cards and networks to a system, all of them or none.
///
/// It is new when it is not known. A host whose last card moves away is forgotten.
#[utoipa::path(
    post, path = "/api/systems/{name}", tag = "systems", request_body = More,
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 200, body = System),
        (status = 400, description = "No system can be like that", body = ErrorBody),
    ),
)]
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    Named(text): Named,
    Body(More { macs, networks }): Body<More>,
) -> Result<Reply<System>, ApiError> {
    let name: HostName = text.parse().map_err(|error| ApiError::bad_request(format!("{error}")))?;
    if macs.is_empty() && networks.is_empty() {
        return Err(ApiError::bad_request("name at least one MAC address or network"));
    }
    let by = Door::Pxemngr { who: caller.who };
    app.store().submit(Command::AddSystem { name: name.clone(), macs, networks, by }).await?;
    app.look(move |app| System::of(app, name)).await.map(Reply::ok)
}

/// Forget a system: the host and the networks of that name.
#[utoipa::path(
    delete, path = "/api/systems/{name}", tag = "systems",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is gone"), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn remove(State(app): State<App>, Named(text): Named) -> Result<StatusCode, ApiError> {
    let name = text.parse().map_err(|_| unknown(&text))?;
    app.store().submit(Command::RemoveSystem { name }).await.map_err(|error| match error {
        SubmitError::Refused(Refusal::UnknownName(_)) => unknown(&text),
        error => error.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a system boots from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextBoot {
    profile: String,
}

/// Say what a system boots until somebody changes it.
#[utoipa::path(
    put, path = "/api/systems/{name}/assignment", tag = "systems", request_body = NextBoot,
    params(("name" = String, Path, description = "Its name; `default` for all machines that are no hosts")),
    responses(
        (status = 200, body = System),
        (status = 400, description = "The profile installs, and the system has whole networks", body = ErrorBody),
        (status = 404, description = "System or profile is not known", body = ErrorBody),
    ),
)]
pub(crate) async fn assign(
    State(app): State<App>,
    caller: Caller,
    Named(text): Named,
    Body(NextBoot { profile }): Body<NextBoot>,
) -> Result<Reply<System>, ApiError> {
    let name = known(&app, &text)?;
    let profile = app.profile(&profile).await?;
    let by = Door::Pxemngr { who: caller.who };
    let (profile, class) = (profile.name.clone(), profile.class);
    app.store().submit(Command::AssignSystem { name: name.clone(), profile, class, by }).await?;
    app.look(move |app| System::of(app, name)).await.map(Reply::ok)
}
