use std::{collections::HashMap, net::Ipv4Addr};

use nextboot_dhcp::{Reservation, Subnet};
use nextboot_model::{HostName, Mac};

use super::subnet::address;
use crate::document::{Placed, Report, Section};

/// Reads a `[[dhcp.reservation]]`; the place is its address's.
pub(super) fn read(section: &mut Section<'_>) -> Option<Placed<Reservation>> {
    let mac = section.need("mac", "write mac = \"52:54:00:12:34:56\", with the machine's", |item| {
        let mac: Mac = item.parse("use a MAC address, e.g. \"52:54:00:12:34:56\"")?;
        if mac.is_machine() {
            Some(mac)
        } else {
            item.wrong("this is not the address of one machine: it is zero, or a multicast address")
        }
    });
    let remedy = "write address = \"10.0.0.10\", with one of your network";
    let address = section.need("address", remedy, |item| item.placed(address));
    let host_name = section.get("name", |item| {
        item.parse::<HostName>("use a host name: letters, digits, '-', '_' and '.', at most 63 of them")
    });
    let (mac, address) = (mac?, address?);
    let host_name = host_name.map(|name| name.to_string());
    Some(Placed { value: Reservation { mac, address: address.value, host_name }, mark: address.mark })
}

/// Puts each reservation into the subnet of its address. `all_read` is false when a subnet is missing because it was
/// complained about.
pub(super) fn place(
    report: &Report<'_>,
    reservations: Vec<Placed<Reservation>>,
    subnets: &mut [Placed<Subnet>],
    all_read: bool,
) {
    let mut by_address: HashMap<Ipv4Addr, Mac> = HashMap::new();
    let mut by_mac: HashMap<(usize, Mac), Ipv4Addr> = HashMap::new();
    for Placed { value: reservation, mark } in reservations {
        let Reservation { mac, address, .. } = reservation;
        if let Some(owner) = by_address.insert(address, mac) {
            report.complain(&mark, format!("reserved already, for {owner}"));
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
        if let Some(other) = by_mac.insert((at, mac), address) {
            report.complain(&mark, format!("{mac} has {other} reserved in {network} already"));
        } else if address == network.network() || address == network.broadcast() {
            report
                .complain(&mark, format!("the first and the last address of {network} belong to no machine"));
        } else if subnet.value.routers.contains(&address) {
            report.complain(&mark, "this is the router's address");
        } else {
            subnet.value.reservations.push(reservation);
        }
    }
}
