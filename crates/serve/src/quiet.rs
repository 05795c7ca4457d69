use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

/// How long the same thing is not told again.
const SILENCE: Duration = Duration::from_secs(60);
/// Most things remembered.
const MOST: usize = 16_384;

/// How often the memory is cleared out at most while it is full.
const CLEARING: Duration = Duration::from_secs(1);

/// Events about machines that are no hosts: so many at once, and so many a second after that.
const STRANGERS_AT_ONCE: u32 = 5_000;
const STRANGERS_A_SECOND: f64 = 100.0;

/// Keeps the journal for what matters.
///
/// A machine that asks nine times a second for a file that is not there (PXELINUX does, for ever) is told of once a
/// minute. And machines that nobody knows share a rate: a flood of invented ones must not push the history of the known
/// ones out.
#[derive(Debug)]
pub(crate) struct Quiet {
    told: HashMap<u64, Instant>,
    cleared: Option<Instant>,
    room: f64,
    filled: Option<Instant>,
    dropped: u64,
}

/// Whether an event about a machine that is no host has room in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It has; so many before it had none, and that was not told yet.
    Yes(u64),
    /// It has not.
    No,
}

impl Default for Quiet {
    fn default() -> Self {
        Self {
            told: HashMap::new(),
            cleared: None,
            room: f64::from(STRANGERS_AT_ONCE),
            filled: None,
            dropped: 0,
        }
    }
}

impl Quiet {
    /// True when `what` should be told now.
    pub(crate) fn may_tell(&mut self, now: Instant, what: impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let key = hasher.finish();
        if self.told.get(&key).is_some_and(|told| now.duration_since(*told) < SILENCE) {
            return false;
        }
        if self.told.len() >= MOST && self.cleared.is_none_or(|last| now.duration_since(last) >= CLEARING) {
            self.cleared = Some(now);
            self.told.retain(|_, told| now.duration_since(*told) < SILENCE);
        }
        if self.told.len() >= MOST {
            return false;
        }
        self.told.insert(key, now);
        true
    }

    /// Takes room for one event about a machine that is no host.
    pub(crate) fn room_for_stranger(&mut self, now: Instant) -> Room {
        let since = self.filled.map_or(Duration::ZERO, |filled| now.duration_since(filled));
        self.filled = Some(now);
        self.room = (self.room + since.as_secs_f64() * STRANGERS_A_SECOND).min(f64::from(STRANGERS_AT_ONCE));
        if self.room < 1.0 {
            self.dropped += 1;
            return Room::No;
        }
        self.room -= 1.0;
        Room::Yes(std::mem::take(&mut self.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_told_once_a_minute() {
        let (mut quiet, start) = (Quiet::default(), Instant::now());
        assert!(quiet.may_tell(start, "a"));
        assert!(!quiet.may_tell(start, "a"));
        assert!(quiet.may_tell(start, "b"));
        assert!(quiet.may_tell(start + SILENCE, "a"));
    }

    #[test]
    fn it_remembers_no_more_than_so_much() {
        let (mut quiet, start) = (Quiet::default(), Instant::now());
        for at in 0..2 * MOST {
            quiet.may_tell(start, at);
        }
        assert_eq!(quiet.told.len(), MOST);
        assert!(quiet.may_tell(start + SILENCE, "later"));
        assert_eq!(quiet.told.len(), 1);
    }

    #[test]
    fn a_flood_of_unknown_machines_takes_no_more_than_its_share() {
        let (mut quiet, start) = (Quiet::default(), Instant::now());
        for _ in 0..STRANGERS_AT_ONCE {
            assert_eq!(quiet.room_for_stranger(start), Room::Yes(0));
        }
        for _ in 0..7 {
            assert_eq!(quiet.room_for_stranger(start), Room::No);
        }
        let later = start + Duration::from_millis(20);
        assert_eq!(quiet.room_for_stranger(later), Room::Yes(7), "and it is told how many had none");
        assert_eq!(quiet.room_for_stranger(later), Room::Yes(0));
        assert_eq!(quiet.room_for_stranger(later), Room::No);
    }
}
