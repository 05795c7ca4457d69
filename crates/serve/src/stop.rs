use tokio::sync::watch;

/// Tells every part of the appliance that it ends. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// The other end of [`Stop`].
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

impl Stop {
    pub(crate) fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// Waits until it is time to stop. Safe to cancel.
    pub(crate) async fn wait(&mut self) {
        // An error means that the other end is gone, which is as good as being told.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

impl Stopper {
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}
