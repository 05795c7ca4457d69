use std::net::IpAddr;

use axum::extract::State;
use nextboot_model::{HostName, Mac};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Found, app::App, reply::Reply};

/// The controllers that were looked for by their MAC addresses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Controllers {
    controllers: Vec<ControllerView>,
}

/// A controller that was looked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Controller)]
struct ControllerView {
    #[schema(value_type = String)]
    host: HostName,
    #[schema(value_type = String)]
    mac: Mac,
    /// Nothing when it was not found.
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
}

/// Look for management controllers again.
///
/// What was found by MAC address is forgotten; configured addresses stay. The networks that hosts name are searched.
#[utoipa::path(
    post, path = "/api/power/refresh", tag = "power",
    responses((status = 200, body = Controllers)),
)]
pub(crate) async fn refresh(State(app): State<App>) -> Reply<Controllers> {
    let found = app.control.find_controllers().await;
    let view = |found: Found| ControllerView { host: found.host, mac: found.mac, address: found.address };
    Reply::ok(Controllers { controllers: found.into_iter().map(view).collect() })
}
