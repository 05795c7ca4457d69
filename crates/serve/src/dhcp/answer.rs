use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use nextboot_boot::{Client, Firmware, Loader, Plan};
use nextboot_dhcp::{Arrival, Boot, BootAnswer, ClientKind, Reservations, Reserved, Seen};
use nextboot_model::{Mac, State, Uuid};

use crate::appliance::Appliance;

/// The packet's sender in the decision's words.
pub(super) fn client(seen: &Seen) -> Client {
    let info = seen.client();
    let ciaddr = Some(seen.packet().ciaddr).filter(|address| !address.is_unspecified());
    Client {
        mac: Some(info.mac),
        uuid: info.uuid,
        arch: info.arch(),
        firmware: match info.kind {
            ClientKind::Ipxe => Firmware::Ipxe,
            ClientKind::UefiHttp => Firmware::HttpBoot,
            ClientKind::Pxe | ClientKind::RaspberryPi => Firmware::Pxe,
            ClientKind::Bootp => Firmware::Bootp,
            ClientKind::Plain => Firmware::System,
        },
        address: ciaddr.map(IpAddr::V4),
    }
}

/// A plan in DHCP's words.
pub(super) fn boot(app: &Appliance, plan: &Plan, seen: &Seen, arrival: &Arrival) -> BootAnswer {
    let Some(loader) = &plan.loader else { return BootAnswer::Silent };
    let own = arrival.server_id();
    let base = nextboot_boot::base(IpAddr::V4(own), app.settings.load().site.http_port);
    let file = match loader {
        // By MAC, because a client's address does not always tell its MAC (a proxy does not know the leases).
        Loader::Script => format!("{base}/ipxe/{}", seen.client().mac),
        Loader::File(name) if seen.client().kind == ClientKind::UefiHttp => format!("{base}/{name}"),
        Loader::File(name) => name.clone(),
    };
    BootAnswer::Boot(Boot { next_server: own, server_name: None, file, options: Vec::new() })
}

/// The reserved addresses of the hosts in the state table.
pub(super) struct Hosts<'a>(pub(super) &'a State);

impl Reservations for Hosts<'_> {
    fn reserved(&self, mac: Mac, uuid: Option<Uuid>, network: Ipv4Net) -> Option<Reserved> {
        let record = self.0.find(Some(mac), uuid)?;
        let address = record.host.address.filter(|address| network.contains(address))?;
        Some(Reserved { address, host_name: Some(record.host.name.to_string()) })
    }

    fn is_reserved(&self, address: Ipv4Addr) -> bool {
        self.0.by_address(address).is_some()
    }
}
