use hyper::Method;
use serde_json::{Map, Value, json};

use super::{Session, endpoint, part};
use crate::{
    args::{HostAdd, HostCommand, HostSet},
    failure::Failure,
    output, view,
};

/// Hosts per request when listing.
const PAGE: usize = 1000;

impl Session {
    pub(super) async fn host(&self, command: HostCommand) -> Result<(), Failure> {
        match command {
            HostCommand::Add(add) => self.host_add(add).await,
            HostCommand::Rm { hosts } => self.host_rm(hosts).await,
            HostCommand::Ls => self.host_ls().await,
            HostCommand::Show { host } => {
                let answer = self.client.get(&format!("/api/hosts/{}", part(&host))).await?;
                self.say(&answer, || Ok(view::host(&self.read(&answer, None)?, view::now())))
            }
            HostCommand::Set(set) => self.host_set(set).await,
        }
    }

    async fn host_add(&self, add: HostAdd) -> Result<(), Failure> {
        let pxelinux = add.pxelinux();
        let mut body = json!({ "name": add.name, "macs": add.macs });
        if let Some(uuid) = add.uuid {
            body["uuid"] = json!(uuid);
        }
        if let Some(address) = add.address {
            body["address"] = json!(address);
        }
        if let Some(loader) = add.loader {
            body["loader"] = json!(loader);
        }
        if let Some(exit) = add.exit {
            body["exit"] = json!(exit);
        }
        if !pxelinux.is_empty() {
            body["pxelinux"] = pxelinux.into();
        }
        if let Some(power) = endpoint::of(&add.power)? {
            body["power"] = power;
        }
        if !add.vars.is_empty() {
            body["vars"] = add.vars.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        }
        let answer = self.client.call(Method::POST, "/api/hosts", Some(&body)).await?;
        self.say(&answer, || Ok(format!("{} added; it {}", add.name, boots(&self.read(&answer, None)?))))
    }

    /// Removes one after the other; those that cannot be removed do not keep the others.
    async fn host_rm(&self, hosts: Vec<String>) -> Result<(), Failure> {
        let (mut removed, mut refused) = (Vec::new(), Vec::new());
        for host in hosts {
            match self.client.call(Method::DELETE, &format!("/api/hosts/{}", part(&host)), None).await {
                Ok(_) => removed.push(host),
                Err(Failure::Refused(message)) => refused.push(message),
                Err(failure) => return Err(failure),
            }
        }
        if self.json {
            output::json(&json!({ "removed": removed }))?;
        } else if !removed.is_empty() {
            output::print(&format!("{} removed", removed.join(", ")))?;
        }
        if refused.is_empty() { Ok(()) } else { Err(Failure::Refused(refused.join("\n"))) }
    }

    async fn host_ls(&self) -> Result<(), Failure> {
        let mut all: Vec<Value> = Vec::new();
        let mut path = format!("/api/hosts?limit={PAGE}");
        loop {
            let mut page = self.client.get(&path).await?;
            if let Some(Value::Array(hosts)) = page.get_mut("hosts") {
                all.append(hosts);
            }
            let Some(next) = page.get("next").and_then(Value::as_str) else { break };
            let next = format!("/api/hosts?limit={PAGE}&after={}", part(next));
            if next == path {
                return Err(self.client.strange("the list of hosts does not end"));
            }
            path = next;
        }
        let answer = json!({ "hosts": all });
        self.say(&answer, || Ok(view::hosts(&self.read::<Vec<_>>(&answer, Some("hosts"))?, view::now())))
    }

    async fn host_set(&self, set: HostSet) -> Result<(), Failure> {
        if set.is_empty() {
            return Err(Failure::Usage(
                "nothing to change; name at least one of --mac, --uuid, --address, --loader, --exit, \
                 --pxelinux-config, --pxelinux-prefix, --pxelinux-reboot, --power, --var, --unset"
                    .into(),
            ));
        }
        let mut body = Map::new();
        if !set.macs.is_empty() {
            body.insert("macs".into(), json!(set.macs));
        }
        if set.uuid.is_some() || set.no_uuid {
            body.insert("uuid".into(), json!(set.uuid));
        }
        if set.address.is_some() || set.no_address {
            body.insert("address".into(), json!(set.address));
        }
        if set.loader.is_some() || set.no_loader {
            body.insert("loader".into(), json!(set.loader));
        }
        if set.exit.is_some() || set.no_exit {
            body.insert("exit".into(), json!(set.exit));
        }
        let pxelinux = set.pxelinux();
        if !pxelinux.is_empty() {
            body.insert("pxelinux".into(), pxelinux.into());
        }
        if set.no_power {
            body.insert("power".into(), Value::Null);
        } else if let Some(power) = endpoint::of(&set.power)? {
            body.insert("power".into(), power);
        }
        let unset = set.unset.into_iter().map(|key| (key, Value::Null));
        let vars: Map<String, Value> =
            unset.chain(set.vars.into_iter().map(|(key, value)| (key, Value::from(value)))).collect();
        if !vars.is_empty() {
            body.insert("vars".into(), vars.into());
        }
        let path = format!("/api/hosts/{}", part(&set.host));
        let answer = self.client.call(Method::PATCH, &path, Some(&body.into())).await?;
        self.say(&answer, || Ok(view::host(&self.read(&answer, None)?, view::now())))
    }
}

/// What a new host does.
fn boots(host: &view::Host) -> String {
    let profile = host.boots.profile.as_deref().unwrap_or(&host.assignment.profile);
    if profile == "local" { "boots its own disk".into() } else { format!("boots {}", output::plain(profile)) }
}
