//! What was handed over on one connection, and what is known about its arrival.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use crate::{Asker, Delivery, Desk, Sent};

/// The deliveries of one connection that nobody was told about yet.
pub(crate) struct Ledger<D: Desk> {
    desk: Arc<D>,
    /// The body that is on its way out.
    open: Option<Open>,
    /// Bodies that were handed over whole, in the order of the connection.
    handed: VecDeque<Handed>,
    /// Why the connection is of no use any more.
    broken: Option<String>,
}

struct Open {
    asker: Asker,
    sent: Sent,
    end: u64,
    began: Instant,
}

struct Handed {
    asker: Asker,
    sent: Sent,
    /// How many bytes the connection had carried when the last of these was with the kernel.
    mark: u64,
}

impl<D: Desk> Ledger<D> {
    pub(crate) fn new(desk: Arc<D>) -> Self {
        Self { desk, open: None, handed: VecDeque::new(), broken: None }
    }

    /// A body begins, of the bytes from `sent.start` to `end`, asked for at `began`.
    pub(crate) fn begins(&mut self, asker: Asker, sent: Sent, end: u64, began: Instant) {
        self.open = Some(Open { asker, sent, end, began });
    }

    /// So many more bytes of the body are handed over now.
    pub(crate) fn hands(&mut self, bytes: u64) {
        if let Some(open) = &mut self.open {
            open.sent.end += bytes;
        }
    }

    /// All that was handed over is with the kernel `now`; the connection has carried `written` bytes. True when the body is
    /// at its end.
    pub(crate) fn flushed(&mut self, written: u64, now: Instant) -> bool {
        let Some(open) = self.open.take_if(|open| open.sent.end == open.end) else { return false };
        let mut sent = open.sent;
        sent.millis = millis(open.began, now);
        self.handed.push_back(Handed { asker: open.asker, sent, mark: written });
        true
    }

    /// The client has the first `bytes` bytes that the connection carried.
    pub(crate) fn arrived(&mut self, bytes: u64) {
        while self.handed.front().is_some_and(|handed| handed.mark <= bytes) {
            let Some(mut handed) = self.handed.pop_front() else { return };
            handed.sent.delivery = Delivery::Complete;
            self.desk.sent(&handed.asker, handed.sent);
        }
    }

    /// Whether the kernel has something of which it is not known if it arrived.
    pub(crate) fn waits(&self) -> bool {
        !self.handed.is_empty()
    }

    /// The connection is of no use any more; the first reason counts.
    pub(crate) fn breaks(&mut self, reason: &str) {
        self.broken.get_or_insert_with(|| reason.to_owned());
    }

    /// Whether closing the connection properly would tell the client that it got something whole which it did not.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some() || self.open.is_some()
    }
}

impl<D: Desk> Drop for Ledger<D> {
    /// Whatever is left did not arrive, as far as is known.
    fn drop(&mut self) {
        let reason = self.broken.take().unwrap_or_else(|| "the server ended the connection".into());
        for handed in self.handed.drain(..) {
            let delivery = Delivery::Unacknowledged(reason.clone());
            self.desk.sent(&handed.asker, Sent { delivery, ..handed.sent });
        }
        if let Some(open) = self.open.take() {
            let (millis, delivery) = (millis(open.began, Instant::now()), Delivery::Cut(reason));
            self.desk.sent(&open.asker, Sent { millis, delivery, ..open.sent });
        }
    }
}

fn millis(began: Instant, now: Instant) -> u64 {
    u64::try_from(now.duration_since(began).as_millis()).unwrap_or(u64::MAX)
}
