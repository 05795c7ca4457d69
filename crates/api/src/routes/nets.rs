//! Networks whose machines boot something though they are no hosts.

use axum::{extract::State, http::StatusCode};
use nextboot_model::{Class, Command, Door, HostName, Net, Network, ProfileName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Body, Named},
    reply::Reply,
};

/// Networks under one name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Net)]
pub(crate) struct NetView {
    #[schema(value_type = String, example = "net1")]
    name: HostName,
    #[schema(value_type = Vec<String>, example = json!(["10.34.0.0/16"]))]
    networks: Vec<Network>,
    /// By which names PXELINUX asks for them beneath `pxelinux.cfg/`; one that ends within a hexadecimal digit has none.
    #[schema(example = json!(["0A22"]))]
    pxelinux: Vec<String>,
    /// Nothing leaves their machines to the next larger network, or to the site's rule for unknown machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment: Option<NetAssigned>,
}

/// What the machines of networks boot, until somebody changes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NetAssignment)]
struct NetAssigned {
    #[schema(value_type = String)]
    profile: ProfileName,
    /// The profile's class when it was assigned.
    #[schema(value_type = String)]
    class: Class,
    #[schema(value_type = u64)]
    since: Timestamp,
    /// Who made it: `door` says through which door.
    #[schema(value_type = Object)]
    by: Door,
    /// The same as a phrase.
    by_text: String,
}

impl NetView {
    pub(crate) fn of(net: &Net) -> Self {
        Self {
            name: net.name.clone(),
            networks: net.networks.clone(),
            pxelinux: net.networks.iter().filter_map(|network| network.pxelinux()).collect(),
            assignment: net.assignment.as_ref().map(|assigned| NetAssigned {
                profile: assigned.profile.clone(),
                class: assigned.class,
                since: assigned.since,
                by: assigned.by.clone(),
                by_text: assigned.by.to_string(),
            }),
        }
    }
}

/// Networks by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetList {
    nets: Vec<NetView>,
}

/// List the networks that are known by name.
#[utoipa::path(
    get, path = "/api/nets", tag = "nets",
    responses((status = 200, body = NetList), (status = 401, body = ErrorBody)),
)]
pub(crate) async fn list(State(app): State<App>) -> Reply<NetList> {
    Reply::ok(NetList { nets: app.state().nets().map(|net| NetView::of(net)).collect() })
}

/// Networks for a name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNet {
    #[schema(value_type = String, example = "net1")]
    name: HostName,
    /// `10.34.0.0/16`, the beginning of their addresses (`10.34`), or one address; at most 256.
    #[schema(value_type = Vec<String>, example = json!(["10.34"]))]
    networks: Vec<Network>,
}

/// Add networks to a name.
///
/// The name is new when it is not known. `default` stands for all machines and is there without being added.
#[utoipa::path(
    post, path = "/api/nets", tag = "nets", request_body = NewNet,
    responses(
        (status = 200, body = NetView),
        (status = 400, description = "No networks, or an installer is assigned to the name already", body = ErrorBody),
        (status = 409, description = "A network belongs to another name", body = ErrorBody),
    ),
)]
pub(crate) async fn add(
    State(app): State<App>,
    _: Caller,
    Body(NewNet { name, networks }): Body<NewNet>,
) -> Result<Reply<NetView>, ApiError> {
    app.store().submit(Command::AddNet { name: name.clone(), networks }).await?;
    view(&app, &name)
}

/// Forget the networks of a name.
#[utoipa::path(
    delete, path = "/api/nets/{name}", tag = "nets",
    params(("name" = String, Path, description = "The name")),
    responses((status = 204, description = "They are gone"), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn remove(State(app): State<App>, Named(name): Named) -> Result<StatusCode, ApiError> {
    app.store().submit(Command::RemoveNet { name: known(&name)? }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the machines of networks are to boot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignNet {
    /// The profile; `null` leaves the machines to the next larger network, or to the site's rule.
    profile: Option<String>,
}

/// Say what the machines of networks boot that are no hosts, until somebody changes it.
///
/// The smallest network that a machine is in decides. A profile of class `install` is for single addresses only: nobody
/// armed each machine of a network.
#[utoipa::path(
    put, path = "/api/nets/{name}/assignment", tag = "nets", request_body = AssignNet,
    params(("name" = String, Path, description = "The name; `default` for all machines")),
    responses(
        (status = 200, body = NetView),
        (status = 400, description = "The profile installs, and the name stands for whole networks", body = ErrorBody),
        (status = 404, description = "Name or profile is not known", body = ErrorBody),
    ),
)]
pub(crate) async fn assign(
    State(app): State<App>,
    caller: Caller,
    Named(name): Named,
    Body(AssignNet { profile }): Body<AssignNet>,
) -> Result<Reply<NetView>, ApiError> {
    let name = known(&name)?;
    let profile = match profile {
        Some(text) => Some(app.profile(&text).await?),
        None => None,
    };
    let profile = profile.map(|profile| (profile.name.clone(), profile.class));
    let by = Door::Api { who: caller.who };
    app.store().submit(Command::AssignNet { name: name.clone(), profile, by }).await?;
    view(&app, &name)
}

fn known(name: &str) -> Result<HostName, ApiError> {
    name.parse().map_err(|_| ApiError::unknown_net(name))
}

fn view(app: &App, name: &HostName) -> Result<Reply<NetView>, ApiError> {
    let state = app.state();
    let net = state.net(name).ok_or_else(|| ApiError::unknown_net(name.as_str()))?;
    Ok(Reply::ok(NetView::of(net)))
}
