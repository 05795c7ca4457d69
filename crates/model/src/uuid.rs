use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A machine's SMBIOS UUID, held as the bytes of its usual text (RFC 4122 order), e.g. what `dmidecode` prints.
///
/// DHCP option 97 and PXELINUX carry the first three fields byte-swapped ("wire order"); [`Uuid::from_wire`] and
/// [`Uuid::to_wire`] convert.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Uuid(pub [u8; 16]);

/// The text is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UUID; write it like b8945908-d6a6-41a9-a11d-74a6ab80b83d")]
pub struct BadUuid(String);

fn swap(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[0..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

impl Uuid {
    /// From the 16 bytes behind the type byte of DHCP option 97.
    #[must_use]
    pub fn from_wire(bytes: [u8; 16]) -> Self {
        Self(swap(bytes))
    }

    /// The UUID whose usual text is the wire order of this one: what PXELINUX asks for.
    #[must_use]
    pub fn to_wire(self) -> Self {
        Self(swap(self.0))
    }

    /// False for the values that firmware without a UUID sends: all zero or all ones.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        self.0 != [0; 16] && self.0 != [0xff; 16]
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                out.write_str("-")?;
            }
            write!(out, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<Uuid> for String {
    fn from(uuid: Uuid) -> Self {
        uuid.to_string()
    }
}

impl TryFrom<String> for Uuid {
    type Error = BadUuid;
    fn try_from(text: String) -> Result<Self, BadUuid> {
        text.parse()
    }
}

impl FromStr for Uuid {
    type Err = BadUuid;

    fn from_str(text: &str) -> Result<Self, BadUuid> {
        let bad = || BadUuid(text.chars().take(64).collect());
        let raw = text.as_bytes();
        if raw.len() != 36 || [8, 13, 18, 23].iter().any(|&at| raw[at] != b'-') {
            return Err(bad());
        }
        let mut bytes = [0; 16];
        let digits: Vec<u8> = raw
            .iter()
            .enumerate()
            .filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23))
            .filter_map(|(_, b)| char::from(*b).to_digit(16))
            .filter_map(|d| u8::try_from(d).ok())
            .collect();
        if digits.len() != 32 {
            return Err(bad());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SMBIOS text and the name that PXELINUX 6.04 asked for, seen on an emulated machine.
    #[test]
    fn wire_order_swaps_the_first_three_fields() {
        let uuid: Uuid = "b8945908-d6a6-41a9-a11d-74a6ab80b83d".parse().unwrap();
        assert_eq!(uuid.to_wire().to_string(), "085994b8-a6d6-a941-a11d-74a6ab80b83d");
        assert_eq!(Uuid::from_wire(uuid.to_wire().0), uuid);
    }

    #[test]
    fn what_is_not_a_uuid_is_refused() {
        for text in [
            "",
            "b8945908-d6a6-41a9-a11d-74a6ab80b83",
            "b8945908xd6a6-41a9-a11d-74a6ab80b83d",
            "g8945908-d6a6-41a9-a11d-74a6ab80b83d",
        ] {
            assert!(text.parse::<Uuid>().is_err(), "{text}");
        }
    }
}
