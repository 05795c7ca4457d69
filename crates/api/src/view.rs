//! What the API shows of the words of the model. Kept apart from them, so that what is stored may change and what
//! programs read does not.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use nextboot_boot::{Body, Client, Profile, decide};
use nextboot_model::{
    Arch, Assignment, Attempt, AttemptId, Class, Door, Event, EventKind, Exit, HostName, Lease, LeaseState,
    LoaderName, Mac, ProfileName, PxelinuxOptions, Record, Stage, State, Timestamp, Until, Uuid,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, loader::LoaderView, power::PowerView};

/// A machine that is known, and what it boots.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Host)]
pub(crate) struct HostView {
    #[schema(value_type = String, example = "n1")]
    name: HostName,
    #[schema(value_type = Vec<String>, example = json!(["52:54:00:00:00:01"]))]
    macs: Vec<Mac>,
    /// Its SMBIOS UUID, as `dmidecode` prints it.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Uuid>,
    /// The address reserved for it.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Ipv4Addr>,
    /// The loader of its own, which goes before the site's table.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    loader: Option<LoaderName>,
    /// Its own way to its own disk.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<Exit>,
    /// What PXELINUX is told of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pxelinux: Option<PxelinuxView>,
    /// What switches it.
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<PowerView>,
    /// What templates see as `host.vars.NAME`.
    vars: BTreeMap<String, String>,
    assignment: AssignmentView,
    boots: Preview,
    /// Which loader it gets. Only where a single host is shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    loaders: Vec<LoaderView>,
    /// Its try to boot that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptView>,
}

/// What PXELINUX reads in a DHCP answer (RFC 5071).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pxelinux)]
pub(crate) struct PxelinuxView {
    /// Option 209: the configuration, before all names of the search.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<String>,
    /// Option 210: what goes before every name.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// Option 211: when to reboot if there is no configuration, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    reboot: Option<u32>,
}

impl PxelinuxView {
    fn of(told: &PxelinuxOptions) -> Option<Self> {
        let PxelinuxOptions { config, prefix, reboot } = told.clone();
        (!told.is_empty()).then_some(Self { config, prefix, reboot })
    }
}

/// Which profile a host gets, and until when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Assignment)]
struct AssignmentView {
    #[schema(value_type = String)]
    profile: ProfileName,
    /// The profile's class when it was assigned: `local`, `install`, `live` or `unclassified`.
    #[schema(value_type = String)]
    class: Class,
    /// `changed`, `done` or `once`.
    #[schema(value_type = String)]
    until: Until,
    #[schema(value_type = u64)]
    since: Timestamp,
    /// Who made it: `door` says through which door.
    #[schema(value_type = Object)]
    by: Door,
    /// The same as a phrase.
    by_text: String,
    /// How often it was delivered in full.
    delivered: u32,
    /// Why the host was taken off its installer.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    /// What holds again when this is used up, or the rescue ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Before>,
}

/// What holds again when an assignment that holds once is used up, or a rescue ends.
#[derive(Debug, Serialize, ToSchema)]
struct Before {
    #[schema(value_type = String)]
    profile: ProfileName,
    #[schema(value_type = String)]
    until: Until,
}

/// What a host would get now.
#[derive(Debug, Serialize, ToSchema)]
struct Preview {
    /// Nothing when it would be left alone.
    #[schema(value_type = Option<String>)]
    profile: Option<ProfileName>,
    /// Why, in words.
    why: String,
}

impl HostView {
    /// Looks at files: not on a thread that may not wait.
    pub(crate) fn of(app: &App, state: &State, record: &Record) -> Self {
        let host = &record.host;
        let client = Client { mac: host.macs.first().copied(), uuid: host.uuid, ..Client::default() };
        let plan = decide(&app.control.site(), state, &*app.control.tree(), &client);
        let attempt = host.macs.iter().filter_map(|mac| app.control.attempt(*mac));
        Self {
            name: host.name.clone(),
            macs: host.macs.clone(),
            uuid: host.uuid,
            address: host.address,
            loader: host.loader.clone(),
            exit: host.exit,
            pxelinux: PxelinuxView::of(&host.pxelinux),
            power: host.power.as_ref().map(|power| PowerView::of(power, app.control.power_known(&host.name))),
            vars: host.vars.clone(),
            assignment: AssignmentView::of(&record.assignment),
            boots: Preview { profile: plan.profile.map(|profile| profile.name.clone()), why: plan.why },
            loaders: Vec::new(),
            attempt: attempt.max_by_key(|attempt| attempt.id).map(AttemptView::of),
        }
    }

    /// As [`HostView::of`], with what takes longer.
    pub(crate) fn whole(app: &App, state: &State, record: &Record) -> Self {
        Self { loaders: LoaderView::all(app, state, record), ..Self::of(app, state, record) }
    }
}

impl AssignmentView {
    fn of(assignment: &Assignment) -> Self {
        let before = assignment.before.as_deref();
        Self {
            profile: assignment.profile.clone(),
            class: assignment.class,
            until: assignment.until,
            since: assignment.since,
            by: assignment.by.clone(),
            by_text: assignment.by.to_string(),
            delivered: assignment.delivered,
            failed: assignment.failed.clone(),
            before: before.map(|before| Before { profile: before.profile.clone(), until: before.until }),
        }
    }
}

/// A try to boot that is under way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptView {
    #[schema(value_type = u64)]
    id: AttemptId,
    #[schema(value_type = String)]
    mac: Mac,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<HostName>,
    #[schema(value_type = u64)]
    started: Timestamp,
    /// When the machine was last heard.
    #[schema(value_type = u64)]
    heard: Timestamp,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    /// DHCP option 93.
    #[schema(value_type = Option<u16>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<Arch>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    arch_text: Option<String>,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<ProfileName>,
    /// How far it is: `asking`, `loading`, `configured` or `delivered`.
    #[schema(value_type = String)]
    stage: Stage,
}

impl AttemptView {
    pub(crate) fn of(attempt: Attempt) -> Self {
        Self {
            id: attempt.id,
            mac: attempt.mac,
            host: attempt.host,
            started: attempt.started,
            heard: attempt.heard,
            address: attempt.address,
            arch: attempt.arch,
            arch_text: attempt.arch.map(|arch| arch.to_string()),
            profile: attempt.profile,
            stage: attempt.stage,
        }
    }
}

/// A thing that a host can boot.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub(crate) struct ProfileView {
    #[schema(value_type = String)]
    name: ProfileName,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// `local`, `install`, `live` or `unclassified`.
    #[schema(value_type = String)]
    class: Class,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initrds: Option<Vec<String>>,
    /// The kernel's command line, as a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<String>,
    /// The PXELINUX configuration that it is: a name beneath the roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The template of the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
}

/// What a profile consists of.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// The host's own disk.
    Local,
    /// A PXELINUX configuration in the tree.
    File,
    /// A kernel.
    Linux,
    /// An image of a disc.
    Iso,
}

impl ProfileView {
    pub(crate) fn of(profile: &Profile) -> Self {
        let mut view = Self {
            name: profile.name.clone(),
            title: profile.title.clone(),
            class: profile.class,
            kind: Kind::Local,
            kernel: None,
            initrds: None,
            args: None,
            file: None,
            seed: profile.seed.clone(),
        };
        match &profile.body {
            Body::Local => {}
            Body::File(name) => {
                view.kind = Kind::File;
                view.file = Some(name.clone());
            }
            Body::Iso(name) => {
                view.kind = Kind::Iso;
                view.file = Some(name.clone());
            }
            Body::Linux(linux) => {
                view.kind = Kind::Linux;
                view.kernel = Some(linux.kernel.clone());
                view.initrds = Some(linux.initrds.clone());
                view.args = Some(linux.args.clone());
            }
        }
        view
    }
}

/// One thing that was observed or decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// The place in the journal; counts up by one.
    id: u64,
    #[schema(value_type = u64)]
    at: Timestamp,
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptId>,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<Mac>,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<HostName>,
    /// `code` says what happened (stable); what else there is depends on it.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    #[serde(flatten)]
    kind: EventKind,
    /// The same as a sentence.
    text: String,
}

impl EventView {
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            id: event.id,
            at: event.at,
            attempt: event.attempt,
            mac: event.mac,
            host: event.host.clone(),
            kind: event.kind.clone(),
            text: event.kind.to_string(),
        }
    }
}

/// An address and whom it is for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lease)]
pub(crate) struct LeaseView {
    #[schema(value_type = String)]
    address: Ipv4Addr,
    #[schema(value_type = String)]
    mac: Mac,
    /// The host, if the machine is one.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<HostName>,
    /// What the machine calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
    /// DHCP option 61 in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// What its firmware told (DHCP option 97).
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Uuid>,
    /// What its relay said of its place (DHCP option 82), in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    relay_info: Option<String>,
    /// `offered`, `bound`, `released` or `declined`.
    #[schema(value_type = String)]
    state: LeaseState,
    /// When this state ends; 18446744073709551615 for never.
    #[schema(value_type = u64)]
    expires: Timestamp,
    #[schema(value_type = u64)]
    heard: Timestamp,
}

impl LeaseView {
    pub(crate) fn of(state: &State, lease: Lease) -> Self {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            address: lease.address,
            mac: lease.mac,
            host: state.find(Some(lease.mac), lease.uuid).map(|record| record.host.name.clone()),
            hostname: lease.hostname,
            client_id: lease.client_id.map(hex),
            uuid: lease.uuid,
            relay_info: lease.relay_info.map(hex),
            state: lease.state,
            expires: lease.expires,
            heard: lease.heard,
        }
    }
}
