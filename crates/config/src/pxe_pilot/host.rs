use std::collections::HashMap;

use ipnet::Ipv4Net;
use nextboot_model::{Adapter, HostName, Ipmi, MAX_MACS, Mac, Place, Power, Secret};

use super::{PilotAdapter, adapter::vars, line};
use crate::yaml::{Item, Table};

/// A machine of pxe-pilot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PilotHost {
    /// Its name.
    pub name: HostName,
    /// Its network cards, the first first.
    pub macs: Vec<Mac>,
    /// How its power is switched.
    pub power: Option<Power>,
    /// The line where it stands.
    pub line: usize,
}

/// Reads `hosts`; of two that claim a name or a MAC the later is complained about.
pub(super) fn read_all(top: &mut Table<'_>, adapters: &[PilotAdapter]) -> Vec<PilotHost> {
    let mut names: HashMap<HostName, usize> = HashMap::new();
    let mut macs: HashMap<Mac, HostName> = HashMap::new();
    let items = top.item("hosts").map(|item| item.list()).unwrap_or_default();
    let mut hosts = Vec::with_capacity(items.len());
    for item in items {
        let line = item.line();
        let host = item.as_table(|table| {
            let host = read(table, line, adapters)?;
            if let Some(before) = names.insert(host.name.clone(), line) {
                return table.wrong(format!("a host named {} stands in line {before} already", host.name));
            }
            for mac in &host.macs {
                if let Some(owner) = macs.insert(*mac, host.name.clone()) {
                    return table.wrong(format!("{mac} belongs to host {owner} already"));
                }
            }
            Some(host)
        });
        hosts.extend(host);
    }
    hosts
}

fn read(host: &mut Table<'_>, line: usize, adapters: &[PilotAdapter]) -> Option<PilotHost> {
    let name_item = host.item("name");
    let mac_items = host.item("mac_addresses");
    let ipmi = host.item("ipmi");
    let management = host.item("management");
    let both = ipmi.is_some() && management.is_some();
    let power = match (ipmi, management) {
        (Some(item), None) => Some(Power::Ipmi(item.as_table(read_ipmi))),
        (None, Some(item)) => Some(Power::Command(item.as_table(|table| management_of(table, adapters)))),
        _ => None,
    };
    if both {
        return host.wrong("ipmi and management are both there; one of them can switch the machine");
    }
    let Some(name_item) = name_item else { return host.missing("name", "e.g. node1") };
    let name: HostName = match name_item.text()?.trim().parse() {
        Ok(name) => name,
        Err(error) => return name_item.wrong(nextboot_model::BadName::to_string(&error)),
    };
    let Some(mac_items) = mac_items else {
        return host.missing("mac_addresses", "e.g. [\"52:54:00:12:34:56\"]");
    };
    let macs = macs(&mac_items)?;
    let power = power.filter(|power| {
        let can_be_found = power.place().is_some_and(Place::can_be_found);
        if !can_be_found {
            host.note("neither an address nor a MAC address: nothing can be switched, as it was");
        }
        can_be_found
    });
    if let Some(power) = &power
        && let Err(error) = power.check()
    {
        return host.wrong(error.to_string());
    }
    Some(PilotHost { name, macs, power, line })
}

fn macs(item: &Item<'_>) -> Option<Vec<Mac>> {
    let read: Vec<Option<Mac>> = item.list().iter().map(mac).collect();
    let macs: Vec<Mac> = read.into_iter().collect::<Option<_>>()?;
    if macs.is_empty() || macs.len() > MAX_MACS {
        return item.wrong(format!("a host has 1 to {MAX_MACS} MAC addresses"));
    }
    if let Some(odd) = macs.iter().find(|mac| !mac.may_name_a_host()) {
        return item.wrong(format!("{odd} is not the address of one machine"));
    }
    if let Some((_, twice)) = macs.iter().enumerate().find(|(at, mac)| macs[..*at].contains(mac)) {
        return item.wrong(format!("{twice} is given twice"));
    }
    Some(macs)
}

fn mac(item: &Item<'_>) -> Option<Mac> {
    item.parse("use a MAC address, e.g. \"52:54:00:12:34:56\"")
}

/// What is given and not empty: pxe-pilot's own files have empty texts where there is nothing.
fn given<T>(
    table: &mut Table<'_>,
    key: &'static str,
    read: impl FnOnce(&Item<'_>) -> Option<T>,
) -> Option<T> {
    let item = table.item(key)?;
    if item.as_text().is_some_and(|text| text.trim().is_empty()) { None } else { read(&item) }
}

fn subnet(item: &Item<'_>) -> Option<Ipv4Net> {
    let network: Ipv4Net = item.parse("use a network, e.g. 10.0.9.0/24")?;
    Some(network.trunc())
}

fn secret(item: &Item<'_>) -> Option<Secret> {
    match item.as_text() {
        Some(text) => Some(Secret::new(text)),
        None => item.wrong_secret("use a text"),
    }
}

fn text(item: &Item<'_>) -> Option<String> {
    line(item, 255).map(str::to_owned)
}

fn read_ipmi(ipmi: &mut Table<'_>) -> Ipmi {
    let by_readme = given(ipmi, "subnets", subnet);
    Ipmi {
        place: Place {
            address: given(ipmi, "hostname", text),
            mac: given(ipmi, "mac_address", mac),
            // The README calls it `subnets`, the program reads `subnet`.
            subnet: given(ipmi, "subnet", subnet).or(by_readme),
        },
        port: None,
        interface: given(ipmi, "interface", text),
        user: given(ipmi, "username", text).unwrap_or_default(),
        password: ipmi.get("password", secret),
    }
}

fn management_of(management: &mut Table<'_>, adapters: &[PilotAdapter]) -> Adapter {
    let adapter = management.get("adapter", |item| {
        let name = text(item)?;
        if !adapters.iter().any(|adapter| adapter.name == name) {
            return item.wrong("host_management_adapters has no adapter of this name");
        }
        Some(name)
    });
    Adapter {
        adapter: adapter.unwrap_or_default(),
        place: Place {
            address: given(management, "ip_address", text),
            mac: given(management, "mac_address", mac),
            subnet: given(management, "subnet", subnet),
        },
        vars: vars(management).unwrap_or_default().into_iter().map(|(name, at)| (name, at.value)).collect(),
    }
}
