//! Conformance: clients of any kind against the real binary, by frames on the cable.
//!
//! The clients are written from the specifications and share no code with the server. What an answer must look like
//! whatever was asked is checked for each of them; silence is proven by a question behind it that must be answered, and
//! the state of the server by what it offers to another client from a pool of one address.

mod client;
mod clients;
mod frame;
mod heard;
mod net;
mod raw;
mod site;

pub use client::{Ask, Client, server};
pub use clients::Clients;
pub use frame::{Cable, Datagram};
pub use heard::Heard;
pub use net::Net;
pub use raw::{ethernet, fragment, fragments, seal, sum};
pub use site::{Site, ip};
