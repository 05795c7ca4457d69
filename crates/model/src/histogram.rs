use std::sync::atomic::{AtomicU64, Ordering};

/// How often something measured was how large. Many may count at once, and nobody waits.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds of the classes, in units of whatever is measured, rising.
    bounds: &'static [u64],
    /// One more than bounds: the last is for what is beyond all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] holds at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Each bound and how many values were no larger.
    pub up_to: Vec<(u64, u64)>,
    /// How many values there were in all.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl Histogram {
    /// Nothing measured yet. The bounds rise.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts one value.
    pub fn count(&self, value: u64) {
        let class = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What it holds now.
    #[must_use]
    pub fn read(&self) -> Reading {
        let mut count = 0;
        let mut running = self.counts.iter().map(|class| {
            count += class.load(Ordering::Relaxed);
            count
        });
        let up_to = self.bounds.iter().copied().zip(running.by_ref()).collect();
        running.for_each(drop);
        Reading { up_to, count, sum: self.sum.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_in_every_class_that_it_does_not_exceed() {
        let histogram = Histogram::new(&[1, 10, 100]);
        for value in [0, 1, 2, 10, 11, 1_000] {
            histogram.count(value);
        }
        let reading = histogram.read();
        assert_eq!(reading.up_to, [(1, 2), (10, 4), (100, 5)]);
        assert_eq!((reading.count, reading.sum), (6, 1_024));
    }
}
