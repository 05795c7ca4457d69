use std::sync::atomic::{AtomicU64, Ordering};

use nextboot_model::Histogram;

/// Microseconds: from a disk that keeps its cache over a power cut to one that is worn out.
const TIMES: &[u64] =
    &[100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];
const JOBS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];

/// What was measured of transactions since the start.
#[derive(Debug)]
pub struct Measured {
    /// How long each took to be on the disk, in microseconds.
    pub commit_micros: Histogram,
    /// How many commands, sets of leases and events each had.
    pub commit_jobs: Histogram,
    failures: AtomicU64,
    slow: AtomicU64,
    dropped: AtomicU64,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            commit_micros: Histogram::new(TIMES),
            commit_jobs: Histogram::new(JOBS),
            failures: AtomicU64::new(0),
            slow: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }
}

impl Measured {
    /// Transactions that the disk did not take.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Transactions that took longer than [`Limits::slow`](crate::Limits::slow).
    #[must_use]
    pub fn slow(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
    }

    /// Events that were dropped because they came faster than the disk took them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn fail(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn was_slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn drop_notes(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

/// How much waits for the disk, what the writer is at included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Commands.
    pub commands: usize,
    /// Leases.
    pub leases: usize,
    /// Noted events.
    pub notes: usize,
}
