use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::Secret;
use crate::{MAX_MACS, MAX_VAR_NAME, MAX_VAR_VALUE, MAX_VARS, Mac};

/// Longest password, in bytes. IPMI knows 20 at most; Redfish has no limit of its own.
pub const MAX_PASSWORD: usize = 256;
/// Longest user name, in bytes.
pub const MAX_USER: usize = 128;
/// Longest name of a command adapter, in bytes.
pub const MAX_ADAPTER_NAME: usize = 64;
/// Longest address, host name or URL, in bytes.
const MAX_PLACE: usize = 255;
/// The widest network that may be searched for a management controller: 4094 addresses.
const WIDEST: u8 = 20;

/// What switches a machine. Serialized it has everything but its secrets ([`Power::secrets`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Power {
    /// A management controller that speaks IPMI over the network.
    Ipmi(Ipmi),
    /// One that speaks Redfish.
    Redfish(Redfish),
    /// The machine's own network card, which can switch it on and nothing else.
    Wol(WakeOnLan),
    /// Commands that the configuration names.
    Command(Adapter),
}

/// A management controller that speaks IPMI.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ipmi {
    /// Its address or host name. Without one it is looked for by its MAC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its MAC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The network in which it is looked for, where neither a lease nor the kernel knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<Ipv4Net>,
    /// UDP port; 623 without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// ipmitool's interface; `lanplus` (IPMI 2.0) without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Its password.
    #[serde(skip_serializing)]
    pub password: Option<Secret>,
}

/// A management controller that speaks Redfish.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redfish {
    /// `https://HOST[:PORT]`, without a path.
    pub url: String,
    /// The member of `/redfish/v1/Systems` that is this machine; may be left out where there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Take whatever certificate it shows. Most controllers have one that they signed themselves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// The user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Its password.
    #[serde(skip_serializing)]
    pub password: Option<Secret>,
}

/// Wake-on-LAN.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WakeOnLan {
    /// The cards to wake; all of the host's without one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub macs: Vec<Mac>,
    /// The broadcast address to send to; that of every interface that is served without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<Ipv4Addr>,
    /// The interface to send out of; every one that is served without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
}

/// Commands that the configuration names, and what they are told of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adapter {
    /// The name of a `[[power.adapter]]`.
    pub adapter: String,
    /// What the commands see as `{{.ip_address}}`. Without one it is looked for by the MAC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The MAC of what the commands talk to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The network in which it is looked for, where neither a lease nor the kernel knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<Ipv4Net>,
    /// What the commands see as `{{.NAME}}`. Secret: passwords are what these are for.
    #[serde(skip_serializing)]
    pub vars: BTreeMap<String, Secret>,
}

/// A power endpoint that no host can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("power {what}: {remedy}")]
pub struct BadPower {
    /// Which field.
    pub what: &'static str,
    /// What is wrong, and what would be right.
    pub remedy: String,
}

impl BadPower {
    fn new(what: &'static str, remedy: impl Into<String>) -> Self {
        Self { what, remedy: remedy.into() }
    }
}

impl Power {
    /// Its word: `ipmi`, `redfish`, `wol` or `command`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ipmi(_) => "ipmi",
            Self::Redfish(_) => "redfish",
            Self::Wol(_) => "wol",
            Self::Command(_) => "command",
        }
    }

    /// The address that somebody gave it, and what else it can be found by.
    #[must_use]
    pub fn place(&self) -> (Option<&str>, Option<Mac>, Option<Ipv4Net>) {
        match self {
            Self::Ipmi(ipmi) => (ipmi.address.as_deref(), ipmi.mac, ipmi.subnet),
            Self::Command(adapter) => (adapter.address.as_deref(), adapter.mac, adapter.subnet),
            Self::Redfish(_) | Self::Wol(_) => (None, None, None),
        }
    }

    /// What the serialized form leaves out, by names of its own: for whoever keeps it.
    #[must_use]
    pub fn secrets(&self) -> BTreeMap<String, Secret> {
        let password = |password: &Option<Secret>| {
            password.iter().map(|password| ("password".to_owned(), password.clone())).collect()
        };
        match self {
            Self::Ipmi(Ipmi { password: secret, .. }) | Self::Redfish(Redfish { password: secret, .. }) => {
                password(secret)
            }
            Self::Wol(_) => BTreeMap::new(),
            Self::Command(adapter) => {
                adapter.vars.iter().map(|(name, value)| (format!("var.{name}"), value.clone())).collect()
            }
        }
    }

    /// The endpoint with what [`Power::secrets`] gave; names that it does not know are nothing to it.
    #[must_use]
    pub fn with_secrets(mut self, mut secrets: BTreeMap<String, Secret>) -> Self {
        match &mut self {
            Self::Ipmi(Ipmi { password, .. }) | Self::Redfish(Redfish { password, .. }) => {
                *password = secrets.remove("password");
            }
            Self::Wol(_) => {}
            Self::Command(adapter) => {
                let var = |(name, value): (String, Secret)| {
                    name.strip_prefix("var.").map(|name| (name.to_owned(), value))
                };
                adapter.vars = secrets.into_iter().filter_map(var).collect();
            }
        }
        self
    }

    /// Checks what can be said without looking at anything else.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&self) -> Result<(), BadPower> {
        match self {
            Self::Ipmi(ipmi) => ipmi.check(),
            Self::Redfish(redfish) => redfish.check(),
            Self::Wol(wol) => wol.check(),
            Self::Command(adapter) => adapter.check(),
        }
    }
}

impl Ipmi {
    fn check(&self) -> Result<(), BadPower> {
        place(self.address.as_deref(), self.mac, self.subnet)?;
        if self.address.is_none() && self.mac.is_none() {
            return Err(BadPower::new(
                "address",
                "missing; give the controller's address or host name, or its MAC address",
            ));
        }
        if self.port == Some(0) {
            return Err(BadPower::new("port", "use 1 to 65535; IPMI's own is 623"));
        }
        let interface = self.interface.as_deref().unwrap_or("lanplus");
        let sound =
            (1..=16).contains(&interface.len()) && interface.bytes().all(|b| b.is_ascii_alphanumeric());
        if !sound {
            return Err(BadPower::new("interface", "use one of ipmitool's, e.g. lanplus or lan"));
        }
        credentials(&self.user, self.password.as_ref())
    }
}

impl Redfish {
    fn check(&self) -> Result<(), BadPower> {
        let rest = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://"));
        let host = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest)).unwrap_or_default();
        let sound =
            host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
        if host.is_empty() || host.len() > MAX_PLACE || !sound {
            return Err(BadPower::new(
                "url",
                "write https://HOST or https://HOST:PORT, without a user, a password or a path",
            ));
        }
        let segment = |system: &String| {
            (1..=MAX_PLACE).contains(&system.len())
                && system.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'?' | b'#' | b'%'))
                && !matches!(system.as_str(), "." | "..")
        };
        if self.system.as_ref().is_some_and(|system| !segment(system)) {
            return Err(BadPower::new(
                "system",
                "use the last part of the system's address beneath /redfish/v1/Systems, e.g. 1 or System.Embedded.1",
            ));
        }
        credentials(&self.user, self.password.as_ref())
    }
}

impl WakeOnLan {
    fn check(&self) -> Result<(), BadPower> {
        if self.macs.len() > MAX_MACS {
            return Err(BadPower::new("macs", format!("at most {MAX_MACS} cards can be woken")));
        }
        if let Some(mac) = self.macs.iter().find(|mac| !mac.may_name_a_host()) {
            return Err(BadPower::new("macs", format!("{mac} is not the address of a network card")));
        }
        let interface = self.interface.as_deref().unwrap_or("eth0");
        let sound = (1..=15).contains(&interface.len())
            && !interface.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control());
        if !sound {
            return Err(BadPower::new(
                "interface",
                "use the name of a network interface as `ip link` shows it, e.g. eth0",
            ));
        }
        if self.broadcast.is_some_and(|to| to.is_unspecified() || to.is_multicast() || to.is_loopback()) {
            return Err(BadPower::new("broadcast", "use a network's broadcast address, e.g. 10.0.0.255"));
        }
        Ok(())
    }
}

impl Adapter {
    fn check(&self) -> Result<(), BadPower> {
        let named = |name: &str, longest: usize| {
            (1..=longest).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        };
        if !named(&self.adapter, MAX_ADAPTER_NAME) {
            return Err(BadPower::new("adapter", "use the name of a [[power.adapter]] of the configuration"));
        }
        place(self.address.as_deref(), self.mac, self.subnet)?;
        let sound = |name: &str| {
            (1..=MAX_VAR_NAME).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        let odd = self.vars.iter().any(|(name, value)| {
            !sound(name) || value.reveal().len() > MAX_VAR_VALUE || value.reveal().contains('\0')
        });
        if odd || self.vars.len() > MAX_VARS {
            return Err(BadPower::new(
                "vars",
                format!(
                    "there may be {MAX_VARS} variables, named with letters, digits and '_', of at most {MAX_VAR_VALUE} bytes \
                     each"
                ),
            ));
        }
        Ok(())
    }
}

/// An address or name that cannot be taken for an option of a program, a MAC, and a network that can be searched.
fn place(address: Option<&str>, mac: Option<Mac>, subnet: Option<Ipv4Net>) -> Result<(), BadPower> {
    if let Some(address) = address {
        let name = (1..=MAX_PLACE).contains(&address.len())
            && address.starts_with(|c: char| c.is_ascii_alphanumeric())
            && address.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if !name && address.parse::<IpAddr>().is_err() {
            return Err(BadPower::new(
                "address",
                "use an address or a host name, e.g. 10.0.9.11 or bmc-node1",
            ));
        }
    }
    if let Some(mac) = mac.filter(|mac| !mac.may_name_a_host()) {
        return Err(BadPower::new("mac", format!("{mac} is not the address of one machine")));
    }
    match subnet {
        Some(subnet) if subnet.trunc() != subnet => Err(BadPower::new(
            "subnet",
            format!("this is an address within a network; write {}", subnet.trunc()),
        )),
        Some(subnet) if !(WIDEST..=30).contains(&subnet.prefix_len()) => Err(BadPower::new(
            "subnet",
            format!("use a network that can be searched, with a prefix length from {WIDEST} to 30"),
        )),
        _ => Ok(()),
    }
}

fn credentials(user: &str, password: Option<&Secret>) -> Result<(), BadPower> {
    if user.len() > MAX_USER || user.contains(char::is_control) {
        return Err(BadPower::new(
            "user",
            format!("use at most {MAX_USER} bytes without control characters"),
        ));
    }
    let password = password.map(Secret::reveal).unwrap_or_default();
    if password.len() > MAX_PASSWORD || password.contains(char::is_control) {
        return Err(BadPower::new(
            "password",
            format!("use at most {MAX_PASSWORD} bytes without control characters"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Power {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn secrets_are_in_no_serialized_form_and_in_no_debug_text() {
        for power in [
            json!({"kind": "ipmi", "address": "10.0.9.1", "user": "admin", "password": "s3cr3t w0rd"}),
            json!({"kind": "redfish", "url": "https://10.0.9.1", "user": "admin", "password": "s3cr3t w0rd"}),
            json!({"kind": "command", "adapter": "pdu", "vars": {"a": "1", "key": "s3cr3t w0rd"}}),
        ] {
            let power = read(power);
            power.check().unwrap();
            let shown = serde_json::to_string(&power).unwrap();
            assert!(!shown.contains("s3cr3t") && !format!("{power:?}").contains("s3cr3t"), "{shown}");
            let kept = read(serde_json::from_str(&shown).unwrap()).with_secrets(power.secrets());
            assert_eq!(kept, power, "and both parts together are the whole");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_name_of_its_field() {
        let long = "x".repeat(300);
        for (power, what) in [
            (json!({"kind": "ipmi"}), "address"),
            (json!({"kind": "ipmi", "address": "-oProxyCommand"}), "address"),
            (json!({"kind": "ipmi", "address": "a b"}), "address"),
            (json!({"kind": "ipmi", "address": long}), "address"),
            (json!({"kind": "ipmi", "mac": "00:00:00:00:00:00"}), "mac"),
            (json!({"kind": "ipmi", "mac": "52:54:00:00:00:01", "subnet": "10.0.0.0/8"}), "subnet"),
            (json!({"kind": "ipmi", "mac": "52:54:00:00:00:01", "subnet": "10.0.0.1/24"}), "subnet"),
            (json!({"kind": "ipmi", "address": "a", "port": 0}), "port"),
            (json!({"kind": "ipmi", "address": "a", "interface": "lan plus"}), "interface"),
            (json!({"kind": "ipmi", "address": "a", "user": "a\nb"}), "user"),
            (json!({"kind": "ipmi", "address": "a", "password": long}), "password"),
            (json!({"kind": "ipmi", "address": "a", "password": "a\u{0}b"}), "password"),
            (json!({"kind": "redfish", "url": "10.0.0.1"}), "url"),
            (json!({"kind": "redfish", "url": "https://u:p@10.0.0.1"}), "url"),
            (json!({"kind": "redfish", "url": "https://10.0.0.1/redfish"}), "url"),
            (json!({"kind": "redfish", "url": "https://h", "system": "../x"}), "system"),
            (json!({"kind": "wol", "macs": ["ff:ff:ff:ff:ff:ff"]}), "macs"),
            (json!({"kind": "wol", "interface": "a/b"}), "interface"),
            (json!({"kind": "wol", "broadcast": "127.0.0.1"}), "broadcast"),
            (json!({"kind": "command"}), "adapter"),
            (json!({"kind": "command", "adapter": "a b"}), "adapter"),
            (json!({"kind": "command", "adapter": "a", "vars": {"a b": ""}}), "vars"),
        ] {
            assert_eq!(read(power.clone()).check().unwrap_err().what, what, "{power}");
        }
        for power in [
            json!({"kind": "ipmi", "address": "fe80::1", "user": "-x y", "password": "a 'b\" $c"}),
            json!({"kind": "ipmi", "mac": "52:54:00:00:00:01", "subnet": "10.0.0.0/20"}),
            json!({"kind": "redfish", "url": "http://[::1]:8000/", "system": "System.Embedded.1"}),
            json!({"kind": "wol"}),
        ] {
            assert_eq!(read(power.clone()).check(), Ok(()), "{power}");
        }
        let unknown = json!({"kind": "ipmi", "adress": "a"});
        assert!(serde_json::from_value::<Power>(unknown).is_err());
    }
}
