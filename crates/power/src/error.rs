use std::{path::PathBuf, time::Duration};

use nextboot_model::{Mac, PowerAction};

/// Why a machine's power was not switched: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PowerError {
    /// The host has nothing that switches it.
    #[error("nothing is known that switches it; say what does with `nextboot host set NAME --power …`")]
    Nothing,
    /// Its controller has no address, and none was found.
    #[error(
        "the controller {mac} was not found: it has no lease here, and the kernel does not know it as a neighbour{searched}; \
         name its address or its network with `nextboot host set NAME --power … --bmc ADDRESS` or `--bmc-subnet NETWORK`"
    )]
    NotFound {
        /// Its MAC.
        mac: Mac,
        /// Where else it was looked for, as the rest of a sentence.
        searched: String,
    },
    /// What switches it cannot do that.
    #[error("{kind} cannot {}{remedy}", .action.phrase())]
    Cannot {
        /// What switches it.
        kind: String,
        /// What was asked for.
        action: PowerAction,
        /// What to do instead, as the rest of a sentence.
        remedy: String,
    },
    /// The configuration does not have the commands that the host names.
    #[error("there is no [[power.adapter]] named {0:?} in the configuration")]
    NoAdapter(String),
    /// A value that a command names is not there.
    #[error(
        "the command wants {{{{.{0}}}}}, which this host does not have; set it with `--adapter-var {0}=VALUE`, or among the \
         host's vars in pxe-pilot's file"
    )]
    NoValue(String),
    /// A program that is not there.
    #[error("cannot start {program}: {why}{remedy}")]
    Program {
        /// Which.
        program: PathBuf,
        /// What the kernel said.
        why: String,
        /// What to do, as the rest of a sentence.
        remedy: &'static str,
    },
    /// Nothing came in time.
    #[error("no answer from {place} within {} s; is it there, and is the way to it open?", .limit.as_secs_f32())]
    Slow {
        /// Whom it was waited for.
        place: String,
        /// For how long.
        limit: Duration,
    },
    /// There is nobody, or no session came about.
    #[error("{place}: {why}")]
    Unreachable {
        /// Who.
        place: String,
        /// What went wrong.
        why: String,
    },
    /// User or password are wrong.
    #[error(
        "{place} does not let {user:?} in; are user and password right, and may the user switch the machine?"
    )]
    NotAllowed {
        /// Who.
        place: String,
        /// The user.
        user: String,
    },
    /// It was asked and refused, or its answer cannot be understood.
    #[error("{place}: {why}")]
    Refused {
        /// Who.
        place: String,
        /// What it said.
        why: String,
    },
    /// Nobody can tell whether the machine is on.
    #[error("{0} does not tell whether the machine is on, so nothing was switched; say `on` or `reset`")]
    StateUnknown(String),
    /// Somebody else's operation has the controller.
    #[error("{0} is busy with another operation; try again")]
    Busy(String),
}

impl PowerError {
    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "no-power",
            Self::NotFound { .. } => "bmc-not-found",
            Self::Cannot { .. } => "cannot",
            Self::NoAdapter(_) => "no-adapter",
            Self::NoValue(_) => "no-value",
            Self::Program { .. } => "no-program",
            Self::Slow { .. } => "slow",
            Self::Unreachable { .. } => "unreachable",
            Self::NotAllowed { .. } => "not-allowed",
            Self::Refused { .. } => "refused",
            Self::StateUnknown(_) => "state-unknown",
            Self::Busy(_) => "busy",
        }
    }

    /// True when another try may go better, for something that may be done twice.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Slow { .. } | Self::Unreachable { .. } | Self::Refused { .. })
    }

    /// True when nothing of what was asked can have reached the machine.
    pub(crate) fn is_before_all(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
