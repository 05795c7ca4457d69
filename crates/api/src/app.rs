use std::sync::Arc;

use axum::extract::Request;
use nextboot_boot::Profile;
use nextboot_model::{Door, HostName, PowerAction, ProfileName, State};
use nextboot_store::Store;
use tokio::sync::watch;

use crate::{Access, Control, Limits, Peer, PowerOutcome, error::ApiError};

/// What every handler shares. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) control: Arc<dyn Control>,
    pub(crate) access: Arc<Access>,
    pub(crate) limits: Arc<Limits>,
    /// Becomes true when the server ends: streams end then.
    pub(crate) stopping: Stopping,
}

/// Tells that the server ends.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

impl Stopping {
    /// Waits until it ends. Safe to cancel.
    pub(crate) async fn wait(&mut self) {
        // An error means that the other end is gone, which is as good as being told.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

impl App {
    pub(crate) fn store(&self) -> &Store {
        self.control.store()
    }

    pub(crate) fn state(&self) -> Arc<State> {
        self.store().state()
    }

    /// Lets a request in, and writes into it who sent it; or says what that would take.
    pub(crate) fn admit(&self, request: &mut Request) -> Result<(), ApiError> {
        let peer = request.extensions().get::<Peer>().copied().ok_or_else(ApiError::internal)?;
        let judged = self.access.judge(&self.control.trusted(), peer, request.headers());
        let caller = judged.inspect_err(|refusal| {
            tracing::debug!(%peer, path = request.uri().path(), reason = refusal.message(), "refused");
        })?;
        request.extensions_mut().insert(caller);
        Ok(())
    }

    /// Does something with the power of hosts. It goes on when whoever asked for it has gone: a machine must not be left
    /// between off and on.
    pub(crate) async fn power(
        &self,
        hosts: Vec<HostName>,
        action: PowerAction,
        by: Door,
    ) -> Result<Vec<PowerOutcome>, ApiError> {
        let control = Arc::clone(&self.control);
        tokio::spawn(async move { control.power(hosts, action, by).await }).await.map_err(|error| {
            tracing::error!(%error, "a request failed");
            ApiError::internal()
        })
    }

    /// Runs what looks at the files beneath the roots on a thread that may wait for the disk.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let app = self.clone();
        tokio::task::spawn_blocking(move || look(&app)).await.map_err(|error| {
            tracing::error!(%error, "a request failed");
            ApiError::internal()
        })
    }

    /// The profile that somebody names, as it is now.
    pub(crate) async fn profile(&self, text: &str) -> Result<Arc<Profile>, ApiError> {
        let unknown = || ApiError::unknown_profile(text);
        let name = text.parse::<ProfileName>().map_err(|_| unknown())?;
        let found = self.look(move |app| app.control.site().profile(&*app.control.tree(), &name)).await?;
        found.ok_or_else(unknown)
    }
}
