use std::time::Duration;

use http_body_util::BodyExt as _;
use nextboot_model::Mac;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{Session, part};
use crate::{args::Events, client::Sse, failure::Failure, output, view};

/// How many of the newest events are shown when nobody says.
const USUAL: u64 = 200;
/// The same before following.
const BEFORE_FOLLOWING: u64 = 20;
/// Most events that one request gives.
const PAGE: u64 = 5000;
/// The server says something every 15 s; after this long the connection is dead.
const SILENCE: Duration = Duration::from_secs(50);
/// Waits between attempts to connect again: the first and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

impl Session {
    pub(super) async fn events(&self, events: Events) -> Result<(), Failure> {
        let filter = filter(&events);
        let last = match (events.limit, events.follow, self.json) {
            // Programs get everything.
            (None, false, true) => return self.all_events(&filter).await,
            (limit, true, _) => self.newest_events(&filter, limit.unwrap_or(BEFORE_FOLLOWING)).await?,
            (limit, false, _) => self.newest_events(&filter, limit.unwrap_or(USUAL)).await?,
        };
        if events.follow { self.follow(&filter, last).await } else { Ok(()) }
    }

    fn print_event(&self, event: &Value) -> Result<(), Failure> {
        output::print(&if self.json { event.to_string() } else { view::line(event) })
    }

    async fn page(&self, query: &str) -> Result<Vec<Value>, Failure> {
        let answer = self.client.get(&format!("/api/events?{query}")).await?;
        self.read(&answer, Some("events"))
    }

    /// Prints the whole journal, oldest first.
    async fn all_events(&self, filter: &str) -> Result<(), Failure> {
        let mut after = 0;
        loop {
            let events = self.page(&format!("after={after}&limit={PAGE}{filter}")).await?;
            let Some(last) = events.last().map(id) else { return Ok(()) };
            for event in &events {
                self.print_event(event)?;
            }
            if last <= after {
                return Err(self.client.strange("the journal does not go on"));
            }
            after = last;
        }
    }

    /// Prints the newest events, oldest first; gives the last one's number.
    async fn newest_events(&self, filter: &str, limit: u64) -> Result<u64, Failure> {
        // One is asked for even when none is wanted: following begins behind it.
        let mut asked = limit.clamp(1, PAGE);
        let mut events = self.page(&format!("limit={asked}{filter}")).await?;
        let last = events.last().map(id).unwrap_or_default();
        let mut full = events.len() as u64 == asked;
        while let Some(first) = events.first().map(id)
            && full
            && (events.len() as u64) < limit
        {
            asked = (limit - events.len() as u64).min(PAGE);
            let mut older = self.page(&format!("before={first}&limit={asked}{filter}")).await?;
            if older.last().is_some_and(|event| id(event) >= first) {
                return Err(self.client.strange("the journal does not go back"));
            }
            full = older.len() as u64 == asked;
            older.append(&mut events);
            events = older;
        }
        let skipped = events.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        for event in events.iter().skip(skipped) {
            self.print_event(event)?;
        }
        Ok(last)
    }

    /// Prints what happens behind event `last`, and connects again when the connection is lost.
    async fn follow(&self, filter: &str, mut last: u64) -> Result<(), Failure> {
        let mut wait = RETRY.0;
        loop {
            let before = last;
            let lost = match self.follow_once(filter, &mut last).await {
                Ok(()) => "the server ended the stream".into(),
                Err(failure) if failure.is_passing() => failure.to_string(),
                Err(failure) => return Err(failure),
            };
            let reason = lost.lines().next().unwrap_or_default();
            eprintln!("nextboot: {reason}; trying again");
            // A stream that worked was cut by chance, most likely.
            if last > before {
                wait = RETRY.0;
            } else {
                sleep(wait).await;
                wait = (wait * 2).min(RETRY.1);
            }
        }
    }

    async fn follow_once(&self, filter: &str, last: &mut u64) -> Result<(), Failure> {
        let mut stream =
            self.client.stream(&format!("/api/events/stream?after={last}{filter}"), *last).await?;
        let mut sse = Sse::default();
        loop {
            let frame = match timeout(SILENCE, stream.frame()).await {
                Err(_) => return Err(self.client.strange("the stream fell silent")),
                Ok(None) => return Ok(()),
                Ok(Some(Err(error))) => return Err(self.client.strange(error)),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(piece) = frame.into_data() else { continue };
            for message in sse.push(&piece) {
                let Ok(event) = serde_json::from_str::<Value>(&message.data) else {
                    return Err(self.client.strange("an event is no JSON"));
                };
                let number = message.id.and_then(|id| id.parse().ok()).unwrap_or_else(|| id(&event));
                // After a connection was lost the server may begin a little earlier.
                if number > *last {
                    *last = number;
                    self.print_event(&event)?;
                }
            }
        }
    }
}

/// The number of an event.
fn id(event: &Value) -> u64 {
    event.get("id").and_then(Value::as_u64).unwrap_or_default()
}

/// The filters as the end of a query.
fn filter(events: &Events) -> String {
    // No host's name has colons.
    let host = events.host.as_ref().map(|host| match host.parse::<Mac>() {
        Ok(mac) if host.contains(':') => format!("&mac={mac}"),
        _ => format!("&host={}", part(host)),
    });
    let mac = events.mac.map(|mac| format!("&mac={mac}"));
    [host, mac].into_iter().flatten().collect()
}
