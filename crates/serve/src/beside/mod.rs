//! dnsmasq's files in the place of `[dhcp]`: the main file as it was at the start, and beside it the files that are read again at
//! a reload, or as they come.

mod disk;
mod import;
mod leases;
mod watch;

use std::path::PathBuf;

use nextboot_config::{
    Config,
    dnsmasq::{Dnsmasq, Link, Note, Settled, Weight},
};
use nextboot_model::EventKind;
use nextboot_net::Network;

use crate::{appliance::Appliance, settings::BadConfig};

pub use import::{import, import_leases};
pub(crate) use leases::{TakenOver, take_over};
pub(crate) use watch::watch;

use disk::Disk;

/// What dnsmasq's files said, and what nextboot's own file says beside them.
#[derive(Debug)]
pub(crate) struct Beside {
    base: Config,
    main: Dnsmasq,
    disk: Disk,
    links: Vec<Link>,
    watched: Vec<PathBuf>,
}

/// A configuration that is whole.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) config: Config,
    pub(crate) beside: Option<Beside>,
    pub(crate) notes: Vec<Note>,
    /// Where dnsmasq kept its leases.
    pub(crate) lease_file: Option<PathBuf>,
}

/// Makes a configuration whole: with all that dnsmasq's files say, where it names them.
pub(crate) fn whole(base: Config) -> Result<Whole, BadConfig> {
    let Some(own) = &base.dnsmasq else {
        return Ok(Whole { config: base, beside: None, notes: Vec::new(), lease_file: None });
    };
    let disk = Disk::default();
    let main = Dnsmasq::read(&own.file, &disk);
    // From now on files are read when it is time.
    disk.forget();
    let mut beside = Beside { base, main, disk, links: links(), watched: Vec::new() };
    let Settled { config, notes, lease_file, .. } = beside.settle();
    let fatal: Vec<String> = notes.iter().filter(|note| is_fatal(note)).map(ToString::to_string).collect();
    if !fatal.is_empty() {
        return Err(BadConfig::Dnsmasq(fatal.join("\n")));
    }
    Ok(Whole { config, beside: Some(beside), notes, lease_file: Some(lease_file) })
}

/// What dnsmasq would not start with either.
fn is_fatal(note: &Note) -> bool {
    note.weight == Weight::Wrong && !note.live
}

impl Beside {
    fn settle(&mut self) -> Settled {
        let settled = self.main.settle(&self.base, &self.disk, &self.links);
        self.watched.clone_from(&settled.watched);
        settled
    }

    /// Reads everything again that dnsmasq reads again at a signal, under what nextboot's own file says now. Returns the main
    /// file where it says something else than at the start, which holds only after a restart.
    pub(crate) fn reload(&mut self, base: Config) -> (Settled, Option<PathBuf>) {
        let theirs = Disk::default();
        let changed = !self.main.says_the_same(&Dnsmasq::read(self.main.file(), &theirs));
        self.base = base;
        self.disk.forget();
        self.links = links();
        let settled = self.settle();
        (settled, changed.then(|| self.main.file().to_owned()))
    }

    /// The main file.
    pub(crate) fn file(&self) -> &std::path::Path {
        self.main.file()
    }
}

/// The interfaces of this machine as they are now. Asked in a thread of its own, because a configuration is read in places that
/// wait and in places that do not.
fn links() -> Vec<Link> {
    let ask = || -> Option<Vec<Link>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async {
            let network = Network::open().ok()?;
            let interfaces = network.interfaces().await.ok()?;
            let each = interfaces.iter().filter(|interface| !interface.loopback).flat_map(|interface| {
                interface.ipv4().filter_map(|(address, prefix)| {
                    let address = ipnet::Ipv4Net::new(address, prefix).ok()?;
                    Some(Link { name: interface.name.clone(), address })
                })
            });
            Some(each.collect())
        })
    };
    std::thread::spawn(ask).join().ok().flatten().unwrap_or_default()
}

impl Appliance {
    /// Tells what is to be said about lines of dnsmasq's files: what is wrong as events, the rest in the log.
    pub(crate) fn tell_lines(&self, notes: &[Note]) {
        for note in notes {
            match note.weight {
                Weight::Wrong => self.note(None, EventKind::Trouble { what: note.to_string() }),
                Weight::Lost => tracing::warn!("{note}"),
                Weight::Otherwise => tracing::info!("{note}"),
            }
        }
    }
}
