//! Durable state: SQLite on one writer thread, group commit, published snapshots.
#![forbid(unsafe_code)]

mod batch;
mod error;
mod failure;
mod job;
mod journal;
mod limits;
mod load;
mod open;
mod readers;
mod rows;
mod schema;
mod store;
mod tell;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{LeaseError, OpenError, ReadError, SubmitError};
pub use job::NewEvent;
pub use journal::{MAX_EVENTS, Order, Query};
pub use limits::{Clock, Limits};
pub use store::{Loaded, Receipt, Store};
