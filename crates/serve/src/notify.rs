use std::time::Duration;

use sd_notify::NotifyState;

use crate::stop::Stop;

/// Tells systemd (or whoever started us with `NOTIFY_SOCKET`) that we serve.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells that we end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Keeps systemd's watchdog content for as long as the runtime gets round to it.
pub(crate) async fn watchdog(mut stop: Stop) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return stop.wait().await;
    };
    let mut ticks = tokio::time::interval((limit / 2).max(Duration::from_millis(100)));
    loop {
        tokio::select! {
            () = stop.wait() => return,
            _ = ticks.tick() => tell(&[NotifyState::Watchdog]),
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "cannot tell the service manager");
    }
}
