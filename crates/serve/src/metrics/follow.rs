use std::sync::Arc;

use nextboot_model::Event;
use nextboot_store::{MAX_EVENTS, Order, Query, ReadError};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{appliance::Appliance, stop::Stop};

/// Counts the journal's events until told to stop. `events` are those from the very first on; the journal has the others
/// when they come faster than they are counted.
pub(crate) async fn follow(
    app: Arc<Appliance>,
    mut events: Receiver<Arc<Event>>,
    mut last: u64,
    mut stop: Stop,
) {
    loop {
        let event = tokio::select! {
            () = stop.wait() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(event) if event.id > last => {
                last = event.id;
                app.metrics.see(&event);
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => {
                if let Err(error) = catch_up(&app, &mut last).await {
                    tracing::warn!(%error, "some events are missing in the metrics");
                }
            }
            Err(RecvError::Closed) => {
                // The store has ended, which ends the server.
                stop.wait().await;
                return;
            }
        }
    }
}

async fn catch_up(app: &Appliance, last: &mut u64) -> Result<(), ReadError> {
    loop {
        let query =
            Query { after: Some(*last), limit: MAX_EVENTS, order: Order::OldestFirst, ..Query::default() };
        let missed = app.store.events(query).await?;
        for event in &missed {
            *last = event.id;
            app.metrics.see(event);
        }
        if missed.len() < MAX_EVENTS {
            return Ok(());
        }
    }
}
