use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use nextboot_model::{Change, Command, Event, Lease, State, Timestamp};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::{
    NewEvent, OpenError, Query, QueryError, SubmitError,
    journal::Journal,
    lock::{self, Lock},
    query,
    rows::{self, BadRow, ReadError},
    schema::{self, Layout},
    writer::{Message, Writer},
};

/// Bounds and the clock.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many events the journal keeps.
    pub events: u64,
    /// How many messages may wait for the writer; beyond it events are dropped and commands wait.
    pub queue: usize,
    /// How many events a follower may lag behind before it misses some.
    pub followers_lag: usize,
    /// The wall clock.
    pub clock: fn() -> Timestamp,
}

impl Default for Limits {
    fn default() -> Self {
        let clock = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        };
        Self { events: 200_000, queue: 16_384, followers_lag: 4_096, clock }
    }
}

/// What was on the disk beside the state table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The leases.
    pub leases: Vec<Lease>,
    /// The number of the last event.
    pub last_event: u64,
}

/// A command was carried out: it is durable, and everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The state's revision with it.
    pub revision: u64,
    /// What changed.
    pub changes: Vec<Change>,
}

/// What the writer and the readers share.
pub(crate) struct Shared {
    pub(crate) state: ArcSwap<State>,
    pub(crate) events: broadcast::Sender<Arc<Event>>,
    /// Events that found the queue full.
    pub(crate) lost: AtomicU64,
    clock: fn() -> Timestamp,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// The durable state. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Message>,
    reader: Arc<Mutex<Connection>>,
    secret: [u8; 32],
    _lock: Arc<Lock>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Store")
            .field("revision", &self.shared.state.load().revision())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the state, or makes it: readable for its owner only. Blocks while it reads.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do.
    pub fn open(path: &Path, limits: Limits) -> Result<(Self, Loaded), OpenError> {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        let database = |source| OpenError::Database { path: path.to_owned(), source };
        lock::make_directory(path).map_err(io)?;
        let locked = Lock::take(&beside(path, "lock")).map_err(io)?;
        let locked = locked.ok_or_else(|| OpenError::InUse(path.to_owned()))?;
        lock::make_file(path).map_err(io)?;
        let mut connection = Connection::open(path).map_err(database)?;
        let begin = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";
        connection.execute_batch(begin).map_err(database)?;
        connection.set_prepared_statement_cache_capacity(32);
        match schema::prepare(&mut connection).map_err(database)? {
            Layout::Ready => {}
            Layout::Foreign => return Err(OpenError::Foreign(path.to_owned())),
            Layout::Newer(found, known) => {
                return Err(OpenError::Newer { path: path.to_owned(), found, known });
            }
        }
        let read = |error| match error {
            ReadError::Database(source) => OpenError::Database { path: path.to_owned(), source },
            ReadError::Row(BadRow(table, key, reason)) => {
                OpenError::BadRow { path: path.to_owned(), table, key, reason }
            }
        };
        let state = rows::read_state(&connection).map_err(read)?;
        let leases = rows::read_leases(&connection).map_err(read)?;
        let last_event = rows::last_event(&connection).map_err(database)?;
        let secret = secret(&connection, path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(path, flags).map_err(database)?;

        let shared = Arc::new(Shared {
            state: ArcSwap::from_pointee(state.clone()),
            events: broadcast::channel(limits.followers_lag.max(1)).0,
            lost: AtomicU64::new(0),
            clock: limits.clock,
        });
        let (queue, messages) = mpsc::channel(limits.queue.max(1));
        let writer = Writer {
            connection,
            shared: Arc::clone(&shared),
            journal: Journal::new(last_event, limits.events),
            working: state,
        };
        std::thread::Builder::new().name("store".into()).spawn(move || writer.run(messages)).map_err(io)?;
        let store =
            Self { shared, queue, reader: Arc::new(Mutex::new(reader)), secret, _lock: Arc::new(locked) };
        Ok((store, Loaded { leases, last_event }))
    }

    /// The state as it is now: a snapshot that no later change touches. Takes no lock and never waits.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.shared.state.load_full()
    }

    /// 32 random bytes, made with the state and kept with it.
    #[must_use]
    pub fn secret(&self) -> [u8; 32] {
        self.secret
    }

    /// Carries out a command. When this returns, the change is on the disk and everybody sees it.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn submit(&self, command: Command) -> Result<Receipt, SubmitError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Message::Submit { command, answer }).await.map_err(|_| SubmitError::Stopped)?;
        answered.await.map_err(|_| SubmitError::Stopped)?
    }

    /// Writes leases and forgets others, all or none. When this returns they are on the disk.
    ///
    /// # Errors
    /// Why nothing was written.
    pub async fn put_leases(&self, put: Vec<Lease>, removed: Vec<Ipv4Addr>) -> Result<(), SubmitError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Message::Leases { put, removed, answer }).await.map_err(|_| SubmitError::Stopped)?;
        answered.await.map_err(|_| SubmitError::Stopped)?
    }

    /// Puts an event into the journal, soon. Never waits: when the disk does not keep up, events are dropped, and the
    /// journal says how many.
    pub fn note(&self, event: NewEvent) {
        if self.queue.try_send(Message::Note(self.shared.now(), event)).is_err() {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every event from now on. A follower that is too slow misses some and is told so.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Arc<Event>> {
        self.shared.events.subscribe()
    }

    /// Reads events from the journal.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn events(&self, query: Query) -> Result<Vec<Event>, QueryError> {
        let reader = Arc::clone(&self.reader);
        let read = move || {
            let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            query::run(&reader, &query)
        };
        Ok(tokio::task::spawn_blocking(read).await.map_err(|_| QueryError::Stopped)??)
    }

    /// Writes what still waits and closes the file. Commands after this are refused.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    path.with_extension(extension)
}

fn secret(connection: &Connection, path: &Path) -> Result<[u8; 32], OpenError> {
    let database = |source| OpenError::Database { path: path.to_owned(), source };
    if let Some(kept) = rows::read_meta(connection, "secret").map_err(database)? {
        return kept.try_into().map_err(|_| OpenError::BadRow {
            path: path.to_owned(),
            table: "meta",
            key: "secret".into(),
            reason: "a secret has 32 bytes".into(),
        });
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| OpenError::Random(error.to_string()))?;
    rows::write_meta(connection, "secret", &secret).map_err(database)?;
    Ok(secret)
}
