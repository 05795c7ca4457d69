use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use nextboot_boot::{Client, Firmware, Plan, VendorClass};
use nextboot_dhcp::{Arrival, Boot, BootAnswer, ClientKind, PxeMenu, Reservations, Reserved, Seen};
use nextboot_model::{Mac, State, Uuid};

use crate::appliance::Appliance;

/// The packet's sender in the decision's words.
pub(super) fn client(seen: &Seen, arrival: &Arrival) -> Client {
    let info = seen.client();
    let given = |address: Ipv4Addr| Some(address).filter(|address| !address.is_unspecified());
    let client = Client {
        mac: Some(info.mac),
        uuid: info.uuid,
        firmware: match info.kind {
            ClientKind::Ipxe => Firmware::Ipxe,
            ClientKind::UefiHttp => Firmware::HttpBoot,
            ClientKind::Pxe => Firmware::Pxe,
            ClientKind::RaspberryPi => Firmware::RaspberryPi,
            ClientKind::UBoot => Firmware::UBoot,
            ClientKind::Bootp => Firmware::Bootp,
            ClientKind::Plain => Firmware::System,
        },
        address: given(seen.packet().ciaddr).map(IpAddr::V4),
        vendor: VendorClass::of(seen.packet().vendor_class().unwrap_or_default()),
        network: given(seen.packet().giaddr).or_else(|| Some(arrival.server_id())),
        ..Client::default()
    };
    client.with_archs(&info.archs)
}

/// A plan in DHCP's words.
pub(super) fn boot(app: &Appliance, plan: &Plan, client: &Client, arrival: &Arrival) -> BootAnswer {
    if let Some(nextboot_boot::BootMenu { prompt, timeout, items }) = plan.menu.clone() {
        return BootAnswer::Menu(PxeMenu { prompt, timeout, items });
    }
    let Some(loader) = &plan.loader else { return BootAnswer::Silent };
    let own = arrival.server_id();
    let settings = app.settings.load();
    let base = nextboot_boot::base(IpAddr::V4(own), settings.site.http_port);
    let file = loader.boot_file(client, &base);
    let next_server = plan.next_server.unwrap_or(own);
    BootAnswer::Boot(Boot { next_server, server_name: None, file, options: plan.loader_options() })
}

/// The reserved addresses of the hosts in the state table.
pub(super) struct Hosts<'a>(pub(super) &'a State);

impl Reservations for Hosts<'_> {
    fn reserved(&self, mac: Mac, uuid: Option<Uuid>, network: Ipv4Net) -> Option<Reserved> {
        let record = self.0.find(Some(mac), uuid)?;
        let address = record.host.address.filter(|address| network.contains(address))?;
        Some(Reserved { address, host_name: Some(record.host.name.to_string()) })
    }

    fn name(&self, mac: Mac, uuid: Option<Uuid>) -> Option<String> {
        self.0.find(Some(mac), uuid).map(|record| record.host.name.to_string())
    }

    fn is_reserved(&self, address: Ipv4Addr) -> bool {
        self.0.by_address(address).is_some()
    }
}
