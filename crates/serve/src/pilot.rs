//! The hosts of pxe-pilot's configuration, made hosts of ours and kept in step with it.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use nextboot_config::{PilotHost, PxePilot};
use nextboot_model::{
    Class, Command, Door, EventKind, Host, HostName, HostPatch, ProfileName, Record, State, Timestamp,
};
use nextboot_store::SubmitError;

use crate::appliance::Appliance;

/// How many changes wait for the disk together.
const AT_ONCE: usize = 512;
/// How many hosts an event names.
const NAMED: usize = 20;

impl Appliance {
    /// Makes the hosts of pxe-pilot's file, and gives those that are there already its MAC addresses and power. What they boot
    /// is not touched: a new one has heard nothing yet, so that what was linked for it in the tree goes on deciding.
    pub(crate) async fn take_pilot_hosts(&self, before: Option<Arc<PxePilot>>) {
        let compat = self.settings.load().config.compat.clone();
        let (Some(pilot), Some(file)) = (compat.pilot, compat.pxe_pilot) else { return };
        let file = file.display().to_string();
        let mut refused = self.submit_all(commands(&self.store.state(), &pilot.hosts, &file)).await;
        if !refused.is_empty() {
            // A MAC address may have been another host's that has given it up since.
            refused = self.submit_all(commands(&self.store.state(), &pilot.hosts, &file)).await;
        }
        for (host, error) in refused.iter().take(NAMED) {
            let what = format!("host {host} of {file} cannot be taken over as it is there: {error}");
            self.note(None, EventKind::Trouble { what });
        }
        if let Some(more) = refused.len().checked_sub(NAMED).filter(|more| *more > 0) {
            let what =
                format!("{more} more hosts of {file} cannot be taken over; `nextboot reload` tries again");
            self.note(None, EventKind::Trouble { what });
        }
        if let Some(what) = before.and_then(|before| vanished(&before, &pilot, &self.store.state(), &file)) {
            self.note(None, EventKind::Trouble { what });
        }
        if !pilot.notes.is_empty() {
            let what = format!(
                "there is more in {file} than is taken over ({} lines); `nextboot check` names it",
                pilot.notes.len()
            );
            self.note(None, EventKind::Trouble { what });
        }
    }

    async fn submit_all(&self, commands: Vec<(HostName, Command)>) -> Vec<(HostName, SubmitError)> {
        let mut refused = Vec::new();
        for some in commands.chunks(AT_ONCE) {
            let submit = async |(name, command): &(HostName, Command)| {
                self.store.submit(command.clone()).await.err().map(|error| (name.clone(), error))
            };
            refused.extend(join_all(some.iter().map(submit)).await.into_iter().flatten());
        }
        refused
    }
}

/// What has to be done for the state to have these hosts.
fn commands(state: &State, hosts: &[PilotHost], file: &str) -> Vec<(HostName, Command)> {
    let command = |host: &PilotHost| {
        let PilotHost { name, macs, power, .. } = host;
        match state.host(name) {
            None => Some(Command::TakeHost {
                host: Box::new(Host { power: power.clone(), ..Host::new(name.clone(), macs.clone()) }),
                profile: ProfileName::local(),
                class: Class::Local,
                since: Timestamp(0),
                by: Door::Rule { rule: format!("taken over from {file}") },
            }),
            Some(record) => {
                let patch = patch(record, host);
                (patch != HostPatch::default()).then(|| Command::SetHost { name: name.clone(), patch })
            }
        }
    };
    hosts.iter().filter_map(|host| Some((host.name.clone(), command(host)?))).collect()
}

/// What differs. Where the file knows nothing of a host's power, somebody else may.
fn patch(record: &Record, host: &PilotHost) -> HostPatch {
    HostPatch {
        macs: (record.host.macs != host.macs).then(|| host.macs.clone()),
        power: host.power.clone().filter(|power| record.host.power.as_ref() != Some(power)).map(Some),
        ..HostPatch::default()
    }
}

/// The hosts that the file had and has no more, in words.
fn vanished(before: &PxePilot, now: &PxePilot, state: &State, file: &str) -> Option<String> {
    let there: BTreeSet<&HostName> = now.hosts.iter().map(|host| &host.name).collect();
    let is_gone = |name: &&HostName| !there.contains(name) && state.host(name).is_some();
    let gone: Vec<&HostName> = before.hosts.iter().map(|host| &host.name).filter(is_gone).collect();
    if gone.is_empty() {
        return None;
    }
    let named: Vec<&str> = gone.iter().take(NAMED).map(|name| name.as_str()).collect();
    let more = gone.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "{file} has no {}{more} any more; they stay hosts until `nextboot host rm` forgets them",
        named.join(", ")
    ))
}
