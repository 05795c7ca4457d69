//! Single values that more than one table of the file has.

use std::{
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    time::Duration,
};

use ipnet::{IpNet, Ipv4Net};
use nextboot_boot::Kind;
use nextboot_model::{BadLoaderName, LoaderName};

use crate::{document::Item, duration};

/// An address that a machine can have.
pub(crate) fn address(item: &Item<'_>) -> Option<Ipv4Addr> {
    let address: Ipv4Addr = item.parse("use an IPv4 address, e.g. \"10.0.0.1\"")?;
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() || address.is_loopback() {
        return item.wrong("this is not an address that other machines can reach");
    }
    Some(address)
}

/// A network in prefix notation.
pub(crate) fn network(item: &Item<'_>) -> Option<Ipv4Net> {
    let network: Ipv4Net = item.parse("use a network with its prefix length, e.g. \"10.0.0.0/24\"")?;
    if network.trunc() != network {
        return item.wrong(format!("this is an address within a network; write \"{}\"", network.trunc()));
    }
    if !(8..=30).contains(&network.prefix_len()) {
        return item.wrong("use a prefix length from 8 to 30");
    }
    Some(network)
}

/// One to six bytes of a MAC in hexadecimal, with `:` or `-` between them.
pub(crate) fn mac_prefix(item: &Item<'_>) -> Option<Vec<u8>> {
    let byte = |text: &str| u8::from_str_radix(text, 16).ok().filter(|_| text.len() == 2);
    let bytes: Option<Vec<u8>> = item.text()?.split([':', '-']).map(byte).collect();
    bytes
        .filter(|bytes| bytes.len() <= 6)
        .or_else(|| item.wrong("use the beginning of a MAC address, e.g. \"52:54:00\""))
}

/// A machine, whatever program speaks for it; that is what `firmware` is for.
pub(crate) fn machine(item: &Item<'_>) -> Option<Kind> {
    let kinds = Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::IpxeBios | Kind::IpxeUefi));
    item.choice(&kinds.map(|kind| (kind.key(), kind)).collect::<Vec<_>>())
}

/// A loader by its name, or one of the words.
pub(crate) fn loader_name(item: &Item<'_>) -> Option<LoaderName> {
    match item.text()?.parse() {
        Ok(name) => Some(name),
        Err(error) => item.wrong(BadLoaderName::to_string(&error)),
    }
}

/// A duration within a range of seconds.
pub(crate) fn while_(item: &Item<'_>, range: RangeInclusive<u64>) -> Option<Duration> {
    let seconds = match item.whole() {
        Some(seconds) => u64::try_from(seconds).ok(),
        None => duration::parse(item.text()?).map(|duration| duration.as_secs()),
    };
    match seconds {
        Some(seconds) if range.contains(&seconds) => Some(Duration::from_secs(seconds)),
        Some(_) => item.wrong(format!("use {} to {} seconds", range.start(), range.end())),
        None => item.wrong("use seconds, or a text like \"90s\", \"30m\", \"12h\" or \"7d\""),
    }
}

/// A network, or one address.
pub(crate) fn address_or_network(item: &Item<'_>) -> Option<IpNet> {
    let text = item.text()?;
    let network = match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address)),
        Err(_) => text.parse().ok(),
    };
    match network {
        None => item.wrong("use a network, e.g. \"10.0.0.0/24\", or an address"),
        Some(network) if network.trunc() != network => {
            item.wrong(format!("this is an address within a network; write \"{}\"", network.trunc()))
        }
        network => network,
    }
}
