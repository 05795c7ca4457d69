use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse,
        sse::{Event as Frame, Sse},
    },
};
use nextboot_model::{Event, HostName, Mac};
use nextboot_store::{Order, Query, ReadError};
use serde::Deserialize;
use tokio::{
    sync::{broadcast, mpsc},
    time::{MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use crate::{app::App, error::ApiError, error::ErrorBody, extract::Params, view::EventView};

/// How many events are read from the journal in one go.
const PAGE: usize = 500;
/// How many frames wait for a reader before the stream waits for it.
const WAITING: usize = 64;

/// Which events.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// About the host of this name.
    #[param(value_type = Option<String>)]
    host: Option<HostName>,
    /// About the machine with this MAC address.
    #[param(value_type = Option<String>)]
    mac: Option<Mac>,
    /// Begin with those after this number, as far as the journal keeps them; with the next one when absent.
    after: Option<u64>,
}

impl Wanted {
    fn fits(&self, event: &Event) -> bool {
        (self.host.is_none() || self.host == event.host) && (self.mac.is_none() || self.mac == event.mac)
    }
}

/// Follow what happens, live.
///
/// Server-Sent Events: `id` is the event's number, `data` the event as `/api/events` writes it. `Last-Event-ID` resumes
/// after that number, so nothing is missed between two connections. A comment shows every 15 seconds that the stream
/// lives. A reader that is too slow is cut off, and the last comment says so.
#[utoipa::path(
    get, path = "/api/events/stream", tag = "watch",
    params(Wanted, ("Last-Event-ID" = Option<u64>, Header, description = "Resume after this number; wins over `after`")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 400, body = ErrorBody),
    ),
)]
pub(crate) async fn follow(
    State(app): State<App>,
    Params(wanted): Params<Wanted>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let resume = match headers.get("last-event-id") {
        Some(id) => Some(
            id.to_str()
                .ok()
                .and_then(|id| id.trim().parse().ok())
                .ok_or_else(|| ApiError::bad_request("Last-Event-ID is not the number of an event"))?,
        ),
        None => wanted.after,
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        // Followed before the journal is read, so that nothing falls between the two.
        let events = app.store().follow();
        let mut feed = Feed { app, wanted, sender, last: resume.unwrap_or(0) };
        let last_words = match feed.run(events, resume.is_some()).await {
            End::Gone => return,
            End::TooSlow(missed) => {
                format!("cut off: this reader is {missed} events behind; come again with Last-Event-ID")
            }
            End::Stopping => "the server stops".to_owned(),
            End::Unreadable(error) => {
                tracing::error!(%error, "a stream of events ends");
                "cut off: the journal cannot be read; the server's log says why".to_owned()
            }
        };
        let _ = feed.sender.send(Ok(Frame::default().comment(last_words))).await;
    });
    Ok(Sse::new(ReceiverStream::new(receiver)))
}

/// Why a stream ends.
enum End {
    /// The reader went away.
    Gone,
    TooSlow(u64),
    Stopping,
    Unreadable(ReadError),
}

/// One reader's stream.
struct Feed {
    app: App,
    wanted: Wanted,
    sender: mpsc::Sender<Result<Frame, Infallible>>,
    /// The number of the last event that was looked at.
    last: u64,
}

impl Feed {
    async fn run(&mut self, mut events: broadcast::Receiver<Arc<Event>>, resume: bool) -> End {
        let mut stopping = self.app.stopping.clone();
        if resume && let Err(end) = self.begin().await {
            return end;
        }
        if let Err(end) = self.send(Frame::default().comment("nextboot events")).await {
            return end;
        }
        if resume && let Err(end) = self.catch_up().await {
            return end;
        }
        let mut heartbeat = interval(self.app.limits.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        loop {
            let sent = tokio::select! {
                () = stopping.wait() => return End::Stopping,
                () = self.sender.closed() => return End::Gone,
                _ = heartbeat.tick() => self.send(Frame::default().comment("")).await,
                event = events.recv() => match event {
                    Ok(event) => self.tell(&event).await,
                    Err(broadcast::error::RecvError::Lagged(missed)) => return End::TooSlow(missed),
                    Err(broadcast::error::RecvError::Closed) => return End::Stopping,
                },
            };
            if let Err(end) = sent {
                return end;
            }
        }
    }

    /// A number from before the journal began anew would keep the reader waiting for ever: it begins with what comes next.
    /// Before the reader is told that it follows, because what happens from then on is not to be taken for old.
    async fn begin(&mut self) -> Result<(), End> {
        let newest = Query { limit: 1, ..Query::default() };
        let newest = self.app.store().events(newest).await.map_err(End::Unreadable)?;
        self.last = self.last.min(newest.first().map_or(0, |event| event.id));
        Ok(())
    }

    /// Sends what the journal has after the last event.
    async fn catch_up(&mut self) -> Result<(), End> {
        loop {
            let query = Query {
                host: self.wanted.host.clone(),
                mac: self.wanted.mac,
                after: Some(self.last),
                limit: PAGE,
                order: Order::OldestFirst,
                ..Query::default()
            };
            let page = self.app.store().events(query).await.map_err(End::Unreadable)?;
            for event in &page {
                self.tell(event).await?;
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn tell(&mut self, event: &Event) -> Result<(), End> {
        // Live events overlap with those that were just read from the journal.
        if event.id <= self.last {
            return Ok(());
        }
        self.last = event.id;
        if !self.wanted.fits(event) {
            return Ok(());
        }
        let frame = Frame::default().id(event.id.to_string());
        match frame.json_data(EventView::of(event)) {
            Ok(frame) => self.send(frame).await,
            Err(error) => {
                tracing::error!(%error, id = event.id, "an event cannot be written");
                Ok(())
            }
        }
    }

    async fn send(&self, frame: Frame) -> Result<(), End> {
        self.sender.send(Ok(frame)).await.map_err(|_| End::Gone)
    }
}
