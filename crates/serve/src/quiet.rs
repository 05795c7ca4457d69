use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

/// How long the same thing is not told again.
const SILENCE: Duration = Duration::from_secs(60);
/// Most things remembered.
const MOST: usize = 16_384;

/// Keeps a machine that asks nine times a second for a file that is not there (PXELINUX does, for ever) from filling the
/// journal: the same thing about the same machine is told once a minute.
#[derive(Debug, Default)]
pub(crate) struct Quiet(HashMap<u64, Instant>);

impl Quiet {
    /// True when `what` should be told now.
    pub(crate) fn may_tell(&mut self, now: Instant, what: impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let key = hasher.finish();
        if self.0.get(&key).is_some_and(|told| now.duration_since(*told) < SILENCE) {
            return false;
        }
        if self.0.len() >= MOST {
            self.0.retain(|_, told| now.duration_since(*told) < SILENCE);
            if self.0.len() >= MOST {
                return false;
            }
        }
        self.0.insert(key, now);
        true
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
        assert_eq!(quiet.0.len(), MOST);
        assert!(quiet.may_tell(start + SILENCE, "later"));
        assert_eq!(quiet.0.len(), 1);
    }
}
