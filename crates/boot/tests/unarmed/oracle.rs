//! For whom an installer may come out, and who asks in which ways.

use std::net::{IpAddr, Ipv4Addr};

use nextboot_boot::{Client, Firmware, Plan, Question, decide};
use nextboot_model::{Arch, Class, Network};

use crate::{
    site::{MACHINES, PROFILES, address, digits, mac, uuid},
    world::World,
};

const KINDS: [(Firmware, Option<Arch>); 9] = [
    (Firmware::Pxe, Some(Arch::BIOS)),
    (Firmware::Pxe, Some(Arch::UEFI_X64)),
    (Firmware::HttpBoot, Some(Arch::HTTP_X64)),
    (Firmware::Ipxe, Some(Arch::UEFI_X64)),
    (Firmware::RaspberryPi, Some(Arch::BIOS)),
    (Firmware::UBoot, Some(Arch(0x16))),
    (Firmware::Bootp, None),
    (Firmware::System, None),
    (Firmware::Unknown, None),
];
/// The relay through which machines without an address ask. Somebody may have assigned its address something.
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const DEFAULTS: [&str; 4] =
    ["pxelinux.cfg/default", "d/pxelinux.cfg/default", "grub/grub.cfg", "EFI/debian/grub.cfg"];

/// The installer that a plan leads to: by its class, or because it is the text of one.
fn installer(plan: &Plan) -> Option<&str> {
    let profile = plan.profile.as_ref()?;
    let name = profile.name.as_str();
    (profile.class == Class::Install || name == "copy").then_some(name)
}

/// The same text under two names is one installer.
fn one(name: &str) -> &str {
    if name == "copy" { "wipe" } else { name }
}

impl World {
    /// The profiles of which a person said last that just this machine gets them. `own` is the name by which GRUB asks, where
    /// there is a link at it.
    fn said(&self, client: &Client, own: Option<&str>) -> Vec<usize> {
        let link = |spot: &String| self.links.get(spot).copied();
        let own = own.filter(|own| !(1..8).contains(&own.len())).map(ToOwned::to_owned);
        let is_its = |uuid| client.uuid.is_some_and(|own| own == uuid || own.to_wire() == uuid);
        let by_mac =
            self.state.records().find(|record| client.mac.is_some_and(|mac| record.host.macs.contains(&mac)));
        let by_uuid = || self.state.records().find(|record| record.host.uuid.is_some_and(is_its));
        let v4 = match client.address {
            Some(IpAddr::V4(address)) => Some(address),
            _ => None,
        };
        let Some(record) = by_mac.or_else(by_uuid) else {
            // Who asks for an address by its name is told about that address.
            let asked = own.as_ref().filter(|own| own.len() == 8 && link(own).is_some());
            if let Some(digits) = asked {
                return self.said_of(u32::from_str_radix(digits, 16).unwrap().into());
            }
            let uuids = client.uuid.into_iter().flat_map(|uuid| [uuid.to_wire(), uuid]);
            let names = own.into_iter().chain(uuids.map(|uuid| uuid.to_string()));
            let mut names = names.chain(client.mac.map(|mac| mac.pxelinux()));
            return match names.find_map(|name| link(&name)) {
                Some((_, linked)) => vec![linked],
                None => v4.map(|address| self.said_of(address)).unwrap_or_default(),
            };
        };
        let host = &record.host;
        let uuids = host.uuid.into_iter().flat_map(|uuid| [uuid.to_wire(), uuid]);
        let names = host.macs.iter().map(|mac| mac.pxelinux()).chain(uuids.map(|uuid| uuid.to_string()));
        let address = client.address.map_or(host.address, |_| v4).map(digits);
        let links: Vec<(u64, usize)> =
            names.chain(address).chain(own).filter_map(|name| link(&name)).collect();
        let newest = links.iter().map(|(made, _)| *made).max();
        let word = &self.words[&host.name];
        match newest.filter(|made| *made > word.at) {
            Some(newest) => {
                links.iter().filter(|(made, _)| *made == newest).map(|(_, linked)| *linked).collect()
            }
            None => word.armed().into_iter().collect(),
        }
    }

    /// The same of whoever is no host and has this address: a full address, and nothing shorter, means one machine.
    fn said_of(&self, address: Ipv4Addr) -> Vec<usize> {
        let network = Network::around(address, 32);
        let net = self.state.nets().find(|net| net.networks.contains(&network));
        let net = net.and_then(|net| self.nets.get(&net.name));
        match (self.links.get(&digits(address)), net) {
            (Some((made, linked)), net) if net.is_none_or(|(_, at)| made > at) => vec![*linked],
            (_, net) => net.and_then(|(installs, _)| *installs).into_iter().collect(),
        }
    }

    fn judge(&self, client: &Client, plan: &Plan, own: Option<&str>) -> bool {
        assert!(plan.profile.is_some() || plan.loader.is_none(), "{client:?} got {plan:?}");
        let Some(name) = installer(plan) else { return false };
        let said = self.said(client, own);
        let allowed = said.iter().any(|at| one(PROFILES[*at]) == one(name));
        assert!(allowed, "{client:?} asked for {own:?} got {plan:?}, but was last told {said:?}");
        true
    }

    fn ask(&self, client: &Client) -> bool {
        self.judge(client, &decide(&self.site, &self.state, &self.tree, client), None)
    }

    /// Has every machine ask in every way, with the firmware that is the `turn`'s: which machine it is has no part in whether it
    /// may be installed. Returns how many installers came out.
    pub(crate) fn check(&self, turn: usize) -> usize {
        let mut installed = 0;
        let mut count = |installs: bool| installed += usize::from(installs);
        // The last of them never is a host and has no link, and yet may come by any address.
        for machine in 0..=MACHINES {
            let at = |way: usize| {
                let (firmware, arch) = KINDS[(turn + way + usize::from(machine)) % KINDS.len()];
                Client { firmware, arch, ..Client::of(mac(machine)) }
            };
            let own = IpAddr::V4(address(machine % MACHINES));
            let asked_by_dhcp = Client { network: Some(RELAY), ..at(1) };
            let has_address = Client { address: Some(own), network: Some(RELAY), ..at(2) };
            let v6 = "fd00::1".parse().ok();
            let by_uuid = Client { uuid: Some(uuid(machine)), ..Client::default() };
            for client in [
                at(0),
                asked_by_dhcp,
                Client { uuid: Some(uuid(machine)), ..asked_by_dhcp },
                has_address,
                Client { address: v6, ..at(4) },
                by_uuid,
                Client { mac: None, ..has_address },
            ] {
                count(self.ask(&client));
            }
            let requester = [at(0), has_address, Client { address: Some(own), ..Client::default() }];
            for name in names(machine) {
                let question = Question::read(&name).unwrap();
                // Whoever asks for a name may be told what another machine gets.
                let answer = question.decide(&self.site, &self.state, &self.tree, &requester[turn % 3]);
                let Some((whose, plan)) = answer else { continue };
                count(self.judge(&whose, &plan, name.strip_prefix("grub/grub.cfg-")));
            }
            if self.site.menu.is_some() {
                // Every entry, and what is none.
                for picked in 0x8001..=0x8002 + u16::try_from(PROFILES.len()).unwrap() {
                    let client = [at(0), asked_by_dhcp, has_address][usize::from(picked) % 3];
                    count(self.ask(&Client { picked: Some(picked), ..client }));
                }
            }
        }
        installed
    }
}

/// The names by which loaders ask for this machine's configuration.
fn names(machine: u8) -> impl Iterator<Item = String> {
    let (uuid, whole) = (uuid(machine).to_wire(), digits(address(machine % MACHINES)));
    let shorter = [7, 4, 2, 1].map(|length| whole[..length].to_owned());
    let own = [mac(machine).pxelinux(), uuid.to_string(), whole].into_iter().chain(shorter);
    let own = own.flat_map(|name| [format!("pxelinux.cfg/{name}"), format!("grub/grub.cfg-{name}")]);
    own.chain(DEFAULTS.map(ToOwned::to_owned))
}
