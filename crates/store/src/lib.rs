//! Durable state: SQLite on one writer thread, group commit, published snapshots.
//!
//! Durable, then visible, then answered: a [`Command`](nextboot_model::Command) is checked on the writer thread, written
//! and synced to the disk together with everything else that waits, then published as a new snapshot, then its caller is
//! answered. [`Store::state`] reads a snapshot without a lock and never waits for the disk.
//!
//! What is durable when:
//! - Hosts and assignments: before [`Store::submit`] returns, with the events that tell of the change, in one transaction.
//! - Leases: before [`Store::put_leases`] returns.
//! - Other events: soon. A crash may lose the last few; it never loses one that stands before one that was kept, and ids
//!   are never used twice.
//!
//! The file is meant to be opened by operators (`sqlite3 state.sqlite`); each table has real columns beside the document
//! that is read back. A row that cannot be read keeps the server from starting: leaving it out could disarm a host, or
//! give somebody's address away, without a word.
#![forbid(unsafe_code)]

mod error;
mod journal;
mod lock;
mod query;
mod rows;
mod schema;
mod store;
mod writer;

pub use error::{OpenError, QueryError, SubmitError};
pub use journal::NewEvent;
pub use query::{MAX_QUERY, Order, Query};
pub use store::{Limits, Loaded, Receipt, Store};
