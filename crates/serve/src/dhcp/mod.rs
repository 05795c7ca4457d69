//! DHCP between the wire and the machine: sockets, the decision, durability, events.

mod answer;
mod listen;
mod notes;
mod probe;
mod send;
mod watch;

use std::sync::Arc;

use nextboot_boot::{Client, Firmware};
use nextboot_dhcp::{Arrival, MessageType, Outcome, Port, Proxy, Seen, Server};

pub(crate) use listen::{Sockets, run};

use crate::appliance::Appliance;

/// The machine that answers.
#[derive(Debug)]
pub(crate) enum Responder {
    /// We give addresses.
    Server(Box<Server>),
    /// Another server gives addresses, we give boot files.
    Proxy(Box<Proxy>),
    /// Nobody asks us.
    Off,
}

impl Responder {
    /// The leases, where we give any.
    pub(crate) fn leases(&self) -> Option<&nextboot_dhcp::Leases> {
        match self {
            Self::Server(server) => Some(server.leases()),
            _ => None,
        }
    }
}

/// What somebody picked in the machine's boot menu: what it asks for now, or what it asked for earlier in this attempt.
fn picked(app: &Appliance, arrival: &Arrival, seen: &Seen, client: &Client) -> Option<u16> {
    if arrival.port == Port::Pxe {
        return seen.packet().boot_item().map(|item| item.kind);
    }
    let attempts = app.attempts.lock();
    let attempt = attempts.of(seen.client().mac)?;
    let begins = seen.packet().message_type() == Some(MessageType::Discover);
    attempt.picked.filter(|_| !(begins && attempt.asks_anew(client.firmware == Firmware::Ipxe)))
}

/// One packet: classify, decide, answer. Everything up to the disk happens here and in order; what waits for the disk
/// goes on by itself, so that many leases share one commit.
fn handle(app: &Arc<Appliance>, sockets: &Arc<Sockets>, arrival: Arrival, bytes: &[u8]) {
    let read = Seen::read_with(bytes, &app.settings.load().config.dhcp.vendor_classes);
    let Ok(seen) = read else { return };
    let now = crate::clock::now();
    let state = app.store.state();
    let hosts = answer::Hosts(&state);
    let admitted = match &mut *app.responder.lock() {
        Responder::Server(server) => server.admit(now, &seen, &hosts),
        Responder::Proxy(proxy) => proxy.admit(now, &seen),
        Responder::Off => return,
    };
    // A flood ends here: what it asks for is not even looked up.
    let Some(admitted) = admitted else { return notes::too_many(app, &seen) };
    let client = answer::client(&seen, &arrival);
    let client = Client { picked: picked(app, &arrival, &seen, &client), ..client };
    let plan = app.plan(&state, &client);
    let boot = answer::boot(app, &plan, &client, &arrival);
    let (outcome, written) = {
        let mut responder = app.responder.lock();
        let outcome = match &mut *responder {
            Responder::Server(server) => server.answer(admitted, now, &arrival, &seen, &boot, &hosts),
            Responder::Proxy(proxy) => proxy.answer(admitted, now, &arrival, &seen, &boot),
            Responder::Off => Outcome::default(),
        };
        // Queued while the table is locked, so that the disk sees leases in the order in which they came about.
        let written = send::write(app, &outcome.lease_changes);
        (outcome, written)
    };
    let told = notes::tell(app, now, &seen, &client, &plan, &outcome);
    let Outcome { replies, lease_changes, probe, .. } = outcome;
    let finish =
        send::Finish { mac: seen.client().mac, arrival, replies, lease_changes, written, probe, told };
    finish.begin(app, sockets);
}
