use std::{collections::BTreeMap, ops::Range};

/// Most files whose parts are followed at once in one attempt.
const MAX_NAMES: usize = 16;
/// Most separate pieces that are remembered of one file. A client that fetches front to back has one.
const MAX_PIECES: usize = 256;

/// What a machine has of files that it fetches in ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parts(BTreeMap<String, BTreeMap<u64, u64>>);

impl Parts {
    /// Adds a part of the file `name`, which has `of` bytes. True when all of the file is there now; it is forgotten then.
    pub(crate) fn add(&mut self, name: &str, part: Range<u64>, of: u64) -> bool {
        if !self.0.contains_key(name) && self.0.len() >= MAX_NAMES {
            return false;
        }
        let pieces = self.0.entry(name.to_owned()).or_default();
        let (mut start, mut end) = (part.start, part.end.max(part.start));
        // Whatever touches the new piece becomes one with it.
        while let Some((&at, &until)) = pieces.range(..=end).next_back().filter(|(_, until)| **until >= start)
        {
            pieces.remove(&at);
            (start, end) = (start.min(at), end.max(until));
        }
        if pieces.len() < MAX_PIECES {
            pieces.insert(start, end);
        }
        let whole = start == 0 && end >= of;
        if whole {
            self.0.remove(name);
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_any_order_make_up_the_whole_once_all_are_there() {
        let mut parts = Parts::default();
        for part in [20..30, 0..10, 25..40, 12..20] {
            assert!(!parts.add("x", part, 40));
        }
        assert!(!parts.add("y", 10..12, 40), "of another file");
        assert!(parts.add("x", 10..12, 40));
        assert!(!parts.add("x", 0..39, 40), "it begins anew");
    }

    #[test]
    fn what_a_client_can_make_us_remember_is_bounded() {
        let mut parts = Parts::default();
        for name in 0..100 {
            for at in 0..1_000 {
                parts.add(&format!("{name}"), 3 * at..3 * at + 1, 1 << 40);
            }
        }
        assert_eq!(parts.0.len(), MAX_NAMES);
        assert!(parts.0.values().all(|pieces| pieces.len() <= MAX_PIECES));
    }

    proptest::proptest! {
        #[test]
        fn it_is_whole_exactly_when_every_byte_is_there(
            cuts in proptest::collection::vec((0_u64..50, 0_u64..20), 1..60),
        ) {
            let (mut parts, mut have) = (Parts::default(), std::collections::BTreeSet::new());
            for (start, len) in cuts {
                let end = (start + len).min(50);
                have.extend(start..end);
                let whole = parts.add("x", start..end, 50);
                proptest::prop_assert_eq!(whole, have.len() == 50);
                if whole {
                    have.clear();
                }
            }
        }
    }
}
