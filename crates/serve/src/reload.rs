use std::sync::Arc;

use nextboot_config::{Api, Config, Http, Mode, dnsmasq::Note};
use nextboot_model::EventKind;

use crate::{
    appliance::{Appliance, Mutex, Settings},
    beside::Beside,
    dhcp::Responder,
    settings::{BadConfig, load},
};

impl Appliance {
    /// Reads the configuration file again. A wrong one changes nothing. Leases, transfers, attempts and assignments live
    /// on. Returns the settings that hold only after a restart.
    pub(crate) async fn reload(&self) -> Result<Vec<String>, String> {
        // Of two at once the one that read the newer file must not be undone by the other.
        let _alone = self.reloading.lock().await;
        let source = self.source.clone();
        let old = self.settings.load_full();
        let pilot = old.config.compat.pilot.clone();
        let beside = Arc::clone(&self.beside);
        let read = move || {
            let (mut config, notes, theirs) = with_dnsmasq(&beside, load(&source)?);
            let mut fixed: Vec<String> =
                keep_until_restart(&old.config, &mut config).into_iter().map(str::to_owned).collect();
            fixed.extend(theirs);
            let settings = Settings::new(config)?;
            let hidden = settings.hidden_profiles();
            Ok((settings, fixed, hidden, notes))
        };
        let outcome = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(error)) => Err(BadConfig::to_string(&error)),
            Err(error) => Err(error.to_string()),
        };
        match outcome {
            Ok((settings, fixed, hidden, notes)) => {
                self.put_in_force(settings);
                self.note(None, EventKind::Reloaded);
                self.tell_lines(&notes);
                for what in hidden {
                    self.note(None, EventKind::Trouble { what });
                }
                if !fixed.is_empty() {
                    let what =
                        format!("these settings changed and hold only after a restart: {}", fixed.join(", "));
                    self.note(None, EventKind::Trouble { what });
                }
                self.take_pilot_hosts(pilot).await;
                Ok(fixed)
            }
            Err(error) => {
                self.note(None, EventKind::ReloadFailed { error: error.clone() });
                Err(error)
            }
        }
    }

    /// From now on this configuration holds.
    pub(crate) fn put_in_force(&self, settings: Settings) {
        self.reconfigure_dhcp(&settings.config);
        self.switches.runner.resize(&settings.config.power);
        if self.settings.load().site.menu != settings.site.menu {
            self.attempts.lock().forget_picks();
        }
        self.settings.store(Arc::new(settings));
    }

    fn reconfigure_dhcp(&self, config: &Config) {
        match &mut *self.responder.lock() {
            Responder::Server(server) if config.dhcp.mode == Mode::Server => {
                server.reconfigure(config.dhcp.server.clone());
            }
            Responder::Proxy(proxy) if config.dhcp.mode == Mode::Proxy => {
                proxy.reconfigure(config.dhcp.proxy.clone());
            }
            // Nobody asks us.
            _ => {}
        }
    }
}

/// With what dnsmasq's files say now that are read again; its main file holds as it was at the start. Returns what is to be said
/// about lines of them, and what has changed that holds only after a restart.
fn with_dnsmasq(beside: &Mutex<Option<Beside>>, base: Config) -> (Config, Vec<Note>, Option<String>) {
    let mut beside = beside.lock();
    let named = base.dnsmasq.as_ref().map(|named| named.file.clone());
    let moved = named.as_deref() != beside.as_ref().map(Beside::file);
    let moved = moved.then(|| "dhcp.dnsmasq_conf".to_owned());
    match &mut *beside {
        None => (base, Vec::new(), moved),
        Some(beside) => {
            let (settled, changed) = beside.reload(base);
            let live = settled.notes.into_iter().filter(|note| note.live).collect();
            (settled.config, live, moved.or_else(|| changed.map(|file| file.display().to_string())))
        }
    }
}

/// Settings that are bound to sockets and files opened at the start stay as they are, so that no text names a port where
/// nobody listens and no status tells what does not hold. Returns which of them the file has otherwise.
pub(crate) fn keep_until_restart(old: &Config, new: &mut Config) -> Vec<&'static str> {
    let mut fixed = Vec::new();
    let mut keep = |key, differs| {
        if differs {
            fixed.push(key);
        }
    };
    keep("interfaces", old.interfaces != new.interfaces);
    keep("data_dir", old.data_dir != new.data_dir);
    keep("log", old.log != new.log);
    keep("journal.events", old.journal_events != new.journal_events);
    keep("dhcp.mode", old.dhcp.mode != new.dhcp.mode);
    keep("tftp.enabled", old.tftp.enabled != new.tftp.enabled);
    keep("tftp.port", old.tftp.port != new.tftp.port);
    // And whose word on whom they ask for is taken.
    let http = Http { trusted_proxies: Arc::clone(&new.http.trusted_proxies), ..old.http.clone() };
    keep("http", http != new.http);
    keep("tests.max_log", old.tests.max_log != new.tests.max_log);
    // Whom we trust is asked for each call.
    let Api { trusted, metrics, .. } = new.api.clone();
    let api = Api { trusted, metrics, ..old.api.clone() };
    keep("api", api != new.api);
    new.interfaces.clone_from(&old.interfaces);
    new.data_dir.clone_from(&old.data_dir);
    new.log.clone_from(&old.log);
    new.journal_events = old.journal_events;
    if new.dhcp.mode != old.dhcp.mode {
        // The other mode's file need not say what this mode needs.
        new.dhcp.clone_from(&old.dhcp);
    }
    new.tftp.enabled = old.tftp.enabled;
    new.tftp.port = old.tftp.port;
    new.http = http;
    new.tests.max_log = old.tests.max_log;
    new.api = api;
    new.site.gives_addresses = old.site.gives_addresses;
    new.site.http_port = old.site.http_port;
    new.site.api_port = old.site.api_port;
    fixed
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SERVER: &str = "[dhcp]\nmode = \"server\"\n[[dhcp.subnet]]\nnetwork = \"10.0.0.0/24\"\npool = \"10.0.0.100-10.0.0.199\"\n";

    fn config(text: &str) -> Config {
        Config::parse(text, Path::new("/etc/nextboot/nextboot.toml")).unwrap()
    }

    #[test]
    fn what_is_bound_stays_as_it_is_and_is_named() {
        let old = config(SERVER);
        let text = "interfaces = [\"eth7\"]\nlog = \"debug\"\ndata_dir = \"/x\"\n[journal]\nevents = 5000\n\
                    [dhcp]\nmode = \"off\"\n[tftp]\nenabled = false\nport = 6969\n[http]\nport = 8081\n[api]\nport = 9999\n\
                    [boot]\nattempts = 5\n";
        let mut new = config(text);
        let fixed = keep_until_restart(&old, &mut new);
        let all = [
            "interfaces",
            "data_dir",
            "log",
            "journal.events",
            "dhcp.mode",
            "tftp.enabled",
            "tftp.port",
            "http",
            "api",
        ];
        assert_eq!(fixed, all);
        assert_eq!((new.site.http_port, new.site.api_port), (old.http.port, old.api.port));
        assert_eq!(new.dhcp, old.dhcp, "a server keeps its subnets");
        assert_eq!(new.site.attempts, 5, "all else holds at once");
        assert!(keep_until_restart(&old, &mut new).is_empty(), "all of them stay");
        assert_eq!(
            keep_until_restart(&old, &mut config(text)),
            all,
            "and are named again at the next reload"
        );
    }

    #[test]
    fn what_is_not_bound_needs_no_restart() {
        let mut new = config("[boot]\nattempts = 9\n[tftp]\nmax_window = 4\n");
        assert!(keep_until_restart(&Config::default(), &mut new).is_empty());
        assert_eq!((new.site.attempts, new.tftp.max_window), (9, 4));
    }
}
