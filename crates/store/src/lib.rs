//! Durable state: SQLite on one writer thread, group commit, published snapshots.
//!
//! [`Store::open`] takes a database, or makes one, and answers with a [`Store`] that everybody shares. [`Store::state`] is
//! the state table as of now, [`Store::submit`] has a [`Command`](nextboot_model::Command) carried out,
//! [`Store::put_leases`] keeps leases, [`Store::note`] puts what was observed into the journal, [`Store::follow`] and
//! [`Store::events`] show the journal, and [`Store::close`] ends it all in good order.
//!
//! # Durable, then visible, then answered
//!
//! One thread writes. It takes what is queued, up to [`Limits::batch`] commands and leases, and
//!
//! 1. **decides** each command against a private copy of the state that already holds the earlier commands of the same
//!    batch (a copy costs a few pointers, see [`State`](nextboot_model::State));
//! 2. **writes** all of it in one transaction and waits for the disk (`synchronous = FULL`: the write-ahead log is synced
//!    before the commit returns), so that many callers share one wait;
//! 3. **publishes** the copy as the state that everybody sees, then tells the followers of events;
//! 4. **answers** the callers, and writes the log.
//!
//! Readers of the state take a snapshot without a lock; they never wait for the disk or for a writer. Queries of the
//! journal read the disk on connections and threads of their own.
//!
//! When the transaction fails (a full disk, an error of the disk, somebody else who holds the database for longer than
//! five seconds), nothing of the batch is seen by anybody and every caller in it gets the error, also one whose command
//! was refused: what it was refused for may be an earlier command of the batch. The next batch begins from what is
//! published.
//!
//! # What is durable when
//!
//! | what | durable | lost by a kill or a power cut |
//! |---|---|---|
//! | a command that was answered | yes | no |
//! | a command not answered yet | maybe; if so as a whole, with all its hosts and events | maybe, as a whole |
//! | leases whose `put_leases` is done | yes | no |
//! | an event that a follower got, or a query answered | yes | no |
//! | an event that was only noted | soon: with the next batch, or after [`Limits::linger`] | those of the last moments |
//!
//! That last line is the crash window of the journal: what machines did in the last 20 ms or so, and what is in the queue
//! while the disk is busy. Events of commands have no window: they are in the transaction of their command. What was noted
//! while the disk did not take it is kept in memory, up to [`Limits::notes`] events, and written when it does; beyond that
//! the oldest are dropped and a [`Trouble`](nextboot_model::EventKind::Trouble) event says how many. Ids count up by one
//! for ever, also over restarts, and an id is never given to two events.
//!
//! An error of a disk at the very end of a commit leaves open what the disk has: the caller is told of a failure, and
//! after a power cut at that moment the change may be found made, as a whole.
//!
//! # The file
//!
//! One SQLite database in WAL mode, for its owner's eyes only (it holds a secret). Operators may look into it with
//! `sqlite3` while nextboot runs, and back it up with `.backup`; copying the bare file is right only after
//! [`Store::close`]. Tables: `host` (with its assignment), `mac`, `net` (with its assignment), `network`, `lease`, `event`,
//! `test_run`, `test_line`, `meta`. Names, MACs, addresses, profiles and moments (milliseconds since 1970) are columns; the
//! rest is JSON in `doc`, `vars` and `power`, and `secrets` has the passwords of power endpoints. Nothing is written
//! twice, so nothing can disagree, and UNIQUE columns keep the file itself from giving a MAC, a UUID or an address two
//! owners.
//!
//! Nobody else may write to it while nextboot runs: the state is in memory, and what it does not know of it cannot show.
//! A lock on the file beside it (`….lock`) keeps a second nextboot away. A stranger's rows do not go unnoticed for
//! ever: a command that meets one fails.
//!
//! The logs of test runs are files in the directory `tests` beside it, `<number>.log`: written whole under another name, synced,
//! then renamed. What they say is in the database.
//!
//! # Choices
//!
//! - **A row that cannot be read refuses the start**, by its table and key. Leaving the row out would be worse than not
//!   starting: a host without its assignment would boot what the tree's `default` says, a lost lease would be given
//!   twice, and a MAC without its owner could be claimed by another host. Rows are checked by the very function that let
//!   them in.
//! - **An entry of the journal that cannot be read is shown as trouble in its place.** It decides about no machine, so it
//!   must hide neither the others nor the service. For the same reason the journal is looked through for damage before the first
//!   change and not before the start, which a full one would make ten times as long.
//! - **The tables must be as we made them.** Without UNIQUE on a column or with a trigger on a table, the file no longer
//!   promises what the rest relies on. Views and further indexes are welcome.
//! - **Too many leases are refused, too many commands wait, too many notes are dropped.** A DHCP client asks again by
//!   itself; a caller of the API wants an answer; an observation must never hold up the one who observes.
#![forbid(unsafe_code)]

mod batch;
mod error;
mod failure;
mod job;
mod journal;
mod limits;
mod load;
mod measured;
mod nets;
mod open;
mod readers;
mod rows;
mod schema;
mod store;
mod tell;
mod test_logs;
mod test_rows;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{FileError, LeaseError, OpenError, ReadError, SubmitError};
pub use job::NewEvent;
pub use journal::{MAX_EVENTS, Order, Query};
pub use limits::{Clock, Limits};
pub use measured::{Measured, Waiting};
pub use store::{Loaded, Receipt, Store};
pub use test_logs::{LogError, LogUpload, TestLogs};
pub use test_rows::{MAX_TEST_ROWS, TestQuery, TestVersion};
