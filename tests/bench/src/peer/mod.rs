//! What an administrator would install instead, each in the arena's namespace.

mod dhcp;
mod http;
mod storm;
mod tftp;

use std::time::Duration;

use anyhow::Result;
use nextboot_tests::{Process, wait_until};

use crate::arena::Arena;

pub use dhcp::{dnsmasq_dhcp, kea};
pub use http::{NGINX_PORT, nginx};
pub use storm::{DNSMASQ_AND_NGINX, dnsmasq_and_nginx};
pub use tftp::{async_tftp, atftpd, bare, dnsmasq_tftp, rs_tftpd, tftpd_hpa};

/// How long a peer may take until it is ready.
const START: Duration = Duration::from_secs(20);

/// Waits until a program in the arena's namespace listens; `sockets` are words of `ss` that list them, `at` is `address:port`.
///
/// # Errors
/// When it ends, or does not listen in time.
pub fn listens(arena: &Arena, process: &mut Process, sockets: &str, at: &str) -> Result<()> {
    wait_until(&format!("a socket at {at}"), START, || {
        process.alive()?;
        let shown = arena.lab.namespace().run("ss", &[sockets])?;
        Ok(shown.contains(&format!("{at} ")).then_some(()))
    })
}
