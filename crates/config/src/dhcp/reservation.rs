use std::{collections::HashMap, net::Ipv4Addr};

use nextboot_dhcp::{Owner, Reservation, Subnet};
use nextboot_model::{HostName, Mac, Uuid};

use super::{bytes, lease_time, parameters};
use crate::{
    document::{Item, Mark, Placed, Report, Section},
    files::take,
    value::address,
};

/// Reads a `[[dhcp.reservation]]`, which is for one machine, or for several network cards; the place is its address's.
pub(super) fn read(section: &mut Section<'_>) -> Option<Placed<Vec<Reservation>>> {
    let owners = owners(section);
    let known = section.get("known", |item| item.flag()).unwrap_or_default();
    let given = known || ["address", "name", "lease_time"].iter().any(|key| section.has(key));
    let address = section.get("address", |item| item.placed(address));
    let missing = section.missing("address");
    if !given {
        let remedy = "missing; write address = \"10.0.0.10\", with one of your network, or name, lease_time or known = true";
        section.report().complain(&missing, remedy);
        return None;
    }
    let host_name = section.get("name", |item| {
        item.parse::<HostName>("use a host name: letters, digits, '-', '_' and '.', at most 63 of them")
    });
    let mut parameters = parameters::read(section);
    take(&mut parameters.routers, section.get("router", |item| parameters::servers(item, None)));
    let lease_time = section.get("lease_time", lease_time);
    if section.has("address") && address.is_none() {
        return None;
    }
    let mark = address.as_ref().map_or(missing, |address| address.mark.clone());
    let one = |owner| Reservation {
        address: address.as_ref().map(|address| address.value),
        host_name: host_name.as_ref().map(ToString::to_string),
        lease_time,
        parameters: parameters.clone(),
        ..Reservation::new(owner)
    };
    Some(Placed { value: owners?.into_iter().map(one).collect(), mark })
}

/// Whom it is for: one of `mac`, `client_id`, `uuid` and `circuit`.
fn owners(section: &mut Section<'_>) -> Option<Vec<Owner>> {
    let given = ["mac", "client_id", "uuid", "circuit"].into_iter().filter(|key| section.has(key)).count();
    let mac = section.get("mac", |item| item.placed(|item| item.list(mac)));
    // RFC 2132 section 9.14: at least two bytes.
    let client_id = section.get("client_id", |item| item.placed(|item| bytes::read(item, 2..=255)));
    let uuid = section.get("uuid", |item| item.placed(uuid));
    let circuit = section.get("circuit", |item| item.placed(|item| bytes::read(item, 1..=253)));
    let remote = section.get("remote", |item| item.placed(|item| bytes::read(item, 1..=253)));
    if let Some(remote) = remote.as_ref().filter(|_| !section.has("circuit")) {
        section.report().complain(&remote.mark, "this tells apart equal circuits; write circuit too");
    }
    let remote = remote.map(|remote| remote.value);
    let owners: [Option<(Vec<Owner>, Mark)>; 4] = [
        mac.map(|macs| (macs.value.into_iter().map(Owner::Mac).collect(), macs.mark)),
        client_id.map(|id| (vec![Owner::ClientId(id.value)], id.mark)),
        uuid.map(|uuid| (vec![Owner::Uuid(uuid.value)], uuid.mark)),
        circuit.map(|circuit| (vec![Owner::Circuit { circuit: circuit.value, remote }], circuit.mark)),
    ];
    let mut all = owners.into_iter().flatten();
    let Some((owners, _)) = all.next() else {
        if given == 0 {
            let remedy = "missing; write mac = \"52:54:00:12:34:56\", with the machine's, or client_id, uuid or circuit";
            section.report().complain(&section.missing("mac"), remedy);
        }
        return None;
    };
    if let Some((_, mark)) = all.next() {
        let remedy = "a machine is recognised by one of mac, client_id, uuid and circuit; write another [[dhcp.reservation]]";
        section.report().complain(&mark, remedy);
        return None;
    }
    Some(owners)
}

fn mac(item: &Item<'_>) -> Option<Mac> {
    let mac: Mac = item.parse("use a MAC address, e.g. \"52:54:00:12:34:56\"")?;
    if mac.is_machine() {
        Some(mac)
    } else {
        item.wrong("this is not the address of one machine: it is zero, or a multicast address")
    }
}

fn uuid(item: &Item<'_>) -> Option<Uuid> {
    let uuid: Uuid = item.parse("use a UUID, e.g. \"b8945908-d6a6-41a9-a11d-74a6ab80b83d\"")?;
    if uuid.is_machine() { Some(uuid) } else { item.wrong("this is what machines without a UUID show") }
}

/// Puts each reservation into the subnet of its address. `all_read` is false when a subnet is missing because it was
/// complained about.
pub(super) fn place(
    report: &Report<'_>,
    reservations: Vec<Placed<Vec<Reservation>>>,
    subnets: &mut [Placed<Subnet>],
    all_read: bool,
) {
    let mut by_address: HashMap<Ipv4Addr, Owner> = HashMap::new();
    let mut by_owner: HashMap<(usize, Owner), Ipv4Addr> = HashMap::new();
    for Placed { value: together, mark } in reservations {
        let Some(first) = together.first() else { continue };
        let Some(address) = first.address else {
            // Wherever the machine is.
            for reservation in together {
                for subnet in subnets.iter_mut() {
                    subnet.value.reservations.push(reservation.clone());
                }
            }
            continue;
        };
        if let Some(other) = by_address.insert(address, first.owner.clone()) {
            report.complain(&mark, format!("reserved already, for {other}"));
            continue;
        }
        let found =
            subnets.iter_mut().enumerate().find(|(_, subnet)| subnet.value.network.contains(&address));
        let Some((at, subnet)) = found else {
            if all_read {
                report.complain(&mark, "no [[dhcp.subnet]] has this address");
            }
            continue;
        };
        let network = subnet.value.network;
        if address == network.network() || address == network.broadcast() {
            report
                .complain(&mark, format!("the first and the last address of {network} belong to no machine"));
            continue;
        }
        if subnet.value.parameters.routers.contains(&address) {
            report.complain(&mark, "this is the router's address");
            continue;
        }
        for reservation in together {
            let owner = &reservation.owner;
            if let Some(other) = by_owner.insert((at, owner.key()), address) {
                report.complain(&mark, format!("{owner} has {other} reserved in {network} already"));
            } else {
                subnet.value.reservations.push(reservation);
            }
        }
    }
}
