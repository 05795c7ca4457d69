//! How much memory all answers together may take for speed.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What an answer reads and sends in one go when memory is short, bytes. Slower than the usual chunk, but it goes on.
const SMALL: usize = 16 * 1024;

/// Memory for large chunks. Who comes too late gets small ones, so that clients that read nothing cannot use up memory.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    kibibytes: Arc<Semaphore>,
    chunk: usize,
}

/// An answer's part of the memory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share(#[expect(dead_code, reason = "held")] Option<OwnedSemaphorePermit>);

impl Budget {
    /// `bytes` for all, in chunks of at most `chunk`.
    pub(crate) fn new(bytes: usize, chunk: usize) -> Self {
        let kibibytes = Arc::new(Semaphore::new((bytes / 1024).min(Semaphore::MAX_PERMITS)));
        Self { kibibytes, chunk: chunk.max(1) }
    }

    /// For an answer that has `left` bytes to send: how much at a time.
    pub(crate) fn share(&self, left: u64) -> (usize, Share) {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).clamp(1, self.chunk);
        if wanted <= SMALL {
            return (wanted, Share(None));
        }
        let permits = u32::try_from(wanted.div_ceil(1024)).unwrap_or(u32::MAX);
        match Arc::clone(&self.kibibytes).try_acquire_many_owned(permits) {
            Ok(permit) => (wanted, Share(Some(permit))),
            Err(_) => (SMALL, Share(None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_too_late_gets_small_chunks_until_somebody_leaves() {
        let budget = Budget::new(512 * 1024, 256 * 1024);
        let (one, first) = budget.share(u64::MAX);
        let (two, _second) = budget.share(1 << 30);
        assert_eq!((one, two), (256 * 1024, 256 * 1024));
        assert_eq!(budget.share(1 << 30).0, SMALL);
        assert_eq!(budget.share(100).0, 100, "small files cost nothing");
        drop(first);
        assert_eq!(budget.share(100_000).0, 100_000);
        assert_eq!(budget.share(1 << 30).0, 256 * 1024);
    }

    #[test]
    fn without_a_budget_all_chunks_are_small() {
        let budget = Budget::new(0, 0);
        assert_eq!(budget.share(1 << 30).0, 1);
        assert_eq!(Budget::new(0, 1 << 20).share(1 << 30).0, SMALL);
    }
}
