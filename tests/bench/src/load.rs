//! What a load generator reports of one run.

use std::time::Duration;

use crate::stats::Latencies;

/// One run of a load against one server.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// Units of work that were done: blocks, requests, bytes.
    pub units: u64,
    /// From the first packet to the end of the last unit.
    pub elapsed: Duration,
    /// How long single things took, where that was measured.
    pub latencies: Latencies,
    /// What went wrong: time-outs, refusals, wrong content. Said in the table, and a reason to distrust the rest.
    pub errors: u64,
    /// More to tell, by name: each becomes a value of the sample.
    pub more: Vec<(&'static str, f64)>,
}

impl Load {
    /// So many units in that time, and nothing went wrong.
    #[must_use]
    pub fn of(units: u64, elapsed: Duration) -> Self {
        Self { units, elapsed, ..Self::default() }
    }
}
