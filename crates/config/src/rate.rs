use std::num::NonZeroU64;

use crate::document::Item;

/// The slowest rate that can be set, bytes a second: below it, transfers look as if they were stuck.
const SLOWEST: u64 = 16_000;

/// Units of a rate, in bytes a second, those with whole bytes first.
const UNITS: [(&str, u64); 6] = [
    ("kB/s", 1000),
    ("MB/s", 1_000_000),
    ("GB/s", 1_000_000_000),
    ("kbit/s", 125),
    ("Mbit/s", 125_000),
    ("Gbit/s", 125_000_000),
];

/// How fast one client may be served, in bytes a second; nothing for as fast as it goes.
pub(crate) fn rate(item: &Item<'_>) -> Option<Option<NonZeroU64>> {
    let text = item.text()?.trim();
    if text == "none" {
        return Some(None);
    }
    match parse(text) {
        Some(rate) if rate.get() >= SLOWEST => Some(Some(rate)),
        Some(_) => item.wrong("use at least \"16 kB/s\""),
        None => item.wrong("use \"none\", or a whole number with a unit, e.g. \"10 MB/s\" or \"100 Mbit/s\""),
    }
}

fn parse(text: &str) -> Option<NonZeroU64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, bytes) = UNITS.iter().find(|(word, _)| *word == unit.trim_start())?;
    NonZeroU64::new(number.parse::<u64>().ok()?.checked_mul(*bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_whole_numbers_with_units() {
        for (text, bytes) in [
            ("16 kB/s", 16_000),
            ("10MB/s", 10_000_000),
            ("1 GB/s", 1_000_000_000),
            ("800 kbit/s", 100_000),
            ("100 Mbit/s", 12_500_000),
            ("10 Gbit/s", 1_250_000_000),
        ] {
            assert_eq!(parse(text).map(NonZeroU64::get), Some(bytes), "{text}");
        }
        for text in [
            "",
            "10",
            "MB/s",
            "10 mb/s",
            "10 MB",
            "-1 MB/s",
            "1.5 MB/s",
            "0 MB/s",
            "99999999999999999999 MB/s",
            "9999999999999999 GB/s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
