use std::{io, path::PathBuf};

use nextboot_model::Refusal;

use crate::LogError;

/// Why the state cannot be opened. Nothing was changed; every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Somebody else has it.
    #[error(
        "{} is in use by another nextboot{}: stop that one, or give this one a data directory of its own",
        path.display(), owner.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// The other process, when it said so.
        owner: Option<u32>,
    },
    /// It is a file of something else.
    #[error(
        "{} is not a state file of nextboot ({what}): move it away, or name another data directory", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// A newer release wrote it.
    #[error(
        "{} was written by a newer nextboot (schema {found}, this one knows {known}): run that release or a newer one, \
         or restore a backup from before the upgrade", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema we know.
        known: i64,
    },
    /// The file is damaged.
    #[error(
        "{} is damaged ({what}): restore a backup, or save what can be saved with `sqlite3 {0} .recover`; to start \
         with nothing, move it and the files {0}-wal and {0}-shm away", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A row says something that no state can hold. Skipping it could arm or disarm a machine behind everybody's back.
    #[error(
        "{}: table {table}, row {key:?}: {why}. Mend or delete this row with sqlite3, or restore a backup", path.display()
    )]
    BadRow {
        /// The file.
        path: PathBuf,
        /// Which table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// SQLite cannot work with it.
    #[error("cannot open {}: {what}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        what: String,
    },
    /// The kernel has no random bytes or no thread for us.
    #[error("cannot start: {0}")]
    System(String),
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The command cannot be carried out. Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store was closed. If it was closed while the command waited, nothing was changed.
    #[error("the store is closed")]
    Stopped,
    /// The disk did not take it. Nothing that anybody can see was changed. Should the machine lose its power right now,
    /// the change may be found made after all: then as a whole.
    #[error("the change cannot be written: {0}")]
    Disk(String),
}

/// Why leases are not durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Too many wait for the disk already. Nothing was queued.
    #[error("too many leases wait for the disk")]
    Busy,
    /// The store was closed.
    #[error("the store is closed")]
    Stopped,
    /// The disk did not take them.
    #[error("leases cannot be written: {0}")]
    Disk(String),
}

/// Why the log of a test run was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The log itself.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What it says could not be written, or there is no such run.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The run could not be looked at.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why the disk cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store was closed.
    #[error("the store is closed")]
    Stopped,
    /// The disk or the database did not answer.
    #[error("the database cannot be read: {0}")]
    Disk(String),
}
