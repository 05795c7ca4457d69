//! Whether somebody uses an address, before it is offered.

use std::net::Ipv4Addr;

use nextboot_config::Probe;
use nextboot_model::{EventKind, Mac};

use super::{Responder, Sockets, notes, send};
use crate::{appliance::Appliance, clock};

/// How many addresses are asked for at a time. What is offered beyond that is offered unasked: a flood is not to keep
/// machines from their addresses.
pub(super) const AT_A_TIME: usize = 64;

/// Asks in the way that the site chose. Whoever cannot be asked does not use the address.
pub(super) async fn is_in_use(
    app: &Appliance,
    sockets: &Sockets,
    interface: u32,
    relayed: bool,
    address: Ipv4Addr,
) -> bool {
    let Ok(_room) = sockets.probes.try_acquire() else { return false };
    let (way, limit) = {
        let settings = app.settings.load();
        (settings.config.dhcp.probe, settings.config.dhcp.probe_timeout)
    };
    let asked = async {
        match way {
            Probe::Off => Ok(false),
            // Who is behind a relay hears no ARP of ours.
            Probe::Arp if relayed => Ok(false),
            Probe::Arp => nextboot_net::answers_arp(interface, address).await.map(|()| true),
            Probe::Icmp => nextboot_net::answers_ping(address).await.map(|()| true),
        }
    };
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(in_use)) => in_use,
        Ok(Err(error)) => {
            tracing::debug!(%error, %address, "cannot ask whether the address is in use");
            false
        }
        Err(_) => false,
    }
}

/// Nobody is given this address for a while. The client asks again, and is offered another one.
pub(super) async fn put_aside(app: &Appliance, mac: Mac, address: Ipv4Addr) {
    let (outcome, written) = {
        let mut responder = app.responder.lock();
        let Responder::Server(server) = &mut *responder else { return };
        let outcome = server.in_use(clock::now(), address, mac);
        let written = send::write(app, &outcome.lease_changes);
        (outcome, written)
    };
    if let Some(written) = written
        && let Err(error) = written.await
    {
        let what = format!("that {address} is in use cannot be written: {error}");
        app.note_once_in_a_while(None, None, EventKind::Trouble { what });
    }
    for event in outcome.notes.iter().filter_map(notes::set_aside) {
        app.note(Some(mac), event);
    }
}
