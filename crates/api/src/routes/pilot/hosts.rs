use std::time::Duration;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use nextboot_boot::{Client, decide};
use nextboot_model::{
    Door, HostName, Mac, Power, PowerAction, PowerState, Record, State as Table, Timestamp,
};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{
    answer::{Complaint, Refused, to_the_byte},
    configurations::Configuration,
};
use crate::{access::Caller, app::App};

/// A machine.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PilotHost)]
#[serde(rename_all = "camelCase")]
struct HostSeen {
    name: String,
    #[schema(value_type = Vec<String>)]
    mac_addresses: Vec<Mac>,
    /// What it boots; `null` when nobody has ever said so, or when that does not exist any more.
    configuration: Option<Configuration>,
    /// `On`, `Off`, `Unknown`, or nothing for a machine that nothing switches.
    power_state: String,
    ipmi: Option<Ipmi>,
    management: Option<Management>,
}

/// A management controller that speaks IPMI.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PilotIpmi)]
#[serde(rename_all = "camelCase")]
struct Ipmi {
    mac_address: String,
    username: String,
    /// Always empty: nobody is told.
    password: &'static str,
    interface: String,
    /// Its address, given or found.
    hostname: String,
    subnet: String,
}

/// What else switches a machine.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PilotManagement)]
#[serde(rename_all = "camelCase")]
struct Management {
    mac_address: String,
    ip_address: String,
    adapter: String,
    subnet: String,
    vars: Option<Vec<Var>>,
}

/// A variable of a command adapter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PilotVar)]
struct Var {
    name: String,
    /// Always empty: passwords are what these are for.
    value: &'static str,
}

/// List hosts, with what they boot and whether they are on.
///
/// Without `status=false` every power endpoint is asked first, all at once. Of those that have not answered after 15 s it
/// shows what was seen last.
#[utoipa::path(
    get, path = "/v1/hosts", tag = "compatible",
    params(("status" = Option<String>, Query, description = "Whether to ask the power endpoints: 1, t, true, 0, f, false, \
                                                             in any of Go's spellings; without it they are asked")),
    responses(
        (status = 200, body = Vec<HostSeen>),
        (status = 400, description = "status is neither true nor false; without a body"),
        (status = 401, body = Complaint),
    ),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let Some(ask) = wants_status(query.as_deref()) else {
        return Ok(StatusCode::BAD_REQUEST.into_response());
    };
    if ask {
        let state = app.state();
        let switched = state.records().filter(|record| record.host.power.is_some());
        let hosts: Vec<HostName> = switched.map(|record| record.host.name.clone()).collect();
        // What was seen is remembered, also that nobody answered, and it goes on after this.
        let asking = app.power(hosts, PowerAction::Status, Door::Deploy { who: caller.who });
        if let Ok(asked) = timeout(PATIENCE, asking).await {
            asked?;
        }
    }
    let all = app.look(|app| {
        let state = app.state();
        state.records().map(|record| HostSeen::of(app, &state, record)).collect::<Vec<_>>()
    });
    Ok(to_the_byte(StatusCode::OK, &all.await?))
}

/// How long a list of hosts waits for their controllers: one that does not answer takes ten seconds and more to be given up,
/// and when there are many, one after the other. pxe-pilot's command line waits 30 s for the list.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the query says of `status`, as Go's `ParseBool` reads it; nothing when it cannot be read.
fn wants_status(query: Option<&str>) -> Option<bool> {
    let pairs = query.unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let status = pairs.into_iter().find(|(key, _)| *key == "status").map(|(_, value)| value);
    match status {
        None | Some("" | "1" | "t" | "T" | "TRUE" | "true" | "True") => Some(true),
        Some("0" | "f" | "F" | "FALSE" | "false" | "False") => Some(false),
        Some(_) => None,
    }
}

impl HostSeen {
    fn of(app: &App, state: &Table, record: &Record) -> Self {
        let host = &record.host;
        let known = app.control.power_known(&host.name);
        let given = host.power.as_ref().and_then(|power| power.place()?.address.clone());
        let address = given.or(known.address);
        let (ipmi, management) = match &host.power {
            Some(Power::Ipmi(ipmi)) => (Some(Ipmi::of(ipmi, address)), None),
            Some(other) => (None, Some(Management::of(other, address))),
            None => (None, None),
        };
        Self {
            name: host.name.to_string(),
            mac_addresses: host.macs.clone(),
            configuration: configuration(app, state, record),
            power_state: host.power.as_ref().map(|_| word(known.state)).unwrap_or_default().into(),
            ipmi,
            management,
        }
    }
}

/// What a host boots: what was linked for it by hand, or assigned.
fn configuration(app: &App, state: &Table, record: &Record) -> Option<Configuration> {
    let (site, tree) = (app.control.site(), app.control.tree());
    let (host, held) = (&record.host, &record.assignment);
    let client = Client { mac: host.macs.first().copied(), uuid: host.uuid, ..Client::default() };
    let plan = decide(&site, state, &*tree, &client);
    if plan.hand.is_none() {
        // It is in the state, but nobody has said anything about it yet.
        if held.since == Timestamp(0) && held.profile.is_local() {
            return None;
        }
        site.profile(&*tree, &held.profile)?;
    }
    Some(Configuration::of(&site, plan.profile.as_deref()?))
}

fn word(state: PowerState) -> &'static str {
    match state {
        PowerState::On => "On",
        PowerState::Off => "Off",
        PowerState::Unknown => "Unknown",
    }
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl Ipmi {
    fn of(ipmi: &nextboot_model::Ipmi, address: Option<String>) -> Self {
        Self {
            mac_address: text(ipmi.place.mac),
            username: ipmi.user.clone(),
            password: "",
            interface: text(ipmi.interface.as_ref()),
            hostname: text(address),
            subnet: text(ipmi.place.subnet),
        }
    }
}

impl Management {
    fn of(power: &Power, address: Option<String>) -> Self {
        let (mac, subnet) = power.place().map_or((None, None), |place| (place.mac, place.subnet));
        let (adapter, address) = match power {
            Power::Command(adapter) => (adapter.adapter.clone(), text(address)),
            Power::Redfish(redfish) => {
                let place = redfish.url.split_once("://").map_or("", |(_, place)| place);
                (power.kind().to_owned(), place.trim_end_matches('/').to_owned())
            }
            Power::Ipmi(_) | Power::Wol(_) => (power.kind().to_owned(), text(address)),
        };
        let names = power.secrets();
        let vars: Vec<Var> = names
            .keys()
            .filter_map(|name| Some(Var { name: name.strip_prefix("var.")?.to_owned(), value: "" }))
            .collect();
        Self {
            mac_address: text(mac),
            ip_address: address,
            adapter,
            subnet: text(subnet),
            vars: Some(vars).filter(|vars| !vars.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_as_go_reads_it() {
        for query in
            [None, Some(""), Some("status="), Some("status=1"), Some("x=y&status=True"), Some("status")]
        {
            assert_eq!(wants_status(query), Some(true), "{query:?}");
        }
        for query in ["status=0", "status=f", "status=FALSE&status=true"] {
            assert_eq!(wants_status(Some(query)), Some(false), "{query}");
        }
        for query in ["status=yes", "status=tRUE", "status=2", "status=%31x"] {
            assert_eq!(wants_status(Some(query)), None, "{query}");
        }
    }
}
