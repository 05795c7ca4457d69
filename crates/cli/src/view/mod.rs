//! What the API sends, as tables and sentences for people.
//!
//! The shapes are taken loosely: what is missing has a default, and what is new is not looked at, so that this program and
//! a server of another version understand each other.

mod event;
mod host;
mod junit;
mod metrics;
mod neighbour;
mod net;
mod power;
mod preview;
mod profile;
mod server;
mod test;
mod time;

use std::collections::BTreeMap;

use nextboot_model::Arch;
use serde::Deserialize;
use serde_json::Value;

pub(crate) use event::{line, timeline};
pub(crate) use host::{assigned, host, hosts, show};
pub(crate) use junit::junit;
pub(crate) use metrics::{Families, metrics};
pub(crate) use neighbour::neighbours;
pub(crate) use net::{net, nets};
pub(crate) use power::{controllers, rescued, switched};
pub(crate) use preview::preview;
pub(crate) use profile::{profile, profiles};
pub(crate) use server::{leases, machines, reloaded, status};
pub(crate) use test::{TestRun, step, test, tests as test_runs};
pub(crate) use time::now;

/// A host with what it gets.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) macs: Vec<String>,
    pub(crate) uuid: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) loader: Option<String>,
    pub(crate) exit: Option<String>,
    pub(crate) pxelinux: Option<Pxelinux>,
    pub(crate) power: Option<Power>,
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) assignment: Assignment,
    pub(crate) boots: Boots,
    pub(crate) loaders: Vec<Loader>,
    pub(crate) attempt: Option<Attempt>,
}

/// What PXELINUX is told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pxelinux {
    pub(crate) config: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) reboot: Option<u32>,
}

/// What switches a host.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Power {
    pub(crate) kind: String,
    pub(crate) address: Option<String>,
    pub(crate) mac: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) adapter: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) has_password: bool,
    pub(crate) state: Option<String>,
    pub(crate) seen: Option<u64>,
    pub(crate) at: Option<String>,
}

/// What came of switching one host.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Switched {
    pub(crate) host: String,
    pub(crate) ok: bool,
    pub(crate) state: String,
    pub(crate) was: Option<String>,
    pub(crate) did: Option<String>,
    pub(crate) remark: Option<String>,
    pub(crate) error: Option<SwitchError>,
}

/// Why a host was not switched.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SwitchError {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What became of one host that was to be rescued, or no longer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rescued {
    pub(crate) host: String,
    pub(crate) boots: String,
    pub(crate) changed: bool,
    pub(crate) power: Option<Switched>,
}

/// A controller that was looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Controller {
    pub(crate) host: String,
    pub(crate) mac: String,
    pub(crate) address: Option<String>,
}

/// Which profile a host gets, and until when.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Assignment {
    pub(crate) profile: String,
    pub(crate) class: String,
    pub(crate) until: String,
    pub(crate) since: u64,
    pub(crate) by_text: Option<String>,
    pub(crate) delivered: u32,
    pub(crate) failed: Option<String>,
    pub(crate) before: Option<Before>,
}

/// What holds again after `once`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Before {
    pub(crate) profile: String,
}

/// The decision.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Boots {
    pub(crate) profile: Option<String>,
    pub(crate) why: Option<String>,
}

/// The loader of a host that is such a machine.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Loader {
    #[serde(rename = "as")]
    pub(crate) machine: String,
    pub(crate) loader: Option<String>,
    pub(crate) why: String,
}

/// What a host would get as such a machine.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Preview {
    #[serde(rename = "as")]
    pub(crate) machine: String,
    pub(crate) profile: Option<String>,
    pub(crate) class: Option<String>,
    pub(crate) why: String,
    pub(crate) loader: Option<String>,
    pub(crate) loader_why: String,
    pub(crate) boot_file: Option<String>,
    pub(crate) reads: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) no_text: Option<String>,
}

/// An attempt under way.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attempt {
    pub(crate) mac: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) started: u64,
    pub(crate) heard: u64,
    pub(crate) address: Option<String>,
    pub(crate) arch: Option<Arch>,
    pub(crate) profile: Option<String>,
    pub(crate) stage: String,
}

/// An attempt as the journal tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PastAttempt {
    pub(crate) started: u64,
    pub(crate) ended: Option<u64>,
    pub(crate) outcome: Option<Value>,
    pub(crate) profile: Option<String>,
    pub(crate) events: Vec<Value>,
}

/// A profile.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) class: String,
    pub(crate) kind: String,
    pub(crate) kernel: Option<String>,
    pub(crate) initrds: Option<Vec<String>>,
    pub(crate) args: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) seed: Option<String>,
    pub(crate) content: Option<String>,
}

/// A lease.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Lease {
    pub(crate) address: String,
    pub(crate) mac: String,
    pub(crate) host: Option<String>,
    pub(crate) hostname: Option<String>,
    pub(crate) state: String,
    pub(crate) expires: u64,
    pub(crate) heard: u64,
}

/// Another server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Neighbour {
    pub(crate) server: String,
    pub(crate) interface: String,
    pub(crate) mac: Option<String>,
    pub(crate) gives_addresses: bool,
    pub(crate) is_proxy: bool,
    pub(crate) heard: u64,
    pub(crate) offers: u64,
    pub(crate) acks: u64,
    pub(crate) naks: u64,
    pub(crate) vendor_class: Option<String>,
    pub(crate) next_server: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) conflicts: Vec<Conflict>,
}

/// How another server gets in the way.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Conflict {
    pub(crate) message: String,
}

/// What a reload led to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reloaded {
    pub(crate) needs_restart: Vec<String>,
}

/// The server itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) started: u64,
    pub(crate) revision: u64,
    pub(crate) hosts: u64,
    pub(crate) mode: String,
    pub(crate) interfaces: Vec<String>,
    pub(crate) config: Option<String>,
}

/// A dash where there is nothing.
fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// `1 attempt`, `2 attempts`.
fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
