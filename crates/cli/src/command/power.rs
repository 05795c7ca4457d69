//! Switching hosts on and off.

use std::time::Duration;

use hyper::Method;
use nextboot_model::PowerAction;
use serde_json::{Value, json};

use super::Session;
use crate::{
    args::{PowerCommand, Rescue},
    failure::Failure,
    output, view,
};

/// How long many hosts may take: each step of each has its own limit at the server.
const SWITCHING: Duration = Duration::from_secs(30 * 60);

impl Session {
    pub(super) async fn power(&self, command: PowerCommand) -> Result<(), Failure> {
        let (action, hosts) = match command {
            PowerCommand::Refresh => return self.power_refresh().await,
            PowerCommand::On { hosts } => (PowerAction::On, hosts),
            PowerCommand::Off { hosts } => (PowerAction::Off, hosts),
            PowerCommand::Reset { hosts } => (PowerAction::Reset, hosts),
            PowerCommand::Cycle { hosts } => (PowerAction::Cycle, hosts),
            PowerCommand::Status { hosts } => (PowerAction::Status, hosts),
        };
        let answer = self.switch(action, &hosts).await?;
        let switched: Vec<view::Switched> = self.read(&answer, Some("hosts"))?;
        self.say(&answer, || Ok(view::switched(&switched)))?;
        all_done(&switched)
    }

    /// One call for all hosts; the server does them side by side.
    pub(super) async fn switch(&self, action: PowerAction, hosts: &[String]) -> Result<Value, Failure> {
        let body = json!({ "hosts": hosts, "action": action });
        self.client.call_within(SWITCHING, Method::POST, "/api/power", Some(&body)).await
    }

    async fn power_refresh(&self) -> Result<(), Failure> {
        let answer = self.client.call_within(SWITCHING, Method::POST, "/api/power/refresh", None).await?;
        self.say(&answer, || Ok(view::controllers(&self.read::<Vec<_>>(&answer, Some("controllers"))?)))
    }

    /// What was assigned holds whatever comes of switching; so that is told first.
    pub(super) async fn restart(
        &self,
        mut assigned: Value,
        action: PowerAction,
        hosts: &[String],
    ) -> Result<(), Failure> {
        if !self.json {
            self.say_assigned(&assigned)?;
        }
        let answer = self.switch(action, hosts).await?;
        let switched: Vec<view::Switched> = self.read(&answer, Some("hosts"))?;
        if self.json {
            assigned["power"] = answer.get("hosts").cloned().unwrap_or_default();
            output::json(&assigned)?;
        } else {
            output::print(&view::switched(&switched))?;
        }
        all_done(&switched)
    }

    pub(super) async fn rescue(&self, rescue: Rescue) -> Result<(), Failure> {
        let restart = if rescue.off { rescue.now } else { !rescue.later };
        let body = json!({ "hosts": rescue.hosts, "off": rescue.off, "restart": restart });
        let answer = self.client.call_within(SWITCHING, Method::POST, "/api/rescue", Some(&body)).await?;
        let hosts: Vec<view::Rescued> = self.read(&answer, Some("hosts"))?;
        self.say(&answer, || Ok(view::rescued(&hosts, rescue.off)))?;
        // Who has nothing that switches it was told to be reset by hand; that is no failure.
        let failed = |host: &&view::Rescued| {
            host.power.as_ref().is_some_and(|power| !power.ok && !power.is_unswitchable())
        };
        match hosts.iter().filter(failed).count() {
            0 => Ok(()),
            failed => Err(Failure::Refused(format!("{failed} of {} hosts were not restarted", hosts.len()))),
        }
    }
}

fn all_done(switched: &[view::Switched]) -> Result<(), Failure> {
    match switched.iter().filter(|host| !host.ok).count() {
        0 => Ok(()),
        failed => Err(Failure::Refused(format!("{failed} of {} hosts: not done", switched.len()))),
    }
}
