use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What to do with a machine's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerAction {
    /// Only see whether it is on.
    Status,
    /// Switch it on.
    On,
    /// Switch it off at once, without asking its system.
    Off,
    /// Press its reset button.
    Reset,
    /// Off for a moment and on again; on when it is off.
    Cycle,
    /// As pxe-pilot reboots: the reset button when it is on, on when it is off, nothing when nobody knows.
    Reboot,
    /// Have it boot from the network this one time, then as [`PowerAction::Cycle`].
    BootNetwork,
}

impl PowerAction {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Status, Self::On, Self::Off, Self::Reset, Self::Cycle, Self::Reboot, Self::BootNetwork];

    /// Its word, as in the serialized form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::On => "on",
            Self::Off => "off",
            Self::Reset => "reset",
            Self::Cycle => "cycle",
            Self::Reboot => "reboot",
            Self::BootNetwork => "boot-network",
        }
    }

    /// What it says it is, to people: `switch on`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Status => "read the power state",
            Self::On => "switch on",
            Self::Off => "switch off",
            Self::Reset => "reset",
            Self::Cycle => "power cycle",
            Self::Reboot => "reboot",
            Self::BootNetwork => "boot from the network",
        }
    }
}

impl fmt::Display for PowerAction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

impl FromStr for PowerAction {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|action| action.word() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::word).join(", ");
            format!("{:?} is none of {words}", text.chars().take(40).collect::<String>())
        })
    }
}

/// Whether a machine is on, as far as its power endpoint tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerState {
    /// It is on.
    On,
    /// It is off.
    Off,
    /// Nobody can tell: the endpoint does not answer, or what switches the machine cannot see it (Wake-on-LAN).
    #[default]
    Unknown,
}

impl fmt::Display for PowerState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_serialized_form() {
        for action in PowerAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.word());
            assert_eq!(action.word().parse(), Ok(action));
        }
        assert!("explode".parse::<PowerAction>().unwrap_err().contains("status, on, off"));
    }
}
