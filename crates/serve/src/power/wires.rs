use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use nextboot_model::WakeOnLan;
use nextboot_power::Wire;

use crate::appliance::Appliance;

impl Appliance {
    /// The networks in which a machine is woken: those that it names, else the one that its address is in, else all that are
    /// served.
    pub(super) async fn wires(&self, wol: &WakeOnLan, address: Option<Ipv4Addr>) -> Vec<Wire> {
        let networks = match &wol.interface {
            Some(name) => self.networks_of(name).await,
            None => self.links.networks(),
        };
        if let Some(broadcast) = wol.broadcast {
            let from = match &wol.interface {
                Some(_) => networks.first().map_or(Ipv4Addr::UNSPECIFIED, Ipv4Net::addr),
                None => Ipv4Addr::UNSPECIFIED,
            };
            return vec![Wire { from, broadcast }];
        }
        let near = |network: &&Ipv4Net| address.is_some_and(|address| network.contains(&address));
        let found: Vec<&Ipv4Net> = match networks.iter().find(near) {
            Some(near) => vec![near],
            None => networks.iter().collect(),
        };
        found
            .into_iter()
            .filter(|network| network.prefix_len() <= 30)
            .map(|network| Wire { from: network.addr(), broadcast: network.broadcast() })
            .collect()
    }

    /// Of any interface, served or not: management networks seldom are.
    async fn networks_of(&self, name: &str) -> Vec<Ipv4Net> {
        let interfaces = self.network.interfaces().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read the interfaces");
            Vec::new()
        });
        let named = interfaces.iter().filter(|interface| interface.name == name);
        named
            .flat_map(|interface| interface.ipv4())
            .filter_map(|(address, prefix)| Ipv4Net::new(address, prefix).ok())
            .collect()
    }
}
