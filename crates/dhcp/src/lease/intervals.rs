use std::collections::BTreeMap;

/// A set of numbers held as runs, so that an untouched /8 costs as little as one address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Intervals(BTreeMap<u32, u32>);

impl Intervals {
    /// Adds `first..=last`; nothing if that is empty.
    pub(super) fn insert(&mut self, mut first: u32, mut last: u32) {
        if first > last {
            return;
        }
        // Swallow every run that overlaps or touches.
        while let Some((&start, &end)) = self.0.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            first = first.min(start);
            last = last.max(end);
            self.0.remove(&start);
        }
        self.0.insert(first, last);
    }

    pub(super) fn remove(&mut self, number: u32) {
        let Some((&start, &end)) = self.0.range(..=number).next_back() else { return };
        if end < number {
            return;
        }
        self.0.remove(&start);
        if start < number {
            self.0.insert(start, number - 1);
        }
        if number < end {
            self.0.insert(number + 1, end);
        }
    }

    /// Removes `first..=last`.
    pub(super) fn remove_run(&mut self, first: u32, last: u32) {
        // From the end, so that what is put back is not met again.
        while let Some((&start, &end)) = self.0.range(..=last).next_back() {
            if end < first {
                return;
            }
            self.0.remove(&start);
            if end > last {
                self.0.insert(last + 1, end);
            }
            if start < first {
                self.0.insert(start, first - 1);
            }
        }
    }

    /// The numbers in the set that are 0 or 255 modulo 256.
    pub(super) fn ends_of_256(&self) -> Vec<u32> {
        let ends = |(first, last): (&u32, &u32)| {
            let (first, last) = (*first, *last);
            let blocks = first >> 8..=last >> 8;
            let ends = blocks.flat_map(|block| [block << 8, block << 8 | 255]);
            ends.filter(move |end| (first..=last).contains(end))
        };
        self.0.iter().flat_map(ends).collect()
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, end)| *end >= number)
    }

    pub(super) fn len(&self) -> u64 {
        self.0.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// All numbers from `start` on, then those before it.
    pub(super) fn from(&self, start: u32) -> impl Iterator<Item = u32> {
        let inside =
            self.0.range(..start).next_back().filter(|(_, end)| **end >= start).map(|(_, end)| (start, *end));
        let after = self.0.range(start..).map(|(first, last)| (*first, *last));
        let before = self.0.range(..start).map(move |(first, last)| (*first, (*last).min(start - 1)));
        inside.into_iter().chain(after).chain(before).flat_map(|(first, last)| first..=last)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_set(steps in prop::collection::vec((any::<bool>(), 0u32..60, 0u32..9), 0..60), start in 0u32..70) {
            let (mut runs, mut set) = (Intervals::default(), BTreeSet::new());
            for (add, first, len) in steps {
                if add {
                    runs.insert(first, first + len);
                    set.extend(first..=first + len);
                } else {
                    runs.remove(first);
                    set.remove(&first);
                }
            }
            let wanted: Vec<u32> = set.range(start..).chain(set.range(..start)).copied().collect();
            prop_assert_eq!(runs.from(start).collect::<Vec<_>>(), wanted);
            prop_assert_eq!(runs.len(), set.len() as u64);
            prop_assert!((0..70).all(|number| runs.contains(number) == set.contains(&number)));
        }
    }

    #[test]
    fn the_ends_of_the_number_space_hold() {
        let mut runs = Intervals::default();
        runs.insert(u32::MAX - 1, u32::MAX);
        runs.insert(0, 1);
        runs.remove(u32::MAX);
        runs.remove(0);
        assert_eq!(runs.from(0).collect::<Vec<_>>(), [1, u32::MAX - 1]);
        assert_eq!(runs.from(u32::MAX).collect::<Vec<_>>(), [1, u32::MAX - 1]);
    }
}
