use std::{fmt, sync::Arc, time::Duration};

use nextboot_model::Timestamp;

/// How much the store keeps and how much may wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Events that the journal keeps; the oldest go first. At least one is kept, so that ids go on counting.
    pub events: u64,
    /// Commands that may wait for the disk at once; the next ones wait to get into the queue.
    pub commands: usize,
    /// Leases of [`Store::put_leases`](crate::Store::put_leases) that may wait for the disk at once; the next ones are
    /// refused, and the DHCP client asks again.
    pub leases: usize,
    /// Noted events that may wait for the disk at once; the next ones are dropped and counted.
    pub notes: usize,
    /// Commands and leases that one transaction takes at most.
    pub batch: usize,
    /// How long noted events wait for company when nobody waits for the transaction: one write to the disk for all that
    /// a booting machine causes at a time.
    pub linger: Duration,
    /// A transaction that takes longer makes whoever waits for it suffer, and is told.
    pub slow: Duration,
    /// Events that a follower may be behind before it misses some.
    pub follow: usize,
    /// Queries of the journal that run at once; the next ones wait.
    pub readers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 200_000,
            commands: 4096,
            leases: 4096,
            notes: 16_384,
            batch: 256,
            linger: Duration::from_millis(20),
            slow: Duration::from_secs(1),
            follow: 4096,
            readers: 4,
        }
    }
}

/// Tells the time. Called from the writer and by whoever notes an event, so it must not wait.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The last moment that the database tells from the next, in the year 9999. A clock beyond it is wrong.
    const END: Timestamp = Timestamp(253_402_300_799_999);

    /// A clock that answers with `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The wall clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| {
            let since =
                std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)().min(Self::END)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Clock")
    }
}
