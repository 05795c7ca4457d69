//! The one thread that writes: gathers what is queued into one transaction, makes it durable, lets it be seen, and then
//! answers.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use nextboot_model::{State, TestChange};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    Clock, Limits,
    batch::{Batch, Entry, Write},
    failure::Failure,
    job::Job,
    journal, nets,
    open::{Lock, inspect_journal},
    rows,
    store::Shared,
    tell::tell,
    test_rows,
};

/// How long to wait before trying again to write what was noted, when the disk did not take it.
const RETRY: Duration = Duration::from_secs(1);
/// Events that each transaction prunes beyond as many as it adds, so that a lowered limit comes true in small steps.
const PRUNE: usize = 64;
/// How long nobody must have wanted anything before the journal is inspected, which may take longer than machines like to wait.
const CALM: Duration = Duration::from_secs(5);
/// How long the journal may go uninspected where somebody always wants something.
const AT_LATEST: Duration = Duration::from_secs(600);
/// How often it is told that the disk is slow.
const TELL_SLOW: Duration = Duration::from_secs(60);

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) lock: Lock,
    pub(crate) shared: Arc<Shared>,
    pub(crate) jobs: Receiver<Job>,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    /// The ids of the oldest and the newest event in the journal.
    pub(crate) events: (u64, u64),
    /// What was noted and could not be written yet.
    pub(crate) unwritten: Vec<Entry>,
    /// Since when the journal waits to be looked at for damage; nothing when it was.
    pub(crate) uninspected: Option<Instant>,
    /// When it was told last that the disk is slow.
    pub(crate) told_slow: Option<Instant>,
}

/// Why the writer ends.
enum End {
    /// Somebody closed the store and waits.
    Closed(oneshot::Sender<()>),
    /// Nobody holds the store any more.
    Forgotten,
}

/// Whether the journal is inspected now. `calm` is that nobody wants anything.
pub(crate) fn is_time(calm: bool, waited: Duration) -> bool {
    calm || waited >= AT_LATEST
}

impl Writer {
    /// Works until the store is closed or forgotten.
    pub(crate) fn run(mut self) {
        let end = loop {
            let (jobs, end) = self.gather();
            let calm = jobs.is_empty() && self.unwritten.is_empty();
            if end.is_none() && self.uninspected.is_some_and(|since| is_time(calm, since.elapsed())) {
                self.inspect();
            }
            self.carry_out(jobs);
            if let Some(end) = end {
                break end;
            }
        };
        let Self { connection, lock, shared, .. } = self;
        shared.readers.close();
        // Whatever of this does not work is done at the next start.
        let _ = connection.execute_batch("PRAGMA optimize");
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "the database was not closed well; nothing is lost");
        }
        drop(lock);
        if let End::Closed(answer) = end {
            let _ = answer.send(());
        }
    }

    fn inspect(&mut self) {
        self.uninspected = None;
        if let Some(damage) = inspect_journal(&self.connection) {
            tracing::error!(
                damage,
                "the journal is damaged, so changes may fail: stop nextboot and put a backup of the database in its place"
            );
        }
    }

    /// Waits for something to do and takes what else is there.
    fn gather(&self) -> (Vec<Job>, Option<End>) {
        let mut jobs = Vec::new();
        let mut waited_for = 0;
        let mut until = match (self.unwritten.is_empty(), self.uninspected) {
            (false, _) => Some(Instant::now() + RETRY),
            (true, Some(_)) => Some(Instant::now() + CALM),
            (true, None) => None,
        };
        loop {
            let next = match until {
                None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(until) => self.jobs.recv_timeout(until.saturating_duration_since(Instant::now())),
            };
            match next {
                Ok(Job::Close(answer)) => return (jobs, Some(End::Closed(answer))),
                Ok(job @ Job::Note { .. }) => {
                    if jobs.is_empty() {
                        until = Some(Instant::now() + self.limits.linger);
                    }
                    jobs.push(job);
                }
                Ok(job) => {
                    // Somebody waits: no more than what is queued already.
                    until = Some(Instant::now());
                    waited_for += match &job {
                        Job::Leases { put, removed, .. } => (put.len() + removed.len()).max(1),
                        _ => 1,
                    };
                    jobs.push(job);
                }
                Err(RecvTimeoutError::Timeout) => return (jobs, None),
                Err(RecvTimeoutError::Disconnected) => return (jobs, Some(End::Forgotten)),
            }
            if waited_for >= self.limits.batch || jobs.len() >= self.limits.notes {
                return (jobs, None);
            }
        }
    }

    fn carry_out(&mut self, jobs: Vec<Job>) {
        let seen = State::clone(&self.shared.state.load());
        let revision = seen.revision();
        let mut batch =
            Batch::new(seen, self.clock.now(), self.events.1, std::mem::take(&mut self.unwritten));
        let mut settled = Vec::new();
        for job in jobs {
            match job {
                Job::Submit { command, answer, room } => {
                    batch.submit(&command, answer);
                    batch.hold(room);
                }
                Job::Leases { put, removed, answer, room } => {
                    batch.leases(put, removed, answer);
                    batch.hold(room);
                }
                Job::Note { at, event, room } => {
                    batch.note(at, event);
                    batch.hold(room);
                }
                Job::Settle(answer) => settled.push(answer),
                Job::Close(_) => {}
                #[cfg(test)]
                Job::Meddle(meddle) => meddle(&self.connection),
            }
        }
        if let Some(missing) = self.shared.take_dropped() {
            batch.miss(missing);
        }
        let (begun, jobs) = (Instant::now(), batch.jobs());
        let committed = self.commit(&batch, revision);
        let measured = &self.shared.measured;
        match &committed {
            Ok(()) if jobs == 0 => {}
            Ok(()) => {
                let micros = begun.elapsed().as_micros();
                measured.commit_micros.count(u64::try_from(micros).unwrap_or(u64::MAX));
                measured.commit_jobs.count(jobs);
            }
            Err(_) => measured.fail(),
        }
        let took = begun.elapsed();
        match committed {
            Ok(()) => self.publish(batch, revision),
            Err(failure) => self.fall_back(batch, &failure),
        }
        for answer in settled {
            // Who asked and went away has no use for it.
            let _ = answer.send(());
        }
        if jobs > 0 && took > self.limits.slow {
            self.complain(took);
        }
    }

    /// Tells that the disk was slow, in the next transaction. Whoever looks for the reason why machines wait finds it so.
    fn complain(&mut self, took: Duration) {
        self.shared.measured.was_slow();
        if self.told_slow.is_some_and(|told| told.elapsed() < TELL_SLOW) {
            return;
        }
        self.told_slow = Some(Instant::now());
        let took = took.as_secs_f64();
        let what = format!(
            "the disk took {took:.1} s to keep a change: leases, assignments and events wait for it, and so do machines"
        );
        self.unwritten.push(Entry::of_trouble(self.clock.now(), what));
    }

    /// Makes the batch durable.
    fn commit(&self, batch: &Batch, revision: u64) -> Result<(), Failure> {
        if batch.writes.is_empty() && batch.entries.is_empty() {
            return Ok(());
        }
        // One that could not be rolled back when it failed.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        let written = self.write(batch, revision).and_then(|()| {
            self.connection.prepare_cached("COMMIT")?.execute(())?;
            Ok(())
        });
        // After some errors SQLite has rolled back already (lang_transaction.html).
        if written.is_err() && !self.connection.is_autocommit() {
            // What it says is less than what went wrong before.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        written
    }

    fn write(&self, batch: &Batch, revision: u64) -> Result<(), Failure> {
        let connection = &self.connection;
        for write in &batch.writes {
            match write {
                Write::Put { old, new } => rows::put_record(connection, old.as_deref(), new)?,
                Write::Remove(name) => rows::remove_record(connection, name.as_str())?,
                Write::Test(TestChange::Open(run)) => test_rows::put(connection, run)?,
                Write::Test(TestChange::File { run, lines }) => {
                    test_rows::put(connection, run)?;
                    test_rows::put_lines(connection, run.id, lines)?;
                }
                Write::Test(TestChange::Remove(id)) => test_rows::remove(connection, *id)?,
                Write::Net(net) => nets::put(connection, net)?,
                Write::NoNet(name) => nets::remove(connection, name.as_str())?,
                Write::Lease(lease) => rows::put_lease(connection, lease)?,
                Write::NoLease(address) => rows::remove_lease(connection, *address)?,
            }
        }
        if batch.working.revision() != revision {
            let revision = i64::try_from(batch.working.revision()).unwrap_or(i64::MAX);
            connection
                .prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'revision'")?
                .execute([revision])?;
        }
        let last_test = batch.working.tests().last();
        if last_test != self.shared.state.load().tests().last() {
            test_rows::put_last(connection, last_test)?;
        }
        for entry in &batch.entries {
            journal::insert(connection, &entry.event)?;
        }
        let last = batch.last_event().saturating_sub(self.limits.events.max(1));
        if self.events.0 <= last {
            journal::prune(connection, last, self.prune_step(batch))?;
        }
        Ok(())
    }

    fn prune_step(&self, batch: &Batch) -> usize {
        batch.entries.len().saturating_add(PRUNE)
    }

    /// Lets everybody see what is durable, then answers.
    fn publish(&mut self, mut batch: Batch, revision: u64) {
        let last = batch.last_event().saturating_sub(self.limits.events.max(1));
        let step = u64::try_from(self.prune_step(&batch)).unwrap_or(u64::MAX);
        if self.events.0 <= last {
            self.events.0 = self.events.0.saturating_add(step).min(last + 1);
        }
        self.events.1 = batch.last_event();
        if batch.working.revision() != revision {
            self.shared.state.store(Arc::new(std::mem::take(&mut batch.working)));
        }
        let entries: Vec<(Arc<_>, bool)> =
            batch.entries.drain(..).map(|entry| (Arc::new(entry.event), entry.told)).collect();
        for (event, _) in &entries {
            // Nobody has to follow.
            let _ = self.shared.events.send(Arc::clone(event));
        }
        for write in &batch.writes {
            if let Write::Test(TestChange::Remove(id)) = write {
                self.shared.logs.remove(*id);
            }
        }
        batch.answer(Ok(()));
        for (event, _) in entries.iter().filter(|(_, told)| !told) {
            tell(event);
        }
    }

    /// Nothing of the batch is true, but what was observed stays so and is written when the disk takes it.
    fn fall_back(&mut self, mut batch: Batch, failure: &Failure) {
        tracing::error!(error = failure.0, "the database does not take a change");
        batch.answer(Err(failure));
        let mut unwritten: Vec<Entry> = batch.entries.drain(..).filter(|entry| entry.noted).collect();
        for entry in unwritten.iter_mut().filter(|entry| !entry.told) {
            tell(&entry.event);
            entry.told = true;
        }
        let over = unwritten.len().saturating_sub(self.limits.notes);
        unwritten.drain(..over);
        self.shared.drop_notes(u64::try_from(over).unwrap_or(u64::MAX).saturating_add(batch.missing));
        self.unwritten = unwritten;
    }
}
