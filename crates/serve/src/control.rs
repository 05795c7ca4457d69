use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use ipnet::IpNet;
use nextboot_api::{
    Access, BoxFuture, Control, Found, Limits, Listeners, PowerKnown, PowerOutcome, Status, TestLimits,
    Token, Written,
};
use nextboot_boot::{Client, Firmware, Loader, Plan, Setting, Site, Tree};
use nextboot_model::{Attempt, Door, HostName, Lease, Mac, Neighbour, PowerAction, TestName, Via};
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

    fn sightings(&self, host: &HostName) -> Vec<Client> {
        self.sightings.lock().of(host)
    }

    fn written(&self, client: &Client, plan: &Plan) -> Written {
        let Some(loader) = &plan.loader else { return Written::default() };
        let settings = self.settings.load_full();
        let own = self.links.all_addresses();
        let there = client.network.and_then(|network| self.links.towards(network.into(), network.into()));
        let server =
            there.or_else(|| own.first().copied().map(IpAddr::V4)).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let state = self.store.state();
        let via = if client.firmware == Firmware::HttpBoot { Via::Http } else { Via::Tftp };
        let setting = Setting { foreign: true, via, ..self.setting(&settings, &state, client, server) };
        let base = nextboot_boot::base(server, settings.site.http_port);
        let language = loader.language();
        // What it reads at an address of its own is not ours.
        let ours = language.filter(|_| !matches!(loader, Loader::Address(_)));
        let text = ours.map(|language| match setting.answer(plan, language) {
            Ok(answer) => Ok(String::from_utf8_lossy(&answer.text).into_owned()),
            Err(error) => Err(error.to_string()),
        });
        Written { boot_file: Some(loader.boot_file(client, &base)), language, text }
    }

    fn test_names(&self) -> Result<Vec<TestName>, String> {
        self.test_names()
    }

    fn test_limits(&self) -> TestLimits {
        let settings = self.settings.load();
        TestLimits { keep: settings.config.tests.keep, max_log: settings.config.tests.max_log }
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

    fn metrics(&self) -> String {
        self.write_metrics()
    }

    fn scrapers(&self) -> Vec<IpNet> {
        self.settings.load().config.api.metrics.clone()
    }

    fn trusted(&self) -> Vec<IpNet> {
        self.settings.load().config.api.trusted.clone()
    }

    fn proxies(&self) -> Arc<[IpNet]> {
        Arc::clone(&self.settings.load().config.http.trusted_proxies)
    }

    fn reload(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        Box::pin(self.reload())
    }

    fn power(&self, hosts: Vec<HostName>, action: PowerAction, by: Door) -> BoxFuture<'_, Vec<PowerOutcome>> {
        Box::pin(self.switch(hosts, action, by))
    }

    fn power_known(&self, host: &HostName) -> PowerKnown {
        self.power_of(host)
    }

    fn find_controllers(&self) -> BoxFuture<'_, Vec<Found>> {
        Box::pin(self.look_for_controllers())
    }

    fn status(&self) -> Status {
        Status {
            version: VERSION.into(),
            started: self.started,
            mode: self.settings.load().config.dhcp.mode.key().into(),
            interfaces: self.links.names(),
            config: self.source.file.clone(),
        }
    }
}
