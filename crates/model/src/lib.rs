//! The words of nextboot and its state table: hosts, assignments, attempts, events, and the pure functions that change
//! them. Nothing here knows a socket, a file, a clock or a source of randomness.
#![forbid(unsafe_code)]

mod arch;
mod lease;
mod mac;
mod time;
mod uuid;

pub use arch::Arch;
pub use lease::{Lease, LeaseState};
pub use mac::{BadMac, Mac};
pub use time::Timestamp;
pub use uuid::{BadUuid, Uuid};
