use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::hosts::find;
use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Named, Params},
    reply::Reply,
    timeline::{self, Timeline},
    view::AttemptView,
};

const USUAL: usize = 5;
const MOST: usize = 50;

/// Attempts under way, of known and unknown machines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveAttempts {
    attempts: Vec<AttemptView>,
}

/// List the machines that are booting.
///
/// The one heard last comes first.
#[utoipa::path(
    get, path = "/api/attempts", tag = "watch",
    responses((status = 200, body = LiveAttempts), (status = 401, body = ErrorBody)),
)]
pub(crate) async fn live(State(app): State<App>) -> Reply<LiveAttempts> {
    let mut attempts = app.control.attempts();
    attempts.sort_by_key(|attempt| std::cmp::Reverse((attempt.heard, attempt.id)));
    Reply::ok(LiveAttempts { attempts: attempts.into_iter().map(AttemptView::of).collect() })
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowMany {
    /// At most so many, up to 50; 5 when absent.
    limit: Option<usize>,
}

/// The last attempts of a host, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HostAttempts {
    attempts: Vec<Timeline>,
}

/// Show what a host did when it booted.
#[utoipa::path(
    get, path = "/api/hosts/{name}/attempts", tag = "hosts",
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses"), HowMany),
    responses((status = 200, body = HostAttempts), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn of_host(
    State(app): State<App>,
    Named(name): Named,
    Params(how_many): Params<HowMany>,
) -> Result<Reply<HostAttempts>, ApiError> {
    let macs = find(&app.state(), &name)?.host.macs.clone();
    let limit = how_many.limit.unwrap_or(USUAL).clamp(1, MOST);
    let attempts = timeline::last(app.store(), &macs, limit).await?;
    Ok(Reply::ok(HostAttempts { attempts }))
}
