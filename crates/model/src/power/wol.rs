use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::BadPower;
use crate::{MAX_MACS, Mac};

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

impl WakeOnLan {
    pub(super) fn check(&self) -> Result<(), BadPower> {
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
