use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Adapter, BadPower, Ipmi, Place, Redfish, Secret, WakeOnLan};

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

    /// Where its controller is, if it is one that can be elsewhere than its URL or the machine itself.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Ipmi(ipmi) => Some(&ipmi.place),
            Self::Command(adapter) => Some(&adapter.place),
            Self::Redfish(_) | Self::Wol(_) => None,
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
