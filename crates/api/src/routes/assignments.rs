use axum::{extract::State, http::StatusCode};
use nextboot_model::{Command, Door, HostName, Target, Until};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hosts::{targets, views};
use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::Body,
    reply::Reply,
    view::HostView,
};

/// Most hosts in one call.
const MOST: usize = 10_000;

/// Which hosts get what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assign {
    /// Names or MAC addresses; at most 10000.
    #[schema(example = json!(["n1", "52:54:00:00:00:02"]))]
    hosts: Vec<String>,
    profile: String,
    /// `changed` (until somebody changes it), `done` (until the installed system calls back) or `once`. When absent:
    /// `done` for a profile of class `install`, else `changed`.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    until: Option<Until>,
}

/// The hosts of the call, in its order, as they are now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changed {
    hosts: Vec<HostView>,
}

pub(super) fn check_number(hosts: &[String]) -> Result<(), ApiError> {
    if (1..=MOST).contains(&hosts.len()) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        "number-of-hosts",
        format!("name 1 to {MOST} hosts in one call, not {}", hosts.len()),
    ))
}

pub(super) fn names(targets: &[Target]) -> Vec<HostName> {
    let name = |target: &Target| match target {
        Target::Name(name) => Some(name.clone()),
        Target::Mac(_) => None,
    };
    targets.iter().filter_map(name).collect()
}

/// Assign a profile to hosts: to all of them, or to none.
#[utoipa::path(
    put, path = "/api/assignments", tag = "hosts", request_body = Assign,
    responses(
        (status = 200, body = Changed),
        (status = 400, body = ErrorBody),
        (status = 404, description = "A host or the profile is not known", body = ErrorBody),
        (status = 409, description = "A host is named twice", body = ErrorBody),
    ),
)]
pub(crate) async fn assign(
    State(app): State<App>,
    caller: Caller,
    Body(assign): Body<Assign>,
) -> Result<Reply<Changed>, ApiError> {
    check_number(&assign.hosts)?;
    let profile = app.profile(&assign.profile).await?;
    let targets = targets(&app.state(), &assign.hosts)?;
    let names = names(&targets);
    let command = Command::Assign {
        targets,
        profile: profile.name.clone(),
        class: profile.class,
        until: assign.until.unwrap_or_else(|| Until::usual(profile.class)),
        by: Door::Api { who: caller.who },
    };
    app.store().submit(command).await?;
    Ok(Reply::ok(Changed { hosts: views(&app, names).await? }))
}

/// Whose assignment is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    /// Names or MAC addresses; at most 10000.
    hosts: Vec<String>,
}

/// Take back what was assigned.
///
/// What holds once, and a rescue, give way to what was before them; anything else to `local`. All hosts, or none.
#[utoipa::path(
    post, path = "/api/cancel", tag = "hosts", request_body = Cancel,
    responses(
        (status = 200, body = Changed),
        (status = 400, body = ErrorBody),
        (status = 404, description = "A host is not known", body = ErrorBody),
        (status = 409, description = "A host is named twice", body = ErrorBody),
    ),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Body(cancel): Body<Cancel>,
) -> Result<Reply<Changed>, ApiError> {
    check_number(&cancel.hosts)?;
    let targets = targets(&app.state(), &cancel.hosts)?;
    let names = names(&targets);
    app.store().submit(Command::Cancel { targets, by: Door::Api { who: caller.who } }).await?;
    Ok(Reply::ok(Changed { hosts: views(&app, names).await? }))
}
