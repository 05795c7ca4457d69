//! What each command asks of the server, and what it says then.

mod endpoint;
mod events;
mod host;
mod import;
mod net;
mod power;
mod test;

use clap::CommandFactory;
use hyper::Method;
use nextboot_model::PowerAction;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    args::{Boot, Command, Global, Import, Metrics, ProfileCommand},
    client::Client,
    failure::Failure,
    output, view,
};

/// What may stand in a path or a query as it is; `:` is in MAC addresses.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// Text that came from the command line, as a part of a path or query.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A command on its way.
struct Session {
    client: Client,
    json: bool,
}

pub(crate) async fn run<P: CommandFactory>(global: &Global, command: Command) -> Result<(), Failure> {
    if let Command::Completions { shell } = command {
        let mut text = Vec::new();
        let mut program = P::command();
        let name = program.get_name().to_owned();
        clap_complete::generate(shell, &mut program, name, &mut text);
        return output::print(&String::from_utf8_lossy(&text));
    }
    let session = Session { client: Client::new(global)?, json: global.json };
    match command {
        Command::Host(command) => session.host(command).await,
        Command::Net(command) => session.net(command).await,
        Command::Profile(command) => session.profile(command).await,
        Command::Boot(boot) => session.boot(boot).await,
        Command::Power(command) => session.power(command).await,
        Command::Rescue(rescue) => session.rescue(rescue).await,
        Command::Cancel { hosts } => session.cancel(hosts).await,
        Command::Test(command) => session.test(command).await,
        Command::Leases => session.leases().await,
        Command::Neighbours { probe } => session.neighbours(probe).await,
        Command::Machines => session.machines().await,
        Command::Events(events) => session.events(events).await,
        Command::Show { host, machine: Some(machine), .. } => session.preview(&host, &machine).await,
        Command::Show { host, attempts, machine: None } => session.show(&host, attempts).await,
        Command::Status => session.status().await,
        Command::Metrics(metrics) => session.metrics(metrics).await,
        Command::Reload => session.reload().await,
        Command::Completions { .. } => Ok(()),
    }
}

pub(crate) async fn import(global: &Global, import: Import) -> Result<(), Failure> {
    Session { client: Client::new(global)?, json: global.json }.import(import).await
}

impl Session {
    /// Prints what the server sent, or what `text` makes of it.
    fn say(&self, answer: &Value, text: impl FnOnce() -> Result<String, Failure>) -> Result<(), Failure> {
        if self.json { output::json(answer) } else { output::print(&text()?) }
    }

    /// The answer, or the part of it at `key`, as one of our shapes.
    fn read<T: DeserializeOwned>(&self, answer: &Value, key: Option<&str>) -> Result<T, Failure> {
        let value = match key {
            Some(key) => {
                answer.get(key).ok_or_else(|| self.client.strange(format!("no {key:?} in the answer")))?
            }
            None => answer,
        };
        T::deserialize(value).map_err(|error| self.client.strange(error))
    }

    async fn profile(&self, command: ProfileCommand) -> Result<(), Failure> {
        match command {
            ProfileCommand::Ls => {
                let answer = self.client.get("/api/profiles").await?;
                self.say(&answer, || Ok(view::profiles(&self.read::<Vec<_>>(&answer, Some("profiles"))?)))
            }
            ProfileCommand::Show { name } => {
                let answer = self.client.get(&format!("/api/profiles/{}", part(name.as_str()))).await?;
                self.say(&answer, || Ok(view::profile(&self.read(&answer, None)?)))
            }
        }
    }

    async fn boot(&self, boot: Boot) -> Result<(), Failure> {
        let mut body = json!({ "hosts": boot.hosts, "profile": boot.profile });
        if let Some(until) = boot.hold.until() {
            body["until"] = json!(until);
        }
        let answer = self.client.call(Method::PUT, "/api/assignments", Some(&body)).await?;
        if !boot.now {
            return self.say_assigned(&answer);
        }
        // Its own disk needs no detour over the network.
        let action = if boot.profile.is_local() { PowerAction::Cycle } else { PowerAction::BootNetwork };
        self.restart(answer, action, &boot.hosts).await
    }

    async fn cancel(&self, hosts: Vec<String>) -> Result<(), Failure> {
        let body = json!({ "hosts": hosts });
        let answer = self.client.call(Method::POST, "/api/cancel", Some(&body)).await?;
        self.say_assigned(&answer)
    }

    fn say_assigned(&self, answer: &Value) -> Result<(), Failure> {
        self.say(answer, || {
            let hosts: Vec<view::Host> = self.read(answer, Some("hosts"))?;
            Ok(hosts.iter().map(view::assigned).collect::<Vec<_>>().join("\n"))
        })
    }

    async fn leases(&self) -> Result<(), Failure> {
        let answer = self.client.get("/api/leases").await?;
        self.say(&answer, || Ok(view::leases(&self.read::<Vec<_>>(&answer, Some("leases"))?, view::now())))
    }

    async fn neighbours(&self, probe: bool) -> Result<(), Failure> {
        let answer = if probe {
            self.client.call(Method::POST, "/api/neighbours/probe", None).await?
        } else {
            self.client.get("/api/neighbours").await?
        };
        self.say(&answer, || {
            Ok(view::neighbours(&self.read::<Vec<_>>(&answer, Some("neighbours"))?, view::now()))
        })
    }

    async fn machines(&self) -> Result<(), Failure> {
        let answer = self.client.get("/api/attempts").await?;
        self.say(&answer, || {
            let mut attempts: Vec<view::Attempt> = self.read(&answer, Some("attempts"))?;
            attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.heard));
            Ok(view::machines(&attempts, view::now()))
        })
    }

    async fn show(&self, host: &str, attempts: u32) -> Result<(), Failure> {
        let path = format!("/api/hosts/{}", part(host));
        let host = self.client.get(&path).await?;
        let past = match attempts {
            0 => json!({ "attempts": [] }),
            limit => self.client.get(&format!("{path}/attempts?limit={limit}")).await?,
        };
        let answer = json!({ "host": host, "attempts": past.get("attempts") });
        self.say(&answer, || {
            let past: Vec<view::PastAttempt> = self.read(&past, Some("attempts"))?;
            Ok(view::show(&self.read(&host, None)?, &past, view::now()))
        })
    }

    async fn preview(&self, host: &str, machine: &str) -> Result<(), Failure> {
        let path = format!("/api/hosts/{}/preview?as={}", part(host), part(machine));
        let answer = self.client.get(&path).await?;
        self.say(&answer, || Ok(view::preview(&self.read(&answer, None)?)))
    }

    async fn status(&self) -> Result<(), Failure> {
        let answer = self.client.get("/api/status").await?;
        self.say(&answer, || Ok(view::status(&self.read(&answer, None)?, view::now())))
    }

    async fn metrics(&self, metrics: Metrics) -> Result<(), Failure> {
        let text = self.client.text("/metrics").await?;
        if metrics.prometheus {
            return output::print(&output::plain_lines(&text));
        }
        let mut families = view::Families::read(&text).map_err(|why| self.client.strange(why))?;
        families.keep(&metrics.words);
        if self.json {
            return output::json(&json!({ "metrics": families.all() }));
        }
        output::print(&view::metrics(&families, view::now()))
    }

    async fn reload(&self) -> Result<(), Failure> {
        let answer = self.client.call(Method::POST, "/api/reload", None).await?;
        self.say(&answer, || Ok(view::reloaded(&self.read(&answer, None)?)))
    }
}

#[cfg(test)]
mod tests;
