//! Whom a proxy in front of us asks for: `Forwarded` (RFC 7239) and `X-Forwarded-For`.
//!
//! Anybody can send these fields, so they mean something only in what comes from a proxy that the site lists, and of them only
//! what that proxy added: the rightmost address that is not itself a listed proxy's.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// Most bytes of all values of one of the fields.
const LONGEST: usize = 4096;

/// Most proxies in a row.
const HOPS: usize = 16;

/// A listed proxy says nothing from which it is clear whom it asks for: what it added is no address, the fields are longer than
/// 4096 bytes, or the two name different clients, of which a client sent one itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the proxy does not say clearly whom it asks for; it must send one of Forwarded and X-Forwarded-For, and clear the other"
)]
pub struct Unclear;

/// The client of a request that came from `peer`: nothing where it is `peer` itself, because that is no listed proxy, or sent
/// none of the fields. `forwarded` and `x_forwarded_for` are the values of all such fields, in their order.
///
/// # Errors
/// When a listed proxy does not say clearly whom it asks for; the request is nobody's then.
pub fn client<'a>(
    proxies: &[IpNet],
    peer: IpAddr,
    forwarded: impl Iterator<Item = &'a [u8]>,
    x_forwarded_for: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<IpAddr>, Unclear> {
    let listed = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
    if !listed(peer) {
        return Ok(None);
    }
    let forwarded = nearest(forwarded, forwarded_for, listed)?;
    let plain = nearest(x_forwarded_for, address, listed)?;
    match (forwarded, plain) {
        (Some(one), Some(other)) if one != other => Err(Unclear),
        (one, other) => Ok(one.or(other)),
    }
}

/// The rightmost address of a field that is no listed proxy's, or else the leftmost: a proxy that asks for itself, by another.
/// Nothing where the field is not there.
fn nearest<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    read: impl Fn(&str) -> Option<IpAddr>,
    listed: impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, Unclear> {
    let (mut elements, mut length) = (Vec::new(), 0);
    for value in values {
        length += value.len();
        if length > LONGEST {
            return Err(Unclear);
        }
        elements.extend(split(std::str::from_utf8(value).map_err(|_| Unclear)?, ','));
    }
    if elements.is_empty() {
        return Ok(None);
    }
    let mut last = None;
    let named = elements.into_iter().rev().map(str::trim).filter(|element| !element.is_empty());
    for (hops, element) in named.enumerate() {
        let address = read(element).filter(|_| hops < HOPS).ok_or(Unclear)?;
        if !listed(address) {
            return Ok(Some(address));
        }
        last = Some(address);
    }
    last.map(Some).ok_or(Unclear)
}

/// The parts between separators that are not in quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

/// The `for` of an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = split(element, ';').into_iter().filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let value = value.trim();
    address(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address, with a port or without one.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> Vec<IpNet> {
        vec!["10.0.0.2/32".parse().unwrap(), "10.9.0.0/16".parse().unwrap(), "fd00::/64".parse().unwrap()]
    }

    fn from(peer: &str, forwarded: &[&str], plain: &[&str]) -> Result<Option<String>, Unclear> {
        let found = client(
            &proxies(),
            peer.parse().unwrap(),
            forwarded.iter().map(|value| value.as_bytes()),
            plain.iter().map(|value| value.as_bytes()),
        );
        found.map(|found| found.map(|address| address.to_string()))
    }

    fn plain(values: &[&str]) -> Result<Option<String>, Unclear> {
        from("10.0.0.2", &[], values)
    }

    fn forwarded(values: &[&str]) -> Result<Option<String>, Unclear> {
        from("10.0.0.2", values, &[])
    }

    #[test]
    fn only_a_listed_proxy_is_believed() {
        for peer in ["10.0.0.3", "127.0.0.1", "::1", "fd01::1"] {
            assert_eq!(from(peer, &["for=10.0.0.50"], &["10.0.0.50"]), Ok(None), "{peer}");
            assert_eq!(from(peer, &["garbage"], &["garbage"]), Ok(None), "{peer}");
        }
        for peer in ["10.0.0.2", "10.9.3.4", "fd00::1"] {
            assert_eq!(from(peer, &[], &["10.0.0.50"]), Ok(Some("10.0.0.50".into())), "{peer}");
            assert_eq!(from(peer, &[], &[]), Ok(None), "a proxy that asks for itself: {peer}");
        }
        assert_eq!(
            client(&[], [10, 0, 0, 2].into(), [].into_iter(), [&b"10.0.0.50"[..]].into_iter()),
            Ok(None)
        );
    }

    #[test]
    fn what_counts_is_what_the_nearest_proxies_added() {
        for (values, is) in [
            (&["10.0.0.50"][..], "10.0.0.50"),
            // The client wrote the first, or the first two.
            (&["10.0.0.66, 10.0.0.50"], "10.0.0.50"),
            (&["10.0.0.66", "10.0.0.50"], "10.0.0.50"),
            (&["10.0.0.2, 10.0.0.50"], "10.0.0.50"),
            (&["unknown, x, 10.0.0.50"], "10.0.0.50"),
            (&["10.0.0.66, 10.0.0.50, 10.9.0.7, 10.0.0.2"], "10.0.0.50"),
            (&["10.0.0.50:4711"], "10.0.0.50"),
            (&[" , 10.0.0.50 , "], "10.0.0.50"),
            (&["::ffff:10.0.0.50"], "10.0.0.50"),
            (&["2001:db8::5"], "2001:db8::5"),
            (&["[2001:db8::5]:80"], "2001:db8::5"),
            (&["[2001:db8::5]"], "2001:db8::5"),
            // A proxy behind a proxy that fetches for itself.
            (&["10.9.0.7, 10.9.0.8"], "10.9.0.7"),
        ] {
            assert_eq!(plain(values), Ok(Some(is.into())), "{values:?}");
        }
        for (values, is) in [
            (&["for=10.0.0.50"][..], "10.0.0.50"),
            (&["for=10.0.0.66, for=10.0.0.50;proto=http;by=10.0.0.2"], "10.0.0.50"),
            (&["For=\"10.0.0.50:80\""], "10.0.0.50"),
            (&["proto=http; for=\"[2001:db8::5]:4711\""], "2001:db8::5"),
            (&["for=\"10.0.0.66, for=10.0.0.67\", for=10.0.0.50"], "10.0.0.50"),
            (&["for=_hidden, for=10.0.0.50, for=10.9.1.1"], "10.0.0.50"),
        ] {
            assert_eq!(forwarded(values), Ok(Some(is.into())), "{values:?}");
        }
        assert_eq!(from("10.0.0.2", &["for=10.0.0.50"], &["10.0.0.50"]), Ok(Some("10.0.0.50".into())));
    }

    #[test]
    fn what_is_not_clear_is_nobodys() {
        let long = format!("{}10.0.0.50", "10.0.0.66, ".repeat(400));
        let halves = "10.0.0.66, ".repeat(200);
        for values in [
            &[""][..],
            &[","],
            &["unknown"],
            &["10.0.0.50, unknown"],
            &["10.0.0.50, unknown, 10.9.0.8"],
            &["10.0.0.50, 10.0.0"],
            &["10.0.0.50, _x, "],
            &["10.0.0.50, 10.0.0.51, x:"],
            &["for=10.0.0.50"],
            &["\u{e4}"],
            &["10.0.0.50; 10.0.0.51"],
            &[&long],
            &[&halves, &halves, "10.0.0.50"],
        ] {
            assert_eq!(plain(values), Err(Unclear), "{values:?}");
        }
        for values in [
            &["10.0.0.50"][..],
            &["for=10.0.0.50, proto=http"],
            &["for=_hidden"],
            &["for=\"10.0.0.50"],
            &["for="],
        ] {
            assert_eq!(forwarded(values), Err(Unclear), "{values:?}");
        }
        // One of the two was written by the client, and nobody knows which.
        assert_eq!(from("10.0.0.2", &["for=10.0.0.66"], &["10.0.0.50"]), Err(Unclear));
        assert_eq!(from("10.0.0.2", &["nonsense"], &["10.0.0.50"]), Err(Unclear));
        let bytes: &[u8] = &[0xff; 3];
        let none = [].into_iter();
        assert_eq!(client(&proxies(), [10, 0, 0, 2].into(), none, [bytes].into_iter()), Err(Unclear));
    }

    #[test]
    fn a_chain_has_an_end() {
        let many = format!("10.0.0.50{}", ", 10.9.0.1".repeat(300));
        assert_eq!(plain(&[&many]), Err(Unclear));
        let few = format!("10.0.0.50{}", ", 10.9.0.1".repeat(HOPS - 1));
        assert_eq!(plain(&[&few]), Ok(Some("10.0.0.50".into())));
    }

    proptest! {
        #[test]
        fn nothing_from_outside_is_too_strange(value in "[ -~]{0,60}", other in "[for=\",;:0-9.\\[\\]]{0,40}") {
            let _ = from("10.0.0.2", &[&value, &other], &[&other, &value]);
        }
    }
}
