//! One client in one place.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, anyhow};

use super::place::Place;
use super::row::{Reached, Row};
use super::rows;
use super::stage::Stage;
use crate::lab::Lab;
use crate::site::SmallInstaller;

/// Why a cell failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// In a line.
    pub(crate) why: String,
    /// The ends of everything that was written down, and the events.
    pub(crate) texts: String,
}

/// A cell of the matrix.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) row: &'static Row,
    pub(crate) place: Place,
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.row.name == other.row.name && self.place == other.place
    }
}

impl Eq for Cell {}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl Cell {
    /// Every cell, row by row.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        rows::ALL.iter().flat_map(|row| row.places().map(move |place| Self { row, place }))
    }

    /// `ROW/PLACE`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.row.name, self.place.name())
    }

    /// True when it runs without `--all`.
    pub(crate) fn in_ci(&self) -> bool {
        self.row.ci.contains(&self.place)
    }

    /// True for `ROW/PLACE`, and for `ROW/` and `/PLACE`.
    pub(crate) fn matches(&self, wanted: &str) -> bool {
        let Some((row, place)) = wanted.split_once('/') else { return false };
        (!row.is_empty() || !place.is_empty())
            && (row.is_empty() || row == self.row.name)
            && (place.is_empty() || place == self.place.name())
    }

    /// Runs the cell in a laboratory of its own.
    pub(crate) fn run(&self) -> Result<Reached, Failure> {
        let bare = |error: anyhow::Error| Failure { why: format!("{error:#}"), texts: String::new() };
        let lab = Lab::new(&format!("matrix/{}-{}", self.row.name, self.place.name())).map_err(bare)?;
        let mut events = String::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.play(&lab, &mut events)));
        outcome.unwrap_or_else(|_| Err(anyhow!("the cell's own code panicked; see above"))).map_err(|error| {
            let texts = format!("{}--- {}: events ---\n{events}\n", lab.ends(), self.name());
            Failure { texts, ..bare(error) }
        })
    }

    fn play(&self, lab: &Lab, events: &mut String) -> Result<Reached> {
        let site = SmallInstaller::new(lab)?;
        (self.row.prepare)(&site)?;
        let _wire = lab.capture("wire")?;
        let stage = Stage::new(lab, self.place, &site, self.row)?;
        let outcome = (self.row.run)(&stage);
        if outcome.is_err() {
            *events = stage.server.cli(&["events"]).unwrap_or_else(|error| format!("{error:#}"));
        }
        outcome
    }
}
