use axum::{extract::State, http::StatusCode};
use nextboot_model::{Command, Event, EventKind, HostName, ProfileName, Timestamp};
use nextboot_store::{Query as Events, ReadError, Store};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::find::known;
use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Body, Named, Params},
    reply::Reply,
};

/// Most entries of a history in one answer, and in one call.
const MOST: usize = 1_000;
const USUAL: usize = 10;

/// What says in the journal that a system got something else to boot, and where its history begins.
const CODES: &[&str] = &[
    "assigned",
    "cancelled",
    "called-back",
    "used-up",
    "gave-up",
    "taken-over",
    "net-assigned",
    "host-removed",
    "net-removed",
];

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowMany {
    /// At most so many, up to 1000; 10 when absent.
    limit: Option<usize>,
}

/// What a system was given to boot, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    history: Vec<Given>,
}

/// Something that a system was given to boot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Given {
    #[schema(value_type = u64)]
    pub(crate) at: Timestamp,
    #[schema(value_type = String)]
    pub(crate) profile: ProfileName,
    /// How, as a sentence.
    text: String,
}

impl Given {
    fn of(event: &Event, is_host: bool) -> Option<Self> {
        let (at, profile) = match &event.kind {
            EventKind::Assigned { profile, .. } => (event.at, profile.clone()),
            // A system that is both is told of once.
            EventKind::NetAssigned { profile, .. } if !is_host => (event.at, profile.clone()),
            EventKind::TakenOver { profile, since, .. } => (*since, profile.clone()),
            EventKind::Cancelled { now, .. } | EventKind::UsedUp { now, .. } => (event.at, now.clone()),
            EventKind::CalledBack { .. } | EventKind::GaveUp { .. } => (event.at, ProfileName::local()),
            _ => return None,
        };
        Some(Self { at, profile, text: event.kind.to_string() })
    }
}

/// Show what a system was given to boot and when, as far back as the journal goes.
#[utoipa::path(
    get, path = "/api/systems/{name}/history", tag = "systems",
    params(("name" = String, Path, description = "Its name"), HowMany),
    responses((status = 200, body = History), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn history(
    State(app): State<App>,
    Named(text): Named,
    Params(how_many): Params<HowMany>,
) -> Result<Reply<History>, ApiError> {
    let name = known(&app, &text)?;
    let limit = how_many.limit.unwrap_or(USUAL).clamp(1, MOST);
    Ok(Reply::ok(History { history: given(app.store(), name, limit).await? }))
}

/// What a system was given to boot, the newest first.
pub(crate) async fn given(store: &Store, name: HostName, limit: usize) -> Result<Vec<Given>, ReadError> {
    let is_host = store.state().host(&name).is_some();
    let query = Events { host: Some(name), codes: CODES, limit: 4 * MOST, ..Events::default() };
    let events = store.events(query).await?;
    // Another one had that name before.
    let is_own = |event: &&Event| match event.kind {
        EventKind::HostRemoved => !is_host,
        EventKind::NetRemoved => is_host,
        _ => true,
    };
    let own = events.iter().take_while(is_own);
    let mut history: Vec<Given> = own.filter_map(|event| Given::of(event, is_host)).collect();
    // What was taken over is told later than it was.
    history.sort_by_key(|given| std::cmp::Reverse(given.at));
    history.truncate(limit);
    Ok(history)
}

/// What another system had given, from which this one was taken over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakenOver {
    /// Which system, in a word of at most 32 characters.
    from: String,
    /// At most 1000, in order, the oldest first.
    history: Vec<WasGiven>,
}

/// Something that was given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WasGiven {
    #[schema(value_type = u64)]
    at: Timestamp,
    #[schema(value_type = String)]
    profile: ProfileName,
}

/// Tell what another system had given to boot, from which this one was taken over.
#[utoipa::path(
    post, path = "/api/systems/{name}/history", tag = "systems", request_body = TakenOver,
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "It is in the journal"),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(crate) async fn take_over(
    State(app): State<App>,
    _: Caller,
    Named(text): Named,
    Body(TakenOver { from, history }): Body<TakenOver>,
) -> Result<StatusCode, ApiError> {
    let name = known(&app, &text)?;
    if history.len() > MOST || from.chars().count() > 32 || from.chars().any(char::is_control) {
        return Err(ApiError::bad_request(format!(
            "give at most {MOST} entries, and a word for where they are from"
        )));
    }
    let history = history.into_iter().map(|given| (given.at, given.profile)).collect();
    app.store().submit(Command::TakeOver { name, from, history }).await?;
    Ok(StatusCode::NO_CONTENT)
}
