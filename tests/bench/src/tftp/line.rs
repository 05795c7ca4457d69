//! A network as bad as wanted, made in the client: no traffic control, no privileges, and the same losses again for a seed.

use std::collections::VecDeque;
use std::time::Duration;

use nextboot_firmware::Random;

/// What is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drop {
    /// Nothing.
    Nothing,
    /// So many packets of a thousand, in each direction, by chance.
    PerMille {
        /// How many.
        per_mille: u64,
        /// The same seed loses the same packets.
        seed: u64,
    },
    /// One packet from the server: the one of this number, counted from 0.
    OneHeard(u64),
    /// One packet to the server, the request being number 0.
    OneSaid(u64),
}

/// The network between one client and the server.
#[derive(Debug)]
pub struct Line {
    drop: Drop,
    random: Random,
    heard: u64,
    said: u64,
    /// Time from a packet to its answer, beside what the machine takes. All of it is spent on the way to the client.
    round_trip: Duration,
    held: VecDeque<(Duration, Vec<u8>)>,
}

impl Line {
    /// A line; `client` makes its losses its own.
    #[must_use]
    pub fn new(drop: Drop, round_trip: Duration, client: u64) -> Self {
        let seed = match drop {
            Drop::PerMille { seed, .. } => seed,
            _ => 0,
        };
        let random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(client));
        Self { drop, random, heard: 0, said: 0, round_trip, held: VecDeque::new() }
    }

    /// Whether the packet that is about to be sent arrives.
    pub fn says(&mut self) -> bool {
        let number = self.said;
        self.said += 1;
        self.arrives(Drop::OneSaid(number))
    }

    /// Whether the packet that came was not lost on the way.
    pub fn hears(&mut self) -> bool {
        let number = self.heard;
        self.heard += 1;
        self.arrives(Drop::OneHeard(number))
    }

    fn arrives(&mut self, this: Drop) -> bool {
        match self.drop {
            Drop::PerMille { per_mille, .. } => self.random.number() % 1000 >= per_mille,
            drop => drop != this,
        }
    }

    /// Whether packets take any time.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        !self.round_trip.is_zero()
    }

    /// Holds a packet back until its time.
    pub fn hold(&mut self, now: Duration, packet: &[u8]) {
        self.held.push_back((now + self.round_trip, packet.to_vec()));
    }

    /// When the next packet that is held back is due.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.held.front().map(|(due, _)| *due)
    }

    /// A packet whose time has come.
    pub fn release(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.due()? > now {
            return None;
        }
        self.held.pop_front().map(|(_, packet)| packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Duration = Duration::from_millis(100);

    #[test]
    fn one_percent_is_lost_and_the_same_again_for_a_seed() {
        let lost = |seed| {
            let mut line = Line::new(Drop::PerMille { per_mille: 10, seed }, Duration::ZERO, 1);
            (0..10_000).filter(|_| !line.hears()).collect::<Vec<_>>()
        };
        assert!((50..200).contains(&lost(1).len()), "{}", lost(1).len());
        assert_eq!(lost(1), lost(1));
        assert_ne!(lost(1), lost(2));
    }

    #[test]
    fn one_packet_of_one_direction_is_lost() {
        let mut line = Line::new(Drop::OneHeard(2), Duration::ZERO, 1);
        assert_eq!([0; 4].map(|_| line.hears()), [true, true, false, true]);
        assert_eq!([0; 4].map(|_| line.says()), [true; 4]);
    }

    #[test]
    fn packets_come_in_order_after_their_time() {
        let mut line = Line::new(Drop::Nothing, Duration::from_millis(20), 1);
        line.hold(AT, b"a");
        line.hold(AT + Duration::from_millis(1), b"b");
        assert_eq!(line.due(), Some(AT + Duration::from_millis(20)));
        assert_eq!(line.release(AT + Duration::from_millis(19)), None);
        assert_eq!(line.release(AT + Duration::from_millis(20)).unwrap(), b"a");
        assert_eq!(line.release(AT + Duration::from_millis(20)), None);
        assert_eq!(line.release(AT + Duration::from_millis(21)).unwrap(), b"b");
    }
}
