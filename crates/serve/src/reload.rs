use std::sync::Arc;

use nextboot_config::{Config, Mode};
use nextboot_model::EventKind;

use crate::{
    appliance::{Appliance, Settings},
    dhcp::Responder,
    settings::load,
};

impl Appliance {
    /// Reads the configuration file again. A wrong one changes nothing. Leases, transfers, attempts and assignments live
    /// on.
    pub(crate) async fn reload(&self) -> Result<(), String> {
        let file = self.config_file.clone();
        let read = tokio::task::spawn_blocking(move || load(file.as_deref()).and_then(Settings::new)).await;
        let outcome = match read {
            Ok(Ok(settings)) => Ok(settings),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match outcome {
            Ok(settings) => {
                let fixed = needs_restart(&self.settings.load().config, &settings.config);
                self.reconfigure_dhcp(&settings.config);
                self.settings.store(Arc::new(settings));
                self.note(None, EventKind::Reloaded);
                if !fixed.is_empty() {
                    let what =
                        format!("these settings changed and hold only after a restart: {}", fixed.join(", "));
                    self.note(None, EventKind::Trouble { what });
                }
                Ok(())
            }
            Err(error) => {
                self.note(None, EventKind::ReloadFailed { error: error.clone() });
                Err(error)
            }
        }
    }

    fn reconfigure_dhcp(&self, config: &Config) {
        match &mut *self.responder.lock() {
            Responder::Server(server) if config.dhcp.mode == Mode::Server => {
                server.reconfigure(config.dhcp.server.clone());
            }
            Responder::Proxy(proxy) if config.dhcp.mode == Mode::Proxy => {
                proxy.reconfigure(config.dhcp.proxy.clone());
            }
            // Another mode needs other sockets; that is a restart, and was said.
            _ => {}
        }
    }
}

/// Settings that are bound to sockets and files opened at the start.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let differs = [
        ("interfaces", old.interfaces != new.interfaces),
        ("data_dir", old.data_dir != new.data_dir),
        ("log", old.log != new.log),
        ("journal.events", old.journal_events != new.journal_events),
        ("dhcp.mode", old.dhcp.mode != new.dhcp.mode),
        ("tftp.enabled", old.tftp.enabled != new.tftp.enabled),
        ("tftp.port", old.tftp.port != new.tftp.port),
        ("http", old.http != new.http),
        ("api", old.api != new.api),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
