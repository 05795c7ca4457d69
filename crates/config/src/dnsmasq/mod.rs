//! dnsmasq's configuration, and what nextboot makes of it.
//!
//! [`Dnsmasq::read`] reads the main file with all that it includes; it holds until a restart, as in dnsmasq. [`Dnsmasq::settle`]
//! makes the whole configuration of it and of the files that dnsmasq reads again at a signal: hosts, reservations, options.
//! Nothing is dropped in silence: each line that is not taken over has a [`Note`] that says what it would have meant. What dnsmasq
//! itself takes and refuses was asked of dnsmasq 2.90 (`dnsmasq --test`, and its answers on a wire).

mod directive;
mod host;
mod hosts;
mod leases;
mod line;
mod note;
mod option;
mod range;
mod settle;
mod source;
mod table;
mod tag;
#[cfg(test)]
mod tests;
mod value;
mod write;

use std::path::{Path, PathBuf};

use directive::{Directive, Reading};
use ipnet::Ipv4Net;
use note::Place;

pub use leases::read_leases;
pub use note::{Note, Weight};
pub use source::{Source, Text, is_passed_over};
pub use write::write;

use crate::Config;

/// Where dnsmasq keeps its leases when nobody says otherwise, in Debian.
pub const DEFAULT_LEASE_FILE: &str = "/var/lib/misc/dnsmasq.leases";

/// An interface of this machine: what a range without a netmask is in, and what "this server's address" means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// An address of it with the length of its prefix.
    pub address: Ipv4Net,
}

/// A main file that was read.
#[derive(Debug, Clone)]
pub struct Dnsmasq {
    file: PathBuf,
    directives: Vec<Directive>,
    notes: Vec<Note>,
}

/// What was made of dnsmasq's files.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The whole configuration.
    pub config: Config,
    /// What is to be said about single lines.
    pub notes: Vec<Note>,
    /// Where dnsmasq kept its leases.
    pub lease_file: PathBuf,
    /// Directories whose files are taken as they come.
    pub watched: Vec<PathBuf>,
}

impl Settled {
    /// What keeps the server from starting: what dnsmasq would not start with either.
    pub fn fatal(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.weight == Weight::Wrong && !note.live)
    }
}

impl Dnsmasq {
    /// Reads the main file and all that it includes.
    #[must_use]
    pub fn read(file: &Path, source: &dyn Source) -> Self {
        let mut reading = Reading::new(source);
        reading.file(file, &Place { file: file.to_owned(), line: 0, live: false }, 0);
        reading.unnamed(file);
        let Reading { directives, notes, .. } = reading;
        Self { file: file.to_owned(), directives, notes: notes.into_list() }
    }

    /// The main file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// True where the other says the same, mistakes included.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let directives = |dnsmasq: &Self| -> Vec<(String, String)> {
            dnsmasq.directives.iter().map(|line| (line.name.clone(), line.argument.clone())).collect()
        };
        let notes =
            |dnsmasq: &Self| -> Vec<String> { dnsmasq.notes.iter().map(|note| note.text.clone()).collect() };
        directives(self) == directives(other) && notes(self) == notes(other)
    }

    /// Makes the configuration: what nextboot's own file says, and all that dnsmasq's files say. `links` are the interfaces of
    /// this machine.
    #[must_use]
    pub fn settle(&self, base: &Config, source: &dyn Source, links: &[Link]) -> Settled {
        settle::settle(self, base, source, links)
    }
}
