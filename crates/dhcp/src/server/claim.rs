use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Parameters, Reservation, Reserved, Subnet, call::Call};
use crate::packet::is_usable;

/// What a client has reserved.
pub(super) struct Claim<'a> {
    pub(super) address: Ipv4Addr,
    pub(super) host_name: Option<String>,
    pub(super) parameters: Option<&'a Parameters>,
}

impl Call<'_> {
    /// What this client has reserved on this link.
    pub(super) fn reserved(&self) -> Option<Claim<'_>> {
        let fits = |subnet: &Subnet, address: Ipv4Addr| {
            subnet.network.contains(&address)
                && is_usable(&address)
                && !self.is_ours(address)
                && !is_edge(subnet.network, address)
        };
        let by_host = |subnet: &Subnet| {
            let Reserved { address, host_name } =
                self.hosts.reserved(self.shown.mac, self.shown.uuid, subnet.network)?;
            fits(subnet, address).then_some(Claim { address, host_name, parameters: None })
        };
        let by_book = |at: &usize| {
            let subnet = self.server.config.subnets.get(*at)?;
            let nth = self.server.book.find(&self.shown, *at)?;
            let Reservation { address, host_name, parameters, .. } = subnet.reservations.get(nth)?;
            let claim =
                Claim { address: *address, host_name: host_name.clone(), parameters: Some(parameters) };
            fits(subnet, *address).then_some(claim)
        };
        self.subnets().find_map(by_host).or_else(|| self.link.iter().find_map(by_book))
    }

    /// True if nobody may be given this address unless it is reserved for him.
    pub(super) fn is_kept(&self, address: Ipv4Addr) -> bool {
        self.is_ours(address) || self.server.book.has(address) || self.hosts.is_reserved(address)
    }
}

/// True for the network's own address and its broadcast address, which no machine can have, whatever somebody reserved. A
/// /31 or /32 has neither (RFC 3021).
fn is_edge(network: Ipv4Net, address: Ipv4Addr) -> bool {
    network.prefix_len() < 31 && (address == network.network() || address == network.broadcast())
}
