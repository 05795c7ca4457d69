//! The command line of pxe-pilot: its commands, options, tables and exit codes, against the API that has its routes.
//!
//! Where it differs on purpose: with no `--server`, root on the server's own host needs no token, because the unix socket is
//! tried first; a token comes from `NEXTBOOT_TOKEN` or `--token-file`; a command that fails says why on standard error, where
//! pxe-pilot said nothing or wrote it among the data.

mod args;
mod command;
mod table;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser as _, error::ErrorKind};

use args::Arguments;

/// Exit code of whatever fails.
const FAILED: u8 = 1;
/// Exit code of a wrong command line.
const USAGE: u8 = 2;

/// Runs a command line of pxe-pilot.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            print!("{error}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("Error: incorrect usage\n\n{error}");
            return ExitCode::from(USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("Error : cannot start: {error}");
            return ExitCode::from(FAILED);
        }
    };
    match runtime.block_on(command::run(arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("Error : {failure}");
            ExitCode::from(FAILED)
        }
    }
}
