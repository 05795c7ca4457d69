use std::{path::PathBuf, sync::Arc, time::Duration};

use nextboot_config::dnsmasq::Settled;
use nextboot_model::EventKind;

use super::{disk::files_of, links};
use crate::{
    appliance::{Appliance, Settings},
    stop::Stop,
};

/// How often watched directories and the interfaces are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A file as far as a look tells: name, length, when it was changed, and which it is.
type Looks = Vec<(PathBuf, u64, Option<std::time::SystemTime>, u64)>;

/// Takes the files of `dhcp-hostsdir` and its kin as they come, and interfaces that get their addresses later.
pub(crate) async fn watch(app: Arc<Appliance>, mut stop: Stop) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut before = look(&app).await;
    loop {
        tokio::select! {
            () = stop.wait() => return,
            _ = ticks.tick() => {}
        }
        let now = look(&app).await;
        let moved = app.networks_moved();
        if now != before || moved {
            before = now;
            app.take_again().await;
        }
    }
}

async fn look(app: &Arc<Appliance>) -> Looks {
    let watched = app.beside.lock().as_ref().map(|beside| beside.watched.clone()).unwrap_or_default();
    if watched.is_empty() {
        return Looks::new();
    }
    tokio::task::spawn_blocking(move || looks(&watched)).await.unwrap_or_default()
}

fn looks(watched: &[PathBuf]) -> Looks {
    use std::os::unix::fs::MetadataExt as _;
    let files = watched.iter().filter_map(|directory| files_of(directory).ok()).flatten();
    let each = files.filter_map(|file| {
        let metadata = std::fs::metadata(&file).ok()?;
        Some((file, metadata.len(), metadata.modified().ok(), metadata.ino()))
    });
    each.collect()
}

impl Appliance {
    /// True where the addresses of our interfaces are not those that dnsmasq's files were read for.
    fn networks_moved(&self) -> bool {
        let beside = self.beside.lock();
        let Some(beside) = beside.as_ref() else { return false };
        let known =
            |address: &std::net::Ipv4Addr| beside.links.iter().any(|link| link.address.addr() == *address);
        !self.links.all_addresses().iter().all(known)
    }

    /// Makes the configuration again of files that were read and of those that are taken as they come.
    async fn take_again(self: &Arc<Self>) {
        let _alone = self.reloading.lock().await;
        let app = Arc::clone(self);
        let again = move || {
            let mut beside = app.beside.lock();
            let beside = beside.as_mut()?;
            beside.links = links();
            let Settled { mut config, notes, .. } = beside.settle();
            crate::reload::keep_until_restart(&app.settings.load().config, &mut config);
            Some((Settings::new(config), notes))
        };
        match tokio::task::spawn_blocking(again).await {
            Ok(Some((Ok(settings), notes))) => {
                self.put_in_force(settings);
                self.note(None, EventKind::Reloaded);
                let live: Vec<_> = notes.into_iter().filter(|note| note.live).collect();
                self.tell_lines(&live);
            }
            Ok(Some((Err(error), _))) => {
                self.note(None, EventKind::ReloadFailed { error: error.to_string() })
            }
            Ok(None) => {}
            Err(error) => self.note(None, EventKind::ReloadFailed { error: error.to_string() }),
        }
    }
}
