use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use axum::{extract::State, http::StatusCode};
use nextboot_model::{
    Command, Door, Exit, Host, HostName, HostPatch, LoaderName, Mac, Power, ProfileName, PxelinuxOptions,
    PxelinuxPatch, Record, State as Table, Target, Timestamp, Uuid,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::Caller,
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Body, Named, Params},
    reply::Reply,
    view::{HostView, PxelinuxView},
};

const USUAL_PAGE: usize = 1_000;
const LARGEST_PAGE: usize = 10_000;

/// The host of that name, or else with that MAC.
pub(crate) fn find<'s>(state: &'s Table, text: &str) -> Result<&'s Arc<Record>, ApiError> {
    let by_name = text.parse::<HostName>().ok().and_then(|name| state.host(&name));
    let by_mac = || text.parse::<Mac>().ok().and_then(|mac| state.by_mac(mac));
    by_name.or_else(by_mac).ok_or_else(|| ApiError::unknown_host(text))
}

/// The same as the target of a command, which looks for it again when it is carried out.
pub(crate) fn targets(state: &Table, texts: &[String]) -> Result<Vec<Target>, ApiError> {
    texts.iter().map(|text| Ok(Target::Name(find(state, text)?.host.name.clone()))).collect()
}

/// Some hosts, as they are now. One that was removed meanwhile is missing.
pub(crate) async fn views(app: &App, names: Vec<HostName>) -> Result<Vec<HostView>, ApiError> {
    app.look(move |app| {
        let state = app.state();
        let records = names.iter().filter_map(|name| state.host(name));
        records.map(|record| HostView::of(app, &state, record)).collect()
    })
    .await
}

async fn view(app: &App, name: HostName) -> Result<HostView, ApiError> {
    let unknown = ApiError::unknown_host(name.as_str());
    let host = app.look(move |app| {
        let state = app.state();
        state.host(&name).map(|record| HostView::whole(app, &state, record))
    });
    host.await?.ok_or(unknown)
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Names after this one: `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<HostName>,
    /// At most so many, up to 10000; 1000 when absent.
    limit: Option<usize>,
}

/// Hosts in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HostList {
    hosts: Vec<HostView>,
    /// Where the next page begins; nothing on the last.
    #[schema(value_type = Option<String>)]
    next: Option<HostName>,
}

/// List hosts.
#[utoipa::path(
    get, path = "/api/hosts", tag = "hosts", params(Page),
    responses((status = 200, body = HostList), (status = 401, body = ErrorBody)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(page): Params<Page>,
) -> Result<Reply<HostList>, ApiError> {
    let limit = page.limit.unwrap_or(USUAL_PAGE).clamp(1, LARGEST_PAGE);
    let list = app.look(move |app| {
        let state = app.state();
        let mut rest = state.records_after(page.after.as_ref());
        let records: Vec<_> = rest.by_ref().take(limit).collect();
        let next = rest.next().and_then(|_| records.last()).map(|last| last.host.name.clone());
        let hosts = records.into_iter().map(|record| HostView::of(app, &state, record)).collect();
        HostList { hosts, next }
    });
    list.await.map(Reply::ok)
}

/// A host to be known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHost {
    /// 1 to 63 letters, digits, `-`, `_` or `.`.
    #[schema(value_type = String, example = "n1")]
    name: HostName,
    /// 1 to 16 MAC addresses; each belongs to one host only.
    #[schema(value_type = Vec<String>, example = json!(["52:54:00:00:00:01"]))]
    macs: Vec<Mac>,
    /// Its SMBIOS UUID, as `dmidecode` prints it.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    uuid: Option<Uuid>,
    /// The address reserved for it.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    address: Option<Ipv4Addr>,
    /// The loader that it gets whatever the site's table says: a file, `script` (iPXE and its script) or `none`.
    #[schema(value_type = Option<String>, example = "snponly.efi")]
    #[serde(default)]
    loader: Option<LoaderName>,
    /// How it gets to its own disk: `silence`, `exit`, `sanboot`, `grub-exit`, `grub-chain` or `localboot`.
    #[schema(value_type = Option<String>, example = "grub-chain")]
    #[serde(default)]
    exit: Option<Exit>,
    /// What PXELINUX is told of this host's own: options 209, 210, 211.
    #[schema(value_type = Option<PxelinuxView>)]
    #[serde(default)]
    pxelinux: PxelinuxOptions,
    /// What switches it. `kind` is `ipmi` (then `address` or `mac`, `subnet`, `port`, `interface`, `user`, `password`),
    /// `redfish` (`url`, `system`, `insecure`, `user`, `password`), `wol` (`macs`, `broadcast`, `interface`) or `command`
    /// (`adapter`, `address`, `mac`, `subnet`, `vars`).
    #[schema(value_type = Option<Object>, example = json!({"kind": "ipmi", "address": "10.0.9.11", "user": "admin", "password": "…"}))]
    #[serde(default)]
    power: Option<Power>,
    /// What templates see as `host.vars.NAME`.
    #[serde(default)]
    vars: BTreeMap<String, String>,
    /// What it booted under the program that it is taken over from.
    #[serde(default)]
    held: Option<Held>,
}

/// What a host booted under another program; it goes on with that until somebody changes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Held {
    /// The profile.
    #[schema(value_type = String, example = "local")]
    #[serde(default = "ProfileName::local")]
    profile: ProfileName,
    /// Since when, in milliseconds since 1970; 0 where nobody knows. What was put into the tree for this host by hand after
    /// that goes before it.
    #[schema(value_type = u64)]
    #[serde(default)]
    since: Timestamp,
}

/// Add a host.
///
/// It boots its own disk until it is assigned something else, or goes on with what it `held` under another program.
#[utoipa::path(
    post, path = "/api/hosts", tag = "hosts", request_body = NewHost,
    responses(
        (status = 201, body = HostView),
        (status = 400, description = "No host can be like that", body = ErrorBody),
        (status = 404, description = "There is no such profile to be held", body = ErrorBody),
        (status = 409, description = "Name, MAC, UUID or address belong to another host", body = ErrorBody),
    ),
)]
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewHost>,
) -> Result<Reply<HostView>, ApiError> {
    let NewHost { name, macs, uuid, address, loader, exit, pxelinux, power, vars, held } = new;
    let host = Host { name: name.clone(), macs, uuid, address, loader, exit, pxelinux, power, vars };
    let by = Door::Api { who: caller.who };
    let command = match held {
        None => Command::AddHost { host, by },
        Some(Held { profile, since }) => {
            let found = app.profile(profile.as_str()).await?;
            let host = Box::new(host);
            Command::TakeHost { host, profile: found.name.clone(), class: found.class, since, by }
        }
    };
    app.store().submit(command).await?;
    Ok(Reply(StatusCode::CREATED, view(&app, name).await?))
}

/// Show a host.
#[utoipa::path(
    get, path = "/api/hosts/{name}", tag = "hosts",
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses")),
    responses((status = 200, body = HostView), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn show(State(app): State<App>, Named(name): Named) -> Result<Reply<HostView>, ApiError> {
    let name = find(&app.state(), &name)?.host.name.clone();
    view(&app, name).await.map(Reply::ok)
}

/// What to change about a host; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HostChange {
    /// The new list of MAC addresses.
    #[schema(value_type = Option<Vec<String>>)]
    macs: Option<Vec<Mac>>,
    /// The new UUID; `null` takes it away.
    #[schema(value_type = Option<String>)]
    #[serde(deserialize_with = "present")]
    uuid: Option<Option<Uuid>>,
    /// The new reserved address; `null` takes it away.
    #[schema(value_type = Option<String>)]
    #[serde(deserialize_with = "present")]
    address: Option<Option<Ipv4Addr>>,
    /// The new loader of its own; `null` takes it away.
    #[schema(value_type = Option<String>)]
    #[serde(deserialize_with = "present")]
    loader: Option<Option<LoaderName>>,
    /// The new way to its own disk; `null` takes it away.
    #[schema(value_type = Option<String>)]
    #[serde(deserialize_with = "present")]
    exit: Option<Option<Exit>>,
    /// What else PXELINUX is told; `null` takes one of them away.
    #[schema(value_type = Option<PxelinuxView>)]
    pxelinux: PxelinuxPatch,
    /// What switches it. `kind` is `ipmi` (then `address` or `mac`, `subnet`, `port`, `interface`, `user`, `password`),
    /// `redfish` (`url`, `system`, `insecure`, `user`, `password`), `wol` (`macs`, `broadcast`, `interface`) or `command`
    /// (`adapter`, `address`, `mac`, `subnet`, `vars`). As a whole, with its password; `null` takes it away.
    #[schema(value_type = Option<Object>, example = json!({"kind": "ipmi", "address": "10.0.9.11", "user": "admin", "password": "…"}))]
    #[serde(deserialize_with = "present")]
    power: Option<Option<Power>>,
    /// Variables to set; `null` takes one away.
    vars: BTreeMap<String, Option<String>>,
}

/// Tells an absent field from a `null`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// Change what a host is (not what it boots).
#[utoipa::path(
    patch, path = "/api/hosts/{name}", tag = "hosts", request_body = HostChange,
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses")),
    responses(
        (status = 200, body = HostView),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "MAC, UUID or address belong to another host", body = ErrorBody),
    ),
)]
pub(crate) async fn change(
    State(app): State<App>,
    Named(name): Named,
    Body(change): Body<HostChange>,
) -> Result<Reply<HostView>, ApiError> {
    let name = find(&app.state(), &name)?.host.name.clone();
    let HostChange { macs, uuid, address, loader, exit, pxelinux, power, vars } = change;
    let patch = HostPatch { macs, uuid, address, loader, exit, pxelinux, power, vars };
    app.store().submit(Command::SetHost { name: name.clone(), patch }).await?;
    view(&app, name).await.map(Reply::ok)
}

/// Forget a host.
#[utoipa::path(
    delete, path = "/api/hosts/{name}", tag = "hosts",
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses")),
    responses((status = 204, description = "It is gone"), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn remove(State(app): State<App>, Named(name): Named) -> Result<StatusCode, ApiError> {
    let name = find(&app.state(), &name)?.host.name.clone();
    app.store().submit(Command::RemoveHost { name }).await?;
    Ok(StatusCode::NO_CONTENT)
}
