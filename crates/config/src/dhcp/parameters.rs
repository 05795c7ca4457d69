use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use nextboot_dhcp::{Parameters, code};

use super::options;
use crate::{
    document::{Item, Section},
    files::take,
    value::address,
};

/// Most addresses in one option: it has 255 bytes.
const MAX_SERVERS: usize = 63;
/// Longest domain name (RFC 1035 section 2.3.4), in bytes of text.
const MAX_DOMAIN: usize = 253;

/// Reads what clients are told, except for their routers.
pub(super) fn read(section: &mut Section<'_>) -> Parameters {
    read_for(section, false)
}

/// The same; `vendor` is true for clients of vendors whose own options (43) the site may say.
pub(super) fn read_for(section: &mut Section<'_>, vendor: bool) -> Parameters {
    let mut parameters = Parameters::default();
    take(&mut parameters.dns, section.get("dns", |item| servers(item, None)));
    parameters.domain = section.get("domain", domain);
    take(&mut parameters.search, section.get("search", |item| item.list(domain)));
    take(&mut parameters.ntp, section.get("ntp", |item| servers(item, None)));
    take(&mut parameters.options, options::read(section, vendor));
    take(&mut parameters.never, section.get("never", |item| item.list(unwanted)));
    parameters
}

/// Addresses of servers, best first; those of routers have to be in the network.
pub(super) fn servers(item: &Item<'_>, network: Option<Ipv4Net>) -> Option<Vec<Ipv4Addr>> {
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

/// The code of an option that is not to be sent.
fn unwanted(item: &Item<'_>) -> Option<u8> {
    let code = item.number(1..=254_u8)?;
    match code {
        code::LEASE_TIME..=code::MAX_SIZE
        | code::RENEWAL_TIME..=code::CLIENT_ID
        | code::VENDOR
        | code::BOOT_FILE
        | code::RELAY_INFO
        | code::UUID => item.wrong("without this option the client could not use the answer"),
        _ => Some(code),
    }
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
