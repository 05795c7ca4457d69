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

use args::{Arguments, Command, Global};

use crate::called::Called;

/// Exit code of whatever fails.
const FAILED: u8 = 1;
/// Exit code of a wrong command line.
const USAGE: u8 = 2;

/// Runs a command line of pxe-pilot.
pub(crate) fn run(arguments: Vec<OsString>) -> Called {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            print!("{error}");
            return Called::Done(ExitCode::SUCCESS);
        }
        Err(error) => {
            eprint!("Error: incorrect usage\n\n{error}");
            return Called::Done(ExitCode::from(USAGE));
        }
    };
    match arguments.command {
        Command::Server { config } => Called::PxePilotServer(config),
        Command::Client(command) => Called::Done(ask(&arguments.global, command)),
    }
}

fn ask(global: &Global, command: args::Client) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("Error : cannot start: {error}");
            return ExitCode::from(FAILED);
        }
    };
    match runtime.block_on(command::run(global, command)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("Error : {failure}");
            ExitCode::from(FAILED)
        }
    }
}
