use nextboot_model::{AttemptId, Event, HostName, Mac};
use rusqlite::{Connection, ToSql};

/// Most events that one query gives.
pub const MAX_QUERY: usize = 5_000;

/// Which end of the journal to begin at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// Which events to read. Everything that is given must fit.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// About this host.
    pub host: Option<HostName>,
    /// About this machine.
    pub mac: Option<Mac>,
    /// In this attempt.
    pub attempt: Option<AttemptId>,
    /// With a greater number.
    pub after: Option<u64>,
    /// With a smaller number.
    pub before: Option<u64>,
    /// At most so many; never more than [`MAX_QUERY`].
    pub limit: usize,
    /// In which order.
    pub order: Order,
}

pub(crate) fn run(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Event>> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let mut wanted: Vec<(&str, Box<dyn ToSql>)> = Vec::new();
    if let Some(host) = &query.host {
        wanted.push(("host = ?", Box::new(host.as_str().to_owned())));
    }
    if let Some(mac) = query.mac {
        wanted.push(("mac = ?", Box::new(mac.to_string())));
    }
    if let Some(attempt) = query.attempt {
        wanted.push(("attempt = ?", Box::new(number(attempt.0))));
    }
    if let Some(after) = query.after {
        wanted.push(("id > ?", Box::new(number(after))));
    }
    if let Some(before) = query.before {
        wanted.push(("id < ?", Box::new(number(before))));
    }
    let clauses: Vec<&str> = wanted.iter().map(|(clause, _)| *clause).collect();
    let filter = if clauses.is_empty() { String::new() } else { format!(" WHERE {}", clauses.join(" AND ")) };
    let order = match query.order {
        Order::NewestFirst => "DESC",
        Order::OldestFirst => "ASC",
    };
    let sql =
        format!("SELECT doc FROM event{filter} ORDER BY id {order} LIMIT {}", query.limit.min(MAX_QUERY));
    let mut statement = connection.prepare_cached(&sql)?;
    let values = rusqlite::params_from_iter(wanted.iter().map(|(_, value)| value));
    let docs = statement.query_map(values, |row| row.get::<_, String>(0))?;
    let mut events = Vec::new();
    for doc in docs {
        // An event of another release is not worth failing for.
        events.extend(serde_json::from_str::<Event>(&doc?).ok());
    }
    Ok(events)
}
