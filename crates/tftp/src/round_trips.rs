//! How long clients take to answer, from their earlier transfers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What was noted in one such time is forgotten together, one such time later.
const GENERATION: Duration = Duration::from_secs(300);

/// The most clients that are noted in one generation; more begin the next early.
const MANY: usize = 8192;

/// The usual round trip of each client's address, noted when a transfer ends and forgotten after 5 to 10 minutes, or when
/// thousands of others came since. A machine fetches its files within minutes, and EDK2 asks for the size first: so its OACK
/// need not wait a second to be repeated.
#[derive(Debug)]
pub struct RoundTrips {
    young: HashMap<IpAddr, Duration>,
    old: HashMap<IpAddr, Duration>,
    since: Instant,
}

impl RoundTrips {
    /// None known.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), since: now }
    }

    /// A transfer to this client has seen this round trip.
    pub fn note(&mut self, now: Instant, client: IpAddr, round_trip: Duration) {
        self.age(now);
        if self.young.len() >= MANY {
            self.turn(now);
        }
        self.young.insert(client.to_canonical(), round_trip);
    }

    /// The round trip of this client, if it was noted not long ago.
    pub fn of(&mut self, now: Instant, client: IpAddr) -> Option<Duration> {
        self.age(now);
        let client = client.to_canonical();
        self.young.get(&client).or_else(|| self.old.get(&client)).copied()
    }

    fn age(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.since);
        if age >= GENERATION * 2 {
            self.young.clear();
        }
        if age >= GENERATION {
            self.turn(now);
        }
    }

    fn turn(&mut self, now: Instant) {
        self.old = std::mem::take(&mut self.young);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn client(number: usize) -> IpAddr {
        IpAddr::from(u32::try_from(number).expect("a small number").to_be_bytes())
    }

    #[test]
    fn a_round_trip_is_known_for_minutes_and_then_forgotten() {
        let t = Instant::now();
        let mut known = RoundTrips::new(t);
        assert_eq!(known.of(t, client(1)), None);
        known.note(t, client(1), MS);
        known.note(t, client(1), 2 * MS);
        let mapped = "::ffff:0.0.0.1".parse().expect("an address");
        assert_eq!(known.of(t + GENERATION - MS, mapped), Some(2 * MS));
        assert_eq!(known.of(t + GENERATION, client(1)), Some(2 * MS));
        assert_eq!(known.of(t + GENERATION * 2, client(1)), None);
        known.note(t + GENERATION * 2, client(2), MS);
        assert_eq!(known.of(t + GENERATION * 4, client(2)), None, "nobody came in between");
    }

    #[test]
    fn its_memory_is_bounded_and_the_latest_clients_are_known() {
        let t = Instant::now();
        let mut known = RoundTrips::new(t);
        for number in 0..10 * MANY {
            known.note(t, client(number), MS);
            assert!(known.young.len() + known.old.len() <= 2 * MANY);
        }
        assert!((9 * MANY..10 * MANY).all(|number| known.of(t, client(number)).is_some()));
        assert_eq!(known.of(t, client(0)), None);
    }
}
