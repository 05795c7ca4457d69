//! DHCP between the wire and the machine: sockets, the decision, durability, events.

mod answer;
mod listen;
mod notes;
mod pile;
mod probe;
mod send;
mod watch;

use std::sync::Arc;

use nextboot_boot::{Client, Firmware, Plan};
use nextboot_dhcp::{
    Admitted, Arrival, BootAnswer, LeaseChange, Load, MessageType, Outcome, Port, Proxy, Seen, Server,
};

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

/// One packet, and how it came in.
struct Asked {
    arrival: Arrival,
    seen: Seen,
}

impl Asked {
    /// Reads a packet; nothing where it is none.
    fn read(app: &Appliance, arrival: Arrival, bytes: &[u8]) -> Option<Self> {
        let seen = Seen::read_with(bytes, &app.settings.load().config.dhcp.vendor_classes).ok()?;
        Some(Self { arrival, seen })
    }
}

/// One packet, and what was decided about its sender.
struct Decided {
    asked: Asked,
    admitted: Admitted,
    client: Client,
    /// Nothing for a system that runs already: it only wants an address.
    plan: Option<Plan>,
    boot: BootAnswer,
}

/// Packets that came in together: classify, decide, answer. Everything up to the disk happens here and in order; what waits for
/// the disk goes on by itself, so that many leases share one commit.
fn handle(app: &Arc<Appliance>, sockets: &Arc<Sockets>, load: Load, round: Vec<Asked>) {
    if round.is_empty() {
        return;
    }
    let now = crate::clock::now();
    let state = app.store.state();
    let hosts = answer::Hosts(&state);
    let admitted: Vec<Option<Admitted>> = match &mut *app.responder.lock() {
        Responder::Server(server) => {
            round.iter().map(|asked| server.admit(now, load, &asked.seen, &hosts)).collect()
        }
        Responder::Proxy(proxy) => round.iter().map(|asked| proxy.admit(now, load, &asked.seen)).collect(),
        Responder::Off => return,
    };
    let decide = |(asked, admitted): (Asked, Option<Admitted>)| {
        let Some(admitted) = admitted else {
            // A flood ends here: what it asks for is not even looked up.
            notes::too_many(app, &asked.seen);
            return None;
        };
        let Asked { arrival, seen } = &asked;
        let client = answer::client(seen, arrival);
        let client = Client { picked: picked(app, arrival, seen, &client), ..client };
        let plan = client.firmware.boots().then(|| app.plan(&state, &client));
        let boot = plan.as_ref().map(|plan| answer::boot(app, plan, &client, arrival));
        Some(Decided { admitted, client, plan, boot: boot.unwrap_or(BootAnswer::Silent), asked })
    };
    let decided: Vec<Decided> = round.into_iter().zip(admitted).filter_map(decide).collect();
    let mut outcomes = Vec::with_capacity(decided.len());
    let written = {
        let mut responder = app.responder.lock();
        for Decided { asked: Asked { arrival, seen }, admitted, client, plan, boot } in decided {
            let outcome = match &mut *responder {
                Responder::Server(server) => server.answer(admitted, now, &arrival, &seen, &boot, &hosts),
                Responder::Proxy(proxy) => proxy.answer(admitted, now, &arrival, &seen, &boot),
                Responder::Off => Outcome::default(),
            };
            outcomes.push((Asked { arrival, seen }, client, plan, outcome));
        }
        // Queued while the table is locked, so that the disk sees leases in the order in which they came about.
        send::write(app, outcomes.iter().flat_map(|(.., outcome)| &outcome.lease_changes))
    };
    let (mut at_once, mut durable) =
        (send::Finish::default(), send::Finish { written, ..Default::default() });
    for (Asked { arrival, seen }, client, plan, outcome) in outcomes {
        let told = notes::tell(app, now, &seen, &client, plan.as_ref(), &outcome);
        let Outcome { replies, lease_changes, probe, .. } = outcome;
        let waits = lease_changes.iter().any(LeaseChange::must_be_durable);
        let finish = if waits { &mut durable } else { &mut at_once };
        finish.lease_changes.extend(lease_changes);
        finish.answers.push(send::Answer { mac: seen.client().mac, arrival, replies, probe, told });
    }
    at_once.begin(app, sockets);
    durable.begin(app, sockets);
}
