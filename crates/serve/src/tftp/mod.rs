//! TFTP between the wire and the machine: one task listens for requests, one drives each transfer.

mod listen;
mod transfer;

pub(crate) use listen::{bind, run};
