use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use nextboot_boot::{Client, Firmware, Plan};
use nextboot_dhcp::{LeaseChange, Note, Outcome, Seen, Why};
use nextboot_model::{EventKind, Mac, Timestamp};

use super::Responder;
use crate::{appliance::Appliance, metrics::Service};

/// Turns what the machine saw and decided into events, and lets the attempt follow. Returns what is only true once the
/// leases are on the disk.
pub(super) fn tell(
    app: &Arc<Appliance>,
    now: Timestamp,
    seen: &Seen,
    client: &Client,
    plan: Option<&Plan>,
    outcome: &Outcome,
) -> Vec<EventKind> {
    let mut once_written = Vec::new();
    let mac = seen.client().mac;
    let boots = seen.client().kind.boots();
    let v4 = IpAddr::V4;
    for note in &outcome.notes {
        if let Note::Request { server: Some(server), .. } = note {
            app.taken_from(*server);
        }
        let event = match note {
            Note::Discover { .. } => {
                let Some(plan) = plan.filter(|_| boots) else { continue };
                let chained = client.firmware == Firmware::Ipxe;
                let step = {
                    let mut attempts = app.attempts.lock();
                    let step = attempts.asked(now, mac, client.arch, chained);
                    let profile = plan.profile.as_ref().map(|profile| profile.name.clone());
                    attempts.planned(mac, plan.host.clone(), profile);
                    if let Some(uuid) = client.uuid {
                        attempts.identified(mac, uuid);
                    }
                    step
                };
                let begins = !step.events.is_empty();
                app.take(step);
                app.note(
                    Some(mac),
                    EventKind::Discovered { arch: client.arch, firmware: describe(seen, client) },
                );
                if begins || chained {
                    let profile = plan.profile.as_ref().map(|profile| profile.name.clone());
                    let loader = plan.loader.as_ref().map(ToString::to_string);
                    let (why, loader_why) = (plan.why.clone(), plan.loader_why.clone());
                    app.note(Some(mac), EventKind::Planned { profile, why, loader, loader_why });
                }
                if let Some(host) = &plan.host {
                    app.sightings.lock().saw(&app.store.state(), host, *client);
                }
                app.doubt_loader(client, plan);
                app.give_up_if_exhausted(plan);
                continue;
            }
            Note::Offer { address, file } if boots => {
                let offered = EventKind::Offered { address: Some(v4(*address)), file: file.clone() };
                if outcome.probe.is_some() {
                    once_written.push(offered);
                    continue;
                }
                offered
            }
            Note::Offer { .. } | Note::Request { .. } if !boots => continue,
            Note::Offer { .. } => continue,
            Note::ProxyOffer { file } => EventKind::Offered { address: None, file: file.clone() },
            Note::Request { address, server, .. } => {
                // Beside another server this is how we learn who has which address.
                app.attempts.lock().addressed(now, mac, v4(*address));
                if app.gives_addresses() {
                    continue;
                }
                EventKind::LeasedElsewhere { address: v4(*address), server: server.map(v4) }
            }
            Note::Ack { address, .. } | Note::Bootp { address, .. } => {
                app.attempts.lock().addressed(now, mac, v4(*address));
                let seconds = ends(app, outcome, *address)
                    .filter(|expires| *expires != Timestamp::NEVER)
                    .map(|expires| u32::try_from(expires.since(now).as_secs()).unwrap_or(u32::MAX));
                once_written.push(EventKind::Leased { address: v4(*address), seconds });
                continue;
            }
            Note::ChoseOther { server, address } => match address {
                Some(address) => {
                    EventKind::LeasedElsewhere { address: v4(*address), server: Some(v4(*server)) }
                }
                None => EventKind::Ignored { reason: format!("it took the offer of {server}") },
            },
            Note::MenuOffered { items } => EventKind::MenuOffered { entries: items.clone() },
            Note::OfferNotTaken { .. } | Note::WayFound { .. } | Note::NeedsOneOffer { .. } => {
                match of_the_way(note) {
                    Some(event) => event,
                    None => continue,
                }
            }
            Note::PxeAck { file, address } => {
                {
                    let mut attempts = app.attempts.lock();
                    attempts.addressed(now, mac, v4(*address));
                    if let Some(number) = client.picked.filter(|_| plan.is_some_and(|plan| plan.picked)) {
                        attempts.picked(mac, number);
                    }
                }
                let picked = plan.filter(|plan| plan.picked);
                if let Some(profile) = picked.and_then(|plan| plan.profile.as_ref()) {
                    app.note(Some(mac), EventKind::Picked { profile: profile.name.clone() });
                }
                EventKind::BootServerAnswered { file: Some(file.clone()) }
            }
            Note::Nak { address, reason } => EventKind::Refused { reason: format!("{address}: {reason}") },
            Note::Decline { address } => EventKind::Declined { address: v4(*address) },
            Note::Release { address } => EventKind::Released { address: v4(*address) },
            Note::PoolExhausted { network } => EventKind::PoolExhausted { network: network.to_string() },
            Note::QuarantineFull { .. } | Note::InUse { .. } => match set_aside(note) {
                Some(event) => event,
                None => continue,
            },
            Note::IdentifierShared { with, address } => EventKind::Trouble {
                what: format!(
                    "{mac} shows the client identifier of {with}, which has {address}; cloned disks do that, and each keeps its own address"
                ),
            },
            Note::ReservedInUse { address, holder } => {
                EventKind::Ignored { reason: format!("its reserved address {address} is leased to {holder}") }
            }
            Note::BootLeftOut(why) => EventKind::Ignored { reason: format!("no boot file for it: {why}") },
            Note::LeftOut { code } => {
                EventKind::Ignored { reason: format!("no room for option {code} in the answer") }
            }
            // The plan says it already, or nothing was asked of us.
            Note::Ignored(
                Why::NotBooting | Why::NothingToBoot | Why::NoSubnet | Why::MessageType | Why::OtherServer,
            )
            | Note::Inform { .. } => continue,
            Note::Ignored(why) => EventKind::Ignored { reason: why.to_string() },
        };
        let repeats = matches!(
            event,
            EventKind::Ignored { .. }
                | EventKind::MenuOffered { .. }
                | EventKind::PoolExhausted { .. }
                | EventKind::Trouble { .. }
        );
        // A full pool is the network's trouble, and no machine's.
        let about = (!matches!(event, EventKind::PoolExhausted { .. })).then_some(mac);
        if !repeats || app.may_tell((about, event.to_string())) {
            app.note(Some(mac), event);
        }
    }
    once_written
}

/// When the lease of this address ends: what this packet changed, else what stands.
fn ends(app: &Appliance, outcome: &Outcome, address: Ipv4Addr) -> Option<Timestamp> {
    let changed = outcome.lease_changes.iter().rev().find_map(|change| match change {
        LeaseChange::Put(lease) if lease.address == address => Some(lease.expires),
        _ => None,
    });
    changed.or_else(|| Some(app.responder.lock().leases()?.get(address)?.expires))
}

/// What is told when an address is kept out of use, or no longer.
pub(super) fn set_aside(note: &Note) -> Option<EventKind> {
    let what = match note {
        Note::InUse { address } => {
            format!("somebody uses {address} who did not get it from us; nobody is given it for a while")
        }
        Note::QuarantineFull { address } => {
            format!("so many addresses are set aside that {address} is used again before its time")
        }
        _ => return None,
    };
    Some(EventKind::Trouble { what })
}

/// A client that sends more than it may.
pub(super) fn too_many(app: &Appliance, seen: &Seen) {
    app.metrics.over_limit(Service::Dhcp);
    let event = EventKind::Ignored { reason: Why::RateLimit.to_string() };
    app.note_once_in_a_while(Some(seen.client().mac), None, event);
}

/// What was learnt about how a machine takes a proxy's offer.
fn of_the_way(note: &Note) -> Option<EventKind> {
    match note {
        Note::OfferNotTaken { failed } => {
            Some(EventKind::OfferNotTaken { failed: *failed, next: failed.other() })
        }
        Note::WayFound { way } => Some(EventKind::WayFound { way: *way }),
        Note::NeedsOneOffer { address_by, next_server, file } => Some(EventKind::NeedsOneOffer {
            address_by: address_by.map(IpAddr::V4),
            next_server: IpAddr::V4(*next_server),
            file: file.clone(),
        }),
        _ => None,
    }
}

impl Appliance {
    /// A machine fetches something: it took our offer.
    pub(crate) fn took_our_offer(&self, mac: Option<Mac>) {
        let Some(mac) = mac else { return };
        let note = match &mut *self.responder.lock() {
            Responder::Proxy(proxy) => proxy.fetched(mac),
            _ => None,
        };
        if let Some(event) = note.as_ref().and_then(of_the_way) {
            self.note(Some(mac), event);
        }
    }

    /// Tells of machines that made nothing of any offer.
    pub(crate) fn sweep_offers(&self) {
        let given_up = match &mut *self.responder.lock() {
            Responder::Proxy(proxy) => proxy.sweep(crate::clock::now()),
            _ => Vec::new(),
        };
        for (mac, note) in given_up {
            if let Some(event) = of_the_way(&note) {
                self.note(Some(mac), event);
            }
        }
    }
}

/// What speaks for the machine, for people: `PXE (PXEClient:Arch:00007:UNDI:003000)`.
fn describe(seen: &Seen, client: &Client) -> String {
    match &seen.client().vendor_class {
        Some(class) => format!("{} ({class})", client.firmware),
        None => client.firmware.to_string(),
    }
}
