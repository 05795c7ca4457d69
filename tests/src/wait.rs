//! Waiting for a condition, with a limit.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long to wait between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long something that must come may take on a busy machine: a commit was seen to wait 15 s for a disk that others
/// wrote to. Only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until `condition` gives a value, and returns it.
///
/// # Errors
/// The condition's own error, at once; or that `what` did not come true within `limit`.
pub fn wait_until<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if started.elapsed() > limit {
            bail!("{what}: not within {} s", limit.as_secs_f32());
        }
        sleep(LOOK_EVERY);
    }
}
