use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Class, ProfileName, Timestamp};

/// A machine's second call-back within this time changes nothing.
const REPEATED: Duration = Duration::from_secs(10);

/// How long an assignment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// Until somebody changes it.
    Changed,
    /// Until the installed system calls back, or too many attempts did not; then `local`.
    Done,
    /// Until everything the plan named was delivered in full; then what it was before.
    Once,
}

impl Until {
    /// What the native doors choose when nobody says: an installer holds until it calls back, so that no machine
    /// installs for ever; anything else until somebody changes it.
    #[must_use]
    pub fn usual(class: Class) -> Self {
        if class == Class::Install { Self::Done } else { Self::Changed }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Changed => "changed",
            Self::Done => "done",
            Self::Once => "once",
        })
    }
}

impl FromStr for Until {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "changed" => Ok(Self::Changed),
            "done" => Ok(Self::Done),
            "once" => Ok(Self::Once),
            other => Err(format!("{other:?} is none of \"changed\", \"done\", \"once\"")),
        }
    }
}

/// Who spoke: through which door, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "door", rename_all = "kebab-case")]
pub enum Door {
    /// The native API or the command line, by whom (`root over the socket`, `token from 10.0.0.5`).
    Api {
        /// Who, in words.
        who: String,
    },
    /// The call of pxe-pilot and of the use case: `PUT /configurations/NAME/deploy`.
    Deploy {
        /// Who, in words.
        who: String,
    },
    /// pxemngr's commands and addresses.
    Pxemngr {
        /// Who, in words.
        who: String,
    },
    /// The machine itself, from its own address.
    Machine {
        /// Its address.
        from: std::net::IpAddr,
    },
    /// A file or link that a person put into `pxelinux.cfg/`.
    Hand {
        /// The name of the entry beneath the root.
        entry: String,
    },
    /// nextboot itself, by one of its rules.
    Rule {
        /// Which rule, in words.
        rule: String,
    },
}

impl fmt::Display for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api { who } => write!(out, "{who}"),
            Self::Deploy { who } => write!(out, "deploy call by {who}"),
            Self::Pxemngr { who } => write!(out, "pxemngr by {who}"),
            Self::Machine { from } => write!(out, "the machine itself ({from})"),
            Self::Hand { entry } => write!(out, "by hand, {entry}"),
            Self::Rule { rule } => write!(out, "nextboot: {rule}"),
        }
    }
}

/// Which profile a host gets, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The profile.
    pub profile: ProfileName,
    /// The profile's class when it was assigned. A profile that *became* an installer later does not reach a host that
    /// was assigned it before: nobody armed that host.
    pub class: Class,
    /// How long it holds.
    pub until: Until,
    /// When it was made; unique per host, so it also tells one arming from the next.
    pub since: Timestamp,
    /// Who made it.
    pub by: Door,
    /// How often everything the plan named was delivered in full under this assignment.
    #[serde(default)]
    pub delivered: u32,
    /// Why the host was taken off its installer, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// For [`Until::Once`]: what holds again afterwards (never itself `Once`). For a rescue, which holds until it is taken
    /// back: what held before it, if that was no installer (never itself a rescue).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Self>>,
    /// A boot armed once that was delivered and used up: it may still be running, and then its installer still fetches
    /// its seed and calls back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
}

/// A boot armed once that was used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// What was booted.
    pub profile: ProfileName,
    /// The [`Assignment::since`] of the assignment that is over.
    pub since: Timestamp,
}

impl Assignment {
    /// Boot from the host's own disk, until somebody changes it.
    #[must_use]
    pub fn local(since: Timestamp, by: Door) -> Self {
        Self {
            profile: ProfileName::local(),
            class: Class::Local,
            until: Until::Changed,
            since,
            by,
            delivered: 0,
            failed: None,
            before: None,
            used: None,
        }
    }

    /// True when a machine itself asked for this a moment ago, and so need not ask again. Whoever needs no token must not fill
    /// the journal with one event after the other.
    #[must_use]
    pub fn just_called_back(&self, now: Timestamp) -> bool {
        self.profile.is_local()
            && matches!(self.by, Door::Machine { .. })
            && self.since <= now
            && now.since(self.since) < REPEATED
    }

    /// True when nobody has said yet what the host boots: it was taken over from a program that did not know either.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.since == Timestamp(0) && self.profile.is_local()
    }

    /// True when this assignment lets an installer reach the host.
    #[must_use]
    pub fn arms(&self) -> bool {
        self.class == Class::Install
    }
}
