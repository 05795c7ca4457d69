//! Single values as dnsmasq writes them.

use std::net::Ipv4Addr;

use nextboot_dhcp::LeaseTime;
use nextboot_model::Mac;

use super::{line::reveal, note::Not};

/// An IPv4 address.
pub(super) fn address(text: &str) -> Option<Ipv4Addr> {
    text.parse().ok()
}

/// `45m`, `12h`, `2d`, `1w`, `3600`, `infinite`. Less than two minutes are two minutes.
pub(super) fn time(text: &str) -> Option<LeaseTime> {
    if text == "infinite" {
        return Some(LeaseTime::Infinite);
    }
    let (digits, factor) = match text.chars().last()? {
        'w' | 'W' => (text.get(..text.len() - 1)?, 7 * 24 * 3600),
        'd' | 'D' => (text.get(..text.len() - 1)?, 24 * 3600),
        'h' | 'H' => (text.get(..text.len() - 1)?, 3600),
        'm' | 'M' => (text.get(..text.len() - 1)?, 60),
        's' | 'S' => (text.get(..text.len() - 1)?, 1),
        _ => (text, 1),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse::<u64>().ok()?.saturating_mul(factor).max(120);
    // All ones mean for ever.
    Some(
        u32::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds < u32::MAX)
            .map_or(LeaseTime::Infinite, LeaseTime::Seconds),
    )
}

/// A hardware address in which `*` stands for any byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hardware {
    /// One machine's.
    Whole(Mac),
    /// How it begins.
    Begins(Vec<u8>),
}

/// `11:22:33:44:55:66`, also with `1-` for Ethernet before it and `*` for bytes at its end. dnsmasq takes any bytes.
pub(super) fn hardware(text: &str) -> Result<Hardware, Not> {
    let six = || format!("{}: use a hardware address of six bytes, e.g. 52:54:00:12:34:56", reveal(text));
    let wrong = || Not::Wrong(six());
    let text = match text.split_once('-') {
        Some((kind, rest)) if rest.contains(':') => match u8::from_str_radix(kind, 16) {
            Ok(1) => rest,
            _ => {
                return Err(Not::Lost(format!(
                    "{}: hardware of type {kind} is not Ethernet; nextboot serves Ethernet",
                    reveal(text)
                )));
            }
        },
        _ => text,
    };
    let mut bytes = Vec::new();
    let mut any = false;
    let parts: Vec<&str> = text.split([':', '-']).collect();
    if parts.len() != 6 {
        let is_byte = |part: &&str| *part == "*" || u8::from_str_radix(part, 16).is_ok();
        return Err(if parts.iter().all(is_byte) { Not::Lost(six()) } else { wrong() });
    }
    for part in parts {
        match part {
            "*" => any = true,
            _ if any => {
                return Err(Not::Lost(format!(
                    "{}: * stands for bytes at the end here, and for none in the middle",
                    reveal(text)
                )));
            }
            _ if (1..=2).contains(&part.len()) => {
                bytes.push(u8::from_str_radix(part, 16).map_err(|_| wrong())?)
            }
            _ => return Err(wrong()),
        }
    }
    match <[u8; 6]>::try_from(bytes.as_slice()) {
        Ok(mac) if Mac(mac).is_machine() => Ok(Hardware::Whole(Mac(mac))),
        Ok(_) => Err(Not::Lost(format!(
            "{}: this is not the address of one machine: it is zero, or a multicast address",
            reveal(text)
        ))),
        Err(_) if bytes.is_empty() => Err(Not::Lost(format!("{}: these are all machines", reveal(text)))),
        Err(_) => Ok(Hardware::Begins(bytes)),
    }
}

/// `01:02:0a`, as bytes; nothing where it is anything else.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let byte = |part: &str| u8::from_str_radix(part, 16).ok().filter(|_| (1..=2).contains(&part.len()));
    text.contains(':').then(|| text.split(':').map(byte).collect::<Option<Vec<u8>>>()).flatten()
}

/// A host's name as dnsmasq takes one.
pub(super) fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.starts_with(|c: char| c.is_ascii_alphanumeric())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() <= 253 && text.trim_end_matches('.').split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_hardware_addresses_are_taken_as_dnsmasq_takes_them() {
        for (text, meant) in [
            ("infinite", Some(LeaseTime::Infinite)),
            ("45m", Some(LeaseTime::Seconds(2700))),
            ("2D", Some(LeaseTime::Seconds(172_800))),
            ("1w", Some(LeaseTime::Seconds(604_800))),
            ("3600", Some(LeaseTime::Seconds(3600))),
            ("5", Some(LeaseTime::Seconds(120))),
            ("99999999999999999999999", None),
            ("9999999w", Some(LeaseTime::Infinite)),
            ("h", None),
            ("client1", None),
            ("", None),
        ] {
            assert_eq!(time(text), meant, "{text}");
        }
        let mac = Mac([0x80, 0xee, 0x73, 0xa9, 0x19, 5]);
        for text in ["80:EE:73:a9:19:05", "80:ee:73:a9:19:5", "1-80:ee:73:a9:19:05", "80-ee-73-a9-19-05"] {
            assert_eq!(hardware(text), Ok(Hardware::Whole(mac)), "{text}");
        }
        assert_eq!(hardware("80:ee:*:*:*:*"), Ok(Hardware::Begins(vec![0x80, 0xee])));
        for text in ["ma:ca:dd:re:ss:00", "ma:ca:dd:re:ss", "::::::", "80:ee:73:a9:19:005"] {
            assert!(matches!(hardware(text), Err(Not::Wrong(_))), "{text}");
        }
        for text in [
            "80:ee",
            "06-80:ee:73:a9:19:05",
            "*:ee:73:a9:19:05",
            "*:*:*:*:*:*",
            "ff:ff:ff:ff:ff:ff",
            "11:22:33:44:55:66",
        ] {
            assert!(matches!(hardware(text), Err(Not::Lost(_))), "dnsmasq starts with {text}");
        }
    }
}
