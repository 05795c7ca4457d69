use ipnet::Ipv4Net;
use nextboot_dhcp::{LeaseTime, Subnet};

use super::{lease_time, parameters, pool};
use crate::{
    document::{Placed, Report, Section},
    files::take,
    value::{address, network},
};

/// Twelve hours.
pub(super) const DEFAULT_LEASE: LeaseTime = LeaseTime::Seconds(43_200);

/// Reads a `[[dhcp.subnet]]`.
pub(super) fn read(section: &mut Section<'_>, lease: LeaseTime) -> Option<Placed<Subnet>> {
    let remedy = "write network = \"10.0.0.0/24\", with your addresses";
    let network = section.need("network", remedy, |item| item.placed(network));
    let pools = section.get("pool", |item| item.list(pool::read)).unwrap_or_default();
    let exclude = section.get("exclude", |item| item.list(address));
    let routers = section
        .get("router", |item| parameters::servers(item, network.as_ref().map(|network| network.value)));
    let mut subnet = Subnet::new(network.as_ref().map_or_else(Ipv4Net::default, |network| network.value));
    subnet.shared_network = section.get("shared_network", |item| item.line_of_text(64));
    take(&mut subnet.excluded, exclude);
    let first_last = section.get("exclude_first_last_24", |item| item.flag());
    take(&mut subnet.exclude_first_last_24, first_last);
    subnet.parameters = parameters::read(section);
    take(&mut subnet.parameters.routers, routers);
    subnet.lease_time = section.get("lease_time", lease_time).unwrap_or(lease);
    let network = network?;
    pool::check(section.report(), network.value, &pools);
    subnet.pools = pools.into_iter().map(|pool| pool.value).collect();
    Some(Placed { value: subnet, mark: network.mark })
}

/// Complains about networks that share addresses.
pub(super) fn check_overlaps(report: &Report<'_>, subnets: &[Placed<Subnet>]) {
    for (at, subnet) in subnets.iter().enumerate() {
        let network = subnet.value.network;
        let shares = |other: &&Placed<Subnet>| {
            other.value.network.contains(&network) || network.contains(&other.value.network)
        };
        if let Some(other) = subnets.iter().take(at).find(shares) {
            report
                .complain(&subnet.mark, format!("shares addresses with the subnet {}", other.value.network));
        }
    }
}
