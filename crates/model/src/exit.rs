use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How a machine gets to its own disk. Which way works is a matter of its firmware, and no way works for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// No answer to DHCP: the firmware goes on to its next boot option.
    Silence,
    /// The machine's usual loader goes back to the firmware: iPXE's `exit`, GRUB's `exit`, PXELINUX's `LOCALBOOT -1`.
    Exit,
    /// iPXE boots the first disk: `sanboot --no-describe --drive 0x80`.
    Sanboot,
    /// GRUB goes back to the firmware: `exit`.
    GrubExit,
    /// GRUB looks on the disks for a boot loader and starts it.
    GrubChain,
    /// PXELINUX boots the first disk: `LOCALBOOT 0`. Under UEFI SYSLINUX goes back to the firmware then.
    Localboot,
}

/// A text that is no exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use \"silence\", \"exit\", \"sanboot\", \"grub-exit\", \"grub-chain\" or \"localboot\"")]
pub struct BadExit;

impl Exit {
    /// Every exit.
    pub const ALL: [Self; 6] =
        [Self::Silence, Self::Exit, Self::Sanboot, Self::GrubExit, Self::GrubChain, Self::Localboot];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Exit => "exit",
            Self::Sanboot => "sanboot",
            Self::GrubExit => "grub-exit",
            Self::GrubChain => "grub-chain",
            Self::Localboot => "localboot",
        }
    }
}

impl FromStr for Exit {
    type Err = BadExit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|exit| exit.name() == text).ok_or(BadExit)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_exit_is_stored_and_said_by_one_name() {
        for exit in Exit::ALL {
            assert_eq!(exit.name().parse(), Ok(exit));
            assert_eq!(serde_json::to_string(&exit).unwrap(), format!("{:?}", exit.name()));
        }
        assert_eq!("Silence".parse::<Exit>(), Err(BadExit));
    }
}
