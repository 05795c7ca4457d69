use std::{
    net::Ipv4Addr,
    sync::{Arc, atomic::Ordering},
};

use nextboot_model::{Command, Event, EventKind, Lease, State, Timestamp};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    NewEvent, Receipt, SubmitError,
    journal::{self, Journal},
    rows,
    store::Shared,
};

/// Most messages in one transaction.
const MAX_BATCH: usize = 512;

/// What the writer is asked to do.
pub(crate) enum Message {
    Submit { command: Command, answer: oneshot::Sender<Result<Receipt, SubmitError>> },
    Leases { put: Vec<Lease>, removed: Vec<Ipv4Addr>, answer: oneshot::Sender<Result<(), SubmitError>> },
    Note(Timestamp, NewEvent),
    Close(oneshot::Sender<()>),
}

/// The one thread that writes.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) shared: Arc<Shared>,
    pub(crate) journal: Journal,
    /// The published state and what this batch adds to it.
    pub(crate) working: State,
}

/// Answers that wait until the batch is on the disk.
#[derive(Default)]
struct Pending {
    submitted: Vec<(oneshot::Sender<Result<Receipt, SubmitError>>, Receipt)>,
    leases: Vec<oneshot::Sender<Result<(), SubmitError>>>,
    events: Vec<Event>,
    changed: bool,
}

impl Writer {
    /// Works until told to close, or until every handle is gone.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = queue.blocking_recv() else { break };
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && let Ok(next) = queue.try_recv()
            {
                batch.push(next);
            }
            let lost = self.shared.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let what = format!("{lost} events were not written: more came than the disk could take");
                let kind = EventKind::Trouble { what };
                batch.push(Message::Note(
                    self.shared.now(),
                    NewEvent { attempt: None, mac: None, host: None, kind },
                ));
            }
            closing = self.write(batch);
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the state's log cannot be folded in; the next start does it");
        }
        drop(self.connection);
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    fn write(&mut self, batch: Vec<Message>) -> Option<oneshot::Sender<()>> {
        let mut pending = Pending::default();
        let mut closing = None;
        let mut work = Vec::new();
        for message in batch {
            match message {
                Message::Close(done) => closing = Some(done),
                other => work.push(other),
            }
        }
        let outcome = self.transact(work, &mut pending);
        match outcome {
            Ok(()) => self.publish(pending),
            Err(error) => self.give_up(pending, &error),
        }
        closing
    }

    fn transact(&mut self, work: Vec<Message>, pending: &mut Pending) -> rusqlite::Result<()> {
        let durable = work.iter().any(|message| !matches!(message, Message::Note(..)));
        // Events alone do not wait for the disk; the next change syncs them too.
        let synchronous = if durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        let started = self
            .connection
            .execute_batch(synchronous)
            .and_then(|()| self.connection.execute_batch("BEGIN IMMEDIATE"));
        let mut failed = started.err();
        for message in work {
            let step = self.take(message, pending, failed.is_none());
            failed = failed.or_else(|| step.err());
        }
        if failed.is_none() {
            failed = self.journal.prune(&self.connection).err();
        }
        match failed {
            None => self.connection.execute_batch("COMMIT"),
            Some(error) => Err(error),
        }
    }

    /// Takes one message into the batch. When the batch has failed already only its answer is kept.
    fn take(&mut self, message: Message, pending: &mut Pending, sound: bool) -> rusqlite::Result<()> {
        match message {
            Message::Submit { command, answer } => {
                let now = self.shared.now();
                match command.check(&self.working, now) {
                    Err(refusal) => {
                        let _ = answer.send(Err(refusal.into()));
                        Ok(())
                    }
                    Ok(verdict) => {
                        let events = verdict.events.into_iter().map(|(host, mac, kind)| {
                            self.journal.number(now, NewEvent { attempt: None, mac, host: Some(host), kind })
                        });
                        let events: Vec<Event> = events.collect();
                        let changes = verdict.changes;
                        let receipt = Receipt { revision: 0, changes: changes.clone() };
                        pending.submitted.push((answer, receipt));
                        if !sound {
                            return Ok(());
                        }
                        for change in &changes {
                            rows::write_change(&self.connection, change)?;
                            self.working.apply(change);
                            pending.changed = true;
                        }
                        if let Some((_, receipt)) = pending.submitted.last_mut() {
                            receipt.revision = self.working.revision();
                        }
                        for event in &events {
                            rows::write_event(&self.connection, event)?;
                        }
                        pending.events.extend(events);
                        Ok(())
                    }
                }
            }
            Message::Leases { put, removed, answer } => {
                pending.leases.push(answer);
                if !sound {
                    return Ok(());
                }
                for address in removed {
                    rows::remove_lease(&self.connection, address)?;
                }
                put.iter().try_for_each(|lease| rows::write_lease(&self.connection, lease))
            }
            Message::Note(at, new) => {
                let event = self.journal.number(at, new);
                let written = if sound { rows::write_event(&self.connection, &event) } else { Ok(()) };
                pending.events.push(event);
                written
            }
            Message::Close(_) => Ok(()),
        }
    }

    fn publish(&self, pending: Pending) {
        if pending.changed {
            self.shared.state.store(Arc::new(self.working.clone()));
        }
        for event in pending.events {
            journal::log(&event);
            // Nobody may be listening.
            let _ = self.shared.events.send(Arc::new(event));
        }
        for (answer, receipt) in pending.submitted {
            let _ = answer.send(Ok(receipt));
        }
        for answer in pending.leases {
            let _ = answer.send(Ok(()));
        }
    }

    /// Nothing of the batch holds: the working state goes back to what everybody sees.
    fn give_up(&mut self, pending: Pending, error: &rusqlite::Error) {
        tracing::error!(%error, "the state cannot be written");
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "and the attempt cannot be taken back");
        }
        self.working = State::clone(&self.shared.state.load());
        let what = error.to_string();
        for (answer, _) in pending.submitted {
            let _ = answer.send(Err(SubmitError::Disk(what.clone())));
        }
        for answer in pending.leases {
            let _ = answer.send(Err(SubmitError::Disk(what.clone())));
        }
        // What was seen is still told, to whoever looks now.
        for event in pending.events.into_iter().filter(|event| !tells_a_change(&event.kind)) {
            journal::log(&event);
            let _ = self.shared.events.send(Arc::new(event));
        }
    }
}

/// True for the events that a command makes: they are only true with its change.
fn tells_a_change(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::HostAdded { .. }
            | EventKind::HostChanged
            | EventKind::HostRemoved
            | EventKind::Assigned { .. }
            | EventKind::Cancelled { .. }
            | EventKind::CalledBack { .. }
            | EventKind::Delivered { .. }
            | EventKind::UsedUp { .. }
            | EventKind::GaveUp { .. }
    )
}
