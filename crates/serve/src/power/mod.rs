//! Switching hosts: who is switched by what, from where, and what is journalled of it.

mod controllers;
mod wires;

use std::sync::Arc;

use futures_util::future::join_all;
use nextboot_api::{Found, PowerDone, PowerFailure, PowerKnown, PowerOutcome};
use nextboot_model::{Door, EventKind, HostName, Mac, Place, Power, PowerAction, PowerState, Record};
use nextboot_power::{Done, PowerError, Runner, Settings, Target};
use nextboot_store::NewEvent;

use crate::{appliance::Appliance, clock};
pub(crate) use controllers::Controllers;

/// What switches hosts.
#[derive(Debug)]
pub(crate) struct Switches {
    pub(crate) runner: Runner,
    pub(crate) controllers: Controllers,
}

impl Switches {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { runner: Runner::new(settings), controllers: Controllers::default() }
    }
}

impl Appliance {
    /// Does something with the power of hosts, side by side. A host that is no more has nothing that switches it.
    pub(crate) async fn switch(
        &self,
        hosts: Vec<HostName>,
        action: PowerAction,
        by: Door,
    ) -> Vec<PowerOutcome> {
        let settings = self.settings.load_full();
        let state = self.store.state();
        self.switches.runner.forget(|host| state.host(host).is_some());
        let one = |host: HostName| {
            let (record, settings, by) = (state.host(&host).cloned(), Arc::clone(&settings), by.clone());
            async move {
                let done = match &record {
                    Some(record) => self.switch_one(&settings.config.power, record, action).await,
                    None => Err(PowerError::Nothing),
                };
                if action != PowerAction::Status {
                    let mac = record.as_ref().and_then(|record| record.host.macs.first().copied());
                    self.note_switched(&host, mac, action, &done, by);
                }
                PowerOutcome { result: outcome(done), host }
            }
        };
        join_all(hosts.into_iter().map(one)).await
    }

    async fn switch_one(
        &self,
        settings: &Settings,
        record: &Record,
        action: PowerAction,
    ) -> Result<Done, PowerError> {
        let host = &record.host;
        let power = host.power.clone().ok_or(PowerError::Nothing)?;
        let address = match power.place() {
            Some(Place { address: Some(address), .. }) => Some(address.clone()),
            Some(Place { mac: Some(mac), subnet, .. }) => {
                Some(self.controller(*mac, *subnet).await?.to_string())
            }
            _ => None,
        };
        let wires = match &power {
            Power::Wol(wol) => self.wires(wol, host.address).await,
            _ => Vec::new(),
        };
        let target = Target {
            host: host.name.clone(),
            power,
            address,
            macs: host.macs.clone(),
            wires,
            uefi: self.boots_by_uefi(&host.name),
        };
        self.switches.runner.perform(settings, &target, action, clock::now()).await
    }

    /// As far as was seen since the start.
    fn boots_by_uefi(&self, host: &HostName) -> bool {
        let seen = self.sightings.lock().of(host);
        seen.iter().find_map(|client| client.arch).is_some_and(|arch| !arch.is_bios())
    }

    /// Each operation and its outcome is an event of the host.
    fn note_switched(
        &self,
        host: &HostName,
        mac: Option<Mac>,
        action: PowerAction,
        done: &Result<Done, PowerError>,
        by: Door,
    ) {
        let kind = match done {
            Ok(done) => EventKind::PowerSwitched {
                action,
                was: done.was.filter(|was| *was != PowerState::Unknown),
                by,
            },
            Err(error) => EventKind::PowerFailed { action, reason: error.to_string(), by },
        };
        self.store.note(NewEvent { attempt: None, mac, host: Some(host.clone()), kind });
    }

    /// What is known without asking anybody.
    pub(crate) fn power_of(&self, host: &HostName) -> PowerKnown {
        let known = self.switches.runner.known(host);
        let state = self.store.state();
        let power = state.host(host).and_then(|record| record.host.power.as_ref());
        let address = power.and_then(Power::place).and_then(|place| match place {
            Place { address: Some(address), .. } => Some(address.clone()),
            Place { mac, .. } => self.known_controller((*mac)?).map(|address| address.to_string()),
        });
        PowerKnown { state: known.state, seen: known.at, address }
    }

    /// Forgets what was found, searches the networks that hosts name, and says what is found now.
    pub(crate) async fn look_for_controllers(&self) -> Vec<Found> {
        let state = self.store.state();
        let wanted = |record: &Arc<Record>| {
            let Place { address, mac, subnet } = record.host.power.as_ref()?.place()?;
            mac.filter(|_| address.is_none()).map(|mac| (record.host.name.clone(), mac, *subnet))
        };
        let wanted: Vec<_> = state.records().filter_map(wanted).collect();
        self.find_again(wanted.iter().filter_map(|(.., subnet)| *subnet)).await;
        wanted
            .into_iter()
            .map(|(host, mac, _)| Found { host, mac, address: self.known_controller(mac).map(Into::into) })
            .collect()
    }
}

fn outcome(done: Result<Done, PowerError>) -> Result<PowerDone, PowerFailure> {
    match done {
        Ok(Done { was, state, did, remark }) => {
            Ok(PowerDone { was, state, did, remark: remark.map(str::to_owned) })
        }
        Err(error) => Err(PowerFailure { code: error.code(), message: error.to_string() }),
    }
}
