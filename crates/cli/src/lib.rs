//! Commands that talk to a running appliance, over its unix socket or by HTTP.
//!
//! The binary flattens [`Global`] and [`Command`] into its own command line and hands both to [`run`], which says on
//! standard output what came of it, on standard error what went wrong, and returns the exit code:
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the server refused: no such host, a name or address that is taken, a configuration that is wrong |
//! | 2 | the command line is wrong (clap) |
//! | 3 | the server cannot be reached, or what answers is not nextboot |
//! | 4 | not allowed: a token is needed, or is the wrong one |
//!
//! Tables are for people and may change; programs take `--json`, which is what the API sends (events: one object per
//! line). Whatever a machine on the network chose itself (host names, firmware strings) is shown without its control
//! characters.
//!
//! [`called_as`] is the other way in: the command lines of the programs that nextboot replaces.
#![forbid(unsafe_code)]

mod args;
mod called;
mod client;
mod command;
mod failure;
mod netboot;
mod output;
mod pxe_pilot;
mod pxemngr;
mod terminal;
mod view;

use std::process::ExitCode;

pub use args::{Command, EXAMPLES, Global, Import};
pub use called::{Called, called_as};

/// Runs a command against the server. `P` is the whole command line, for `completions`.
pub fn run<P: clap::CommandFactory>(global: Global, command: Command) -> ExitCode {
    carry_out(command::run::<P>(&global, command))
}

/// Takes over what another program knows, through the server.
pub fn import(global: Global, import: Import) -> ExitCode {
    carry_out(command::import(&global, import))
}

fn carry_out(command: impl Future<Output = Result<(), failure::Failure>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("nextboot: cannot start: {error}");
            return ExitCode::from(failure::UNREACHABLE);
        }
    };
    match runtime.block_on(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("nextboot: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
