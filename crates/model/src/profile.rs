use std::fmt;

use serde::{Deserialize, Serialize};

/// What booting a profile does to the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Boots the host's own disk.
    Local,
    /// Destroys data: an installer. Reaches only a host that is armed for it.
    Install,
    /// Runs without touching the disk: a rescue or live system.
    Live,
    /// The site has not said. Nothing is guessed.
    #[default]
    Unclassified,
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Local => "local",
            Self::Install => "install",
            Self::Live => "live",
            Self::Unclassified => "unclassified",
        })
    }
}
