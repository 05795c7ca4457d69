//! Medians, spreads and percentiles.

use std::time::Duration;

/// Some numbers: their median, least and most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The one in the middle; of an even number the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// `None` without any number.
    #[must_use]
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let lower = if sorted.len().is_multiple_of(2) { *sorted.get(middle - 1)? } else { upper };
        Some(Self { median: f64::midpoint(lower, upper), least, most })
    }

    /// How far the numbers lie apart, as a part of their median: 0.1 is ±5 %.
    #[must_use]
    pub fn width(&self) -> f64 {
        if self.median == 0.0 { 0.0 } else { (self.most - self.least) / self.median }
    }
}

/// How long single things took.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    sorted: Vec<Duration>,
    /// Median and 99th percentile, of a load generator that says no more.
    said: Option<(Duration, Duration)>,
}

impl Latencies {
    /// From measurements in any order.
    #[must_use]
    pub fn new(mut each: Vec<Duration>) -> Self {
        each.sort_unstable();
        Self { sorted: each, said: None }
    }

    /// The median and the 99th percentile, as another program says them.
    #[must_use]
    pub fn said(median: Duration, p99: Duration) -> Self {
        Self { sorted: Vec::new(), said: Some((median, p99)) }
    }

    /// The one that `part` (0 to 1) of all are not above.
    #[must_use]
    pub fn percentile(&self, part: f64) -> Option<Duration> {
        if let Some((median, p99)) = self.said {
            return if part == 0.5 { Some(median) } else { (part == 0.99).then_some(p99) };
        }
        let last = self.sorted.len().checked_sub(1)?;
        let rank = (part * self.sorted.len() as f64).ceil() as usize;
        self.sorted.get(rank.saturating_sub(1).min(last)).copied()
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let count = u32::try_from(self.sorted.len()).ok().filter(|count| *count > 0)?;
        Some(self.sorted.iter().sum::<Duration>() / count)
    }

    /// The shortest.
    #[must_use]
    pub fn least(&self) -> Option<Duration> {
        self.sorted.first().copied()
    }

    /// The longest.
    #[must_use]
    pub fn most(&self) -> Option<Duration> {
        self.sorted.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { median: 2.5, least: 1.0, most: 4.0 });
        assert!((spread.width() - 1.2).abs() < 1e-9);
        assert_eq!(Spread::of([7.0]).unwrap().median, 7.0);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn what_another_program_says_is_all_there_is() {
        let latencies = Latencies::said(Duration::from_millis(2), Duration::from_millis(9));
        let told = [0.5, 0.99, 1.0].map(|part| latencies.percentile(part));
        assert_eq!(told, [Some(Duration::from_millis(2)), Some(Duration::from_millis(9)), None]);
        assert_eq!(latencies.most(), None);
    }

    #[test]
    fn percentiles_are_of_the_sorted_list() {
        let latencies = Latencies::new((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(latencies.percentile(0.5), Some(Duration::from_millis(50)));
        assert_eq!(latencies.percentile(0.99), Some(Duration::from_millis(99)));
        assert_eq!(latencies.percentile(1.0), latencies.most());
        assert_eq!(latencies.percentile(0.0), latencies.least());
        assert_eq!(latencies.mean(), Some(Duration::from_micros(50_500)));
        assert_eq!(Latencies::default().percentile(0.5), None);
    }
}
