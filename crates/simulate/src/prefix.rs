use std::fmt;
use std::str::FromStr;

use nextboot_model::Mac;

/// How the addresses of all simulated cards begin; the rest is the machine's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(Vec<u8>);

/// The bit of an Ethernet address that says that no maker gave it (IEEE 802), and the one of groups.
const LOCAL: u8 = 2;
const GROUP: u8 = 1;

impl Prefix {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many machines it has addresses for.
    #[must_use]
    pub fn room(&self) -> u64 {
        1 << (8 * (6 - self.0.len()))
    }

    /// The card of a machine; numbers beyond [`Prefix::room`] begin again.
    #[must_use]
    pub fn card(&self, number: usize) -> Mac {
        let bytes = (number as u64).to_be_bytes();
        let mut mac = [0; 6];
        mac.copy_from_slice(&bytes[2..]);
        mac[..self.0.len()].copy_from_slice(&self.0);
        Mac(mac)
    }

    /// The number of a card; nothing for one that is not ours.
    #[must_use]
    pub fn number(&self, card: Mac) -> Option<usize> {
        let own = card.0.strip_prefix(self.0.as_slice())?;
        Some(own.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes =
            text.split([':', '-']).map(|byte| u8::from_str_radix(byte, 16).ok().filter(|_| byte.len() == 2));
        let bytes: Vec<u8> = bytes.collect::<Option<_>>().ok_or("not bytes like 02:6e:62")?;
        match bytes.as_slice() {
            [first, ..] if first & (LOCAL | GROUP) != LOCAL => Err(format!(
                "{first:02x} begins addresses that makers give; a second digit 2, 6, a or e is nobody's"
            )),
            [_, _, ..] if bytes.len() <= 5 => Ok(Self(bytes)),
            _ => Err("give two to five bytes, like 02:6e:62".to_owned()),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<_> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        out.write_str(&bytes.join(":"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_a_card_of_its_own_within_the_prefix() {
        let prefix: Prefix = "02:6e:62".parse().unwrap();
        for number in [0, 1, 255, 256, 0xff_ffff] {
            assert_eq!(prefix.number(prefix.card(number)), Some(number));
        }
        assert_eq!(prefix.card(0x0102).to_string(), "02:6e:62:00:01:02");
        assert_eq!(prefix.number(Mac([2, 0x6e, 0x63, 0, 0, 1])), None);
        assert_eq!((prefix.room(), prefix.to_string().as_str()), (1 << 24, "02:6e:62"));
    }

    #[test]
    fn addresses_that_belong_to_somebody_are_refused() {
        for (text, words) in [
            ("52:54:00", ""),
            ("00:1b:21", "makers give"),
            ("03:00", "makers give"),
            ("02", "two to five"),
            ("02:00:00:00:00:01", "two to five"),
            ("2:0", "bytes like"),
            ("", "bytes like"),
        ] {
            match text.parse::<Prefix>() {
                Ok(_) => assert!(words.is_empty(), "{text}"),
                Err(error) => assert!(!words.is_empty() && error.contains(words), "{text}: {error}"),
            }
        }
    }
}
