//! Cells, some at a time, with a line for each.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::cell::{Cell, Failure};
use super::table::{self, Results, seconds};
use crate::artefacts::{binary, lab_dir};

/// How many cells run at a time: an emulated machine needs a core. `MATRIX_JOBS` says otherwise.
const AT_A_TIME: usize = 2;

/// Runs these cells. Ends with success when all of them passed.
pub(crate) fn run(cells: &[Cell]) -> ExitCode {
    if let Err(error) = binary() {
        eprintln!("matrix: no server to test: {error:#}");
        return ExitCode::FAILURE;
    }
    let jobs = std::env::var("MATRIX_JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(AT_A_TIME);
    let started = Instant::now();
    let next = AtomicUsize::new(0);
    let results: Mutex<Results> = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, cells.len().max(1)) {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    one(cell, &results);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let failed = results.values().filter(|time| time.is_none()).count();
    let table = table::markdown(&results);
    match lab_dir() {
        Ok(dir) => {
            let path = dir.join("matrix.md");
            match fs::write(&path, table) {
                Ok(()) => println!("the table: {}", path.display()),
                Err(error) => eprintln!("matrix: cannot write {}: {error}", path.display()),
            }
        }
        Err(error) => eprintln!("matrix: no place for the table: {error:#}"),
    }
    println!("{} passed, {failed} failed, in {} s", results.len() - failed, seconds(started.elapsed()));
    if failed == 0 && results.len() == cells.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(cell: &Cell, results: &Mutex<Results>) {
    let started = Instant::now();
    let outcome = cell.run();
    let name = cell.name();
    let (said, time) = match outcome {
        Ok(reached) => (
            format!("{name}: ok {} s, got as far as: {}\n", seconds(reached.after), reached.what),
            Some(reached.after),
        ),
        Err(Failure { why, texts }) => {
            (format!("{texts}{name}: FAILED after {} s: {why}\n", seconds(started.elapsed())), None)
        }
    };
    // In one piece, so that two at a time can be read.
    let _ = stdout().lock().write_all(said.as_bytes());
    if let Ok(mut results) = results.lock() {
        results.insert((cell.row.name, cell.place), time);
    }
}
