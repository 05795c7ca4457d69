use std::{collections::HashMap, net::Ipv4Addr};

use nextboot_dhcp::{Owner, Reservation, Subnet};
use nextboot_model::{HostName, Mac, Uuid};

use super::{bytes, parameters};
use crate::{
    document::{Item, Placed, Report, Section},
    files::take,
    value::address,
};

/// Reads a `[[dhcp.reservation]]`; the place is its address's.
pub(super) fn read(section: &mut Section<'_>) -> Option<Placed<Reservation>> {
    let owner = owner(section);
    let remedy = "write address = \"10.0.0.10\", with one of your network";
    let address = section.need("address", remedy, |item| item.placed(address));
    let host_name = section.get("name", |item| {
        item.parse::<HostName>("use a host name: letters, digits, '-', '_' and '.', at most 63 of them")
    });
    let mut parameters = parameters::read(section);
    take(&mut parameters.routers, section.get("router", |item| parameters::servers(item, None)));
    let (owner, address) = (owner?, address?);
    let host_name = host_name.map(|name| name.to_string());
    let value = Reservation { owner, address: address.value, host_name, parameters };
    Some(Placed { value, mark: address.mark })
}

/// Whom it is for: one of `mac`, `client_id`, `uuid` and `circuit`.
fn owner(section: &mut Section<'_>) -> Option<Owner> {
    let given = ["mac", "client_id", "uuid", "circuit"].into_iter().filter(|key| section.has(key)).count();
    let mac = section.get("mac", |item| item.placed(mac));
    // RFC 2132 section 9.14: at least two bytes.
    let client_id = section.get("client_id", |item| item.placed(|item| bytes::read(item, 2..=255)));
    let uuid = section.get("uuid", |item| item.placed(uuid));
    let circuit = section.get("circuit", |item| item.placed(|item| bytes::read(item, 1..=253)));
    let remote = section.get("remote", |item| item.placed(|item| bytes::read(item, 1..=253)));
    if let Some(remote) = remote.as_ref().filter(|_| !section.has("circuit")) {
        section.report().complain(&remote.mark, "this tells apart equal circuits; write circuit too");
    }
    let remote = remote.map(|remote| remote.value);
    let owners = [
        mac.map(|mac| (Owner::Mac(mac.value), mac.mark)),
        client_id.map(|id| (Owner::ClientId(id.value), id.mark)),
        uuid.map(|uuid| (Owner::Uuid(uuid.value), uuid.mark)),
        circuit.map(|circuit| (Owner::Circuit { circuit: circuit.value, remote }, circuit.mark)),
    ];
    let mut owners = owners.into_iter().flatten();
    let Some((owner, _)) = owners.next() else {
        if given == 0 {
            let remedy = "missing; write mac = \"52:54:00:12:34:56\", with the machine's, or client_id, uuid or circuit";
            section.report().complain(&section.missing("mac"), remedy);
        }
        return None;
    };
    if let Some((_, mark)) = owners.next() {
        let remedy = "a machine is recognised by one of mac, client_id, uuid and circuit; write another [[dhcp.reservation]]";
        section.report().complain(&mark, remedy);
        return None;
    }
    Some(owner)
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
    reservations: Vec<Placed<Reservation>>,
    subnets: &mut [Placed<Subnet>],
    all_read: bool,
) {
    let mut by_address: HashMap<Ipv4Addr, Owner> = HashMap::new();
    let mut by_owner: HashMap<(usize, Owner), Ipv4Addr> = HashMap::new();
    for Placed { value: reservation, mark } in reservations {
        let (owner, address) = (reservation.owner.clone(), reservation.address);
        if let Some(other) = by_address.insert(address, owner.clone()) {
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
        if let Some(other) = by_owner.insert((at, owner.key()), address) {
            report.complain(&mark, format!("{owner} has {other} reserved in {network} already"));
        } else if address == network.network() || address == network.broadcast() {
            report
                .complain(&mark, format!("the first and the last address of {network} belong to no machine"));
        } else if subnet.value.parameters.routers.contains(&address) {
            report.complain(&mark, "this is the router's address");
        } else {
            subnet.value.reservations.push(reservation);
        }
    }
}
