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
    /// Whether the ACK that opened the current window has come again.
    repeated: bool,
    /// Whether one repeated ACK in each window has to be expected: one came in a window that was then answered whole without
    /// anything sent again, so the network, or the client, says everything twice.
    doubled: bool,
    /// Shortest time seen from sending to the answer. `None` until there is one.
    shortest: Option<Duration>,
    /// That time as it usually is: the smoothed one of RFC 6298 section 2.
    usual: Option<Duration>,
    /// How many blocks may be sent again because of ACKs. Every new acknowledged block earns one; so, whatever a client or
    /// the network does, ACKs at most double the traffic.
    credit: u64,
    max_credit: u64,
}

impl EchoGuard {
    pub(crate) fn new(now: Instant, window: u16) -> Self {
        let window = u64::from(window);
        Self {
            restart: Restart::Armed,
            burst_at: now,
            resent: false,
            repeated: false,
            doubled: false,
            shortest: None,
            usual: None,
            credit: 4 * window,
            max_credit: 8 * window,
        }
    }

    /// The first packet of a window leaves.
    pub(crate) fn burst(&mut self, now: Instant) {
        self.burst_at = now;
    }

    /// Something goes out again, for whatever reason.
    pub(crate) fn resending(&mut self) {
        self.resent = true;
    }

    /// Whether anything of the current window was sent more than once.
    pub(crate) fn has_resent(&self) -> bool {
        self.resent
    }

    /// The client acknowledged this many new blocks.
    pub(crate) fn earn(&mut self, blocks: u64) {
        self.credit = self.credit.saturating_add(blocks).min(self.max_credit);
    }

    /// The client answered all that was sent. Answers to what was sent twice say nothing about the round trip (Karn), nor about
    /// what an ACK that came again had meant.
    pub(crate) fn answered(&mut self, now: Instant) {
        if !self.resent {
            let took = now.saturating_duration_since(self.burst_at);
            let usual = self.usual.filter(|_| self.shortest.is_some());
            self.usual = Some(usual.map_or(took, |usual| usual * 7 / 8 + took / 8));
            self.shortest = Some(self.shortest.map_or(took, |known| known.min(took)));
            self.doubled = self.repeated;
        }
    }

    /// What the round trip was in an earlier transfer to this client, until this one has seen its own.
    pub(crate) fn expect(&mut self, round_trip: Duration) {
        self.usual = self.usual.or(Some(round_trip));
    }

    /// The usual round trip; `None` while none was seen.
    pub(crate) fn usual(&self) -> Option<Duration> {
        self.usual
    }

    /// The usual round trip, only when this transfer has seen one.
    pub(crate) fn seen(&self) -> Option<Duration> {
        self.usual.filter(|_| self.shortest.is_some())
    }

    /// The window's last block goes out again though it may have arrived: its echo is no call for help, not even in the
    /// window behind it.
    pub(crate) fn probing(&mut self) {
        self.resent = true;
        self.restart = Restart::Used;
    }

    /// A window that begins behind a newly acknowledged block.
    pub(crate) fn next_window(&mut self) {
        self.resent = false;
        self.repeated = false;
        self.restart = match self.restart {
            Restart::Used => Restart::Cooling,
            Restart::Armed | Restart::Cooling => Restart::Armed,
        };
    }

    /// Whether a partial ACK that arrives now may cause this many blocks to be sent again.
    ///
    /// Not so when it comes too soon to be an answer to the current window. Half of the shortest round trip leaves room for a
    /// client that complains about a gap before it would have acknowledged the whole window.
    pub(crate) fn may_resend(&mut self, now: Instant, blocks: u64) -> bool {
        let took = now.saturating_duration_since(self.burst_at);
        if self.shortest.is_some_and(|shortest| took < shortest / 2) {
            return false;
        }
        let Some(left) = self.credit.checked_sub(blocks) else {
            return false;
        };
        self.credit = left;
        true
    }

    /// Whether a repeated ACK that arrives now may cause this many blocks to be sent again. Says yes at most once per window.
    ///
    /// Where every ACK comes twice, only the second repetition is believed: a client that misses the first block of a window
    /// complains about each of the others (EDK2), or once, which then comes twice as well.
    pub(crate) fn may_restart(&mut self, now: Instant, blocks: u64) -> bool {
        let expected = !std::mem::replace(&mut self.repeated, true) && self.doubled;
        let armed = self.restart == Restart::Armed && !self.resent && !expected;
        let may = armed && self.may_resend(now, blocks);
        if may {
            self.restart = Restart::Used;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_window_restarts_once_and_the_next_one_never() {
        let t = Instant::now();
        let mut guard = EchoGuard::new(t, 4);
        assert!(guard.may_restart(t + MS, 4));
        guard.resending();
        assert!(!guard.may_restart(t + 2 * MS, 4));
        guard.next_window();
        assert!(!guard.may_restart(t + 3 * MS, 4));
        guard.next_window();
        assert!(guard.may_restart(t + 4 * MS, 4));
    }

    #[test]
    fn what_comes_within_half_a_round_trip_is_an_echo() {
        let t = Instant::now();
        let mut guard = EchoGuard::new(t, 4);
        guard.answered(t + 10 * MS);
        guard.next_window();
        guard.burst(t + 10 * MS);
        assert!(!guard.may_resend(t + 14 * MS, 1));
        assert!(!guard.may_restart(t + 14 * MS, 1));
        assert!(guard.may_restart(t + 15 * MS, 1));
    }

    #[test]
    fn round_trips_of_repeated_packets_do_not_count() {
        let t = Instant::now();
        let mut guard = EchoGuard::new(t, 4);
        guard.resending();
        guard.answered(t + 10 * MS);
        guard.next_window();
        assert!(guard.may_resend(t, 1));
    }

    #[test]
    fn credit_is_four_windows_and_what_was_acknowledged() {
        let t = Instant::now();
        let mut guard = EchoGuard::new(t, 4);
        for _ in 0..4 {
            assert!(guard.may_resend(t, 4));
        }
        assert!(!guard.may_resend(t, 1));
        guard.earn(3);
        assert!(!guard.may_resend(t, 4));
        guard.earn(1);
        assert!(guard.may_resend(t, 4));
        guard.earn(u64::MAX);
        for _ in 0..8 {
            assert!(guard.may_resend(t, 4));
        }
        assert!(!guard.may_resend(t, 1));
    }
}
