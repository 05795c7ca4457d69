//! What the database looks like, and how one release's becomes the next one's.

use rusqlite::Connection;

/// "nxbt": marks the file as ours (`PRAGMA application_id`; file(1) shows it).
pub(crate) const APPLICATION_ID: i64 = 0x6e78_6274;

/// What leads from one schema version to the next; the version is how many of these were run. Never change one that was
/// released: add another.
const MIGRATIONS: &[&str] = &[V1, V2, V3, V4, V5, V6, V7, V8];

/// The columns are the truth and nothing is written twice: `host.doc` holds what is left of an assignment beside its
/// columns. Moments are milliseconds since 1970; an `expires` of NULL is never.
const V1: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE host (
    name TEXT PRIMARY KEY NOT NULL,
    uuid TEXT UNIQUE,
    address TEXT UNIQUE,
    vars TEXT,
    profile TEXT NOT NULL,
    class TEXT NOT NULL,
    until TEXT NOT NULL,
    since INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;

CREATE TABLE mac (
    mac TEXT PRIMARY KEY,
    host TEXT NOT NULL REFERENCES host (name) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    UNIQUE (host, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    address TEXT PRIMARY KEY,
    mac TEXT NOT NULL,
    client_id BLOB,
    hostname TEXT,
    state TEXT NOT NULL,
    expires INTEGER,
    heard INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    attempt INTEGER,
    mac TEXT,
    host TEXT,
    code TEXT GENERATED ALWAYS AS (doc ->> '$.code') VIRTUAL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX event_attempt ON event (attempt) WHERE attempt IS NOT NULL;
CREATE INDEX event_mac ON event (mac) WHERE mac IS NOT NULL;
CREATE INDEX event_host ON event (host) WHERE host IS NOT NULL;
";

/// What firmware and relays told of a machine, for the packets that do not tell it again.
const V2: &str = "
ALTER TABLE lease ADD COLUMN uuid TEXT;
ALTER TABLE lease ADD COLUMN relay_info BLOB;
";

/// A host may have a loader of its own.
const V3: &str = "ALTER TABLE host ADD COLUMN loader TEXT;";

/// And a way to its own disk.
const V4: &str = "ALTER TABLE host ADD COLUMN exit TEXT;";

/// And what its PXELINUX is told.
const V5: &str = "ALTER TABLE host ADD COLUMN pxelinux TEXT;";

/// And something that switches it; `secrets` has what must not be shown with it.
const V6: &str = "
ALTER TABLE host ADD COLUMN power TEXT;
ALTER TABLE host ADD COLUMN secrets TEXT;
";

/// Test runs, and what their logs say. A run outlives its host.
const V7: &str = "
CREATE TABLE test_run (
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    test TEXT NOT NULL,
    status TEXT NOT NULL,
    queued INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER,
    version TEXT,
    infos INTEGER NOT NULL,
    warnings INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    note TEXT
) STRICT;
CREATE INDEX test_run_host ON test_run (host, id);
CREATE INDEX test_run_test ON test_run (test, id);
CREATE INDEX test_run_version ON test_run (version, id) WHERE version IS NOT NULL;
CREATE INDEX test_run_open ON test_run (id) WHERE status IN ('queued', 'started');

CREATE TABLE test_line (
    run INTEGER NOT NULL REFERENCES test_run (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;
";

/// Networks whose machines boot something though they are no hosts.
const V8: &str = "
CREATE TABLE net (
    name TEXT PRIMARY KEY NOT NULL,
    profile TEXT,
    class TEXT,
    since INTEGER,
    by TEXT
) STRICT;

CREATE TABLE network (
    network TEXT PRIMARY KEY,
    net TEXT NOT NULL REFERENCES net (name) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    UNIQUE (net, place)
) STRICT, WITHOUT ROWID;
";

/// The newest version we know.
pub(crate) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// What a file is, by its marks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A database without anything in it.
    Empty,
    /// Ours, of this version.
    Ours(i64),
    /// Something else.
    Foreign(String),
}

pub(crate) fn identify(connection: &Connection) -> rusqlite::Result<Identity> {
    let number = |pragma: &str| connection.query_row(pragma, (), |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let objects = number("SELECT count(*) FROM sqlite_schema")?;
    Ok(match (application, version, objects) {
        (APPLICATION_ID, version, _) => Identity::Ours(version),
        (0, 0, 0) => Identity::Empty,
        (0, ..) => Identity::Foreign("an SQLite database of something else".into()),
        (other, ..) => Identity::Foreign(format!("an SQLite database of application {other:#x}")),
    })
}

/// Brings a database of version `from` (0: empty) to the newest.
pub(crate) fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", known())?;
    transaction.commit()
}

/// What somebody changed about the tables behind our back; nothing when they are as we made them. Views and further
/// indexes are an operator's business; triggers would write what nobody checked.
pub(crate) fn meddled(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let mut reference = Connection::open_in_memory()?;
    migrate(&mut reference, 0)?;
    let (found, wanted) = (objects(connection)?, objects(&reference)?);
    if let Some((name, _)) = wanted.iter().find(|object| !found.contains(object)) {
        return Ok(Some(format!("{name} is not as nextboot made it")));
    }
    let trigger = found.iter().find(|(name, _)| name.starts_with("trigger "));
    Ok(trigger.map(|(name, _)| format!("{name} is not ours")))
}

fn objects(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut statement = connection.prepare("SELECT type || ' ' || name, sql FROM sqlite_schema")?;
    statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
