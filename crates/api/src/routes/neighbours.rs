use std::{collections::BTreeSet, net::Ipv4Addr};

use axum::{extract::State, http::StatusCode};
use nextboot_model::{Conflict, Mac, Neighbour, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    reply::Reply,
};

/// The other DHCP and boot servers that were heard since the start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NeighbourList {
    neighbours: Vec<NeighbourView>,
}

/// Another DHCP or boot server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Neighbour)]
struct NeighbourView {
    /// Its server identifier (option 54).
    #[schema(value_type = String)]
    server: Ipv4Addr,
    /// Our interface on which it was heard.
    interface: String,
    /// The address that it sends from.
    #[schema(value_type = String)]
    from: Ipv4Addr,
    /// The hardware address that it sends from.
    #[schema(value_type = Option<String>)]
    mac: Option<Mac>,
    /// Whether it gives addresses.
    gives_addresses: bool,
    /// Whether it answers as a boot server beside another server.
    is_proxy: bool,
    #[schema(value_type = u64)]
    first: Timestamp,
    #[schema(value_type = u64)]
    heard: Timestamp,
    offers: u64,
    acks: u64,
    naks: u64,
    /// Its option 60.
    vendor_class: Option<String>,
    /// Its option 43.6.
    discovery_control: Option<u8>,
    /// The boot server it names (`siaddr`).
    #[schema(value_type = Option<String>)]
    next_server: Option<Ipv4Addr>,
    /// The boot file it names.
    file: Option<String>,
    /// The codes of the options that it sends.
    options: BTreeSet<u8>,
    /// How it gets in our way.
    conflicts: Vec<ConflictView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conflict)]
struct ConflictView {
    #[schema(value_type = String, example = "pxe-class")]
    code: Conflict,
    /// What it means, and what to do.
    message: String,
}

impl NeighbourView {
    fn of(known: Neighbour) -> Self {
        let conflict = |code: Conflict| ConflictView { code, message: code.to_string() };
        Self {
            server: known.server,
            interface: known.interface,
            from: known.from,
            mac: known.mac,
            gives_addresses: known.gives_addresses,
            is_proxy: known.is_proxy,
            first: known.first,
            heard: known.heard,
            offers: known.offers,
            acks: known.acks,
            naks: known.naks,
            vendor_class: known.vendor_class,
            discovery_control: known.discovery_control,
            next_server: known.next_server,
            file: known.file,
            options: known.options,
            conflicts: known.conflicts.into_iter().map(conflict).collect(),
        }
    }
}

fn all(app: &App) -> Reply<NeighbourList> {
    Reply::ok(NeighbourList {
        neighbours: app.control.neighbours().into_iter().map(NeighbourView::of).collect(),
    })
}

/// List the other DHCP and boot servers.
///
/// Those that answered by broadcast on one of our interfaces, or by unicast where the interface sees it. A server on this very
/// machine is known once a machine takes an address from it.
#[utoipa::path(
    get, path = "/api/neighbours", tag = "watch",
    responses((status = 200, body = NeighbourList), (status = 401, body = ErrorBody)),
)]
pub(crate) async fn list(State(app): State<App>) -> Reply<NeighbourList> {
    all(&app)
}

/// Ask who else serves, and list them.
///
/// Broadcasts one DISCOVER as a PXE client with an invented MAC and takes nothing from anybody. Answers after some seconds.
#[utoipa::path(
    post, path = "/api/neighbours/probe", tag = "watch",
    responses(
        (status = 200, body = NeighbourList),
        (status = 409, description = "DHCP is switched off here", body = ErrorBody),
        (status = 401, body = ErrorBody),
    ),
)]
pub(crate) async fn probe(State(app): State<App>) -> Result<Reply<NeighbourList>, ApiError> {
    match app.control.probe().await {
        Ok(()) => Ok(all(&app)),
        Err(why) => Err(ApiError::new(StatusCode::CONFLICT, "cannot-probe", why)),
    }
}
