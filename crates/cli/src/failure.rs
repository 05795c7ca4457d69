use std::{io, path::PathBuf};

/// Exit code when the server refused.
pub(crate) const REFUSED: u8 = 1;
/// Exit code when the command line is wrong; clap's own.
pub(crate) const USAGE: u8 = 2;
/// Exit code when the server cannot be reached.
pub(crate) const UNREACHABLE: u8 = 3;
/// Exit code when the server wants to know who asks.
pub(crate) const NOT_ALLOWED: u8 = 4;

/// Why a command was not carried out: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(
        "there is no socket at {0}\nIs nextboot running? Try `systemctl status nextboot`, name its socket with --socket, or \
         ask another host with --server URL."
    )]
    NoSocket(PathBuf),
    #[error("nobody listens at {0}: nextboot has ended\nTry `systemctl status nextboot`.")]
    NobodyListens(PathBuf),
    #[error("you may not open the socket {0}\nRun this as root, or use --server URL with a token.")]
    SocketForbidden(PathBuf),
    #[error(
        "cannot reach {place}: {why}\nIs nextboot running there, and does a firewall let its API port through?"
    )]
    Unreachable { place: String, why: String },
    #[error("{place} did not answer within {seconds} s")]
    Slow { place: String, seconds: u64 },
    #[error("{place} does not answer as nextboot does: {why}")]
    Strange { place: String, why: String },
    #[error("{message}{remedy}")]
    NotAllowed { message: String, remedy: &'static str },
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Usage(String),
    #[error("cannot read the token from {path}: {error}")]
    TokenFile { path: PathBuf, error: io::Error },
    #[error("cannot read a secret from {path}: {error}")]
    SecretFile { path: PathBuf, error: io::Error },
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Output(_) => REFUSED,
            Self::Usage(_) | Self::TokenFile { .. } | Self::SecretFile { .. } => USAGE,
            Self::NoSocket(_)
            | Self::NobodyListens(_)
            | Self::Unreachable { .. }
            | Self::Slow { .. }
            | Self::Strange { .. } => UNREACHABLE,
            Self::SocketForbidden(_) | Self::NotAllowed { .. } => NOT_ALLOWED,
        }
    }

    /// True when whoever read our output has had enough, as `head` does.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// True when it may work a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        self.code() == UNREACHABLE
    }
}
