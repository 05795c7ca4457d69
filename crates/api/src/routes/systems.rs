//! What pxemngr's commands ask: systems, which are a host, networks, or both under one name.

use std::net::{IpAddr, Ipv4Addr};

use axum::{extract::State, http::StatusCode};
use nextboot_model::{
    Class, Command, Door, Event, EventKind, HostName, LeaseState, Mac, Net, Network, ProfileName,
    State as Table, Target, Timestamp, Until,
};
use nextboot_store::{Query as Events, ReadError, Store};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

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

/// The system that has this name, MAC, address, or beginning of addresses.
fn find(state: &Table, app: &App, text: &str) -> Option<HostName> {
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

fn unknown(text: &str) -> ApiError {
    let text: String = text.chars().take(80).collect();
    ApiError::new(StatusCode::NOT_FOUND, "unknown-system", format!("no host and no network is named {text}"))
}

fn known(app: &App, text: &str) -> Result<HostName, ApiError> {
    let name = text.parse().ok().filter(|name| is_known(&app.state(), name));
    name.ok_or_else(|| unknown(text))
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
    fn of(app: &App, name: HostName) -> Self {
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

/// What a system is to have beside what it has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct More {
    /// MAC addresses. They make it a host, and move when others have them.
    #[schema(value_type = Vec<String>)]
    #[serde(default)]
    macs: Vec<Mac>,
    /// Networks. They move, too.
    #[schema(value_type = Vec<String>)]
    #[serde(default)]
    networks: Vec<Network>,
}

/// Add cards and networks to a system, all of them or none.
///
/// It is new when it is not known. A host whose last card moves away is forgotten.
#[utoipa::path(
    post, path = "/api/systems/{name}", tag = "systems", request_body = More,
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 200, body = System),
        (status = 400, description = "No system can be like that", body = ErrorBody),
    ),
)]
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    Named(text): Named,
    Body(More { macs, networks }): Body<More>,
) -> Result<Reply<System>, ApiError> {
    let name: HostName = text.parse().map_err(|error| ApiError::bad_request(format!("{error}")))?;
    if macs.is_empty() && networks.is_empty() {
        return Err(ApiError::bad_request("name at least one MAC address or network"));
    }
    let by = Door::Pxemngr { who: caller.who };
    app.store().submit(Command::AddSystem { name: name.clone(), macs, networks, by }).await?;
    app.look(move |app| System::of(app, name)).await.map(Reply::ok)
}

/// Forget a system: the host and the networks of that name.
#[utoipa::path(
    delete, path = "/api/systems/{name}", tag = "systems",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is gone"), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn remove(State(app): State<App>, Named(text): Named) -> Result<StatusCode, ApiError> {
    let name = known(&app, &text)?;
    let state = app.state();
    let (host, net) = (state.host(&name).is_some(), state.net(&name).is_some());
    if host {
        app.store().submit(Command::RemoveHost { name: name.clone() }).await?;
    }
    if net {
        app.store().submit(Command::RemoveNet { name }).await?;
    } else if !host {
        return Err(unknown(&text));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What a system boots from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextBoot {
    profile: String,
}

/// Say what a system boots until somebody changes it.
#[utoipa::path(
    put, path = "/api/systems/{name}/assignment", tag = "systems", request_body = NextBoot,
    params(("name" = String, Path, description = "Its name; `default` for all machines that are no hosts")),
    responses(
        (status = 200, body = System),
        (status = 400, description = "The profile installs, and the system has whole networks", body = ErrorBody),
        (status = 404, description = "System or profile is not known", body = ErrorBody),
    ),
)]
pub(crate) async fn assign(
    State(app): State<App>,
    caller: Caller,
    Named(text): Named,
    Body(NextBoot { profile }): Body<NextBoot>,
) -> Result<Reply<System>, ApiError> {
    let name = known(&app, &text)?;
    let (profile, class) = profile_of(&app, &profile).await?;
    let by = Door::Pxemngr { who: caller.who };
    let state = app.state();
    let is_host = state.host(&name).is_some();
    // First what may be refused.
    if state.net(&name).is_some() || !is_host {
        let profile = Some((profile.clone(), class));
        app.store().submit(Command::AssignNet { name: name.clone(), profile, by: by.clone() }).await?;
    }
    if is_host {
        let targets = vec![Target::Name(name.clone())];
        app.store().submit(Command::Assign { targets, profile, class, until: Until::Changed, by }).await?;
    }
    app.look(move |app| System::of(app, name)).await.map(Reply::ok)
}

async fn profile_of(app: &App, text: &str) -> Result<(ProfileName, Class), ApiError> {
    let wanted = text.parse::<ProfileName>().map_err(|_| ApiError::unknown_profile(text))?;
    let found = app.look(move |app| app.control.site().profile(&*app.control.tree(), &wanted)).await?;
    found.map(|found| (found.name.clone(), found.class)).ok_or_else(|| ApiError::unknown_profile(text))
}

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
