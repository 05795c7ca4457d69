//! One file by TFTP (RFC 1350, 2347, 2348, 2349, 7440), as a given firmware or loader does it.

mod style;
#[cfg(test)]
mod tests;
mod transfer;

pub use style::Style;
pub use transfer::Transfer;
