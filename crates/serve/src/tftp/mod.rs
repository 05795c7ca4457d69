//! TFTP between the wire and the machine. One task listens for requests, and one for each request finds out what is at the
//! name. From then on a worker has the transfer: a thread that drives hundreds of them, each a few hundred bytes and a
//! socket. So a block costs what its system calls cost.

mod listen;
mod live;
mod open;
mod port;
mod rates;
mod worker;

pub(crate) use listen::{bind, run};
