use axum::{extract::State, http::StatusCode};
use nextboot_model::{Class, Command, Door, HostName, PowerAction, ProfileName, Target};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{hosts, result::PowerResult};
use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::Body,
    reply::Reply,
};

/// Which hosts to rescue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rescue {
    /// Names or MAC addresses; at most 10000.
    hosts: Vec<String>,
    /// End it: what hosts had before holds again; in place of an installer, their own disks.
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
    if profile.class == Class::Install {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "rescue-installs",
            format!(
                "profile {} is of class \"install\"; what rescues a machine must not erase it",
                profile.name
            ),
        ));
    }
    let hosts = hosts(&app, &wish.hosts)?;
    let state = app.state();
    let by = Door::Api { who: caller.who };
    let rescued =
        |name: &HostName| state.host(name).is_some_and(|record| record.assignment.profile == profile.name);
    let changed: Vec<HostName> = hosts.iter().filter(|name| !wish.off || rescued(name)).cloned().collect();
    if !changed.is_empty() {
        let targets = changed.iter().cloned().map(Target::Name).collect();
        let command = if wish.off {
            Command::Cancel { targets, by: by.clone() }
        } else {
            Command::Rescue { targets, profile: profile.name.clone(), class: profile.class, by: by.clone() }
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
