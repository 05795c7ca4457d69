//! One file by TFTP (RFC 1350, 2347, 2348, 2349, 7440), as a given firmware or loader does it ([`Transfer`]), or as
//! many as a load generator wants at a time ([`Fetch`]).

mod fetch;
mod style;
#[cfg(test)]
mod tests;
mod transfer;

pub use fetch::{Counts, Fetch, Heard, Progress, Wish};
pub use style::Style;
pub use transfer::Transfer;
