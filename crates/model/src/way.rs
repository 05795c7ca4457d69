use std::fmt;

use serde::{Deserialize, Serialize};

/// How a proxy leads firmware to its boot file. Firmware differs in which of the two it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfferWay {
    /// The offer carries the file.
    Direct,
    /// The offer names the server alone, and the firmware asks it for the file on port 4011.
    BootServer,
}

impl OfferWay {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Direct => Self::BootServer,
            Self::BootServer => Self::Direct,
        }
    }
}

impl fmt::Display for OfferWay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Direct => "the direct offer",
            Self::BootServer => "port 4011",
        })
    }
}
