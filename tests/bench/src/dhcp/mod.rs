//! Crowds of DHCP clients behind a relay: perfdhcp's, which ask at a rate, and ours, which ask as fast as they are answered.

mod perfdhcp;
mod rack;

use std::net::Ipv4Addr;

use anyhow::Result;
use nextboot_tests::Namespace;

pub use perfdhcp::Perfdhcp;
pub use rack::{Rack, Says};

use crate::arena::Arena;

/// The network that the addresses are of; the server has its first one, the relay its second.
pub const NETWORK: &str = "10.78.0.0/16";
/// The server's address in it.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
/// The relay's address in it.
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 2);
/// The addresses that are given: more than there are clients.
pub const POOL: &str = "10.78.4.0-10.78.250.255";

/// The relay's namespace, on the arena's cable, which gets the network for it.
fn cable(arena: &Arena) -> Result<Namespace> {
    arena.lab.namespace().ip(&["address", "add", &format!("{SERVER}/16"), "dev", "br0"])?;
    arena.lab.join(&format!("{RELAY}/16"))
}
