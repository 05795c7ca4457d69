use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, error::ErrorBody, reply::Reply, view::LeaseView};

/// Leases by address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeaseList {
    leases: Vec<LeaseView>,
}

/// List the addresses that were given.
#[utoipa::path(
    get, path = "/api/leases", tag = "watch",
    responses((status = 200, body = LeaseList), (status = 401, body = ErrorBody)),
)]
pub(crate) async fn list(State(app): State<App>) -> Reply<LeaseList> {
    let state = app.state();
    let mut leases = app.control.leases();
    leases.sort_by_key(|lease| lease.address);
    Reply::ok(LeaseList { leases: leases.into_iter().map(|lease| LeaseView::of(&state, lease)).collect() })
}
