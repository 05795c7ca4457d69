//! `nextboot simulate`: thousands of machines of [`nextboot_firmware`] that boot from a server at once, over one packet socket.
//!
//! - [`Mix`] says which firmware how many of them have; a card's address begins with the [`Prefix`] and ends with the
//!   machine's number.
//! - `crowd` is all machines and what each wants next: frames and time in, frames out, without I/O like its machines.
//! - `tally` counts what they did, and makes the [`Report`] of it.
//! - `drive` moves the frames, shows how far they are, and stops at Ctrl-C.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | all booted |
//! | 1 | some did not; the report says why |
//! | 2 | the command line is wrong (clap) |
//! | 69 | it may not, or there is no such interface |
#![forbid(unsafe_code)]

mod args;
mod crowd;
mod drive;
mod mix;
mod prefix;
mod progress;
mod report;
mod tally;

use std::process::ExitCode;

pub use args::Arguments;
pub use mix::Mix;
pub use prefix::Prefix;
pub use report::Report;

/// Exit code when some machines did not boot.
const NOT_ALL: u8 = 1;
/// Exit code when the command line is wrong; clap's own.
const USAGE: u8 = 2;
/// Exit code when something that is needed is not there (sysexits.h: EX_UNAVAILABLE).
const UNAVAILABLE: u8 = 69;

/// Runs the command: machines boot, and the report goes to standard output, as a table or as JSON.
#[must_use]
pub fn run(arguments: &Arguments, json: bool) -> ExitCode {
    let report = match drive::drive(arguments) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("nextboot: {error}");
            return ExitCode::from(error.code());
        }
    };
    let text = if json { report.json() } else { report.to_string() };
    // Whoever reads it may have had enough, as `head` does.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{}\n", text.trim_end()).as_bytes());
    if report.all_booted() { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) }
}
