use std::collections::BTreeMap;

use nextboot_model::{AttemptId, Event, EventKind, Mac, ProfileName, Timestamp};
use nextboot_store::{Order, Query, Store};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::ApiError, view::EventView};

/// How many events are read in one go.
const PAGE: usize = 1_000;
/// How many pages are read for one machine: a loader that asks for a missing file without end must not make this
/// expensive.
const PAGES: usize = 5;

/// One attempt to boot, as the journal tells it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Timeline {
    #[schema(value_type = u64)]
    id: AttemptId,
    /// When the first packet came.
    #[schema(value_type = u64)]
    started: Timestamp,
    /// When it was over.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    /// How it ended: `called-back`, `local`, `booted`, `started-anew` or `silent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// What the machine got to boot.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<ProfileName>,
    /// What happened, the oldest first.
    events: Vec<EventView>,
}

/// The last attempts of a machine, the newest first.
///
/// # Errors
/// When the journal cannot be read.
pub(crate) async fn last(store: &Store, macs: &[Mac], limit: usize) -> Result<Vec<Timeline>, ApiError> {
    let mut attempts: BTreeMap<AttemptId, Vec<Event>> = BTreeMap::new();
    for mac in macs {
        let mut before = None;
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..PAGES {
            let query =
                Query { mac: Some(*mac), before, limit: PAGE, order: Order::NewestFirst, ..Query::default() };
            let page = store.events(query).await?;
            let whole = page.len() == PAGE;
            before = page.last().map(|event| event.id);
            for event in page {
                if let Some(attempt) = event.attempt {
                    seen.insert(attempt);
                    attempts.entry(attempt).or_default().push(event);
                }
            }
            // One more than wanted: then the wanted ones are complete.
            if !whole || seen.len() > limit {
                break;
            }
        }
    }
    Ok(attempts.into_iter().rev().take(limit).map(|(id, events)| Timeline::of(id, events)).collect())
}

impl Timeline {
    fn of(id: AttemptId, mut events: Vec<Event>) -> Self {
        events.sort_by_key(|event| event.id);
        let mut timeline = Self {
            id,
            started: events.first().map_or(Timestamp(id.0), |event| event.at),
            ended: None,
            outcome: None,
            profile: None,
            events: events.iter().map(EventView::of).collect(),
        };
        for event in events {
            match event.kind {
                EventKind::AttemptEnded { outcome } => {
                    timeline.ended = Some(event.at);
                    timeline.outcome = Some(outcome.word());
                }
                // What was handed out says more than what was planned before.
                EventKind::ConfigurationSent { profile, .. } => timeline.profile = Some(profile),
                EventKind::Planned { profile: Some(profile), .. } if timeline.profile.is_none() => {
                    timeline.profile = Some(profile);
                }
                _ => {}
            }
        }
        timeline
    }
}
