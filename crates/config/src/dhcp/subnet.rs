use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use nextboot_dhcp::{LeaseTime, Subnet};

use super::{lease_time, network, options, pool};
use crate::{
    document::{Item, Placed, Report, Section},
    files::take,
};

/// Twelve hours.
pub(super) const DEFAULT_LEASE: LeaseTime = LeaseTime::Seconds(43_200);
/// Most addresses in one option: it has 255 bytes.
const MAX_SERVERS: usize = 63;
/// Longest domain name (RFC 1035 section 2.3.4), in bytes of text.
const MAX_DOMAIN: usize = 253;

/// Reads a `[[dhcp.subnet]]`.
pub(super) fn read(section: &mut Section<'_>, lease: LeaseTime) -> Option<Placed<Subnet>> {
    let remedy = "write network = \"10.0.0.0/24\", with your addresses";
    let network = section.need("network", remedy, |item| item.placed(network));
    let pools = section.get("pool", |item| item.list(pool::read)).unwrap_or_default();
    let exclude = section.get("exclude", |item| item.list(address));
    let routers = section.get("router", |item| servers(item, network.as_ref().map(|network| network.value)));
    let mut subnet = Subnet::new(network.as_ref().map_or_else(Ipv4Net::default, |network| network.value));
    subnet.shared_network = section.get("shared_network", |item| item.line_of_text(64));
    take(&mut subnet.excluded, exclude);
    take(&mut subnet.routers, routers);
    take(&mut subnet.dns, section.get("dns", |item| servers(item, None)));
    subnet.domain = section.get("domain", domain);
    take(&mut subnet.search, section.get("search", |item| item.list(domain)));
    take(&mut subnet.ntp, section.get("ntp", |item| servers(item, None)));
    subnet.lease_time = section.get("lease_time", lease_time).unwrap_or(lease);
    take(&mut subnet.options, options::read(section));
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

/// An address that a machine can have.
pub(crate) fn address(item: &Item<'_>) -> Option<Ipv4Addr> {
    let address: Ipv4Addr = item.parse("use an IPv4 address, e.g. \"10.0.0.1\"")?;
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() || address.is_loopback() {
        return item.wrong("this is not an address that other machines can reach");
    }
    Some(address)
}

/// Addresses of servers, best first; those of routers have to be in the network.
fn servers(item: &Item<'_>, network: Option<Ipv4Net>) -> Option<Vec<Ipv4Addr>> {
    let servers = item.list(|item| {
        let address = address(item)?;
        match network {
            Some(network) if !network.contains(&address) => {
                item.wrong(format!("not in {network}; clients reach a router only in their own network"))
            }
            Some(network) if address == network.network() || address == network.broadcast() => {
                item.wrong(format!("the first and the last address of {network} belong to no machine"))
            }
            _ => Some(address),
        }
    })?;
    if servers.len() > MAX_SERVERS {
        return item.wrong(format!("at most {MAX_SERVERS} addresses"));
    }
    Some(servers)
}

/// A domain name in ASCII.
fn domain(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let name = text.trim_end_matches('.');
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if name.len() <= MAX_DOMAIN && name.split('.').all(label) {
        Some(name.to_owned())
    } else {
        item.wrong("use a domain name, e.g. \"example.org\"")
    }
}
