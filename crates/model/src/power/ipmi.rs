use serde::{Deserialize, Serialize};

use super::{BadPower, Place, Secret, credentials};

/// A management controller that speaks IPMI.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ipmi {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
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

impl Ipmi {
    pub(super) fn check(&self) -> Result<(), BadPower> {
        self.place.check()?;
        if !self.place.can_be_found() {
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
        credentials::check(&self.user, self.password.as_ref())
    }
}
