//! Telling an ACK that asks for something from the echo of an older one.
//!
//! With windows (RFC 7440) a repeated or partial ACK means "blocks were lost, start again behind this one". The same packet can
//! also be a duplicate that the network made, or the answer to blocks that we sent twice. Believing those would double the
//! traffic for the rest of the transfer (the "Sorcerer's Apprentice", RFC 1123 section 4.2.3.1).

use std::time::{Duration, Instant};

/// Whether a repeated ACK may restart the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restart {
    /// Yes.
    Armed,
    /// It did already in this window.
    Used,
    /// It did in the window before: what we sent twice there may still echo. One quiet window ends every chain of echoes.
    Cooling,
}

#[derive(Debug)]
pub(crate) struct EchoGuard {
    restart: Restart,
    /// When the current window was first sent, or sent again.
    burst_at: Instant,
    /// Whether anything of the current window was sent more than once.
    resent: bool,
    /// Shortest time seen from sending to the answer. `None` until there is one.
    round_trip: Option<Duration>,
}

impl EchoGuard {
    pub(crate) fn new(now: Instant) -> Self {
        Self { restart: Restart::Armed, burst_at: now, resent: false, round_trip: None }
    }

    /// The first packet of a window leaves.
    pub(crate) fn burst(&mut self, now: Instant) {
        self.burst_at = now;
    }

    /// Something goes out again, for whatever reason.
    pub(crate) fn resending(&mut self) {
        self.resent = true;
    }

    /// The client answered all that was sent. Answers to what was sent twice say nothing about the round trip (Karn).
    pub(crate) fn answered(&mut self, now: Instant) {
        if !self.resent {
            let took = now.saturating_duration_since(self.burst_at);
            self.round_trip = Some(self.round_trip.map_or(took, |known| known.min(took)));
        }
    }

    /// A window that begins behind a newly acknowledged block.
    pub(crate) fn next_window(&mut self) {
        self.resent = false;
        self.restart = match self.restart {
            Restart::Used => Restart::Cooling,
            Restart::Armed | Restart::Cooling => Restart::Armed,
        };
    }

    /// Whether an ACK that arrives now comes too soon to be an answer to the current window. A quarter of the shortest round trip
    /// leaves room for a client that complains about a gap long before it would have acknowledged the whole window.
    pub(crate) fn too_soon(&self, now: Instant) -> bool {
        let took = now.saturating_duration_since(self.burst_at);
        self.round_trip.is_some_and(|shortest| took < shortest / 4)
    }

    /// Whether a repeated ACK that arrives now may restart the window. Says yes at most once per window.
    pub(crate) fn may_restart(&mut self, now: Instant) -> bool {
        if self.restart != Restart::Armed || self.resent || self.too_soon(now) {
            return false;
        }
        self.restart = Restart::Used;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_window_restarts_once_and_the_next_one_never() {
        let t = Instant::now();
        let mut guard = EchoGuard::new(t);
        assert!(guard.may_restart(t + MS));
        guard.resending();
        assert!(!guard.may_restart(t + 2 * MS));
        guard.next_window();
        assert!(!guard.may_restart(t + 3 * MS));
        guard.next_window();
        assert!(guard.may_restart(t + 4 * MS));
    }

    #[test]
    fn what_comes_within_a_quarter_of_a_round_trip_is_an_echo() {
        let t = Instant::now();
        let mut guard = EchoGuard::new(t);
        guard.answered(t + 10 * MS);
        guard.next_window();
        guard.burst(t + 10 * MS);
        assert!(guard.too_soon(t + 12 * MS));
        assert!(!guard.may_restart(t + 12 * MS));
        assert!(guard.may_restart(t + 13 * MS));
    }

    #[test]
    fn round_trips_of_repeated_packets_do_not_count() {
        let t = Instant::now();
        let mut guard = EchoGuard::new(t);
        guard.resending();
        guard.answered(t + 10 * MS);
        guard.next_window();
        assert!(!guard.too_soon(t));
    }
}
