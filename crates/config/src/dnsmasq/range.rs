//! `dhcp-range`.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use nextboot_dhcp::{LeaseTime, PoolRange};

use super::{Link, line::reveal, value::time};

/// How a range is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// To everybody who asks.
    Pool(PoolRange),
    /// Only to those for whom something is reserved.
    Static,
    /// Another server gives the addresses.
    Proxy,
}

/// One `dhcp-range`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) sets: Option<String>,
    pub(super) needs: Vec<String>,
    pub(super) service: Service,
    pub(super) network: Ipv4Net,
    /// Where it was not told by the file or by an interface.
    pub(super) guessed: bool,
    pub(super) lease_time: Option<LeaseTime>,
}

/// Reads the parts of a range; nothing where it is about IPv6. In words what is wrong.
pub(super) fn read(parts: &[String], links: &[Link]) -> Result<Option<Range>, String> {
    let (mut sets, mut needs, mut at) = (None, Vec::new(), 0);
    let looks_like_address =
        |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':'));
    while let Some(part) = parts.get(at).filter(|part| !looks_like_address(part)) {
        match part.strip_prefix("tag:").or_else(|| part.strip_prefix("net:")) {
            Some(tag) => needs.push(reveal(tag)),
            None if sets.is_some() => return Err("a range sets only one tag".into()),
            None => sets = Some(reveal(part.strip_prefix("set:").unwrap_or(part))),
        }
        at += 1;
    }
    let rest = parts.get(at..).unwrap_or_default();
    let Some(first) = rest.first() else { return Err("no address; write dhcp-range=FIRST,LAST".into()) };
    if first.contains(':') {
        return Ok(None);
    }
    let wrong = |part: &str| format!("{} is not an IPv4 address", reveal(part));
    let first: Ipv4Addr = first.parse().map_err(|_| wrong(first))?;
    let (last, mut at) = match rest.get(1).map(String::as_str) {
        Some("static" | "proxy") | None => (None, 2),
        Some(last) => match last.parse::<Ipv4Addr>() {
            Ok(last) => (Some(last), 2),
            Err(_) if time(last).is_some() => (Some(first), 1),
            Err(_) => return Err(wrong(last)),
        },
    };
    let mask: Option<Ipv4Addr> = rest.get(at).and_then(|part| part.parse().ok());
    if mask.is_some() {
        at += 1;
        // What the broadcast address is follows from the mask.
        at += usize::from(rest.get(at).is_some_and(|part| part.parse::<Ipv4Addr>().is_ok()));
    }
    let lease_time = match rest.get(at) {
        None => None,
        // It says something about IPv6 addresses only.
        Some(part) if part == "deprecated" => None,
        Some(part) => Some(
            time(part)
                .ok_or_else(|| format!("{} is not a lease time, e.g. 45m, 12h or infinite", reveal(part)))?,
        ),
    };
    if let Some(more) = rest.get(at + 1) {
        return Err(format!("{} is too much", reveal(more)));
    }
    let (network, guessed) = network(first, mask, links)?;
    let service = match (last, rest.get(1).map(String::as_str)) {
        (_, Some("proxy")) => Service::Proxy,
        (_, Some("static")) => Service::Static,
        (last, _) => {
            let last = last.unwrap_or(first);
            let (first, last) = (first.min(last), first.max(last));
            if !network.contains(&last) || !network.contains(&first) {
                return Err(format!("{first} to {last} is not within the network {network}"));
            }
            Service::Pool(PoolRange { first, last })
        }
    };
    Ok(Some(Range { sets, needs, service, network, guessed, lease_time }))
}

/// The network of an address: by its mask, else by the interface that is in it, else by its class, which is a guess.
fn network(first: Ipv4Addr, mask: Option<Ipv4Addr>, links: &[Link]) -> Result<(Ipv4Net, bool), String> {
    let link = links.iter().find(|link| link.address.contains(&first));
    let (network, guessed) = match (mask, link) {
        (Some(mask), _) => {
            let network = Ipv4Net::with_netmask(first, mask);
            (network.map_err(|_| format!("{mask} is not a netmask"))?, false)
        }
        (None, Some(link)) => (link.address, false),
        (None, None) => {
            let length = match first.octets()[0] {
                0..=127 => 8,
                128..=191 => 16,
                _ => 24,
            };
            (Ipv4Net::new(first, length).map_err(|error| error.to_string())?, true)
        }
    };
    if !(8..=30).contains(&network.prefix_len()) {
        return Err(format!("the network {} has a prefix length out of 8 to 30", network.trunc()));
    }
    Ok((network.trunc(), guessed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnsmasq::line;

    #[test]
    fn ranges_are_read_in_old_and_new_words() {
        let links = [Link { name: "eth0".into(), address: "192.168.0.1/23".parse().unwrap() }];
        let range = |text: &str| read(&line::parts(text), &links);
        let lan = range("lan,192.168.0.100,192.168.0.150").unwrap().unwrap();
        assert_eq!((lan.sets.as_deref(), lan.network.to_string().as_str()), (Some("lan"), "192.168.0.0/23"));
        let both = range("tag:a,set:b,10.0.0.9,10.0.0.5,255.255.255.0,10.0.0.255,45m").unwrap().unwrap();
        assert_eq!((both.needs, both.lease_time), (vec!["a".to_owned()], Some(LeaseTime::Seconds(2700))));
        assert!(matches!(both.service, Service::Pool(PoolRange { first, last }) if first < last));
        assert_eq!(range("10.1.0.0,static,infinite").unwrap().unwrap().network.to_string(), "10.0.0.0/8");
        assert!(range("10.1.0.0,static").unwrap().unwrap().guessed);
        assert_eq!(range("192.168.0.0,proxy").unwrap().unwrap().service, Service::Proxy);
        assert!(range("192.168.0.9,192.168.0.10,deprecated").unwrap().is_some());
        assert_eq!(range("::1,constructor:eth0"), Ok(None));
        for wrong in [
            "",
            "lan",
            "set:a,set:b,10.0.0.1,10.0.0.2",
            "10.0.0.1,10.1.0.2,255.255.255.0",
            "10.0.0.1,x",
            "10.0.0.1,10.0.0.2,1h,2h",
        ] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
