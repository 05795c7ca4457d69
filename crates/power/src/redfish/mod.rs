//! Redfish (DMTF DSP0266 1.20), the little of it that switches a machine: the service root, one system, its reset action and
//! its boot override.

mod client;
mod tls;

use nextboot_model::{PowerAction, PowerState, Redfish};
use serde_json::{Value, json};

use crate::{PowerError, Settings};
use client::{Answer, Client};

/// A controller that speaks Redfish.
#[derive(Debug)]
pub(crate) struct Controller<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) redfish: &'a Redfish,
}

/// A system as its controller shows it.
struct System {
    path: String,
    body: Value,
    etag: Option<String>,
}

impl Controller<'_> {
    pub(crate) fn place(&self) -> String {
        format!("the controller at {}", self.redfish.url.trim_end_matches('/'))
    }

    fn refused(&self, why: impl Into<String>) -> PowerError {
        PowerError::Refused { place: self.place(), why: why.into() }
    }

    pub(crate) async fn status(&self) -> Result<PowerState, PowerError> {
        let mut client = Client::connect(self).await?;
        Ok(state(&self.system(&mut client).await?.body))
    }

    /// Finds the system from the service root on: where it is, each vendor chooses for itself.
    async fn system(&self, client: &mut Client<'_>) -> Result<System, PowerError> {
        let root = client.get("/redfish/v1/").await?;
        let systems = link(&root.body, "/Systems")
            .ok_or_else(|| self.refused("its service root names no systems; is this a Redfish service?"))?;
        let list = client.get(&systems).await?;
        let members: Vec<String> = list.body["Members"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|member| link(member, ""))
            .collect();
        let id = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let found = match (&self.redfish.system, &members[..]) {
            (Some(wanted), members) => members.iter().find(|path| id(path) == *wanted),
            (None, [one]) => Some(one),
            (None, _) => None,
        };
        let Some(path) = found.cloned() else {
            let ids: Vec<String> = members.iter().map(|path| id(path)).take(16).collect();
            let ids = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
            return Err(self
                .refused(format!("which system is the machine? It has: {ids}; name one with --bmc-system")));
        };
        let Answer { body, etag } = client.get(&path).await?;
        let etag = etag.or_else(|| body["@odata.etag"].as_str().map(str::to_owned));
        Ok(System { path, body, etag })
    }

    /// Resets, by the first of these words of the schema's ResetType that the controller allows. `usual` is the one that
    /// every controller knows: many do not say in the system itself what they allow.
    async fn reset(&self, wanted: &[&str], usual: &str, action: PowerAction) -> Result<(), PowerError> {
        let mut client = Client::connect(self).await?;
        let system = self.system(&mut client).await?;
        let reset = &system.body["Actions"]["#ComputerSystem.Reset"];
        let allowed: Option<Vec<&str>> = reset["ResetType@Redfish.AllowableValues"]
            .as_array()
            .map(|words| words.iter().filter_map(Value::as_str).collect());
        let word = match &allowed {
            Some(allowed) => wanted.iter().find(|word| allowed.contains(word)).copied(),
            None => Some(usual),
        };
        let Some(word) = word else {
            let allowed = allowed.unwrap_or_default().join(", ");
            return Err(PowerError::Cannot {
                kind: self.place(),
                action,
                remedy: format!("; what it can is {}", allowed.chars().take(200).collect::<String>()),
            });
        };
        let target = reset["target"].as_str().and_then(client::path);
        let target = target.ok_or_else(|| self.refused("the system has no reset action"))?;
        client.send("POST", &target, &json!({ "ResetType": word }), None).await.map(drop)
    }

    pub(crate) async fn on(&self) -> Result<(), PowerError> {
        // ForceOn is what some have instead.
        self.reset(&["On", "ForceOn"], "On", PowerAction::On).await
    }

    pub(crate) async fn off(&self) -> Result<(), PowerError> {
        self.reset(&["ForceOff"], "ForceOff", PowerAction::Off).await
    }

    pub(crate) async fn press_reset(&self) -> Result<(), PowerError> {
        self.reset(&["ForceRestart", "PowerCycle"], "ForceRestart", PowerAction::Reset).await
    }

    pub(crate) async fn cycle(&self) -> Result<(), PowerError> {
        self.reset(&["PowerCycle", "ForceRestart"], "ForceRestart", PowerAction::Cycle).await
    }

    /// Boots from the network once. Somebody else may change the system between our look and our change; then its ETag is
    /// another, the change is refused (412), and it is looked at again.
    pub(crate) async fn boot_network(&self) -> Result<(), PowerError> {
        let mut client = Client::connect(self).await?;
        let change = json!({
            "Boot": { "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe" }
        });
        let mut last = None;
        for _ in 0..3 {
            let System { path, etag, .. } = self.system(&mut client).await?;
            match client.send("PATCH", &path, &change, etag.as_deref()).await {
                Err(error @ PowerError::Refused { .. }) if client.outdated() => last = Some(error),
                done => return done.map(drop),
            }
        }
        Err(last.unwrap_or_else(|| self.refused("its system changes all the time")))
    }
}

/// The reference beneath a property.
fn link(body: &Value, pointer: &str) -> Option<String> {
    body.pointer(&format!("{pointer}/@odata.id"))?.as_str().and_then(client::path)
}

fn state(system: &Value) -> PowerState {
    match system["PowerState"].as_str() {
        Some("On" | "PoweringOn" | "Paused") => PowerState::On,
        Some("Off" | "PoweringOff") => PowerState::Off,
        _ => PowerState::Unknown,
    }
}

#[cfg(test)]
mod tests;
