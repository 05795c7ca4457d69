//! `dhcp-option`: which option, for whom, and its value in bytes.

use std::net::Ipv4Addr;

use nextboot_dhcp::LeaseTime;

use super::{
    line::reveal,
    note::Not,
    value::{self, address, hex},
};

/// What an option is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// It is not sent, not even as it is usually.
    Nothing,
    /// Addresses; 0.0.0.0 is that of this server there.
    Addresses(Vec<Ipv4Addr>),
    /// A text.
    Text(String),
    /// Domain names.
    Names(Vec<String>),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// The bytes, where `own` is this server's address.
    pub(super) fn bytes(&self, own: Option<Ipv4Addr>) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Addresses(_) => self.addresses(own).iter().flat_map(Ipv4Addr::octets).collect(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Names(names) => names.iter().flat_map(|name| labels(name)).collect(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }

    /// The addresses, where `own` is this server's.
    pub(super) fn addresses(&self, own: Option<Ipv4Addr>) -> Vec<Ipv4Addr> {
        let Self::Addresses(addresses) = self else { return Vec::new() };
        let real = |address: &Ipv4Addr| if address.is_unspecified() { own } else { Some(*address) };
        addresses.iter().filter_map(real).collect()
    }

    /// True where it depends on where this server is.
    pub(super) fn names_us(&self) -> bool {
        matches!(self, Self::Addresses(addresses) if addresses.iter().any(Ipv4Addr::is_unspecified))
    }
}

/// One `dhcp-option`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) tags: Vec<String>,
    pub(super) code: u8,
    pub(super) value: Value,
}

/// The names that dnsmasq knows, with their numbers, and how many bytes a number has there.
const NAMES: [(&str, u8, usize); 56] = [
    ("netmask", 1, 0),
    ("time-offset", 2, 4),
    ("router", 3, 0),
    ("dns-server", 6, 0),
    ("log-server", 7, 0),
    ("lpr-server", 9, 0),
    ("boot-file-size", 13, 2),
    ("domain-name", 15, 0),
    ("swap-server", 16, 0),
    ("root-path", 17, 0),
    ("extension-path", 18, 0),
    ("ip-forward-enable", 19, 1),
    ("non-local-source-routing", 20, 1),
    ("policy-filter", 21, 0),
    ("max-datagram-reassembly", 22, 2),
    ("default-ttl", 23, 1),
    ("mtu", 26, 2),
    ("all-subnets-local", 27, 1),
    ("broadcast", 28, 0),
    ("router-discovery", 31, 1),
    ("router-solicitation", 32, 0),
    ("static-route", 33, 0),
    ("trailer-encapsulation", 34, 1),
    ("arp-timeout", 35, 4),
    ("ethernet-encap", 36, 1),
    ("tcp-ttl", 37, 1),
    ("tcp-keepalive", 38, 4),
    ("nis-domain", 40, 0),
    ("nis-server", 41, 0),
    ("ntp-server", 42, 0),
    ("netbios-ns", 44, 0),
    ("netbios-dd", 45, 0),
    ("netbios-nodetype", 46, 1),
    ("netbios-scope", 47, 0),
    ("x-windows-fs", 48, 0),
    ("x-windows-dm", 49, 0),
    ("T1", 58, 4),
    ("T2", 59, 4),
    ("vendor-class", 60, 0),
    ("nis+-domain", 64, 0),
    ("nis+-server", 65, 0),
    ("tftp-server", 66, 0),
    ("bootfile-name", 67, 0),
    ("mobile-ip-home", 68, 0),
    ("smtp-server", 69, 0),
    ("pop3-server", 70, 0),
    ("nntp-server", 71, 0),
    ("irc-server", 74, 0),
    ("user-class", 77, 0),
    ("rapid-commit", 80, 0),
    ("client-arch", 93, 2),
    ("client-interface-id", 94, 0),
    ("client-machine-id", 97, 0),
    ("domain-search", 119, 0),
    ("classless-static-route", 121, 0),
    ("tftp-server-address", 150, 0),
];

/// The number of an option by its name.
pub(super) fn number(name: &str) -> Option<u8> {
    let more = [("posix-timezone", 100), ("tzdb-timezone", 101), ("ipv6-only", 108), ("sip-server", 120)];
    let named = NAMES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).map(|(_, code, _)| *code);
    named.or_else(|| more.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, code)| *code))
}

/// Reads the parts of `dhcp-option`: tags, option, value.
pub(super) fn read(parts: &[String]) -> Result<Given, Not> {
    let mut tags = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let rest = parts.get(at + 1..).unwrap_or_default();
        if let Some(tag) = part.strip_prefix("tag:").or_else(|| part.strip_prefix("net:")) {
            tags.push(reveal(tag));
        } else if let Some(name) = part.strip_prefix("option:") {
            let wrong = || {
                Not::Wrong(format!(
                    "dnsmasq knows no option {}; `dnsmasq --help dhcp` lists them",
                    reveal(name)
                ))
            };
            let code = number(name).ok_or_else(wrong)?;
            return Ok(Given { tags, code, value: value(code, rest)? });
        } else if part.starts_with("option6:") {
            return Err(Not::Lost("it is about IPv6, and nextboot serves IPv4".into()));
        } else if ["vendor:", "encap:", "vi-encap:"].iter().any(|begin| part.starts_with(begin)) {
            return Err(Not::Lost(
                "an option within a vendor's option; write its bytes into option 43 of a [[dhcp.class]] with that vendor"
                    .into(),
            ));
        } else if part.is_empty() {
            return Err(Not::Lost("no option is named".into()));
        } else if part.bytes().all(|b| b.is_ascii_digit()) {
            let code = part.parse::<u8>().ok().filter(|code| (1..=254).contains(code));
            let code =
                code.ok_or_else(|| Not::Lost(format!("{part}: an option has a number from 1 to 254")))?;
            return Ok(Given { tags, code, value: value(code, rest)? });
        } else if at == 0 && !rest.is_empty() {
            // As files older than 2.41 write tags.
            tags.push(reveal(part));
        } else {
            break;
        }
    }
    Err(Not::Wrong("no option is named; write e.g. 3 or option:router".into()))
}

/// The value of an option, in the type that dnsmasq takes it for.
pub(super) fn value(code: u8, parts: &[String]) -> Result<Value, Not> {
    let whole = parts.join(",");
    if whole.is_empty() {
        return Ok(Value::Nothing);
    }
    let size = NAMES.iter().find(|(_, known, _)| *known == code).map_or(0, |(.., size)| *size);
    let addresses: Option<Vec<Ipv4Addr>> = parts.iter().map(|part| address(part)).collect();
    let read = if let Some(addresses) = addresses {
        Value::Addresses(addresses)
    } else if parts.iter().any(|part| part.contains('/')) && matches!(code, 121 | 249) {
        Value::Bytes(routes(parts)?)
    } else if code == 119 {
        Value::Names(search(parts)?)
    } else if let Some(bytes) = parts.first().filter(|_| parts.len() == 1).and_then(|part| hex(part)) {
        Value::Bytes(bytes)
    } else if let Some(bytes) =
        parts.first().filter(|_| parts.len() == 1).and_then(|part| decimal(code, part, size))
    {
        Value::Bytes(bytes)
    } else {
        Value::Text(reveal(&whole))
    };
    match read.bytes(Some(Ipv4Addr::LOCALHOST)).len() {
        1..=255 => Ok(read),
        length => Err(Not::Wrong(format!("the value has {length} bytes; an option has room for 255"))),
    }
}

/// A number; `b`, `s` or `i` behind it say how many bytes it has.
fn decimal(code: u8, text: &str, size: usize) -> Option<Vec<u8>> {
    if matches!(code, 58 | 59) {
        let LeaseTime::Seconds(seconds) = value::time(text)? else { return None };
        return Some(seconds.to_be_bytes().to_vec());
    }
    let (digits, size) = match text.chars().last()? {
        'b' => (text.get(..text.len() - 1)?, 1),
        's' => (text.get(..text.len() - 1)?, 2),
        'i' => (text.get(..text.len() - 1)?, 4),
        _ => (text, size),
    };
    let negative = digits.starts_with('-');
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = plain.parse::<i64>().ok()?;
    let number = if negative { -number } else { number };
    let size = match (size, number) {
        (0, ..=-1) => 4,
        (0, 0..=0xff) => 1,
        (0, 0x100..=0xffff) => 2,
        (0, _) => 4,
        (size, _) => size,
    };
    let bytes = number.to_be_bytes();
    bytes.get(bytes.len() - size..).map(<[u8]>::to_vec)
}

/// Pairs of network and router (RFC 3442).
fn routes(parts: &[String]) -> Result<Vec<u8>, Not> {
    let wrong = |part: &str| {
        Not::Lost(format!("{}: write a network and its router, e.g. 10.1.0.0/16,10.0.0.1", reveal(part)))
    };
    let mut bytes = Vec::new();
    for part in parts {
        match part.split_once('/') {
            None => bytes.extend(address(part).ok_or_else(|| wrong(part))?.octets()),
            Some((network, length)) => {
                let network = address(network).ok_or_else(|| wrong(part))?;
                let length =
                    length.parse::<u8>().ok().filter(|length| *length <= 32).ok_or_else(|| wrong(part))?;
                bytes.push(length);
                bytes.extend(network.octets().iter().take(usize::from(length.div_ceil(8))));
            }
        }
    }
    Ok(bytes)
}

/// Domain names.
fn search(parts: &[String]) -> Result<Vec<String>, Not> {
    let mut names = Vec::new();
    for part in parts {
        let name = reveal(part);
        if !value::is_name(&name) {
            return Err(Not::Lost(format!("{name}: use a domain name")));
        }
        names.push(name.trim_end_matches('.').to_owned());
    }
    Ok(names)
}

/// A domain name as DNS writes it (RFC 1035 section 3.1).
fn labels(name: &str) -> Vec<u8> {
    let label = |label: &str| [&[u8::try_from(label.len()).unwrap_or(63)][..], label.as_bytes()].concat();
    name.split('.').flat_map(label).chain([0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnsmasq::line;

    fn given(argument: &str) -> Result<Given, Not> {
        let line = line::plain(argument).unwrap().unwrap();
        read(&line::parts(&line))
    }

    #[test]
    fn an_option_has_the_bytes_that_dnsmasq_would_send() {
        let own = Some(Ipv4Addr::new(10, 0, 0, 1));
        for (argument, code, bytes) in [
            ("3,192.168.0.1", 3, vec![192, 168, 0, 1]),
            ("lan,6,8.8.8.8,8.8.4.4", 6, vec![8, 8, 8, 8, 8, 8, 4, 4]),
            ("tag:a, tag:!b, option:ntp-server, 0.0.0.0", 42, vec![10, 0, 0, 1]),
            ("26,1500", 26, vec![5, 220]),
            ("option:mtu,1500", 26, vec![5, 220]),
            ("19,0", 19, vec![0]),
            ("2,-1", 2, vec![255; 4]),
            ("224,300", 224, vec![1, 44]),
            ("224,1s", 224, vec![0, 1]),
            ("224,1i", 224, vec![0, 0, 0, 1]),
            ("224,01:0a:ff", 224, vec![1, 10, 255]),
            ("66,\"1.2.3.4\"", 66, b"1.2.3.4".to_vec()),
            ("17,/nfs,ro", 17, b"/nfs,ro".to_vec()),
            ("121,10.1.0.0/16,10.0.0.1", 121, vec![16, 10, 1, 10, 0, 0, 1]),
            ("119,a.b", 119, vec![1, b'a', 1, b'b', 0]),
            ("option:T1,1m", 58, vec![0, 0, 0, 120]),
            ("3", 3, vec![]),
        ] {
            let given = given(argument).unwrap();
            assert_eq!((given.code, given.value.bytes(own)), (code, bytes), "{argument}");
        }
        assert_eq!(given("lan,3,10.0.0.1").unwrap().tags, ["lan"]);
        assert_eq!(given("tag:a,net:!b,3").unwrap().tags, ["a", "!b"]);
        for argument in ["option:nonsense,1", "lan"] {
            assert!(matches!(given(argument), Err(Not::Wrong(_))), "{argument}");
        }
        // dnsmasq starts with these.
        for argument in ["0,1", "1000,1", "119,a..b", "121,10.0.0.0/40,10.0.0.1", ",1"] {
            assert!(matches!(given(argument), Err(Not::Lost(_))), "{argument}");
        }
        assert!(matches!(given(&format!("224,{}", "x".repeat(256))), Err(Not::Wrong(_))));
        assert!(matches!(given("vendor:PXEClient,1,0.0.0.0"), Err(Not::Lost(_))));
    }
}
