//! What a row says, and how it is read back: as strictly as it was written.

use std::net::Ipv4Addr;

use nextboot_model::{Change, Event, Lease, LeaseState, Record, State, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A row that cannot be read: table, key, reason.
pub(crate) struct BadRow(pub(crate) &'static str, pub(crate) String, pub(crate) String);

/// Either kind of failure while reading.
pub(crate) enum ReadError {
    Database(rusqlite::Error),
    Row(BadRow),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

fn bad(table: &'static str, key: &str, reason: impl ToString) -> ReadError {
    ReadError::Row(BadRow(table, key.to_owned(), reason.to_string()))
}

/// SQLite's integers are signed; "never" becomes the largest.
fn stored(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn timed(stored: i64) -> Option<Timestamp> {
    if stored == i64::MAX { Some(Timestamp::NEVER) } else { u64::try_from(stored).ok().map(Timestamp) }
}

pub(crate) fn write_change(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Put(record) => {
            let (host, assignment) = (&record.host, &record.assignment);
            let doc = serde_json::to_string(&**record)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            let sql = "INSERT INTO host (name, profile, until, since, doc) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (name) DO UPDATE SET profile = ?2, until = ?3, since = ?4, doc = ?5";
            let values = params![
                host.name.as_str(),
                assignment.profile.as_str(),
                assignment.until.to_string(),
                stored(assignment.since),
                doc
            ];
            connection.prepare_cached(sql)?.execute(values)?;
            // Most changes leave the MACs alone; then nothing is written here.
            let known: Vec<String> = connection
                .prepare_cached("SELECT mac FROM mac WHERE host = ?1")?
                .query_map([host.name.as_str()], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let wanted: Vec<String> = host.macs.iter().map(ToString::to_string).collect();
            for gone in known.iter().filter(|mac| !wanted.contains(mac)) {
                connection.prepare_cached("DELETE FROM mac WHERE mac = ?1")?.execute([gone])?;
            }
            for new in wanted.iter().filter(|mac| !known.contains(mac)) {
                let sql = "INSERT INTO mac (mac, host) VALUES (?1, ?2)";
                connection.prepare_cached(sql)?.execute([new.as_str(), host.name.as_str()])?;
            }
        }
        Change::Remove(name) => {
            connection.prepare_cached("DELETE FROM host WHERE name = ?1")?.execute([name.as_str()])?;
        }
    }
    Ok(())
}

pub(crate) fn read_state(connection: &Connection) -> Result<State, ReadError> {
    let mut state = State::default();
    let mut statement = connection.prepare("SELECT name, doc FROM host")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, doc): (String, String) = (row.get(0)?, row.get(1)?);
        let record: Record = serde_json::from_str(&doc).map_err(|error| bad("host", &name, error))?;
        if record.host.name.as_str() != name {
            return Err(bad("host", &name, "its document is of another host"));
        }
        record.host.check().map_err(|error| bad("host", &name, error))?;
        let taken = record.host.macs.iter().find_map(|mac| state.by_mac(*mac));
        if let Some(owner) = taken {
            return Err(bad("host", &name, format!("a MAC of its belongs to {}", owner.host.name)));
        }
        state.apply(&Change::Put(record.into()));
    }
    Ok(state)
}

pub(crate) fn write_lease(connection: &Connection, lease: &Lease) -> rusqlite::Result<()> {
    let sql = "INSERT INTO lease (address, mac, client_id, hostname, state, expires, heard) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (address) DO UPDATE SET mac = ?2, client_id = ?3, hostname = ?4, state = ?5, expires = ?6, heard = ?7";
    let values = params![
        lease.address.to_string(),
        lease.mac.to_string(),
        lease.client_id,
        lease.hostname,
        state_name(lease.state),
        stored(lease.expires),
        stored(lease.heard)
    ];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

pub(crate) fn remove_lease(connection: &Connection, address: Ipv4Addr) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM lease WHERE address = ?1")?
        .execute([address.to_string()])
        .map(drop)
}

fn state_name(state: LeaseState) -> &'static str {
    match state {
        LeaseState::Offered => "offered",
        LeaseState::Bound => "bound",
        LeaseState::Released => "released",
        LeaseState::Declined => "declined",
    }
}

pub(crate) fn read_leases(connection: &Connection) -> Result<Vec<Lease>, ReadError> {
    let mut statement =
        connection.prepare("SELECT address, mac, client_id, hostname, state, expires, heard FROM lease")?;
    let mut rows = statement.query([])?;
    let mut leases = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        leases.push(lease(row, &key)?);
    }
    Ok(leases)
}

fn lease(row: &Row<'_>, key: &str) -> Result<Lease, ReadError> {
    let mac: String = row.get(1)?;
    let client_id: Option<Vec<u8>> = row.get(2)?;
    if client_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > 255) {
        return Err(bad("lease", key, "a client identifier has 1 to 255 bytes"));
    }
    let states = [LeaseState::Offered, LeaseState::Bound, LeaseState::Released, LeaseState::Declined];
    let name: String = row.get(4)?;
    let state = states.into_iter().find(|state| state_name(*state) == name);
    let time = |at: usize| -> Result<Timestamp, ReadError> {
        timed(row.get(at)?).ok_or_else(|| bad("lease", key, "a time before 1970"))
    };
    Ok(Lease {
        address: key.parse().map_err(|error| bad("lease", key, error))?,
        mac: mac.parse().map_err(|error| bad("lease", key, error))?,
        client_id,
        hostname: row.get(3)?,
        state: state.ok_or_else(|| bad("lease", key, format!("{name:?} is no state of a lease")))?,
        expires: time(5)?,
        heard: time(6)?,
    })
}

pub(crate) fn write_event(connection: &Connection, event: &Event) -> rusqlite::Result<()> {
    let failed = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(error.into());
    let doc = serde_json::to_value(event).map_err(failed)?;
    let code = doc.get("code").and_then(|code| code.as_str()).unwrap_or_default().to_owned();
    let sql = "INSERT INTO event (id, at, attempt, mac, host, code, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        i64::try_from(event.id).unwrap_or(i64::MAX),
        stored(event.at),
        event.attempt.map(|attempt| i64::try_from(attempt.0).unwrap_or(i64::MAX)),
        event.mac.map(|mac| mac.to_string()),
        event.host.as_ref().map(|host| host.as_str().to_owned()),
        code,
        doc.to_string()
    ];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

pub(crate) fn last_event(connection: &Connection) -> rusqlite::Result<u64> {
    let last: Option<i64> = connection.query_row("SELECT max(id) FROM event", [], |row| row.get(0))?;
    let kept: Option<Vec<u8>> = read_meta(connection, "last-event")?;
    let kept = kept.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0).max(kept))
}

pub(crate) fn read_meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

pub(crate) fn write_meta(connection: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
    connection.execute(sql, params![key, value]).map(drop)
}
