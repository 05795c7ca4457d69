//! Switching hosts on and off.

use std::net::IpAddr;

use axum::extract::State;
use nextboot_model::{Command, Door, HostName, Mac, PowerAction, PowerState, ProfileName, Target, Until};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    assignments::{check_number, names},
    hosts::{find, targets},
};
use crate::{
    PowerOutcome,
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Body, Named},
    reply::Reply,
};

/// What to do with one host.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    /// `on`, `off`, `reset`, `cycle` (off and on; on when it is off), `reboot` (reset; on when it is off), `boot-network`
    /// (boot from the network this once, then as `cycle`) or `status`.
    #[schema(value_type = String, example = "on")]
    action: PowerAction,
}

/// What to do with which hosts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchMany {
    /// Names or MAC addresses; at most 10000.
    #[schema(example = json!(["n1", "52:54:00:00:00:02"]))]
    hosts: Vec<String>,
    /// As for one host.
    #[schema(value_type = String, example = "reset")]
    action: PowerAction,
}

/// What came of it, host by host, in the order of the call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Switched {
    hosts: Vec<PowerResult>,
}

/// What came of it for one host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PowerResult {
    #[schema(value_type = String)]
    host: HostName,
    /// Whether it was done.
    ok: bool,
    /// What it is now, as far as is known: `on`, `off` or `unknown`.
    #[schema(value_type = String)]
    state: PowerState,
    /// What it was before, where that was looked at.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<PowerState>,
    /// What was really done: `on` for a machine that was to be cycled and was off.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    did: Option<PowerAction>,
    /// What you should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<PowerErrorView>,
}

/// Why a host was not switched.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PowerError)]
struct PowerErrorView {
    /// For programs: `no-power`, `bmc-not-found`, `unreachable`, `slow`, `not-allowed`, `refused`, `cannot`, `no-adapter`,
    /// `no-value`, `no-program`, `state-unknown` or `busy`.
    code: &'static str,
    /// For people.
    message: String,
}

impl PowerResult {
    pub(crate) fn of(outcome: PowerOutcome) -> Self {
        let host = outcome.host;
        match outcome.result {
            Ok(done) => Self {
                host,
                ok: true,
                state: done.state,
                was: done.was,
                did: Some(done.did),
                remark: done.remark,
                error: None,
            },
            Err(failure) => Self {
                host,
                ok: false,
                state: PowerState::Unknown,
                was: None,
                did: None,
                remark: None,
                error: Some(PowerErrorView { code: failure.code, message: failure.message }),
            },
        }
    }
}

async fn switch(
    app: &App,
    hosts: Vec<HostName>,
    action: PowerAction,
    who: String,
) -> Result<Vec<PowerResult>, ApiError> {
    let outcomes = app.power(hosts, action, Door::Api { who }).await?;
    Ok(outcomes.into_iter().map(PowerResult::of).collect())
}

/// See whether a host is on, by asking what switches it.
#[utoipa::path(
    get, path = "/api/hosts/{name}/power", tag = "power",
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses")),
    responses((status = 200, body = PowerResult), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn see(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named,
) -> Result<Reply<PowerResult>, ApiError> {
    one(&app, &name, PowerAction::Status, caller).await
}

/// Switch a host.
///
/// The answer is 200 whether or not it could be done; `ok` and `error` say what came of it.
#[utoipa::path(
    put, path = "/api/hosts/{name}/power", tag = "power", request_body = Switch,
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses")),
    responses(
        (status = 200, body = PowerResult),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(crate) async fn set(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named,
    Body(wish): Body<Switch>,
) -> Result<Reply<PowerResult>, ApiError> {
    one(&app, &name, wish.action, caller).await
}

async fn one(
    app: &App,
    name: &str,
    action: PowerAction,
    caller: Caller,
) -> Result<Reply<PowerResult>, ApiError> {
    let name = find(&app.state(), name)?.host.name.clone();
    let mut results = switch(app, vec![name], action, caller.who).await?;
    results.pop().map(Reply::ok).ok_or_else(ApiError::internal)
}

/// Switch hosts, side by side.
///
/// What is wrong with one does not keep the others.
#[utoipa::path(
    post, path = "/api/power", tag = "power", request_body = SwitchMany,
    responses(
        (status = 200, body = Switched),
        (status = 400, body = ErrorBody),
        (status = 404, description = "A host is not known; nothing was switched", body = ErrorBody),
    ),
)]
pub(crate) async fn many(
    State(app): State<App>,
    caller: Caller,
    Body(wish): Body<SwitchMany>,
) -> Result<Reply<Switched>, ApiError> {
    check_number(&wish.hosts)?;
    let hosts = once(names(&targets(&app.state(), &wish.hosts)?))?;
    Ok(Reply::ok(Switched { hosts: switch(&app, hosts, wish.action, caller.who).await? }))
}

/// A host named twice would be switched twice.
fn once(hosts: Vec<HostName>) -> Result<Vec<HostName>, ApiError> {
    let mut seen = std::collections::HashSet::new();
    match hosts.iter().find(|host| !seen.insert((*host).clone())) {
        Some(twice) => Err(nextboot_model::Refusal::Twice(twice.clone()).into()),
        None => Ok(hosts),
    }
}

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
    let view =
        |found: crate::Found| ControllerView { host: found.host, mac: found.mac, address: found.address };
    Reply::ok(Controllers { controllers: found.into_iter().map(view).collect() })
}

/// Which hosts to rescue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rescue {
    /// Names or MAC addresses; at most 10000.
    hosts: Vec<String>,
    /// End it: what was assigned is taken back.
    #[serde(default)]
    off: bool,
    /// Whether to restart them, by the network once when they are rescued. When absent: yes, unless `off`.
    #[serde(default)]
    restart: Option<bool>,
}

/// What hosts boot now, and whether they were restarted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rescued {
    /// What the hosts boot to be rescued.
    #[schema(value_type = String)]
    profile: ProfileName,
    hosts: Vec<RescuedHost>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
struct RescuedHost {
    #[schema(value_type = String)]
    host: HostName,
    /// What it boots now.
    #[schema(value_type = String)]
    boots: ProfileName,
    /// Whether that was changed: a host that is not being rescued is left as it is when the rescue ends.
    changed: bool,
    /// What came of the restart; nothing where none was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<PowerResult>,
}

/// What a site without a word about it means.
const USUAL: &str = "911boot";

/// Rescue hosts, or end that.
///
/// Each boots the rescue profile from now on and is restarted by the network. Whoever has nothing that switches it is to be
/// reset by hand: then `power.error.code` is `no-power`.
#[utoipa::path(
    post, path = "/api/rescue", tag = "power", request_body = Rescue,
    responses(
        (status = 200, body = Rescued),
        (status = 400, body = ErrorBody),
        (status = 404, description = "A host, or a profile for this, is not known", body = ErrorBody),
        (status = 409, description = "A host is named twice, or the profile installs", body = ErrorBody),
    ),
)]
pub(crate) async fn rescue(
    State(app): State<App>,
    caller: Caller,
    Body(wish): Body<Rescue>,
) -> Result<Reply<Rescued>, ApiError> {
    use axum::http::StatusCode;
    check_number(&wish.hosts)?;
    let profile = app.look(|app| {
        let site = app.control.site();
        let usual = || USUAL.parse().ok();
        let name: ProfileName = site.rescue.clone().or_else(usual)?;
        site.profile(&*app.control.tree(), &name)
    });
    let profile = profile.await?.ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "no-rescue-profile",
            format!(
                "there is no profile for this: put a file {USUAL} beside your profiles, or name one in the configuration with \
                 [boot] rescue = \"PROFILE\""
            ),
        )
    })?;
    if profile.class == nextboot_model::Class::Install {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "rescue-installs",
            format!(
                "profile {} is of class \"install\"; what rescues a machine must not erase it",
                profile.name
            ),
        ));
    }
    let state = app.state();
    let hosts = once(names(&targets(&state, &wish.hosts)?))?;
    let by = Door::Api { who: caller.who };
    let rescued =
        |name: &HostName| state.host(name).is_some_and(|record| record.assignment.profile == profile.name);
    let changed: Vec<HostName> = hosts.iter().filter(|name| !wish.off || rescued(name)).cloned().collect();
    if !changed.is_empty() {
        let targets = changed.iter().cloned().map(Target::Name).collect();
        let command = if wish.off {
            Command::Cancel { targets, by: by.clone() }
        } else {
            Command::Assign {
                targets,
                profile: profile.name.clone(),
                class: profile.class,
                until: Until::Changed,
                by: by.clone(),
            }
        };
        app.store().submit(command).await?;
    }
    let action = if wish.off { PowerAction::Cycle } else { PowerAction::BootNetwork };
    let mut results = if wish.restart.unwrap_or(!wish.off) {
        app.power(changed.clone(), action, by).await?
    } else {
        Vec::new()
    };
    let state = app.state();
    let view = |host: HostName| RescuedHost {
        boots: state.host(&host).map_or_else(ProfileName::local, |record| record.assignment.profile.clone()),
        changed: changed.contains(&host),
        power: results
            .iter()
            .position(|outcome| outcome.host == host)
            .map(|at| PowerResult::of(results.swap_remove(at))),
        host,
    };
    let hosts = hosts.into_iter().map(view).collect();
    Ok(Reply::ok(Rescued { profile: profile.name.clone(), hosts }))
}
