use std::{
    future::Future,
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use nextboot_model::{
    Change, Command, Event, Lease, State, TestCommand, TestLine, TestName, TestRun, TestRunId, Timestamp,
};
use tokio::{
    sync::{Semaphore, broadcast, oneshot, watch},
    time::timeout,
};

use crate::{
    Clock, FileError, LeaseError, Limits, LogUpload, Measured, NewEvent, OpenError, Query, ReadError,
    SubmitError, TestLogs, TestQuery, TestVersion, Waiting, job::Job, journal, load, open, readers::Readers,
    test_rows, writer::Writer,
};

/// How long whoever looks into the journal waits for what was just noted: a disk that stands still keeps nobody from what is
/// there.
const SETTLES: Duration = Duration::from_secs(2);

/// A handle to the durable state. Clones are cheap and mean the same state.
///
/// The state is closed by [`Store::close`], or when the last handle is gone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Job>,
    commands: Arc<Semaphore>,
    leases: Arc<Semaphore>,
    notes: Arc<Semaphore>,
    /// Held while a log is put in its place and what it says is written, so that of two the later counts in both.
    filing: tokio::sync::Mutex<()>,
    secret: [u8; 32],
    clock: Clock,
    /// How many of each may wait at once.
    room: Waiting,
    /// Its other end lives on the writer's thread and sends nothing.
    ended: watch::Receiver<()>,
}

/// What the handles and the writer have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) state: ArcSwap<State>,
    pub(crate) events: broadcast::Sender<Arc<Event>>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) measured: Measured,
    pub(crate) logs: Arc<TestLogs>,
    dropped: AtomicU64,
}

impl Shared {
    pub(crate) fn drop_notes(&self, count: u64) {
        self.measured.drop_notes(count);
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// How many events were dropped since somebody asked last.
    pub(crate) fn take_dropped(&self) -> Option<u64> {
        Some(self.dropped.swap(0, Ordering::Relaxed)).filter(|dropped| *dropped > 0)
    }
}

/// What the database held beside the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// All leases, in no useful order.
    pub leases: Vec<Lease>,
    /// The id of the newest event in the journal; 0 when it is empty.
    pub last_event: u64,
}

/// A command that was carried out, is durable and is seen by all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The revision of the state that the command led to. The state that [`Store::state`] answers may be later still.
    pub revision: u64,
    /// The moment at which it was decided.
    pub at: Timestamp,
    /// What it changed; the records in it are whole.
    pub changes: Vec<Change>,
}

impl Store {
    /// Opens the database at `path`, or makes it (mode 0600, and its directory 0700), with the machine's own clock.
    /// Waits for the disk.
    ///
    /// # Errors
    /// Why it cannot be used, and what to do. A database that is refused is not changed.
    pub fn open(path: &Path, limits: Limits) -> Result<(Self, Loaded), OpenError> {
        Self::open_with_clock(path, limits, Clock::system())
    }

    /// The same, by a clock of the caller's.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub fn open_with_clock(path: &Path, limits: Limits, clock: Clock) -> Result<(Self, Loaded), OpenError> {
        let lock = open::lock(path)?;
        let connection = open::open(path)?;
        let contents = load::load(path, &connection)?;
        let logs = TestLogs::beside(path);
        logs.tidy(contents.state.tests());
        let loaded = Loaded { leases: contents.leases, last_event: contents.events.1 };
        let shared = Arc::new(Shared {
            state: ArcSwap::from_pointee(contents.state),
            events: broadcast::Sender::new(limits.follow.max(1)),
            readers: Arc::new(Readers::new(path.to_owned(), limits.readers)),
            measured: Measured::default(),
            logs: Arc::new(logs),
            dropped: AtomicU64::new(0),
        });
        let (queue, jobs) = mpsc::channel();
        let places = |places: usize| places.clamp(1, Semaphore::MAX_PERMITS);
        let room = Waiting {
            commands: places(limits.commands),
            leases: places(limits.leases),
            notes: places(limits.notes),
        };
        let (alive, ended) = watch::channel(());
        let inner = Inner {
            ended,
            shared: Arc::clone(&shared),
            queue,
            commands: Arc::new(Semaphore::new(room.commands)),
            leases: Arc::new(Semaphore::new(room.leases)),
            notes: Arc::new(Semaphore::new(room.notes)),
            room,
            filing: tokio::sync::Mutex::new(()),
            secret: contents.secret,
            clock: clock.clone(),
        };
        let events = contents.events;
        let writer = Writer {
            connection,
            lock,
            shared,
            jobs,
            limits,
            clock,
            events,
            unwritten: Vec::new(),
            uninspected: Some(Instant::now()),
            told_slow: None,
        };
        std::thread::Builder::new()
            .name("nextboot-store".into())
            .spawn(move || {
                let _alive = alive;
                writer.run();
            })
            .map_err(|error| OpenError::System(error.to_string()))?;
        Ok((Self(Arc::new(inner)), loaded))
    }

    /// The state as of now: all of it durable. Takes no lock and never waits; later changes do not touch it.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.0.shared.state.load_full()
    }

    /// 32 random bytes, made with the database and kept with it.
    #[must_use]
    pub fn secret(&self) -> [u8; 32] {
        self.0.secret
    }

    /// Has a command carried out. When the answer comes, the change is durable, and [`Store::state`] shows it.
    ///
    /// Commands are carried out in the order in which they came to the queue; each sees all before it. When the queue is
    /// full this waits for room. Dropping the future does not take a queued command back.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn submit(&self, command: Command) -> Result<Receipt, SubmitError> {
        let room = Arc::clone(&self.0.commands).acquire_owned().await.map_err(|_| SubmitError::Stopped)?;
        let (answer, outcome) = oneshot::channel();
        self.0.queue.send(Job::Submit { command, answer, room }).map_err(|_| SubmitError::Stopped)?;
        outcome.await.unwrap_or(Err(SubmitError::Stopped))
    }

    /// Forgets the leases of the addresses `removed`, then writes the leases `put` over what their addresses had: all or
    /// nothing. When the future is done, they are durable.
    ///
    /// The call itself takes the place in the queue, before the future is polled first, and places are served in order:
    /// call it in the order in which the leases came about (say, while the table of leases is locked) and wait later.
    ///
    /// # Errors
    /// Why they are not durable: then do not let the client use the address.
    pub fn put_leases(
        &self,
        put: Vec<Lease>,
        removed: Vec<Ipv4Addr>,
    ) -> impl Future<Output = Result<(), LeaseError>> + Send + 'static {
        let (answer, outcome) = oneshot::channel();
        let places = (put.len() + removed.len()).clamp(1, self.0.room.leases);
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        let queued = match Arc::clone(&self.0.leases).try_acquire_many_owned(places) {
            Ok(room) => {
                let job = Job::Leases { put, removed, answer, room };
                self.0.queue.send(job).map_err(|_| LeaseError::Stopped)
            }
            Err(_) => Err(LeaseError::Busy),
        };
        async move {
            queued?;
            outcome.await.unwrap_or(Err(LeaseError::Stopped))
        }
    }

    /// Notes what was observed; its time is now. Never waits: what does not fit into the queue is dropped, counted, and
    /// the count becomes an event.
    pub fn note(&self, event: NewEvent) {
        let Ok(room) = Arc::clone(&self.0.notes).try_acquire_owned() else {
            self.0.shared.drop_notes(1);
            return;
        };
        // After the end nobody writes, and nobody reads.
        let _ = self.0.queue.send(Job::Note { at: self.0.clock.now(), event, room });
    }

    /// All events from now on, in the order of their ids, each as soon as it is durable: whoever follows first and then
    /// queries the journal misses none. A follower who is too slow is told how many it missed
    /// ([`RecvError::Lagged`](broadcast::error::RecvError::Lagged)) and goes on; the journal has them.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.shared.events.subscribe()
    }

    /// Looks into the journal: what was noted before the call is in it, if the disk takes that soon. To be called within a
    /// tokio runtime: it reads on one of its threads for blocking work.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn events(&self, query: Query) -> Result<Vec<Event>, ReadError> {
        self.settle().await;
        self.0.shared.readers.read(move |connection| journal::select(connection, &query)).await
    }

    /// Waits until all that was noted so far was written, or could not be; not for long.
    async fn settle(&self) {
        if self.waiting().notes == 0 {
            return;
        }
        let (answer, settled) = oneshot::channel();
        if self.0.queue.send(Job::Settle(answer)).is_ok() {
            // An error means that the store was closed, and everything carried out, at the same time; or the disk stands still.
            let _ = timeout(SETTLES, settled).await;
        }
    }

    /// Looks for test runs, open and finished. To be called within a tokio runtime, as all that reads the disk.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn test_runs(&self, query: TestQuery) -> Result<Vec<TestRun>, ReadError> {
        self.0.shared.readers.read(move |connection| test_rows::select(connection, &query)).await
    }

    /// One test run: from memory when it is open.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn test_run(&self, id: TestRunId) -> Result<Option<Arc<TestRun>>, ReadError> {
        let state = self.state();
        if let Some(run) = state.tests().run(id) {
            return Ok(Some(Arc::clone(run)));
        }
        if !state.tests().is_finished(id) {
            return Ok(None);
        }
        let run = self.0.shared.readers.read(move |connection| test_rows::one(connection, id)).await?;
        Ok(run.map(Arc::new))
    }

    /// At most `most` lines of a test run's log that say something, from place `from` on.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn test_lines(
        &self,
        id: TestRunId,
        from: usize,
        most: usize,
    ) -> Result<Vec<TestLine>, ReadError> {
        self.0.shared.readers.read(move |connection| test_rows::lines(connection, id, from, most)).await
    }

    /// At most `most` versions that were tested, the newest first, those that are older than the run `before`.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn test_versions(
        &self,
        before: Option<TestRunId>,
        most: usize,
    ) -> Result<Vec<TestVersion>, ReadError> {
        self.0.shared.readers.read(move |connection| test_rows::versions(connection, before, most)).await
    }

    /// The tests that runs tell of, in the order of their names.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn tests_run(&self) -> Result<Vec<TestName>, ReadError> {
        self.0.shared.readers.read(test_rows::names).await
    }

    /// The logs of test runs.
    #[must_use]
    pub fn test_logs(&self) -> &Arc<TestLogs> {
        &self.0.shared.logs
    }

    /// Finishes a test run with a log that came whole. When the answer comes, log, lines and counts are durable; they replace
    /// what an earlier log left. `keep` is how many finished runs are kept; `at` when the run was finished, if not now.
    ///
    /// # Errors
    /// Why not. The log is not kept then, but where the disk failed between the two.
    pub async fn file_log(
        &self,
        upload: LogUpload,
        keep: usize,
        at: Option<Timestamp>,
    ) -> Result<Receipt, FileError> {
        let id = upload.id();
        let _alone = self.0.filing.lock().await;
        let past = if self.state().tests().is_finished(id) { self.test_run(id).await? } else { None };
        let (report, bytes) = upload.file().await?;
        let report = TestCommand::Report { id, report: Arc::new(report), bytes, past, at, keep };
        let outcome = self.submit(Command::Test(report)).await;
        if self.state().tests().host_of(id).is_none() {
            self.test_logs().remove(id);
        }
        Ok(outcome?)
    }

    /// Waits until nothing can be written any more: the store was closed, or its thread failed. A server that cannot
    /// write must not go on as if it could.
    pub async fn ended(&self) {
        let mut ended = self.0.ended.clone();
        // Nothing is ever sent: this returns when the other end is gone.
        let _ = ended.changed().await;
    }

    /// What was measured since the start.
    #[must_use]
    pub fn measured(&self) -> &Measured {
        &self.0.shared.measured
    }

    /// How much waits for the disk now.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        let Inner { room, commands, leases, notes, .. } = &*self.0;
        Waiting {
            commands: room.commands.saturating_sub(commands.available_permits()),
            leases: room.leases.saturating_sub(leases.available_permits()),
            notes: room.notes.saturating_sub(notes.available_permits()),
        }
    }

    /// Carries out what is queued, tidies the database up and lets go of it. From now on every handle only shows the
    /// last state.
    pub async fn close(&self) {
        let (answer, done) = oneshot::channel();
        if self.0.queue.send(Job::Close(answer)).is_ok() {
            // An error means that another call closed it at the same time.
            let _ = done.await;
        }
    }
}

#[cfg(test)]
impl Store {
    /// How many commands are in the queue or in the writer's hands.
    pub(crate) fn commands_waiting(&self) -> usize {
        self.waiting().commands
    }

    /// Does something to the writer's connection before the batch that it is queued in is written.
    pub(crate) fn meddle(&self, meddle: impl FnOnce(&rusqlite::Connection) + Send + 'static) {
        let _ = self.0.queue.send(Job::Meddle(Box::new(meddle)));
    }
}
