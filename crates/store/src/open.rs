//! From a path to a connection that may write: files, the lock, and whether the file is ours at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{
    OpenError,
    schema::{self, Identity},
};

/// How long to wait for somebody who looks into the database with sqlite3 and holds it.
const BUSY: Duration = Duration::from_secs(5);

/// Pages of the write-ahead log after which it goes back into the database: 16 MiB. Whoever waits for that transaction waits for
/// all those pages, so it must be rare where thousands ask in a second; and a start after a power cut reads them all.
const CHECKPOINT: i64 = 4096;

/// Keeps every other process away from the database for as long as it lives. A file of its own, for closing any
/// descriptor of the database itself would take SQLite's own locks away (fcntl(2)).
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// A path beside the database's.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { path, source }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Takes the database for this process. Its directory is made if need be.
pub(crate) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let directory = parent(path);
    if !directory.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(at(&directory))?;
        // SQLite sees to the entries in the directory; that of the directory itself is ours to keep.
        let above = File::open(parent(&directory)).and_then(|above| above.sync_all());
        above.map_err(at(&directory))?;
    }
    let beside = beside(path, ".lock");
    let mut file = create(&beside).map_err(at(&beside))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Who it is only helps to find it.
            let _ = file.take(16).read_to_string(&mut owner);
            return Err(OpenError::InUse { path: path.to_owned(), owner: owner.trim().parse().ok() });
        }
        Err(TryLockError::Error(source)) => return Err(at(&beside)(source)),
    }
    let pid = format!("{}\n", std::process::id());
    file.set_len(0).and_then(|()| file.write_all(pid.as_bytes())).map_err(at(&beside))?;
    Ok(Lock { _file: file })
}

/// What an error of SQLite means for whoever starts us.
pub(crate) fn explain(path: &Path, error: &rusqlite::Error) -> OpenError {
    let (path, what) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            OpenError::Foreign { path, what: "it is no SQLite database, or its first page is damaged".into() }
        }
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, what },
        _ => OpenError::Database { path, what },
    }
}

/// Opens the database for writing: new, ours, or brought up to date; anything else is refused untouched.
pub(crate) fn open(path: &Path) -> Result<Connection, OpenError> {
    let foreign = |what: &str| OpenError::Foreign { path: path.to_owned(), what: what.into() };
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(foreign("it is not a regular file")),
        Ok(_) => {}
        // SQLite gives -wal and -shm the permissions of the file they belong to.
        Err(error) if error.kind() == io::ErrorKind::NotFound => drop(create(path).map_err(at(path))?),
        Err(error) => return Err(at(path)(error)),
    }
    let explain = |error: rusqlite::Error| explain(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    prepare(&connection).map_err(explain)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT).map_err(explain)?;
    let version = match schema::identify(&connection).map_err(explain)? {
        Identity::Empty => 0,
        Identity::Foreign(what) => return Err(foreign(&what)),
        Identity::Ours(found) if found > schema::known() => {
            return Err(OpenError::Newer { path: path.to_owned(), found, known: schema::known() });
        }
        Identity::Ours(found) => found,
    };
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(explain)?;
    if mode != "wal" {
        let what =
            format!("its file system cannot keep a write-ahead log (journal mode {mode}); use a local one");
        return Err(OpenError::Database { path: path.to_owned(), what });
    }
    if version < schema::known() {
        schema::migrate(&mut connection, version).map_err(explain)?;
    }
    inspect(path, &connection)?;
    Ok(connection)
}

/// Opens the database for reading only.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // A damaged or doctored file must not make SQLite do more than read it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection
        .execute_batch("PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
}

/// Looks for damage in what decides about machines, and for tables that are not as we made them.
fn inspect(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let explain = |error: rusqlite::Error| explain(path, &error);
    let damaged = |what| OpenError::Damaged { path: path.to_owned(), what };
    if let Some(what) = schema::meddled(connection).map_err(explain)? {
        return Err(damaged(what));
    }
    for table in ["meta", "host", "mac", "lease", "test_run"] {
        if let Some(what) = damage(connection, table).map_err(explain)? {
            return Err(damaged(what));
        }
    }
    Ok(())
}

/// Looks for damage in the journal. In a full one that takes longer than all the rest of a start.
pub(crate) fn inspect_journal(connection: &Connection) -> Option<String> {
    damage(connection, "event").unwrap_or_else(|error| Some(error.to_string()))
}

fn damage(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let verdict: String =
        connection.query_row(&format!("PRAGMA quick_check('{table}')"), (), |row| row.get(0))?;
    Ok((verdict != "ok").then(|| format!("table {table}: {verdict}")))
}
