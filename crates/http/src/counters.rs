use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::status::Status;

/// What was served since the start, for whoever counts.
#[derive(Debug, Default)]
pub struct Counters {
    answers: [AtomicU64; Status::ALL.len()],
    bytes: AtomicU64,
    connections: AtomicU64,
    open: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    /// How many requests were answered, by the status of the answer.
    pub fn answers(&self) -> impl Iterator<Item = (u16, u64)> {
        Status::ALL.iter().zip(&self.answers).map(|(status, count)| (status.code(), count.load(Relaxed)))
    }

    /// How many bytes were handed to the kernel, heads and bodies.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// How many connections were served, those included that are open.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Relaxed)
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.load(Relaxed)
    }

    /// How many connections were refused because their address had too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    pub(crate) fn answered(&self, status: Status) {
        if let Some(count) = self.answers.get(status as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn opened(&self) {
        self.connections.fetch_add(1, Relaxed);
        self.open.fetch_add(1, Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Relaxed);
    }

    pub(crate) fn refuses(&self) {
        self.refused.fetch_add(1, Relaxed);
    }
}
