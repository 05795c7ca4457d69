use std::net::IpAddr;

use axum::extract::State;
use nextboot_model::{HostName, LeaseState, Mac, Network, ProfileName};
use serde::Serialize;
use utoipa::ToSchema;

use super::find::{find, unknown};
use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    extract::Named,
    reply::Reply,
};

/// A system.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct System {
    #[schema(value_type = String)]
    name: HostName,
    /// Its cards, when it is a host.
    macs: Vec<Card>,
    /// Its networks.
    networks: Vec<NamedNetwork>,
    /// What it boots now; nothing when it is left alone.
    #[schema(value_type = Option<String>)]
    profile: Option<ProfileName>,
}

/// A network card.
#[derive(Debug, Serialize, ToSchema)]
struct Card {
    #[schema(value_type = String)]
    mac: Mac,
    /// Its address, as far as known.
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
}

/// A network and the name by which PXELINUX asks for it.
#[derive(Debug, Serialize, ToSchema)]
struct NamedNetwork {
    #[schema(value_type = String)]
    network: Network,
    pxelinux: Option<String>,
}

/// Show a system.
#[utoipa::path(
    get, path = "/api/systems/{name}", tag = "systems",
    params(("name" = String, Path, description = "Its name, one of its MAC addresses, or an address of it")),
    responses((status = 200, body = System), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn show(State(app): State<App>, Named(text): Named) -> Result<Reply<System>, ApiError> {
    let name = find(&app.state(), &app, &text).ok_or_else(|| unknown(&text))?;
    let system = app.look(move |app| System::of(app, name));
    system.await.map(Reply::ok)
}

impl System {
    /// Looks at files: not on a thread that may not wait.
    pub(super) fn of(app: &App, name: HostName) -> Self {
        let state = app.state();
        let host = state.host(&name);
        let leases = app.control.leases();
        let address = |mac: Mac| {
            let lease = leases.iter().find(|lease| lease.mac == mac && lease.state == LeaseState::Bound);
            let attempt = || app.control.attempt(mac)?.address;
            let reserved = || host?.host.address.map(IpAddr::V4);
            lease.map(|lease| IpAddr::V4(lease.address)).or_else(attempt).or_else(reserved)
        };
        let macs = host.map(|record| record.host.macs.clone()).unwrap_or_default();
        let net = state.net(&name);
        let networks = net.map(|net| net.networks.clone()).unwrap_or_default();
        let profile = match (host, net) {
            (Some(record), _) => {
                let client = nextboot_boot::Client {
                    mac: record.host.macs.first().copied(),
                    uuid: record.host.uuid,
                    ..nextboot_boot::Client::default()
                };
                let plan = nextboot_boot::decide(&app.control.site(), &state, &*app.control.tree(), &client);
                plan.profile.map(|profile| profile.name.clone())
            }
            (None, net) => {
                net.and_then(|net| net.assignment.as_ref()).map(|assigned| assigned.profile.clone())
            }
        };
        Self {
            macs: macs.into_iter().map(|mac| Card { mac, address: address(mac) }).collect(),
            networks: networks
                .into_iter()
                .filter(|network| *network != Network::ALL)
                .map(|network| NamedNetwork { network, pxelinux: network.pxelinux() })
                .collect(),
            profile,
            name,
        }
    }
}
