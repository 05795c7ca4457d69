use std::sync::Mutex;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::lock;

/// How many may be at something at a time; the number can be changed meanwhile.
#[derive(Debug)]
pub(super) struct Slots {
    free: Semaphore,
    all: Mutex<usize>,
}

impl Slots {
    pub(super) fn new(all: usize) -> Self {
        Self { free: Semaphore::new(all), all: Mutex::new(all) }
    }

    /// Makes them as many.
    pub(super) fn resize(&self, wanted: usize) {
        let mut all = lock(&self.all);
        if wanted > *all {
            self.free.add_permits(wanted - *all);
            *all = wanted;
        } else {
            // Those that are in use are taken away by the next call.
            *all -= self.free.forget_permits(*all - wanted);
        }
    }

    /// Waits for one; it is free again when the value is dropped. Those who have one keep it for a limited time, so this ends.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        // It would fail if it were closed, which nobody does.
        self.free.acquire().await.ok()
    }
}
