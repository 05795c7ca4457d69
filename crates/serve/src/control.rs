use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use nextboot_api::{Access, BoxFuture, Control, Limits, Listeners, Status, Token};
use nextboot_boot::{Site, Tree};
use nextboot_model::{Attempt, Lease, Mac, Neighbour};
use nextboot_store::Store;

use crate::{VERSION, appliance::Appliance, stop::Stop};

/// Serves the control API until told to stop.
pub(crate) async fn serve(app: Arc<Appliance>, listeners: Listeners, token: Token, mut stop: Stop) {
    let access = Access { token, own_uid: rustix::process::geteuid().as_raw() };
    nextboot_api::serve(listeners, app, access, Limits::default(), async move { stop.wait().await }).await;
}

impl Control for Appliance {
    fn store(&self) -> &Store {
        &self.store
    }

    fn site(&self) -> Arc<Site> {
        Arc::clone(&self.settings.load().site)
    }

    fn tree(&self) -> Arc<dyn Tree + Send + Sync> {
        Arc::clone(&self.settings.load().tree) as Arc<dyn Tree + Send + Sync>
    }

    fn owner(&self, address: IpAddr) -> BoxFuture<'_, Option<Mac>> {
        Box::pin(self.owner(address))
    }

    fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().iter().cloned().collect()
    }

    fn attempt(&self, mac: Mac) -> Option<Attempt> {
        self.attempts.lock().of(mac).cloned()
    }

    fn leases(&self) -> Vec<Lease> {
        let responder = self.responder.lock();
        responder.leases().map(|leases| leases.iter().cloned().collect()).unwrap_or_default()
    }

    fn neighbours(&self) -> Vec<Neighbour> {
        self.neighbours.lock().all()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.probe())
    }

    fn trusted(&self) -> Vec<IpNet> {
        self.settings.load().config.api.trusted.clone()
    }

    fn reload(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        Box::pin(self.reload())
    }

    fn status(&self) -> Status {
        Status {
            version: VERSION.into(),
            started: self.started,
            mode: self.settings.load().config.dhcp.mode.key().into(),
            interfaces: self.links.names(),
            config: self.config_file.clone(),
        }
    }
}
