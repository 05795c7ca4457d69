//! TFTP between the wire and the machine. One task listens for requests, and one for each request finds out what is at the
//! name. From then on a worker has the transfer: a thread that drives hundreds of them, each a few hundred bytes, a socket,
//! and in lockstep 16 KiB of the file. So a block costs what its two system calls cost: one to receive, one to send.

mod listen;
mod live;
mod open;
mod port;
mod rates;
mod ready;
mod worker;

pub(crate) use listen::{bind, run};
