use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::hex;

/// A 48-bit Ethernet address.
///
/// Read from any spelling in use (`AA:BB:CC:DD:EE:FF`, `aa-bb-cc-dd-ee-ff`, `aabb.ccdd.eeff`, `aabbccddeeff`, and
/// PXELINUX's `01-aa-bb-cc-dd-ee-ff`); always written `aa:bb:cc:dd:ee:ff`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Mac(pub [u8; 6]);

/// The text is not an Ethernet address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a MAC address; write it like 52:54:00:12:34:56")]
pub struct BadMac(String);

impl Mac {
    /// PXELINUX's name for this machine's configuration: `01-` (ARP type Ethernet), lower case, dashes.
    #[must_use]
    pub fn pxelinux(&self) -> String {
        let mut name = String::with_capacity(20);
        name.push_str("01");
        for byte in self.0 {
            name.push('-');
            name.extend(hex(byte));
        }
        name
    }

    /// True for addresses that a host may be known by: not all zero, not the broadcast address. A group address is let
    /// through: people make up addresses without minding the bit that makes them one, and pxe-pilot's own example
    /// (`23:34:a3:e9:09:cc`) has it set.
    #[must_use]
    pub fn may_name_a_host(&self) -> bool {
        self.0 != [0; 6] && self.0 != [0xff; 6]
    }

    /// True for addresses that can belong to one machine: not all zero, not a group address.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        self.0 != [0; 6] && self.0[0] & 1 == 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

impl TryFrom<String> for Mac {
    type Error = BadMac;
    fn try_from(text: String) -> Result<Self, BadMac> {
        text.parse()
    }
}

impl FromStr for Mac {
    type Err = BadMac;

    fn from_str(text: &str) -> Result<Self, BadMac> {
        let bad = || BadMac(text.chars().take(64).collect());
        // 20 = "01-" and six pairs with separators, the longest spelling.
        if text.len() > 20 {
            return Err(bad());
        }
        let pairs = |sep: char, width: usize| -> Option<Vec<u8>> {
            let mut out = Vec::new();
            for part in text.split(sep) {
                if part.len() != width || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return None;
                }
                for at in (0..width).step_by(2) {
                    out.push(u8::from_str_radix(part.get(at..at + 2)?, 16).ok()?);
                }
            }
            Some(out)
        };
        let bytes = if text.contains(':') {
            pairs(':', 2)
        } else if text.contains('-') {
            pairs('-', 2)
        } else if text.contains('.') {
            pairs('.', 4)
        } else {
            pairs('\0', 12)
        };
        match bytes.as_deref() {
            Some(&[a, b, c, d, e, f]) => Ok(Self([a, b, c, d, e, f])),
            Some(&[1, a, b, c, d, e, f]) if text.contains('-') => Ok(Self([a, b, c, d, e, f])),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x23, 0x34, 0xa3, 0xe9, 0x09, 0xcc]);

    #[test]
    fn every_spelling_in_use_reads_as_the_same_address() {
        for text in [
            "23:34:a3:e9:09:cc",
            "23:34:A3:E9:09:CC",
            "23-34-a3-e9-09-cc",
            "01-23-34-a3-e9-09-cc",
            "2334.a3e9.09cc",
            "2334a3e909cc",
        ] {
            assert_eq!(text.parse(), Ok(MAC), "{text}");
        }
        assert_eq!(MAC.to_string(), "23:34:a3:e9:09:cc");
        assert_eq!(MAC.pxelinux(), "01-23-34-a3-e9-09-cc");
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "23:34:a3:e9:09",
            "23:34:a3:e9:09:cg",
            "ä3:34:a3:e9:09:c",
            "02-23-34-a3-e9-09-cc",
            "2334a3e909c",
            "::::::",
        ] {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }
}
