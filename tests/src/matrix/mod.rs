//! The boot matrix: each kind of client in each place that a site may put the box, on real firmware.
//!
//! A `Row` is a kind of client and what it does until it has booted; a `Place` is a column: how the
//! server takes part in the network. A cell is one row in one place, in a laboratory of its own. `tests/matrix` runs
//! cells, two at a time, says a line for each, and writes the table to `target/lab/matrix.md`.

mod arguments;
mod cell;
mod place;
mod row;
mod rows;
mod run;
mod stage;
mod table;

use std::process::ExitCode;

/// Exit code for a command line that nobody understands (sysexits' EX_USAGE).
const USAGE: u8 = 64;

/// The program `tests/matrix` runs.
#[must_use]
pub fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match arguments::read(&words) {
        Ok(arguments::Wish::List) => {
            print!("{}", table::list());
            ExitCode::SUCCESS
        }
        Ok(arguments::Wish::Run(cells)) => run::run(&cells),
        Err(complaint) => {
            eprintln!("matrix: {complaint}");
            eprintln!(
                "usage: tests/matrix [--list | --all | CELL...], where a CELL is ROW/PLACE, ROW/ or /PLACE"
            );
            ExitCode::from(USAGE)
        }
    }
}
