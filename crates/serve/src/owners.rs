use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use nextboot_model::Mac;

/// How long an answer of the kernel is believed. Its own table is older than that, and a loader that fetches a hundred files
/// need not have it asked a hundred times.
const BELIEVED: Duration = Duration::from_secs(1);

/// Most answers remembered.
const MOST: usize = 4096;

/// Whose addresses are whose, as the kernel said a moment ago; nobody's where it lies behind a router. That the kernel does
/// not know one is not to be remembered: it may a millisecond later.
#[derive(Debug, Default)]
pub(crate) struct Owners(HashMap<IpAddr, (Instant, Option<Mac>)>);

impl Owners {
    pub(crate) fn of(&self, now: Instant, address: IpAddr) -> Option<Option<Mac>> {
        self.0.get(&address).filter(|(at, _)| is_fresh(now, *at)).map(|(_, owner)| *owner)
    }

    pub(crate) fn remember(&mut self, now: Instant, address: IpAddr, owner: Option<Mac>) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (at, _)| is_fresh(now, *at));
        }
        if self.0.len() < MOST {
            self.0.insert(address, (now, owner));
        }
    }
}

fn is_fresh(now: Instant, at: Instant) -> bool {
    now.saturating_duration_since(at) < BELIEVED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_believed_for_a_moment_and_memory_is_bounded() {
        let (mut owners, start) = (Owners::default(), Instant::now());
        let address = |at: u32| IpAddr::from((0x0a00_0000 + at).to_be_bytes());
        let (one, other) = (Some(Mac([2, 0, 0, 0, 0, 1])), None);
        owners.remember(start, address(1), one);
        assert_eq!(owners.of(start, address(1)), Some(one));
        assert_eq!(owners.of(start, address(2)), None);
        assert_eq!(owners.of(start + BELIEVED, address(1)), None);
        owners.remember(start + BELIEVED, address(1), other);
        assert_eq!(owners.of(start + BELIEVED, address(1)), Some(other));
        for at in 0..2 * MOST as u32 {
            owners.remember(start + BELIEVED, address(at), one);
        }
        assert_eq!(owners.0.len(), MOST);
        owners.remember(start + 2 * BELIEVED, address(9), other);
        assert_eq!(owners.0.len(), 1, "what is old makes room");
    }
}
