//! The one call of pxe-pilot's API that installers and installed systems make, to the byte where scripts depend on it.

mod answer;
mod request;

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use nextboot_model::{
    Command, Door, HostName, Mac, PowerAction, ProfileName, Record, Refusal, State as Table, Target,
    Timestamp, Until,
};
use nextboot_store::SubmitError;

use self::{
    answer::{Done, Entry},
    request::{Ask, HostAsk},
};
use super::{
    answer::{Complaint, Refused},
    configurations,
};
use crate::{
    Peer,
    access::{Caller, check_origin},
    app::App,
    error::ApiError,
    extract::{Named, Raw},
};

/// Longest call of a machine for itself, in bytes: one host with a name and a MAC address. Reading more costs time and memory
/// that nobody has a claim to who shows no token.
const OWN_CALL: usize = 4096;

/// Assign a profile until somebody changes it, as pxe-pilot does.
///
/// The content type does not matter, nor the case of the keys; unknown ones are ignored. A machine may send itself to
/// `local` without a token: then this is its call-back, and it becomes a host if it was none.
#[utoipa::path(
    put, path = "/configurations/{name}/deploy", tag = "compatible",
    params(("name" = String, Path, description = "The profile")),
    request_body(content = Ask, content_type = "application/json"),
    responses(
        (status = 200, body = Done),
        (status = 400, description = "Not JSON, or a host without name and MAC", body = Complaint),
        (status = 401, body = Complaint),
        (status = 404, description = "Profile or host is not known", body = Complaint),
        (status = 409, description = "Name and MAC do not match, or a host is named twice", body = Complaint),
    ),
)]
pub(super) async fn deploy(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Named(name): Named,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Refused> {
    let judged = match app.access.judge(&app.control.trusted(), peer, &headers) {
        Err(error) if body.len() > OWN_CALL => return Err(error.into()),
        judged => judged,
    };
    let ask = Ask::read(&body);
    if name == "local"
        && let Ok(ask) = &ask
        && let Some(own) = itself(&app, peer, &ask.hosts).await
        && check_origin(&headers).is_ok()
    {
        return own.call_back(&app, &ask.hosts, judged.ok()).await;
    }
    // Whoever may not deploy learns nothing about which names exist.
    let caller = judged?;
    let ask = match ask {
        Ok(ask) => ask,
        Err(error) => return Ok(Complaint::of(StatusCode::BAD_REQUEST, error.to_string())),
    };
    let no_such = configurations::unknown(&name);
    let profile = match name.parse::<ProfileName>() {
        Ok(name) => app.look(move |app| app.control.site().profile(&*app.control.tree(), &name)).await?,
        Err(_) => None,
    };
    let Some(profile) = profile else { return Ok(no_such) };
    let targets = match resolve(&app.state(), &ask.hosts) {
        Ok(targets) => targets,
        Err((status, text)) => return Ok(Complaint::of(status, text)),
    };
    let by = Door::Deploy { who: caller.who };
    let mut rebooted = Vec::new();
    if !targets.is_empty() {
        let hosts: Vec<HostName> = ask
            .hosts
            .iter()
            .zip(&targets)
            .filter(|(host, _)| host.reboot)
            .filter_map(|(_, target)| match target {
                Target::Name(name) => Some(name.clone()),
                Target::Mac(_) => None,
            })
            .collect();
        let command = Command::Assign {
            targets,
            profile: profile.name.clone(),
            class: profile.class,
            until: Until::Changed,
            by: by.clone(),
        };
        if let Err(error) = app.store().submit(command).await {
            return Complaint::failed(error);
        }
        if !hosts.is_empty() {
            rebooted = app.power(hosts, PowerAction::Reboot, by).await?;
        }
    }
    let mut outcomes = rebooted.into_iter().map(|outcome| outcome.result.is_ok());
    let entry = |host: &HostAsk| Entry::of(host, if host.reboot { outcomes.next() } else { None });
    Ok(Done { hosts: ask.hosts.iter().map(entry).collect() }.into())
}

/// The same, at the address that later releases of pxe-pilot have.
#[utoipa::path(
    put, path = "/v1/configurations/{name}/deploy", tag = "compatible",
    params(("name" = String, Path, description = "The profile")),
    request_body(content = Ask, content_type = "application/json"),
    responses(
        (status = 200, body = Done),
        (status = 400, description = "Not JSON, or a host without name and MAC", body = Complaint),
        (status = 401, body = Complaint),
        (status = 404, description = "Profile or host is not known", body = Complaint),
        (status = 409, description = "Name and MAC do not match, or a host is named twice", body = Complaint),
    ),
)]
pub(super) async fn deploy_v1(
    app: State<App>,
    peer: Extension<Peer>,
    name: Named,
    headers: HeaderMap,
    body: Raw,
) -> Result<Response, Refused> {
    deploy(app, peer, name, headers, body).await
}

/// A machine that speaks for itself.
struct Itself {
    mac: Mac,
    from: IpAddr,
}

impl Itself {
    /// `caller`: whom it may speak for beyond itself, which is what it takes to have it restarted.
    async fn call_back(
        self,
        app: &App,
        hosts: &[HostAsk],
        caller: Option<Caller>,
    ) -> Result<Response, Refused> {
        let by = Door::Machine { from: self.from };
        if !self.just_did(&app.state())
            && let Err(error) = app.store().submit(Command::CallBack { mac: self.mac, armed: None, by }).await
        {
            return Complaint::failed(error);
        }
        let host = app.state().by_mac(self.mac).map(|record| record.host.name.clone());
        let mut rebooted = None;
        if let (Some(caller), Some(host)) = (caller, host)
            && hosts.iter().any(|host| host.reboot)
        {
            let by = Door::Deploy { who: caller.who };
            let outcomes = app.power(vec![host], PowerAction::Reboot, by).await?;
            rebooted = outcomes.first().map(|outcome| outcome.result.is_ok());
        }
        Ok(Done { hosts: hosts.iter().map(|host| Entry::of(host, rebooted)).collect() }.into())
    }

    /// True when the host's assignment is this machine's own call-back of a moment ago.
    fn just_did(&self, state: &Table) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        state.by_mac(self.mac).is_some_and(|record| record.assignment.just_called_back(now))
    }
}

/// The machine that calls, when the call is about nothing but that machine.
async fn itself(app: &App, peer: Peer, hosts: &[HostAsk]) -> Option<Itself> {
    let [host] = hosts else { return None };
    if host.has_configuration {
        return None;
    }
    let from = peer.address()?;
    let mac = app.control.owner(from).await?;
    let state = app.state();
    let own = state.by_mac(mac);
    let named = host.name.as_deref().map(|name| {
        let record = name.parse().ok().and_then(|name| state.host(&name));
        record.is_some_and(|record| record.host.macs.contains(&mac))
    });
    // A machine with several cards may call by one and name another.
    let has_mac = host.mac.as_deref().map(|text| {
        text.parse::<Mac>()
            .is_ok_and(|given| given == mac || own.is_some_and(|record| record.host.macs.contains(&given)))
    });
    let about_itself = match (named, has_mac) {
        (None, None) => false,
        (named, has_mac) => named.unwrap_or(true) && has_mac.unwrap_or(true),
    };
    about_itself.then_some(Itself { mac, from })
}

type Resolved<T> = Result<T, (StatusCode, String)>;

/// Finds all hosts of a call; the first that is wrong refuses the whole, with pxe-pilot's words.
fn resolve(state: &Table, hosts: &[HostAsk]) -> Resolved<Vec<Target>> {
    let mut seen = HashSet::new();
    let mut targets = Vec::with_capacity(hosts.len());
    for host in hosts {
        let record = resolve_one(state, host)?;
        let name = &record.host.name;
        if !seen.insert(name) {
            return Err((StatusCode::CONFLICT, format!("Host <{name}> appears several times in query")));
        }
        targets.push(Target::Name(name.clone()));
    }
    Ok(targets)
}

fn resolve_one<'s>(state: &'s Table, host: &HostAsk) -> Resolved<&'s Arc<Record>> {
    if host.has_configuration {
        let text = "Configuration attribute for a host in this context is not allowed";
        return Err((StatusCode::CONFLICT, text.to_owned()));
    }
    let mac = host.mac.as_deref();
    let by_mac = mac.and_then(|text| text.parse::<Mac>().ok()).and_then(|mac| state.by_mac(mac));
    match (&host.name, mac) {
        (Some(name), mac) => {
            let record = name.parse().ok().and_then(|name| state.host(&name));
            let record = record
                .ok_or_else(|| (StatusCode::NOT_FOUND, format!("No host declared for name <{name}>")))?;
            match (mac, by_mac) {
                (None, _) => Ok(record),
                (Some(_), Some(owner)) if owner.host.name == record.host.name => Ok(record),
                (Some(mac), Some(_)) => {
                    Err((StatusCode::CONFLICT, format!("MAC address <{mac}> does not match host <{name}>")))
                }
                (Some(mac), None) => {
                    Err((StatusCode::CONFLICT, format!("Host <{name}> does not match MAC address <{mac}>")))
                }
            }
        }
        (None, Some(mac)) => by_mac
            .ok_or_else(|| (StatusCode::NOT_FOUND, format!("No host declared with MAC address <{mac}>"))),
        (None, None) => Err((
            StatusCode::BAD_REQUEST,
            "Either Name or MACAddress must be provided for each Host".to_owned(),
        )),
    }
}

impl Complaint {
    /// A command was refused after everything was found: somebody changed the hosts in between.
    fn failed(error: SubmitError) -> Result<Response, Refused> {
        let SubmitError::Refused(refusal) = &error else { return Err(ApiError::from(error).into()) };
        Ok(match refusal {
            Refusal::UnknownName(name) => {
                Self::of(StatusCode::NOT_FOUND, format!("No host declared for name <{name}>"))
            }
            Refusal::UnknownMac(mac) => {
                Self::of(StatusCode::NOT_FOUND, format!("No host declared with MAC address <{mac}>"))
            }
            refusal => Self::of(StatusCode::CONFLICT, refusal.to_string()),
        })
    }
}
