//! The program: cells one after the other, a line and a table for each, one table at the end.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context, Result};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::arguments::{self, Wish};
use crate::cell::{Bench, Cell};
use crate::cells;
use crate::machine;
use crate::table::{Row, Table};

/// Exit code for a command line that nobody understands (sysexits' EX_USAGE).
const USAGE: u8 = 64;

/// The program `tests/bench/run` runs. Ends with success when every cell could be measured, whatever it measured.
#[must_use]
pub fn main() -> ExitCode {
    let cells = cells::all();
    match arguments::read(env::args().skip(1), &cells) {
        Ok(Wish::Help) => {
            print!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Ok(Wish::List) => {
            for cell in cells {
                println!("{:28} {}", cell.name, cell.what);
            }
            ExitCode::SUCCESS
        }
        Ok(Wish::Run(bench, cells)) => match run(bench, &cells) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("bench: {error:#}");
                ExitCode::FAILURE
            }
        },
        Err(complaint) => {
            eprintln!("bench: {complaint}\n\n{}", arguments::HELP);
            ExitCode::from(USAGE)
        }
    }
}

fn run(bench: Bench, cells: &[Cell]) -> Result<bool> {
    // Crowds of clients need a socket each, and so do the servers, which inherit this.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).context("cannot raise the number of open files")?;
    let started = Instant::now();
    let mut table = Table::new(bench, machine::describe());
    for cell in cells {
        let began = Instant::now();
        let outcome = (cell.run)(&bench).map_err(|error| format!("{error:#}"));
        let row = Row { name: cell.name, what: cell.what, outcome };
        println!("== {}: {} ({:.0} s)", cell.name, cell.what, began.elapsed().as_secs_f64());
        println!("{}", row.text());
        table.rows.push(row);
    }
    let dir = directory()?;
    fs::create_dir_all(&dir)?;
    for (name, text) in [("table.md", table.markdown()), ("table.json", table.json())] {
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        println!("written: {}", path.display());
    }
    let (met, targets) = table.score();
    let broken = table.broken();
    println!(
        "{} cells in {:.0} s: {met} of {targets} targets met, {broken} cells could not be measured",
        cells.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(broken == 0)
}

/// `bench` beside the directory of the build.
fn directory() -> Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program.ancestors().nth(2).context("the bench is not in a target directory")?.join("bench"))
}
