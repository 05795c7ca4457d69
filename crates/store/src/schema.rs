use rusqlite::{Connection, Transaction};

/// Marks the file as ours (`PRAGMA application_id`): "NXBT".
const APPLICATION: u32 = 0x4e58_4254;

/// The steps from an empty file to the present layout; the number done is the file's `user_version`.
const STEPS: &[&str] = &["
    CREATE TABLE host (
        name TEXT PRIMARY KEY,
        profile TEXT NOT NULL,
        until TEXT NOT NULL,
        since INTEGER NOT NULL,
        doc TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE mac (
        mac TEXT PRIMARY KEY,
        host TEXT NOT NULL REFERENCES host(name) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX mac_host ON mac(host);
    CREATE TABLE lease (
        address TEXT PRIMARY KEY,
        mac TEXT NOT NULL,
        client_id BLOB,
        hostname TEXT,
        state TEXT NOT NULL,
        expires INTEGER NOT NULL,
        heard INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        attempt INTEGER,
        mac TEXT,
        host TEXT,
        code TEXT NOT NULL,
        doc TEXT NOT NULL
    ) STRICT;
    CREATE INDEX event_mac ON event(mac, id) WHERE mac IS NOT NULL;
    CREATE INDEX event_host ON event(host, id) WHERE host IS NOT NULL;
    CREATE INDEX event_attempt ON event(attempt, id) WHERE attempt IS NOT NULL;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"];

/// What a file turned out to be.
pub(crate) enum Layout {
    /// Ours, and up to date now.
    Ready,
    /// Somebody else's.
    Foreign,
    /// A newer release's: what it has, and what we know.
    Newer(u32, u32),
}

/// Brings a file to the present layout.
pub(crate) fn prepare(connection: &mut Connection) -> rusqlite::Result<Layout> {
    let number = |connection: &Connection, pragma: &str| {
        connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0))
    };
    let (application, version) = (number(connection, "application_id")?, number(connection, "user_version")?);
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Ok(Layout::Foreign);
    }
    let known = u32::try_from(STEPS.len()).unwrap_or(u32::MAX);
    if version > known {
        return Ok(Layout::Newer(version, known));
    }
    let transaction = connection.transaction()?;
    for step in STEPS.iter().skip(version as usize) {
        transaction.execute_batch(step)?;
    }
    mark(&transaction, known)?;
    transaction.commit()?;
    Ok(Layout::Ready)
}

fn mark(transaction: &Transaction<'_>, version: u32) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", version)
}
