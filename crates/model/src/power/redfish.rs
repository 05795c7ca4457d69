use serde::{Deserialize, Serialize};

use super::{BadPower, Secret, credentials, place::MAX_PLACE};

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

impl Redfish {
    pub(super) fn check(&self) -> Result<(), BadPower> {
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
        credentials::check(&self.user, self.password.as_ref())
    }
}
