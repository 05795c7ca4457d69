//! Who runs on which core.

use std::thread;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_setaffinity};

/// The cores of the servers and those of the clients.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    /// Where servers run.
    pub server: &'static [usize],
    /// Where load generators run.
    pub client: &'static [usize],
}

impl Cores {
    /// Servers on core 0, clients on core 1: neither takes time from the other.
    pub const ONE_EACH: Self = Self { server: &[0], client: &[1] };
    /// Servers and clients share core 0: what a second core is compared with.
    pub const ONE: Self = Self { server: &[0], client: &[0] };
    /// Servers on both cores, and clients too: what a second core brings.
    pub const BOTH: Self = Self { server: &[0, 1], client: &[0, 1] };
}

/// Runs `work` on a thread on these cores. What it starts, threads and processes, stays there too.
///
/// # Errors
/// What `work` says, or that the machine does not have these cores. A panic in `work` goes on here.
pub(crate) fn on<T: Send>(cores: &[usize], work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let thread = || {
        let mut set = CpuSet::new();
        for core in cores {
            set.set(*core);
        }
        sched_setaffinity(None, &set).with_context(|| format!("the bench needs the cores {cores:?}"))?;
        work()
    };
    thread::scope(|scope| match scope.spawn(thread).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
