use nextboot_model::{AttemptId, Event, EventKind, HostName, Mac, Timestamp};
use rusqlite::{Connection, params};

use crate::rows;

/// How many old events one step forgets at most.
const PRUNE_STEP: u64 = 2_000;
/// After how many new events old ones are looked for.
const PRUNE_EVERY: u64 = 500;

/// An event that has no number yet.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// In which attempt.
    pub attempt: Option<AttemptId>,
    /// About which machine.
    pub mac: Option<Mac>,
    /// About which host.
    pub host: Option<HostName>,
    /// What.
    pub kind: EventKind,
}

/// Numbers events and forgets old ones.
#[derive(Debug)]
pub(crate) struct Journal {
    last: u64,
    most: u64,
    since_pruned: u64,
}

impl Journal {
    pub(crate) fn new(last: u64, most: u64) -> Self {
        Self { last, most, since_pruned: 0 }
    }

    /// Gives an event its number and time. A number is used up even if the event cannot be written.
    pub(crate) fn number(&mut self, at: Timestamp, new: NewEvent) -> Event {
        self.last += 1;
        self.since_pruned += 1;
        let NewEvent { attempt, mac, host, kind } = new;
        Event { id: self.last, at, attempt, mac, host, kind }
    }

    /// Forgets some of what is too old, now and then.
    pub(crate) fn prune(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.since_pruned < PRUNE_EVERY {
            return Ok(());
        }
        self.since_pruned = 0;
        let keep_from = i64::try_from(self.last.saturating_sub(self.most)).unwrap_or(i64::MAX);
        let step = i64::try_from(PRUNE_STEP).unwrap_or(i64::MAX);
        let sql = "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE id <= ?1 ORDER BY id LIMIT ?2)";
        connection.prepare_cached(sql)?.execute(params![keep_from, step])?;
        // Numbers go on from here even when the journal is emptied by hand.
        rows::write_meta(connection, "last-event", &self.last.to_be_bytes())
    }
}

/// Logs are views of events.
pub(crate) fn log(event: &Event) {
    let about = match (&event.host, event.mac) {
        (Some(host), _) => format!("{host}: "),
        (None, Some(mac)) => format!("{mac}: "),
        (None, None) => String::new(),
    };
    if event.kind.is_warning() {
        tracing::warn!(target: "event", "{about}{}", event.kind);
    } else {
        tracing::info!(target: "event", "{about}{}", event.kind);
    }
}
