use std::net::Ipv4Addr;

use axum::http::StatusCode;
use nextboot_model::{HostName, LeaseState, Mac, Net, Network, State as Table};

use crate::{app::App, error::ApiError};

/// The system that has this name, MAC, address, or beginning of addresses.
pub(super) fn find(state: &Table, app: &App, text: &str) -> Option<HostName> {
    let by_name = text.parse::<HostName>().ok();
    if let Some(name) = by_name.filter(|name| is_known(state, name)) {
        return Some(name);
    }
    let host = |mac: Mac| state.by_mac(mac).map(|record| record.host.name.clone());
    if let Some(name) = text.parse::<Mac>().ok().and_then(host) {
        return Some(name);
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        let leased = app
            .control
            .leases()
            .into_iter()
            .find(|lease| lease.address == address && lease.state == LeaseState::Bound);
        let reserved = || state.by_address(address).map(|record| record.host.name.clone());
        let booting =
            || app.control.attempts().into_iter().find(|attempt| attempt.address == Some(address.into()));
        let smallest = || {
            let around = (1..=32).rev().map(|length| Network::around(address, length));
            around.filter_map(|network| state.net_of(network)).map(|net| net.name.clone()).next()
        };
        return leased
            .and_then(|lease| host(lease.mac))
            .or_else(reserved)
            .or_else(|| booting().and_then(|attempt| host(attempt.mac)))
            .or_else(smallest);
    }
    text.parse().ok().and_then(|network| state.net_of(network)).map(|net| net.name.clone())
}

fn is_known(state: &Table, name: &HostName) -> bool {
    state.host(name).is_some() || state.net(name).is_some() || name.as_str() == Net::DEFAULT
}

pub(super) fn unknown(text: &str) -> ApiError {
    let text: String = text.chars().take(80).collect();
    ApiError::new(StatusCode::NOT_FOUND, "unknown-system", format!("no host and no network is named {text}"))
}

pub(super) fn known(app: &App, text: &str) -> Result<HostName, ApiError> {
    let name = text.parse().ok().filter(|name| is_known(&app.state(), name));
    name.ok_or_else(|| unknown(text))
}
