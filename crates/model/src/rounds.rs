use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::{Mac, Timestamp};

/// So often in so short a time, and it goes round.
const TIMES: usize = 3;
const WITHIN: Duration = Duration::from_secs(60);
/// Most machines remembered.
const MOST: usize = 4_096;

/// Machines that fetch the same loader again and again: iPXE that is given iPXE once more instead of its script goes round for
/// ever, about every 18 seconds, and looks busy all the while.
#[derive(Debug, Clone, Default)]
pub struct Rounds {
    fetched: HashMap<Mac, VecDeque<Timestamp>>,
}

impl Rounds {
    /// The machine fetched iPXE. True when that makes a round trip of it; then counting begins anew.
    pub fn fetched(&mut self, now: Timestamp, mac: Mac) -> bool {
        let recent = |at: &Timestamp| now.since(*at) <= WITHIN && *at <= now;
        if self.fetched.len() >= MOST && !self.fetched.contains_key(&mac) {
            self.fetched.retain(|_, times| times.back().is_some_and(recent));
            if self.fetched.len() >= MOST {
                return false;
            }
        }
        let times = self.fetched.entry(mac).or_default();
        times.retain(recent);
        times.push_back(now);
        let goes_round = times.len() >= TIMES;
        if goes_round {
            self.fetched.remove(&mac);
        }
        goes_round
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(of: u32) -> Mac {
        let [a, b, c, d] = of.to_be_bytes();
        Mac([2, 0, a, b, c, d])
    }

    #[test]
    fn three_times_within_a_minute_is_a_round_trip() {
        let mut rounds = Rounds::default();
        let mut at = |seconds: u64, of: u32| rounds.fetched(Timestamp(seconds * 1_000), mac(of));
        assert!(!at(0, 1) && !at(18, 1) && !at(19, 2));
        assert!(at(36, 1), "the third");
        assert!(!at(37, 1), "told, and counted anew");
        assert!(
            !at(100, 2) && !at(159, 2) && !at(161, 2),
            "a machine that is switched on and off now and then"
        );
        assert!(at(162, 2));
        assert!(!at(10, 2), "the clock was set back");
    }

    #[test]
    fn a_flood_of_machines_takes_no_more_room() {
        let mut rounds = Rounds::default();
        for of in 0..3 * u32::try_from(MOST).unwrap() {
            rounds.fetched(Timestamp(5), mac(of));
        }
        assert_eq!(rounds.fetched.len(), MOST);
        assert!(!rounds.fetched(Timestamp(100_000), mac(u32::MAX)), "room is made when they are old");
        assert_eq!(rounds.fetched.len(), 1);
    }
}
