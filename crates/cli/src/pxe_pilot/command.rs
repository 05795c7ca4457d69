use std::io::Write as _;

use hyper::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    args::{self, Bootloader, Config, Global, Host},
    table::table,
};
use crate::{
    client::{Client, NO_SUCH_THING, Place},
    command::part,
    failure::Failure,
    output::{self, plain},
};

/// Where the API is when neither a server is named nor a socket is there.
const DEFAULT_SERVER: &str = "http://localhost:3478";

/// Carries out a command; false when it was carried out in part, which the table shows.
pub(super) async fn run(global: &Global, command: args::Client) -> Result<bool, Failure> {
    let session = Session::new(global)?;
    match command {
        args::Client::Bootloader(Bootloader::List) => session.bootloaders().await,
        args::Client::Config(Config::List) => session.configurations().await,
        args::Client::Config(Config::Show { name }) => session.configuration(&name).await,
        args::Client::Config(Config::Deploy { now, config, hosts }) => {
            session.deploy(&config, hosts, now).await
        }
        args::Client::Host(Host::List) => session.hosts().await,
        args::Client::Host(Host::Reboot { host }) => session.power(&host, "reboot", "REBOOT").await,
        args::Client::Host(Host::On { host }) => session.power(&host, "on", "ON").await,
        args::Client::Host(Host::Off { host }) => session.power(&host, "off", "OFF").await,
        args::Client::Host(Host::Refresh) => session.refresh().await,
    }
}

/// A command on its way.
struct Session {
    client: Client,
    debug: bool,
}

#[derive(Deserialize)]
struct BootloaderSeen {
    name: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    config_path: String,
}

#[derive(Deserialize)]
struct ConfigurationSeen {
    name: String,
    bootloader: Option<BootloaderSeen>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostSeen {
    name: String,
    #[serde(default)]
    mac_addresses: Vec<String>,
    configuration: Option<ConfigurationSeen>,
    #[serde(default)]
    power_state: String,
    ipmi: Option<Controller>,
    management: Option<Controller>,
}

/// A management controller, of either kind.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Controller {
    mac_address: String,
    hostname: String,
    ip_address: String,
}

#[derive(Deserialize)]
struct Deployed {
    hosts: Vec<DeployedHost>,
}

#[derive(Deserialize)]
struct DeployedHost {
    name: String,
    rebooted: String,
}

impl Session {
    fn new(global: &Global) -> Result<Self, Failure> {
        // Whoever may use the socket needs no token; for everybody else it is not there.
        let place = match &global.server {
            Some(server) => Place::parse(server)?,
            None if std::os::unix::net::UnixStream::connect(&global.socket).is_ok() => {
                Place::Socket(global.socket.clone())
            }
            None => Place::parse(DEFAULT_SERVER)?,
        };
        let client = Client::at(place, global.token.as_deref(), global.token_file.as_deref())?;
        Ok(Self { client, debug: global.debug })
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        if self.debug {
            let body = body.map(Value::to_string).unwrap_or_default();
            output::print(format!("{method} {} {path} {body}", self.client.place()).trim_end())?;
        }
        let answer = self.client.call(method, path, body).await;
        if self.debug {
            match &answer {
                Ok(answer) => output::print(&format!("answer: {answer}"))?,
                Err(failure) => output::print(&format!("refused: {failure}"))?,
            }
        }
        answer
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.call(Method::GET, path, None).await?;
        T::deserialize(&answer).map_err(|error| self.client.strange(error))
    }

    async fn bootloaders(&self) -> Result<bool, Failure> {
        // pxe-pilot says `null` for none.
        let all: Option<Vec<BootloaderSeen>> = self.get("/v1/bootloaders").await?;
        let row = |loader: BootloaderSeen| vec![loader.name, loader.file, loader.config_path];
        let rows: Vec<_> = all.unwrap_or_default().into_iter().map(row).collect();
        say(&table(&["NAME", "FILE", "CONFIG PATH"], &rows))
    }

    async fn configurations(&self) -> Result<bool, Failure> {
        let all: Vec<ConfigurationSeen> = self.get("/v1/configurations").await?;
        let loader = |loader: Option<BootloaderSeen>| loader.map(|loader| loader.name).unwrap_or_default();
        let row = |one: ConfigurationSeen| vec![one.name, loader(one.bootloader)];
        let rows: Vec<_> = all.into_iter().map(row).collect();
        say(&table(&["NAME", "BOOTLOADER"], &rows))
    }

    async fn configuration(&self, name: &str) -> Result<bool, Failure> {
        let path = format!("/v1/configurations/{}", part(name));
        let answer = match self.call(Method::GET, &path, None).await {
            Err(Failure::Refused(why)) if why == NO_SUCH_THING || why.ends_with("does not exists") => {
                return Err(Failure::Refused("configuration does not exist".into()));
            }
            answer => answer?,
        };
        let content = answer.get("content").and_then(Value::as_str);
        let content = content.ok_or_else(|| self.client.strange("no content in the answer"))?;
        say(&format!("{}\n", output::plain_lines(content)))
    }

    async fn deploy(&self, config: &str, hosts: Vec<String>, now: bool) -> Result<bool, Failure> {
        let ask: Vec<Value> = hosts.iter().map(|host| json!({ "name": host, "reboot": now })).collect();
        let path = format!("/v1/configurations/{}/deploy", part(config));
        let answer = self.call(Method::PUT, &path, Some(&json!({ "hosts": ask }))).await?;
        let done = Deployed::deserialize(&answer).map_err(|error| self.client.strange(error))?;
        let row = |host: DeployedHost| vec![host.name, config.to_owned(), host.rebooted];
        let rows: Vec<_> = done.hosts.into_iter().map(row).collect();
        say(&table(&["NAME", "CONFIGURATION", "REBOOTED"], &rows))
    }

    async fn hosts(&self) -> Result<bool, Failure> {
        let all: Vec<HostSeen> = self.get("/v1/hosts").await?;
        let row = |host: HostSeen| {
            let Controller { mac_address, hostname, ip_address } =
                host.ipmi.or(host.management).unwrap_or_default();
            let address = if hostname.is_empty() { ip_address } else { hostname };
            let configuration = host.configuration.map(|one| one.name).unwrap_or_default();
            let macs = host.mac_addresses.join(" | ");
            vec![host.name, configuration, macs, mac_address, address, host.power_state]
        };
        let rows: Vec<_> = all.into_iter().map(row).collect();
        say(&table(&["NAME", "CONFIGURATION", "MAC", "MGMT MAC", "MGMT IP", "POWER STATE"], &rows))
    }

    async fn power(&self, host: &str, wish: &str, title: &str) -> Result<bool, Failure> {
        let path = format!("/v1/hosts/{}/{wish}", part(host));
        let done = match self.call(Method::PATCH, &path, None).await {
            Ok(_) => true,
            Err(Failure::Refused(why)) => {
                // Of a host that it does not know the API says nothing, as pxe-pilot's.
                if why == NO_SUCH_THING {
                    eprintln!("Error : there is no host {}", plain(host));
                } else {
                    eprintln!("Error : {why}");
                }
                false
            }
            Err(failure) => return Err(failure),
        };
        let word = if done { "OK" } else { "ERROR" };
        say(&table(&["NAME", title], &[vec![host.to_owned(), word.to_owned()]]))?;
        Ok(done)
    }

    async fn refresh(&self) -> Result<bool, Failure> {
        self.call(Method::PATCH, "/v1/refresh", None).await?;
        say(&table(&["REFRESH"], &[vec!["OK".to_owned()]]))
    }
}

/// To the byte.
fn say(text: &str) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(true)
}
