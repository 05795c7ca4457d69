//! What is assigned to hosts, written as links into the tree for other programs that read it.

mod directory;
mod import;
mod mark;
mod pass;

use std::{sync::Arc, time::Duration};

use nextboot_model::{Event, EventKind, State};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::Instant,
};

pub(crate) use self::mark::is_ours;
use self::pass::{Failed, pass};
use crate::{appliance::Appliance, stop::Stop};

/// How often all links are looked at: the disk may have been full, or a profile's file have come back.
const ALL: Duration = Duration::from_secs(60);
/// How often a trouble that lasts is told again.
const AGAIN: Duration = Duration::from_secs(3600);

/// Keeps the links in step with the state until told to stop. What changes while links are written is written together next.
pub(crate) async fn follow(app: Arc<Appliance>, mut events: Receiver<Arc<Event>>, mut stop: Stop) {
    let mut ticks = tokio::time::interval(ALL);
    let mut told = Told::default();
    // Of which state the links are; nothing before the first.
    let mut written: Option<Arc<State>> = None;
    loop {
        let mut all = false;
        let mut event = tokio::select! {
            () = stop.wait() => return,
            _ = ticks.tick() => { all = true; events.try_recv() }
            event = events.recv() => match event {
                Ok(event) => Ok(event),
                Err(RecvError::Lagged(missed)) => Err(TryRecvError::Lagged(missed)),
                Err(RecvError::Closed) => {
                    // The store has ended, which ends the server.
                    stop.wait().await;
                    return;
                }
            },
        };
        // Whatever else it was, it is in the state.
        while let Ok(_) | Err(TryRecvError::Lagged(_)) = &event {
            if event.is_ok_and(|event| matches!(event.kind, EventKind::Reloaded)) {
                written = None;
            }
            event = events.try_recv();
        }
        if !app.settings.load().config.tftp.write_links {
            written = None;
            continue;
        }
        let state = app.store.state();
        let is_new = written.as_ref().is_none_or(|written| !Arc::ptr_eq(written, &state));
        if is_new {
            // Before the names are ours.
            import::take(&app, written.clone(), &state).await;
        }
        if is_new || all {
            let state = app.store.state();
            let (settings, now) = (app.settings.load_full(), Arc::clone(&state));
            let before = written.take().filter(|_| !all);
            let write = move || pass(&settings, before.as_deref(), &now);
            match tokio::task::spawn_blocking(write).await {
                Ok(Ok(())) if all => told = Told::default(),
                Ok(Ok(())) => {}
                Ok(Err(failed)) => told.tell(&app, &failed),
                Err(error) => tracing::error!(%error, "links for other programs were not written"),
            }
            written = Some(state);
        }
    }
}

/// What was told of a trouble that lasts.
#[derive(Default)]
struct Told(Option<(String, Instant)>);

impl Told {
    fn tell(&mut self, app: &Appliance, failed: &Failed) {
        let what = failed.to_string();
        let again = self.0.as_ref().is_none_or(|(before, at)| *before != what || at.elapsed() >= AGAIN);
        if again {
            self.0 = Some((what.clone(), Instant::now()));
            app.note_once_in_a_while(None, None, EventKind::Trouble { what });
        }
    }
}
