//! How fast one client may be served.

use std::time::{Duration, Instant};

/// How much may leave at once beyond the rate, as a time: timers are not exact to the microsecond that a block takes.
const SLACK: Duration = Duration::from_millis(20);

/// Shares out so many bytes per second, to one transfer or to several that share it. What leaves at once may go beyond the
/// rate, and is waited for before the next: so blocks and windows of any size pass.
#[derive(Debug)]
pub struct Pace {
    rate: u64,
    /// When all that has left would have left at exactly the rate.
    even_at: Instant,
}

impl Pace {
    /// So many bytes per second; 0 is taken for 1.
    #[must_use]
    pub fn new(now: Instant, bytes_per_second: u64) -> Self {
        Self { rate: bytes_per_second.max(1), even_at: now }
    }

    /// The rate, bytes per second.
    #[must_use]
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// When more may leave, if not now.
    #[must_use]
    pub fn wait(&self, now: Instant) -> Option<Instant> {
        (self.even_at > now + SLACK).then(|| self.even_at - SLACK / 2)
    }

    /// These bytes leave.
    pub fn spend(&mut self, now: Instant, bytes: usize) {
        let nanos = u128::from(bytes as u64) * 1_000_000_000 / u128::from(self.rate);
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let from = self.even_at.max(now);
        self.even_at = from.checked_add(takes).unwrap_or(from);
    }

    /// Whether nothing that has left counts any more.
    #[must_use]
    pub fn is_even(&self, now: Instant) -> bool {
        self.even_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn over_any_time_the_rate_holds_and_is_used(
            rate in 100_000u64..1_000_000_000, sizes in prop::collection::vec(1usize..70_000, 100..300), late in 0u64..8_000,
        ) {
            let start = Instant::now();
            let (mut now, mut sent, mut pace) = (start, 0u64, Pace::new(start, rate));
            for size in &sizes {
                if let Some(at) = pace.wait(now) {
                    prop_assert!(at > now);
                    now = at + Duration::from_micros(late);
                }
                prop_assert_eq!(pace.wait(now), None);
                pace.spend(now, *size);
                sent += *size as u64;
            }
            let fair = sent as f64 / rate as f64;
            let took = (now - start).as_secs_f64();
            let burst = 70_000.0 / rate as f64 + SLACK.as_secs_f64();
            prop_assert!(took >= fair - burst, "{took} s instead of {fair}");
            prop_assert!(took <= fair + 0.008, "{took} s instead of {fair}");
        }
    }

    #[test]
    fn a_pause_earns_nothing() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 1_000_000);
        let later = start + Duration::from_secs(60);
        pace.spend(later, 500_000);
        assert!(pace.wait(later).is_some());
        assert!(!pace.is_even(later) && pace.is_even(later + Duration::from_millis(500)));
    }
}
