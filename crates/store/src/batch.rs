//! What one transaction is made of. Deciding touches no disk.

use std::{net::Ipv4Addr, sync::Arc};

use nextboot_model::{
    Change, Command, Event, EventKind, HostName, Lease, Net, Record, Refusal, State, TestChange, Timestamp,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{LeaseError, Receipt, SubmitError, failure::Failure, job::NewEvent};

/// One row to write.
pub(crate) enum Write {
    Put { old: Option<Arc<Record>>, new: Arc<Record> },
    Remove(HostName),
    Test(TestChange),
    Net(Arc<Net>),
    NoNet(HostName),
    Lease(Lease),
    NoLease(Ipv4Addr),
}

/// Somebody who waits for the transaction.
enum Waiting {
    Command(oneshot::Sender<Result<Receipt, SubmitError>>, Result<Receipt, Refusal>),
    Leases(oneshot::Sender<Result<(), LeaseError>>),
}

/// An event on its way into the journal.
pub(crate) struct Entry {
    pub(crate) event: Event,
    /// It was observed, so it stays true when the transaction does not come about.
    pub(crate) noted: bool,
    /// The log has it already.
    pub(crate) told: bool,
}

impl Entry {
    /// What the writer itself saw.
    pub(crate) fn of_trouble(at: Timestamp, what: String) -> Self {
        let kind = EventKind::Trouble { what };
        Self {
            event: Event { id: 0, at, attempt: None, mac: None, host: None, kind },
            noted: true,
            told: false,
        }
    }
}

/// A transaction in the making.
pub(crate) struct Batch {
    /// What will be seen once it is durable; holds the earlier commands of this very batch.
    pub(crate) working: State,
    pub(crate) writes: Vec<Write>,
    pub(crate) entries: Vec<Entry>,
    /// Events that this batch says are missing.
    pub(crate) missing: u64,
    now: Timestamp,
    last_event: u64,
    waiting: Vec<Waiting>,
    rooms: Vec<OwnedSemaphorePermit>,
}

impl Batch {
    /// Begins with what everybody sees and with what was noted but could not be written yet.
    pub(crate) fn new(seen: State, now: Timestamp, last_event: u64, unwritten: Vec<Entry>) -> Self {
        let mut batch = Self {
            working: seen,
            writes: Vec::new(),
            entries: Vec::new(),
            missing: 0,
            now,
            last_event,
            waiting: Vec::new(),
            rooms: Vec::new(),
        };
        for entry in unwritten {
            batch.add(entry);
        }
        batch
    }

    pub(crate) fn last_event(&self) -> u64 {
        self.last_event
    }

    /// How many commands, sets of leases and noted events it has to write; 0 when nothing of it is for the disk.
    pub(crate) fn jobs(&self) -> u64 {
        if self.writes.is_empty() && self.entries.is_empty() {
            return 0;
        }
        let noted = self.entries.iter().filter(|entry| entry.noted).count();
        u64::try_from(self.waiting.len() + noted).unwrap_or(u64::MAX)
    }

    fn add(&mut self, mut entry: Entry) {
        self.last_event += 1;
        entry.event.id = self.last_event;
        self.entries.push(entry);
    }

    pub(crate) fn note(&mut self, at: Timestamp, event: NewEvent) {
        let NewEvent { attempt, mac, host, kind } = event;
        self.add(Entry { event: Event { id: 0, at, attempt, mac, host, kind }, noted: true, told: false });
    }

    /// Says that so many events were dropped. Not noted itself: if it cannot be written, there will be more to say.
    pub(crate) fn miss(&mut self, missing: u64) {
        self.missing = missing;
        let what = format!("{missing} events are missing here: they came faster than the disk took them");
        self.add(Entry { noted: false, ..Entry::of_trouble(self.now, what) });
    }

    /// Holds a place in the queue until the batch is done with.
    pub(crate) fn hold(&mut self, room: OwnedSemaphorePermit) {
        self.rooms.push(room);
    }

    pub(crate) fn submit(
        &mut self,
        command: &Command,
        answer: oneshot::Sender<Result<Receipt, SubmitError>>,
    ) {
        let receipt = command.check(&self.working, self.now).map(|verdict| {
            for change in &verdict.changes {
                self.writes.push(match change {
                    Change::Put(new) => {
                        let old = self.working.host(&new.host.name).cloned();
                        Write::Put { old, new: Arc::clone(new) }
                    }
                    Change::Remove(name) => Write::Remove(name.clone()),
                    Change::Test(change) => Write::Test(change.clone()),
                    Change::PutNet(net) => Write::Net(Arc::clone(net)),
                    Change::RemoveNet(name) => Write::NoNet(name.clone()),
                });
                self.working.apply(change);
            }
            for (host, mac, kind) in verdict.events {
                let event = Event { id: 0, at: self.now, attempt: None, mac, host: Some(host), kind };
                self.add(Entry { event, noted: false, told: false });
            }
            Receipt { revision: self.working.revision(), at: self.now, changes: verdict.changes }
        });
        self.waiting.push(Waiting::Command(answer, receipt));
    }

    pub(crate) fn leases(
        &mut self,
        put: Vec<Lease>,
        removed: Vec<Ipv4Addr>,
        answer: oneshot::Sender<Result<(), LeaseError>>,
    ) {
        self.writes.extend(removed.into_iter().map(Write::NoLease));
        self.writes.extend(put.into_iter().map(Write::Lease));
        self.waiting.push(Waiting::Leases(answer));
    }

    /// Tells everybody who waits. Who does not wait any more has no use for the answer.
    pub(crate) fn answer(&mut self, outcome: Result<(), &Failure>) {
        for waiting in self.waiting.drain(..) {
            match (waiting, outcome) {
                (Waiting::Command(answer, receipt), Ok(())) => {
                    let _ = answer.send(receipt.map_err(SubmitError::Refused));
                }
                // A refusal too: what it refers to may be an earlier command of this batch, which is not true now.
                (Waiting::Command(answer, _), Err(failure)) => {
                    let _ = answer.send(Err(SubmitError::Disk(failure.0.clone())));
                }
                (Waiting::Leases(answer), Ok(())) => {
                    let _ = answer.send(Ok(()));
                }
                (Waiting::Leases(answer), Err(failure)) => {
                    let _ = answer.send(Err(LeaseError::Disk(failure.0.clone())));
                }
            }
        }
    }
}
