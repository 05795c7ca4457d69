use std::net::Ipv4Addr;

use super::{Subnet, call::Call};
use crate::{Why, code, packet::is_usable};

impl Call<'_> {
    /// The subnets on the client's link.
    pub(super) fn subnets(&self) -> impl Iterator<Item = &Subnet> {
        self.link.iter().filter_map(|at| self.server.config.subnets.get(*at))
    }

    /// The subnet on this link that holds the address, else the client's.
    pub(super) fn subnet_for(&self, address: Ipv4Addr) -> Option<&Subnet> {
        self.subnets().find(|subnet| subnet.network.contains(&address)).or_else(|| self.subnets().next())
    }

    /// All subnets on one link with this one, which comes first: those of its shared network, and where it is one of the
    /// arriving interface's, those in which we have addresses there.
    pub(super) fn link_of(&self, at: usize) -> Vec<usize> {
        let subnets = &self.server.config.subnets;
        let own = self.server.interfaces.get(&self.arrival.interface).map(Vec::as_slice).unwrap_or_default();
        let here: Vec<usize> = own.iter().filter_map(|address| self.server.subnet_of(*address)).collect();
        let here = if !self.packet().is_relayed() && here.contains(&at) { here } else { vec![at] };
        let name = |at: usize| subnets.get(at).and_then(|subnet| subnet.shared_network.as_ref());
        let names: Vec<_> = here.iter().filter_map(|at| name(*at)).collect();
        let beside = (0..subnets.len()).filter(|other| {
            *other != at && (here.contains(other) || name(*other).is_some_and(|name| names.contains(&name)))
        });
        std::iter::once(at).chain(beside).collect()
    }

    /// The subnet of the client: the link that its relay names (RFC 3527), else the one that it names itself (RFC 3011), else
    /// its relay's; for a client with an address the one that holds it; else the one of the interface.
    pub(super) fn choose_subnet(&self) -> Result<usize, Why> {
        let packet = self.packet();
        let config = &self.server.config;
        let relays = || config.relays.iter().any(|network| network.contains(&packet.giaddr));
        let home = self.server.subnet_of(packet.giaddr);
        // The reply goes there, so it must be a place we know: nobody is to aim our replies.
        if packet.is_relayed() && (!is_usable(&packet.giaddr) || (home.is_none() && !relays())) {
            return Err(Why::UnknownRelay);
        }
        let by_relay = packet.relay().filter(|_| config.link_selection).and_then(|info| info.link());
        let named = by_relay.or_else(|| packet.options.address(code::SUBNET_SELECTION));
        if packet.is_relayed() {
            return named.map_or(home, |link| self.server.subnet_of(link)).ok_or(Why::NoSubnet);
        }
        let in_use = self.server.subnet_of(packet.ciaddr).filter(|_| !packet.ciaddr.is_unspecified());
        if named.is_none() && in_use.is_some() {
            return in_use.ok_or(Why::NoSubnet);
        }
        let local = self.server.subnet_of(self.arrival.server_id()).ok_or(Why::NoSubnet)?;
        named.map_or(Ok(local), |link| self.server.subnet_of(link).ok_or(Why::NoSubnet))
    }
}
