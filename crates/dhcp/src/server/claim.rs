use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{LeaseTime, Parameters, Reservation, Reserved, Subnet, call::Call};
use crate::packet::is_usable;

/// What a client has reserved.
pub(super) struct Claim<'a> {
    /// Nothing where it only has a name, options or a time of its own.
    pub(super) address: Option<Ipv4Addr>,
    pub(super) host_name: Option<String>,
    pub(super) lease_time: Option<LeaseTime>,
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
            let address = Some(address).filter(|address| fits(subnet, *address))?;
            Some(Claim { address: Some(address), host_name, lease_time: None, parameters: None })
        };
        // One with an address goes before one without, in whatever subnet of the link it is.
        let by_book = |at: &usize, with_address: bool| {
            let subnet = self.server.config.subnets.get(*at)?;
            let nth = self.server.book.find(&self.shown, *at)?;
            let reservation = subnet.reservations.get(nth)?;
            let Reservation { address, host_name, lease_time, parameters, .. } = reservation;
            let claim = Claim {
                address: *address,
                host_name: host_name.clone(),
                lease_time: *lease_time,
                parameters: Some(parameters),
            };
            let good = address.map_or(!with_address, |address| fits(subnet, address));
            good.then_some(claim)
        };
        let in_book = |with_address| self.link.iter().find_map(|at| by_book(at, with_address));
        self.subnets().find_map(by_host).or_else(|| in_book(true)).or_else(|| in_book(false))
    }

    /// The address that this client has reserved on this link.
    pub(super) fn reserved_address(&self) -> Option<Ipv4Addr> {
        self.reserved().and_then(|claim| claim.address)
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
