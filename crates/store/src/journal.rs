//! The journal of events in the database.

use nextboot_model::{AttemptId, Event, EventKind, HostName, Mac, Timestamp};
use rusqlite::{Connection, Row, types::Value};

use crate::failure::Failure;

/// Most events that one query answers.
pub const MAX_EVENTS: usize = 10_000;

/// From which end of the journal a query begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest event comes first.
    #[default]
    NewestFirst,
    /// The oldest event comes first.
    OldestFirst,
}

/// Which events: those that everything given here holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// About this host.
    pub host: Option<HostName>,
    /// About this machine.
    pub mac: Option<Mac>,
    /// In this attempt.
    pub attempt: Option<AttemptId>,
    /// Of these kinds, by their codes; of all kinds where none is named.
    pub codes: &'static [&'static str],
    /// With a greater id.
    pub after: Option<u64>,
    /// With a smaller id.
    pub before: Option<u64>,
    /// No more than so many; [`MAX_EVENTS`] at most.
    pub limit: usize,
    /// Which come first, and are kept when there are more than `limit`.
    pub order: Order,
}

impl Default for Query {
    /// The newest hundred.
    fn default() -> Self {
        Self {
            host: None,
            mac: None,
            attempt: None,
            codes: &[],
            after: None,
            before: None,
            limit: 100,
            order: Order::NewestFirst,
        }
    }
}

/// An id as SQLite holds it; ids count up by one, so none is beyond it.
fn id(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// Writes an event.
pub(crate) fn insert(connection: &Connection, event: &Event) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO event (id, at, attempt, mac, host, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    insert.execute((
        id(event.id),
        i64::try_from(event.at.0).unwrap_or(i64::MAX),
        event.attempt.and_then(|attempt| i64::try_from(attempt.0).ok()),
        event.mac.map(|mac| mac.to_string()),
        event.host.as_ref().map(HostName::as_str),
        serde_json::to_string(&event.kind)?,
    ))?;
    Ok(())
}

/// Forgets the oldest events up to and including `last`, at most `most` of them.
pub(crate) fn prune(connection: &Connection, last: u64, most: usize) -> Result<(), Failure> {
    let mut prune = connection.prepare_cached(
        "DELETE FROM event WHERE id <= (
             SELECT max(id) FROM (SELECT id FROM event WHERE id <= ?1 ORDER BY id LIMIT ?2)
         )",
    )?;
    prune.execute((id(last), i64::try_from(most).unwrap_or(i64::MAX)))?;
    Ok(())
}

/// The ids of the oldest and the newest event; zeros when there is none.
pub(crate) fn ends(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let end = |sql: &str| {
        let id: Option<i64> = connection.query_row(sql, (), |row| row.get(0))?;
        Ok::<_, rusqlite::Error>(id.and_then(|id| u64::try_from(id).ok()).unwrap_or(0))
    };
    Ok((end("SELECT min(id) FROM event")?, end("SELECT max(id) FROM event")?))
}

/// Answers a query.
pub(crate) fn select(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Event>> {
    let of_kinds = format!("code IN ({})", vec!["?"; query.codes.len()].join(", "));
    let mut wanted = vec!["TRUE"];
    let mut values: Vec<Value> = Vec::new();
    if !query.codes.is_empty() {
        wanted.push(&of_kinds);
        values.extend(query.codes.iter().map(|code| Value::Text((*code).to_owned())));
    }
    let mut want = |condition, value: Option<Value>| {
        if let Some(value) = value {
            wanted.push(condition);
            values.push(value);
        }
    };
    want("host = ?", query.host.as_ref().map(|host| Value::Text(host.to_string())));
    want("mac = ?", query.mac.map(|mac| Value::Text(mac.to_string())));
    want("attempt = ?", query.attempt.map(|attempt| Value::Integer(id(attempt.0))));
    want("id > ?", query.after.map(|after| Value::Integer(id(after))));
    want("id < ?", query.before.map(|before| Value::Integer(id(before))));
    let limit = query.limit.min(MAX_EVENTS);
    values.push(Value::Integer(i64::try_from(limit).unwrap_or(0)));
    let order = if query.order == Order::NewestFirst { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT id, at, attempt, mac, host, doc FROM event WHERE {} ORDER BY id {order} LIMIT ?",
        wanted.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map(rusqlite::params_from_iter(values), |row| Ok(read(row)))?.collect()
}

/// Reads a row. One that cannot be read does not hide the others: its place tells what is wrong with it.
fn read(row: &Row<'_>) -> Event {
    let number = |at: usize| {
        row.get::<_, Option<i64>>(at).ok().flatten().and_then(|number| u64::try_from(number).ok())
    };
    let text = |at: usize| row.get::<_, Option<String>>(at).ok().flatten();
    let doc = row.get::<_, String>(5).map_err(|error| error.to_string());
    let kind = doc.and_then(|doc| serde_json::from_str(&doc).map_err(|error| error.to_string()));
    Event {
        id: number(0).unwrap_or(0),
        at: Timestamp(number(1).unwrap_or(0)),
        attempt: number(2).map(AttemptId),
        mac: text(3).and_then(|mac| mac.parse().ok()),
        host: text(4).and_then(|host| host.parse().ok()),
        kind: kind.unwrap_or_else(|error| EventKind::Trouble {
            what: format!("this entry of the journal cannot be read: {error}"),
        }),
    }
}
