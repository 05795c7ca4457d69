use axum::extract::State;
use nextboot_model::{AttemptId, HostName, Mac};
use nextboot_store::{MAX_EVENTS, Order, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    extract::Params,
    reply::Reply,
    view::EventView,
};

const USUAL: usize = 200;

/// Which events. Everything that is given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// About the host of this name.
    #[param(value_type = Option<String>)]
    host: Option<HostName>,
    /// About the machine with this MAC address.
    #[param(value_type = Option<String>)]
    mac: Option<Mac>,
    /// In this attempt.
    #[param(value_type = Option<u64>)]
    attempt: Option<u64>,
    /// With a greater number.
    after: Option<u64>,
    /// With a smaller number.
    before: Option<u64>,
    /// At most so many, up to 5000; 200 when absent.
    limit: Option<usize>,
}

/// Events, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventList {
    events: Vec<EventView>,
}

/// Read the journal.
///
/// With `after`, what follows it; without, the newest. Either way the oldest comes first.
#[utoipa::path(
    get, path = "/api/events", tag = "watch", params(Wanted),
    responses((status = 200, body = EventList), (status = 400, body = ErrorBody)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(wanted): Params<Wanted>,
) -> Result<Reply<EventList>, ApiError> {
    let forward = wanted.after.is_some();
    let query = Query {
        host: wanted.host,
        mac: wanted.mac,
        attempt: wanted.attempt.map(AttemptId),
        codes: &[],
        after: wanted.after,
        before: wanted.before,
        limit: wanted.limit.unwrap_or(USUAL).clamp(1, MAX_EVENTS),
        order: if forward { Order::OldestFirst } else { Order::NewestFirst },
    };
    let mut events = app.store().events(query).await?;
    if !forward {
        events.reverse();
    }
    Ok(Reply::ok(EventList { events: events.iter().map(EventView::of).collect() }))
}
