//! IPMI, by ipmitool. Its password is in the environment (`-E` reads IPMI_PASSWORD), its arguments go to it as they are.

use std::slice;

use nextboot_model::{Ipmi, PowerState, Secret};

use crate::{PowerError, Settings, child};

/// A controller that speaks IPMI, and where it is.
#[derive(Debug)]
pub(crate) struct Controller<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) ipmi: &'a Ipmi,
    pub(crate) address: &'a str,
}

/// What ipmitool says when there is no session, and so nothing can have happened.
const NO_SESSION: [&str; 4] = [
    "unable to establish",
    "could not open socket",
    "address lookup for",
    "get session challenge command failed",
];
/// What it says when the controller does not take user, password or privilege.
const NOT_ALLOWED: [&str; 6] = [
    "rakp 2 hmac is invalid",
    "unauthorized name",
    "invalid user name",
    "password verification",
    "insufficient privilege",
    "activate session command failed",
];

impl Controller<'_> {
    pub(crate) fn place(&self) -> String {
        match self.ipmi.port {
            Some(port) => format!("the BMC at {} port {port}", self.address),
            None => format!("the BMC at {}", self.address),
        }
    }

    /// ipmitool's arguments before the command.
    fn arguments(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        option("-I", self.ipmi.interface.clone().unwrap_or_else(|| "lanplus".into()));
        option("-N", "2".into());
        option("-R", "2".into());
        option("-H", self.address.to_owned());
        if let Some(port) = self.ipmi.port {
            option("-p", port.to_string());
        }
        if !self.ipmi.user.is_empty() {
            option("-U", self.ipmi.user.clone());
        }
        words.push("-E".into());
        words
    }

    async fn chassis(&self, command: &[&str]) -> Result<String, PowerError> {
        let mut arguments = self.arguments();
        arguments.push("chassis".into());
        arguments.extend(command.iter().map(|&word| word.to_owned()));
        let password = self.ipmi.password.as_ref();
        // Without the variable it would ask for a password.
        let variables = [("IPMI_PASSWORD", password.map(Secret::reveal).unwrap_or_default())];
        let secrets = password.map(slice::from_ref).unwrap_or_default();
        let place = self.place();
        let Settings { ipmitool, limit, .. } = self.settings;
        let output = child::run(ipmitool, &arguments, &variables, secrets, *limit, &place).await?;
        if output.status.success() {
            return Ok(output.out);
        }
        let said = output.err.to_ascii_lowercase();
        let says = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        if says(&NOT_ALLOWED) {
            return Err(PowerError::NotAllowed { place, user: self.ipmi.user.clone() });
        }
        let why = output.complaint();
        if says(&NO_SESSION) {
            let why = format!(
                "{why}; is the address right, is IPMI over LAN switched on there, and are user and password right?"
            );
            return Err(PowerError::Unreachable { place, why });
        }
        Err(PowerError::Refused { place, why })
    }

    pub(crate) async fn status(&self) -> Result<PowerState, PowerError> {
        Ok(read_status(&self.chassis(&["power", "status"]).await?))
    }

    /// One of ipmitool's words: `on`, `off`, `reset`, `cycle`.
    pub(crate) async fn power(&self, word: &str) -> Result<(), PowerError> {
        self.chassis(&["power", word]).await.map(drop)
    }

    /// Boots from the network once. Without the option a machine that boots by UEFI does it by its BIOS emulation, or not.
    pub(crate) async fn boot_network(&self, uefi: bool) -> Result<(), PowerError> {
        let words: &[&str] = if uefi { &["bootdev", "pxe", "options=efiboot"] } else { &["bootdev", "pxe"] };
        self.chassis(words).await.map(drop)
    }
}

fn read_status(text: &str) -> PowerState {
    let text = text.to_ascii_lowercase();
    if text.contains("chassis power is on") {
        PowerState::On
    } else if text.contains("chassis power is off") {
        PowerState::Off
    } else {
        PowerState::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_ipmitool_writes_them() {
        for (text, state) in [
            ("Chassis Power is on\n", PowerState::On),
            ("Chassis Power is off\n", PowerState::Off),
            ("Chassis Power is Unknown\n", PowerState::Unknown),
            ("", PowerState::Unknown),
        ] {
            assert_eq!(read_status(text), state, "{text}");
        }
    }

    #[test]
    fn the_password_is_no_argument_and_values_stay_whole() {
        let ipmi = Ipmi {
            user: "an admin; reboot".into(),
            password: Some(Secret::new("s3cr3t")),
            port: Some(6230),
            ..Ipmi::default()
        };
        let settings = Settings::default();
        let arguments = Controller { settings: &settings, ipmi: &ipmi, address: "10.0.9.1" }.arguments();
        let wanted = "-I lanplus -N 2 -R 2 -H 10.0.9.1 -p 6230 -U".split(' ');
        assert_eq!(arguments, wanted.chain(["an admin; reboot", "-E"]).collect::<Vec<_>>());
    }
}
