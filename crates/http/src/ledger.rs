//! What was handed over on one connection, and what is known about its arrival.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Asker, Delivery, Sent};

/// Who hears of deliveries.
pub(crate) type Tell = Box<dyn Fn(&Asker, Sent) + Send + Sync>;

/// The deliveries of one connection that nobody was told about yet. Its bodies and its wire share it.
pub(crate) struct Ledger {
    tell: Tell,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// Bodies that are not at their end.
    open: usize,
    /// Bodies that were handed over whole, in the order of the connection.
    handed: VecDeque<Handed>,
    /// Why the connection is of no use any more.
    broken: Option<String>,
}

struct Handed {
    asker: Arc<Asker>,
    sent: Sent,
    /// How many bytes the connection had carried when the last of these was with the kernel; none before that.
    mark: Option<u64>,
}

impl Ledger {
    pub(crate) fn new(tell: Tell) -> Self {
        Self { tell, book: Mutex::default() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A body begins.
    pub(crate) fn open(&self) {
        self.book().open += 1;
    }

    /// A body was handed to hyper whole.
    pub(crate) fn handed(&self, asker: &Arc<Asker>, sent: Sent) {
        let mut book = self.book();
        book.open = book.open.saturating_sub(1);
        book.handed.push_back(Handed { asker: Arc::clone(asker), sent, mark: None });
    }

    /// A body was dropped before its end.
    pub(crate) fn cut(&self, asker: &Asker, mut sent: Sent) {
        let reason = {
            let mut book = self.book();
            book.open = book.open.saturating_sub(1);
            book.broken.get_or_insert_with(|| "the server ended the connection".into()).clone()
        };
        sent.delivery = Delivery::Cut(reason);
        (self.tell)(asker, sent);
    }

    /// All that was handed over is with the kernel; the connection has carried `written` bytes. True when there is
    /// something new to look after.
    pub(crate) fn flushed(&self, written: u64) -> bool {
        let mut book = self.book();
        let new = book.handed.iter_mut().rev().take_while(|handed| handed.mark.is_none());
        new.map(|handed| handed.mark = Some(written)).count() > 0
    }

    /// The client has the first `bytes` bytes that the connection carried.
    pub(crate) fn arrived(&self, bytes: u64) {
        loop {
            let mut book = self.book();
            let mark = book.handed.front().and_then(|handed| handed.mark);
            let first = mark.filter(|mark| *mark <= bytes).and_then(|_| book.handed.pop_front());
            let Some(mut handed) = first else { return };
            drop(book);
            handed.sent.delivery = Delivery::Complete;
            (self.tell)(&handed.asker, handed.sent);
        }
    }

    /// Whether the kernel has something of which it is not known if it arrived.
    pub(crate) fn waits(&self) -> bool {
        self.book().handed.front().is_some_and(|handed| handed.mark.is_some())
    }

    /// The connection is of no use any more; the first reason counts.
    pub(crate) fn breaks(&self, reason: &str) {
        self.book().broken.get_or_insert_with(|| reason.to_owned());
    }

    /// Whether closing the connection properly would tell the client that it got something whole which it did not.
    pub(crate) fn is_broken(&self) -> bool {
        let book = self.book();
        book.broken.is_some() || book.open > 0
    }
}

impl Drop for Ledger {
    /// Whatever is left did not arrive, as far as is known.
    fn drop(&mut self) {
        let book = std::mem::take(&mut *self.book());
        let reason = book.broken.unwrap_or_else(|| "the server ended the connection".into());
        for mut handed in book.handed {
            handed.sent.delivery = Delivery::Cut(reason.clone());
            (self.tell)(&handed.asker, handed.sent);
        }
    }
}
