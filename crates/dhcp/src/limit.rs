//! How much clients may send.

use std::collections::HashMap;

use nextboot_model::{Mac, Timestamp};

/// Token buckets: how many packets at once, and how many per second after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitConfig {
    /// Packets of one client at once.
    pub client_burst: u32,
    /// Packets of one client per second.
    pub client_rate: u32,
    /// Packets of all clients at once, of those that come [while packets pile up](Load::Heavy).
    pub burst: u32,
    /// The same per second.
    pub rate: u32,
    /// How many clients are remembered, twice: those seen lately, and those seen before them.
    pub clients: usize,
}

impl Default for LimitConfig {
    /// One machine sends about ten packets in a boot; 20 at once and 2 per second let the most impatient through. All together
    /// may ask for about half of what one core answers while packets pile up, so that there is time to say no to the rest of a
    /// flood.
    fn default() -> Self {
        Self { client_burst: 20, client_rate: 2, burst: 30_000, rate: 30_000, clients: 16_384 }
    }
}

/// Whether packets come faster than they are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// They do not: only what one client may send is counted. How many all of them may send depends on the machine, and it shows
    /// by itself when that is too much.
    Light,
    /// They pile up: all clients together have a limit, so that the pile is gone soon.
    Heavy,
}

/// Says that a packet is to be handled.
#[derive(Debug)]
pub struct Admitted(pub(crate) ());

/// Tokens in thousandths, so that a refill per millisecond is a whole number.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: u64,
    filled: Timestamp,
}

impl Bucket {
    fn new(burst: u32, now: Timestamp) -> Self {
        Self { tokens: u64::from(burst) * 1000, filled: now }
    }

    fn refill(&mut self, now: Timestamp, burst: u32, rate: u32) {
        let passed = now.0.saturating_sub(self.filled.0);
        // A clock that was set back begins anew instead of waiting for the old time.
        self.filled = now;
        self.tokens =
            self.tokens.saturating_add(passed.saturating_mul(rate.into())).min(u64::from(burst) * 1000);
    }

    fn take(&mut self, floor: u64) -> bool {
        let enough = self.tokens >= 1000 + floor;
        if enough {
            self.tokens -= 1000;
        }
        enough
    }
}

/// The buckets of all clients. Memory is bounded: when the table of the recent clients is full, it becomes the table of the
/// old ones, and those are forgotten.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    config: LimitConfig,
    all: Option<Bucket>,
    recent: HashMap<Mac, Bucket>,
    old: HashMap<Mac, Bucket>,
}

impl Limiter {
    pub(crate) fn new(config: LimitConfig) -> Self {
        Self { config, all: None, recent: HashMap::new(), old: HashMap::new() }
    }

    /// True if one more packet of this client may be handled. `fresh` is a packet that begins something: under load those give
    /// way first, so that the clients already served get through.
    pub(crate) fn allow(&mut self, now: Timestamp, load: Load, mac: Mac, fresh: bool) -> bool {
        let LimitConfig { client_burst, client_rate, burst, rate, clients } = self.config;
        if self.recent.len() >= clients && !self.recent.contains_key(&mac) {
            self.old = std::mem::take(&mut self.recent);
        }
        let known = self.old.remove(&mac);
        let bucket =
            self.recent.entry(mac).or_insert_with(|| known.unwrap_or_else(|| Bucket::new(client_burst, now)));
        bucket.refill(now, client_burst, client_rate);
        if !bucket.take(0) {
            return false;
        }
        if load == Load::Light {
            return true;
        }
        let all = self.all.get_or_insert_with(|| Bucket::new(burst, now));
        all.refill(now, burst, rate);
        let floor = if fresh { u64::from(burst) * 250 } else { 0 };
        all.take(floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(number: u32) -> Mac {
        let [a, b, c, d] = number.to_be_bytes();
        Mac([2, 0, a, b, c, d])
    }

    #[test]
    fn one_client_cannot_use_up_what_others_need() {
        let mut limiter =
            Limiter::new(LimitConfig { client_burst: 5, client_rate: 2, ..LimitConfig::default() });
        let passed = (0..1000).filter(|_| limiter.allow(Timestamp(0), Load::Heavy, mac(1), true)).count();
        assert_eq!(passed, 5);
        assert!(limiter.allow(Timestamp(0), Load::Heavy, mac(2), true));
        assert!(!limiter.allow(Timestamp(499), Load::Heavy, mac(1), true));
        assert!(limiter.allow(Timestamp(500), Load::Heavy, mac(1), true));
    }

    #[test]
    fn under_load_discover_gives_way_to_request() {
        let mut limiter = Limiter::new(LimitConfig { burst: 100, rate: 1, ..LimitConfig::default() });
        let fresh = (0..1000).filter(|&n| limiter.allow(Timestamp(0), Load::Heavy, mac(n), true)).count();
        let rest = (1000..2000).filter(|&n| limiter.allow(Timestamp(0), Load::Heavy, mac(n), false)).count();
        assert_eq!((fresh, rest), (75, 25));
    }

    #[test]
    fn as_long_as_nothing_piles_up_all_clients_together_have_no_limit() {
        let mut limiter =
            Limiter::new(LimitConfig { burst: 100, rate: 1, client_burst: 5, ..LimitConfig::default() });
        let mut passed = |load, numbers: std::ops::Range<u32>| {
            numbers.filter(|&n| limiter.allow(Timestamp(0), load, mac(n), true)).count()
        };
        assert_eq!(passed(Load::Light, 0..1000), 1000);
        assert_eq!(passed(Load::Heavy, 1000..2000), 75, "nothing was taken from what is there for the pile");
        assert_eq!(passed(Load::Light, 2000..3000), 1000, "it is gone");
        let one = (0..1000).filter(|_| limiter.allow(Timestamp(0), Load::Light, mac(9999), true)).count();
        assert_eq!(one, 5, "one client is no reason to work");
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_the_table() {
        let mut limiter = Limiter::new(LimitConfig { clients: 100, ..LimitConfig::default() });
        for number in 0..10_000 {
            limiter.allow(Timestamp(0), Load::Heavy, mac(number), true);
            assert!(limiter.recent.len() <= 100 && limiter.old.len() <= 100);
        }
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let mut limiter = Limiter::new(LimitConfig { client_burst: 1, ..LimitConfig::default() });
        assert!(limiter.allow(Timestamp(1_000_000), Load::Heavy, mac(1), true));
        assert!(!limiter.allow(Timestamp(10), Load::Heavy, mac(1), true));
        assert!(limiter.allow(Timestamp(510), Load::Heavy, mac(1), true));
    }
}
