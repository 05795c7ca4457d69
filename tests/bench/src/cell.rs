//! What there is to run.

use anyhow::Result;

use crate::outcome::Outcome;

/// A question with its answer.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// What it is called on the command line: domain, then what is measured.
    pub name: &'static str,
    /// The question, as the table says it.
    pub what: &'static str,
    /// Measures.
    pub run: fn(&Bench) -> Result<Outcome>,
}

/// How thoroughly to measure.
#[derive(Debug, Clone, Copy)]
pub struct Bench {
    /// Show that it works, as briefly as possible.
    pub quick: bool,
    /// How often each contestant runs.
    pub rounds: usize,
}

impl Bench {
    /// One of two sizes: the real one, or the one for showing that it works.
    #[must_use]
    pub fn size<T>(&self, real: T, quick: T) -> T {
        if self.quick { quick } else { real }
    }
}
