//! A kind of client: what the site is like for it, and what it does.

use std::time::Duration;

use anyhow::Result;

use super::place::Place;
use super::stage::Stage;
use crate::site::SmallInstaller;

/// How far a client came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The last thing that was seen, like `kernel`.
    pub(crate) what: &'static str,
    /// How long after power-on, or after the client's start.
    pub(crate) after: Duration,
}

/// A row of the matrix.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Its name on the command line and in the table.
    pub(crate) name: &'static str,
    /// The client in words, and what it goes through.
    pub(crate) what: &'static str,
    /// The places whose cells run without `--all`.
    pub(crate) ci: &'static [Place],
    /// Why there is no cell in a place; nothing where there is one.
    pub(crate) without: fn(Place) -> Option<&'static str>,
    /// What the configuration needs beside interfaces and DHCP: the profiles, and loaders that are not the default.
    pub(crate) config: fn(Place) -> &'static str,
    /// More for the `[dhcp]` section.
    pub(crate) dhcp: &'static str,
    /// More arguments for the dnsmasq on another machine, where there is one.
    pub(crate) beside: &'static [&'static str],
    /// Puts what the client needs into the boot tree.
    pub(crate) prepare: fn(&SmallInstaller) -> Result<()>,
    /// Runs the client until it has booted.
    pub(crate) run: fn(&Stage<'_>) -> Result<Reached>,
}

impl Row {
    /// The places that have a cell.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        Place::ALL.into_iter().filter(|&place| (self.without)(place).is_none())
    }
}

/// For rows with a cell in every place.
pub(crate) fn everywhere(_: Place) -> Option<&'static str> {
    None
}

/// For rows that need nothing but the small installer's kernel in the tree.
pub(crate) fn nothing(_: &SmallInstaller) -> Result<()> {
    Ok(())
}
