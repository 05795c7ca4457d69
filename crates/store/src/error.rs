use std::path::PathBuf;

use nextboot_model::Refusal;

/// Why the state cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its directory cannot be made or locked.
    #[error("cannot open the state {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("the state {0} is in use by another nextboot; stop that one first")]
    InUse(PathBuf),
    /// It is some other program's database.
    #[error("{0} is a database, but not one of nextboot's; move it away, or choose another data_dir")]
    Foreign(PathBuf),
    /// It was written by a newer release.
    #[error(
        "the state {path} has the layout {found}, and this release knows up to {known}; install the newer release again"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u32,
        /// The newest layout known here.
        known: u32,
    },
    /// A row says something that cannot be.
    #[error(
        "the state {path} has a {table} {key:?} that cannot be read: {reason}. Restore a copy, or delete that row with the \
         sqlite3 program"
    )]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// Why.
        reason: String,
    },
    /// SQLite's own complaint: a damaged file, a full disk.
    #[error(
        "the state {path} cannot be used: {source}. If the file is damaged, restore a copy or move it away to begin anew"
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// The complaint.
        source: rusqlite::Error,
    },
    /// No randomness for the secret.
    #[error("no random numbers: {0}")]
    Random(String),
}

/// Why a command changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// It cannot be, and why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be written.
    #[error("the change cannot be written to the disk: {0}")]
    Disk(String),
    /// The store was closed.
    #[error("the server is stopping")]
    Stopped,
}

/// Why events cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// SQLite's complaint.
    #[error("the journal cannot be read: {0}")]
    Database(#[from] rusqlite::Error),
    /// The runtime is going down.
    #[error("the server is stopping")]
    Stopped,
}
