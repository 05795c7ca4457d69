//! Which part of a file is asked for: RFC 9110 section 14.

use std::ops::Range;

/// What a `Range` field means for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: the field means nothing to us, or asks for several ranges at once.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// Bytes that are not there.
    Unsatisfiable,
}

impl Part {
    /// Reads the field's value for a file of `len` bytes.
    pub(crate) fn read(value: &str, len: u64) -> Self {
        let Some((unit, set)) = value.trim().split_once('=') else { return Self::Whole };
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return Self::Whole;
        }
        let Some((first, last)) = set.trim().split_once('-') else { return Self::Whole };
        match (number(first), number(last)) {
            // The last so many bytes.
            (Number::None, Number::Some(0)) => Self::Unsatisfiable,
            (Number::None, Number::Some(_)) if len == 0 => Self::Unsatisfiable,
            (Number::None, Number::Some(count)) => Self::Bytes(len.saturating_sub(count)..len),
            (Number::Some(first), last @ (Number::None | Number::Some(_))) => {
                let last = if let Number::Some(last) = last { last } else { u64::MAX };
                if last < first {
                    Self::Whole
                } else if first >= len {
                    Self::Unsatisfiable
                } else {
                    Self::Bytes(first..last.saturating_add(1).min(len))
                }
            }
            _ => Self::Whole,
        }
    }
}

enum Number {
    None,
    Some(u64),
    Bad,
}

/// Reads digits; more than fit are as good as the largest number.
fn number(text: &str) -> Number {
    if text.is_empty() {
        Number::None
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Number::Some(text.parse().unwrap_or(u64::MAX))
    } else {
        Number::Bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        for (value, len, part) in [
            ("bytes=0-499", 10_000, Part::Bytes(0..500)),
            ("bytes=500-999", 10_000, Part::Bytes(500..1000)),
            ("bytes=-500", 10_000, Part::Bytes(9500..10_000)),
            ("bytes=9500-", 10_000, Part::Bytes(9500..10_000)),
            ("bytes=0-0", 10_000, Part::Bytes(0..1)),
            ("bytes=0-99999", 10_000, Part::Bytes(0..10_000)),
            ("bytes=-99999", 10_000, Part::Bytes(0..10_000)),
            ("BYTES=0-0", 10, Part::Bytes(0..1)),
            ("bytes = 0-0", 10, Part::Bytes(0..1)),
            ("bytes=1-99999999999999999999999", 10, Part::Bytes(1..10)),
            ("bytes=10-", 10, Part::Unsatisfiable),
            ("bytes=99999999999999999999999-", 10, Part::Unsatisfiable),
            ("bytes=-0", 10, Part::Unsatisfiable),
            ("bytes=0-", 0, Part::Unsatisfiable),
            ("bytes=-1", 0, Part::Unsatisfiable),
            ("bytes=2-1", 10, Part::Whole),
            ("bytes=0-1,3-4", 10, Part::Whole),
            ("bytes=-", 10, Part::Whole),
            ("bytes=", 10, Part::Whole),
            ("bytes=+1-2", 10, Part::Whole),
            ("bytes=a-b", 10, Part::Whole),
            ("bytes 0-1", 10, Part::Whole),
            ("lines=0-1", 10, Part::Whole),
            ("", 10, Part::Whole),
        ] {
            assert_eq!(Part::read(value, len), part, "{value} of {len}");
        }
    }

    proptest! {
        #[test]
        fn a_range_lies_inside_the_file(value in "(bytes=)?[0-9]{0,21}-[0-9]{0,21}|.{0,20}", len: u64) {
            if let Part::Bytes(part) = Part::read(&value, len) {
                prop_assert!(part.start < part.end && part.end <= len);
            }
        }
    }
}
