//! Systems, what they boot next, and what they did.

use hyper::Method;
use nextboot_model::{HostName, Mac, Network, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{SubCommand, usage};
use crate::{client::Client, command::part, failure::Failure, output};

pub(super) const ADDSYSTEM: SubCommand = (
    "addsystem",
    "<name> <MAC address or IPv4 prefix> [<MAC address or IPv4 prefix 2>...]",
    "Make a system known, or add to it what it does not have yet.",
);
pub(super) const DELSYSTEM: SubCommand = ("delsystem", "<name>", "Forget a system.");
pub(super) const DPYSYSTEM: SubCommand = (
    "dpysystem",
    "<name or MAC address or IPv4 address> | -l",
    "Show a system, what it boots next and what it did before; -l lists all systems.",
);
pub(super) const NEXTBOOT: SubCommand = (
    "nextboot",
    "<system> <profile>",
    "Say what a system boots until somebody changes it; the system default is all that nobody knows.",
);
pub(super) const SYNCBOOTNAMES: SubCommand = ("syncbootnames", "", "List the profiles that there are.");
pub(super) const SYNCSYSTEMS: SubCommand =
    ("syncsystems", "", "Say again of every system what was said of it last.");

/// Entries of a history beside the next boot.
const HISTORY: usize = 9;

/// Hosts per request when listing.
const PAGE: usize = 1000;

/// What to put into `profiles/local.prof`.
const SAMPLE: &str = "\
error local profile not present. Add it with a content like this:

prompt 0
timeout 0
default 0

label 0
  LOCALBOOT 0";

#[derive(Deserialize)]
struct System {
    name: String,
    macs: Vec<Card>,
    networks: Vec<NamedNetwork>,
    profile: Option<String>,
}

#[derive(Deserialize)]
struct Card {
    mac: String,
    address: Option<String>,
}

#[derive(Deserialize)]
struct NamedNetwork {
    network: Network,
    pxelinux: Option<String>,
}

#[derive(Deserialize)]
struct Given {
    at: u64,
    profile: String,
}

pub(super) async fn run(client: &Client, name: &str, words: &[String]) -> Result<(), Failure> {
    match (name, words) {
        // Without a name it would be the address of all of them.
        ("delsystem" | "dpysystem" | "nextboot", [system, ..]) if system.is_empty() => {
            Err(Failure::Refused("System  not defined".into()))
        }
        ("addsystem", [system, addresses @ ..]) if !addresses.is_empty() => {
            add_system(client, system, addresses).await
        }
        ("addsystem", _) => Err(usage(ADDSYSTEM)),
        ("delsystem", [system]) => {
            let path = format!("/api/systems/{}", part(system));
            defined(client.call(Method::DELETE, &path, None).await, "System", system).map(drop)
        }
        ("delsystem", _) => Err(usage(DELSYSTEM)),
        ("dpysystem", [list]) if list == "-l" => {
            let names = names(client).await?;
            if names.is_empty() { Ok(()) } else { output::print(&output::plain_lines(&names.join("\n"))) }
        }
        ("dpysystem", [system]) => show(client, system).await,
        ("dpysystem", _) => Err(usage(DPYSYSTEM)),
        ("nextboot", [system, profile]) => next_boot(client, system, profile).await,
        ("nextboot", _) => Err(usage(NEXTBOOT)),
        ("syncbootnames", []) => boot_names(client).await,
        ("syncbootnames", _) => Err(usage(SYNCBOOTNAMES)),
        ("syncsystems", []) => sync_systems(client).await,
        (_, _) => Err(usage(SYNCSYSTEMS)),
    }
}

/// pxemngr's words for what does not exist.
fn defined(answer: Result<Value, Failure>, what: &str, name: &str) -> Result<Value, Failure> {
    answer.map_err(|failure| match failure {
        Failure::Refused(message) if message.starts_with("no ") => {
            Failure::Refused(output::plain(&format!("{what} {name} not defined")))
        }
        failure => failure,
    })
}

fn shape<T: for<'de> Deserialize<'de>>(client: &Client, value: Option<&Value>) -> Result<T, Failure> {
    T::deserialize(value.unwrap_or(&Value::Null)).map_err(|error| client.strange(error))
}

async fn add_system(client: &Client, system: &str, addresses: &[String]) -> Result<(), Failure> {
    if system == "default" {
        let text = "default is a reserved name and cannot be used for a system name";
        return Err(Failure::Refused(text.into()));
    }
    let wrong = |error: String| Failure::Refused(output::plain(&error));
    system.parse::<HostName>().map_err(|error| wrong(error.to_string()))?;
    let (mut macs, mut networks) = (Vec::new(), Vec::new());
    for address in addresses {
        // Four hexadecimal digits between dots are a MAC address, too.
        match address.parse::<Mac>() {
            Ok(mac) => macs.push(mac),
            Err(_) if address.contains('.') => {
                networks.push(address.parse::<Network>().map_err(|error| wrong(error.to_string()))?);
            }
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    let body = json!({ "macs": macs, "networks": networks });
    client.call(Method::POST, &format!("/api/systems/{}", part(system)), Some(&body)).await.map(drop)
}

/// The names of all systems, in order.
async fn names(client: &Client) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut path = format!("/api/hosts?limit={PAGE}");
        if let Some(after) = &after {
            path = format!("{path}&after={}", part(after));
        }
        let page = client.get(&path).await?;
        let hosts = page.get("hosts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        names.extend(hosts.iter().filter_map(|host| host.get("name")?.as_str().map(ToOwned::to_owned)));
        let next = page.get("next").and_then(Value::as_str).map(ToOwned::to_owned);
        if next.is_none() || next == after {
            break;
        }
        after = next;
    }
    let nets = client.get("/api/nets").await?;
    let nets = nets.get("nets").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    names.extend(nets.iter().filter_map(|net| net.get("name")?.as_str().map(ToOwned::to_owned)));
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

async fn history(client: &Client, system: &str, limit: usize) -> Result<Vec<Given>, Failure> {
    let answer = client.get(&format!("/api/systems/{}/history?limit={limit}", part(system))).await?;
    shape(client, answer.get("history"))
}

async fn show(client: &Client, system: &str) -> Result<(), Failure> {
    let answer = defined(client.get(&format!("/api/systems/{}", part(system))).await, "System", system)?;
    let system: System = shape(client, Some(&answer))?;
    let history = history(client, &system.name, HISTORY + 1).await?;
    let mut lines = vec![format!("Name: {}", system.name)];
    for Card { mac, address } in &system.macs {
        lines.push(format!("Mac: {mac} ({})", address.as_deref().unwrap_or("None")));
    }
    for NamedNetwork { network, pxelinux } in &system.networks {
        let digits = pxelinux.as_deref().unwrap_or("None");
        lines.push(format!("Mac: {} ({digits})", beginning(*network)));
    }
    if let Some(next) = &system.profile {
        lines.push(format!("Next boot: {next}"));
    }
    if !history.is_empty() {
        lines.push("History:".into());
        // The newest is the next boot, unless something else than a command decides, as a link does.
        let is_next = history.first().is_some_and(|newest| Some(&newest.profile) == system.profile.as_ref());
        let older = history.iter().skip(usize::from(is_next)).take(HISTORY);
        lines.extend(older.map(|given| format!("{} {}", date(given.at), given.profile)));
    }
    output::print(&output::plain_lines(&lines.join("\n")))
}

/// A network as pxemngr was told of it: the numbers that its addresses begin with.
fn beginning(network: Network) -> String {
    let octets = network.address().octets();
    match network.length() {
        length if length > 0 && length % 8 == 0 => {
            let kept = octets.iter().take(usize::from(length / 8)).map(u8::to_string);
            kept.collect::<Vec<_>>().join(".")
        }
        _ => network.to_string(),
    }
}

/// A moment as Django prints it: `2026-11-20 23:53:06.431000+00:00`, without a fraction where there is none.
fn date(at: u64) -> String {
    let text = Timestamp(at).to_string().replace('T', " ");
    let text = text.trim_end_matches('Z');
    match text.split_once('.') {
        Some((seconds, "000")) => format!("{seconds}+00:00"),
        Some((seconds, millis)) => format!("{seconds}.{millis}000+00:00"),
        None => text.to_owned(),
    }
}

async fn next_boot(client: &Client, system: &str, profile: &str) -> Result<(), Failure> {
    let path = format!("/api/systems/{}", part(system));
    if system != "default" {
        let found = defined(client.get(&path).await, "System", system)?;
        // Also known by its addresses, but set by its name.
        if found.get("name").and_then(Value::as_str) != Some(system) {
            return Err(Failure::Refused(output::plain(&format!("System {system} not defined"))));
        }
    }
    let found = client.get(&format!("/api/profiles/{}", part(profile))).await;
    defined(found, "Boot name", profile)?;
    let body = json!({ "profile": profile });
    client.call(Method::PUT, &format!("{path}/assignment"), Some(&body)).await.map(drop)
}

async fn boot_names(client: &Client) -> Result<(), Failure> {
    let answer = client.get("/api/profiles").await?;
    let profiles = answer.get("profiles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut lines = Vec::new();
    let mut has_local = false;
    for profile in profiles {
        let Some(name) = profile.get("name").and_then(Value::as_str) else { continue };
        let is_built_in = name == "local" && profile.get("kind").and_then(Value::as_str) == Some("local");
        if !is_built_in {
            has_local |= name == "local";
            lines.push(format!("registering {name}"));
        }
    }
    if !has_local {
        lines.push(SAMPLE.into());
    }
    output::print(&output::plain_lines(&lines.join("\n")))
}

/// One system whose profile is gone, or that was removed in the meantime, does not keep the others from theirs.
async fn sync_systems(client: &Client) -> Result<(), Failure> {
    let mut left = Vec::new();
    for name in names(client).await? {
        match sync_system(client, &name).await {
            Err(Failure::Refused(why)) => left.push(format!("{name}: {why}")),
            synced => synced?,
        }
    }
    if left.is_empty() { Ok(()) } else { Err(Failure::Refused(left.join("\n"))) }
}

async fn sync_system(client: &Client, name: &str) -> Result<(), Failure> {
    match history(client, name, 1).await?.into_iter().next() {
        Some(Given { profile, .. }) => {
            let path = format!("/api/systems/{}/assignment", part(name));
            client.call(Method::PUT, &path, Some(&json!({ "profile": profile }))).await.map(drop)
        }
        None => output::print(&output::plain(&format!("no boot defined for {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_networks_are_written_as_pxemngr_wrote_them() {
        assert_eq!(date(1_795_247_532_034), "2026-11-21 07:52:12.034000+00:00");
        assert_eq!(date(1_795_247_532_000), "2026-11-21 07:52:12+00:00");
        for (network, text) in [
            ("10.34", "10.34"),
            ("10.34.5.7", "10.34.5.7"),
            ("10.0.0.0/8", "10"),
            ("10.0.0.0/12", "10.0.0.0/12"),
        ] {
            assert_eq!(beginning(network.parse().unwrap()), text);
        }
    }
}
