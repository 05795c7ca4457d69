//! When to send again, and when to give up.

use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::terms::Terms;

/// Longest of a client's own intervals that counts before it has answered once: nothing is agreed on yet, and a forged request
/// must not hold a transfer for long.
const MAX_GREETING_INTERVAL: Duration = Duration::from_secs(5);

/// Added to two round trips before a window's silence is looked into: what a busy client may take to answer.
const PROBE_GUARD: Duration = Duration::from_millis(5);

/// How often a silent window is looked into before only the ordinary timer is left.
const PROBES: u8 = 3;

/// What a deadline that has passed asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Not yet.
    Nothing,
    /// Send the window's last block again: whoever misses it, or lost only an ACK, says so then.
    Probe,
    /// Send again, long before the client can be called silent.
    Hurry,
    /// Send again.
    Retransmit,
    /// The client is gone.
    GiveUp,
}

#[derive(Debug)]
pub(crate) struct Timer {
    limits: Limits,
    /// The client's own interval.
    agreed: Option<Duration>,
    heard: bool,
    retries: u8,
    resend_at: Instant,
    give_up_at: Instant,
    /// How often this window was looked into.
    probes: u8,
    probe_at: Option<Instant>,
}

impl Timer {
    pub(crate) fn new(now: Instant, terms: &Terms, limits: Limits) -> Self {
        let agreed = terms.timeout.map(|seconds| Duration::from_secs(seconds.into()));
        let mut timer = Self {
            limits,
            agreed,
            heard: false,
            retries: 0,
            resend_at: now,
            give_up_at: now,
            probes: 0,
            probe_at: None,
        };
        timer.give_up_at = now + timer.idle();
        timer.sent(now);
        timer
    }

    /// Whether the client has answered at all.
    pub(crate) fn heard(&self) -> bool {
        self.heard
    }

    /// When [`due`](Self::due) wants to be asked.
    pub(crate) fn deadline(&self) -> Instant {
        let ordinary = self.resend_at.min(self.give_up_at);
        self.probe_at.map_or(ordinary, |probe| probe.min(ordinary))
    }

    /// How often in a row the client was silent until something was sent again.
    pub(crate) fn retries(&self) -> u8 {
        self.retries
    }

    /// A window was sent to a client whose round trip is known: its silence is looked into soon.
    pub(crate) fn watch(&mut self, now: Instant, round_trip: Duration) {
        self.probe_at = (self.probes < PROBES).then(|| {
            let patience = round_trip.saturating_mul(2).saturating_add(PROBE_GUARD);
            now + patience.saturating_mul(1 << self.probes)
        });
    }

    /// Something was sent that wants an answer.
    pub(crate) fn sent(&mut self, now: Instant) {
        self.resend_at = now + self.wait();
    }

    /// The client acknowledged something new.
    pub(crate) fn progress(&mut self, now: Instant) {
        self.heard = true;
        self.retries = 0;
        self.probes = 0;
        self.probe_at = None;
        self.give_up_at = now + self.idle();
        self.sent(now);
    }

    /// What to do now.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let allowed = if self.heard { self.limits.retries } else { self.limits.greeting_retries };
        if now >= self.give_up_at {
            Due::GiveUp
        } else if now < self.resend_at {
            if self.probe_at.is_none_or(|at| now < at) {
                return Due::Nothing;
            }
            self.probe_at = None;
            self.probes += 1;
            if self.probes == 1 { Due::Probe } else { Due::Hurry }
        } else if self.retries >= allowed {
            Due::GiveUp
        } else {
            self.retries += 1;
            // The ordinary timer ran out in spite of them.
            self.probes = PROBES;
            self.probe_at = None;
            self.sent(now);
            Due::Retransmit
        }
    }

    fn wait(&self) -> Duration {
        match self.agreed {
            Some(agreed) if self.heard => agreed,
            Some(agreed) => agreed.min(MAX_GREETING_INTERVAL),
            None => {
                let doubled = 2u32.saturating_pow(self.retries.into());
                let cap = self.limits.max_interval.max(self.limits.interval);
                self.limits.interval.saturating_mul(doubled).min(cap)
            }
        }
    }

    fn idle(&self) -> Duration {
        let twice = self.agreed.unwrap_or_default() * 2;
        self.limits.idle.max(twice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::PeerOptions;

    fn timer(start: Instant, timeout: Option<u8>, limits: Limits) -> Timer {
        let asked = PeerOptions { timeout, ..PeerOptions::default() };
        Timer::new(start, &Terms::agree(asked, &limits), limits)
    }

    /// Seconds after the start at which something is sent again, then at which the client is given up.
    fn schedule(start: Instant, timer: &mut Timer) -> (Vec<u64>, u64) {
        let mut again = Vec::new();
        loop {
            let at = timer.deadline();
            match timer.due(at) {
                Due::Nothing | Due::Probe | Due::Hurry => panic!("a deadline that asks for nothing"),
                Due::Retransmit => again.push((at - start).as_secs()),
                Due::GiveUp => return (again, (at - start).as_secs()),
            }
        }
    }

    #[test]
    fn silent_stranger_gets_three_retries() {
        let t = Instant::now();
        assert_eq!(schedule(t, &mut timer(t, None, Limits::default())), (vec![1, 3, 7], 15));
        assert_eq!(schedule(t, &mut timer(t, Some(255), Limits::default())), (vec![5, 10, 15], 20));
    }

    #[test]
    fn known_client_gets_six_retries_with_backoff_up_to_the_cap() {
        let t = Instant::now();
        let mut timer = timer(t, None, Limits::default());
        timer.progress(t);
        assert_eq!(schedule(t, &mut timer), (vec![1, 3, 7, 15, 23, 31], 39));
    }

    #[test]
    fn timeout_of_the_client_is_kept_to() {
        let t = Instant::now();
        let mut timer = timer(t, Some(3), Limits::default());
        timer.progress(t);
        assert_eq!(schedule(t, &mut timer), (vec![3, 6, 9, 12, 15, 18], 21));
    }

    #[test]
    fn idle_bound_ends_it_whatever_was_agreed() {
        let t = Instant::now();
        let mut timer = timer(t, Some(255), Limits::default());
        timer.progress(t);
        assert_eq!(schedule(t, &mut timer), (vec![255], 510));
        let short = Limits { idle: Duration::from_secs(5), ..Limits::default() };
        let mut timer = self::timer(t, None, short);
        timer.progress(t);
        assert_eq!(schedule(t, &mut timer), (vec![1, 3], 5));
    }

    #[test]
    fn progress_starts_the_count_anew() {
        let t = Instant::now();
        let mut timer = timer(t, None, Limits::default());
        let first = timer.deadline();
        assert_eq!(timer.due(first), Due::Retransmit);
        timer.progress(first);
        assert_eq!(timer.deadline(), first + Duration::from_secs(1));
    }
}
