//! The command line of pxemngr: its sub-commands, output and exit codes, against the API.
//!
//! Where it differs on purpose: a MAC address that is none leaves no half-made system behind; one that another system has
//! moves to the new one, as pxemngr did at first, and a system without any card or network left is forgotten; nothing is
//! written into the tree (the server's answers follow the commands at once); `dpysystem` shows as the next boot what the
//! machine would boot if it came now, whoever said so; the `local` that nextboot has built in counts as missing for
//! `syncbootnames`, which then says what to put where.

mod systems;
mod test_queue;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use crate::{args::Global, client::Client, failure::Failure};

/// Exit code of whatever fails.
const FAILED: u8 = 1;

/// A sub-command: its name, what it takes, and what it does.
type SubCommand = (&'static str, &'static str, &'static str);

const SUB_COMMANDS: [SubCommand; 9] = [
    systems::ADDSYSTEM,
    systems::DELSYSTEM,
    systems::DPYSYSTEM,
    test_queue::DPYTEST,
    systems::NEXTBOOT,
    test_queue::NEXTTEST,
    systems::SYNCBOOTNAMES,
    systems::SYNCSYSTEMS,
    test_queue::SYNCTESTNAMES,
];

const MORE: &str = "
This is nextboot under the name of pxemngr; `nextboot --help` shows what else it can do. Root reaches the server on this host
by its unix socket; NEXTBOOT_SERVER=http://pxe-server:3478 and NEXTBOOT_TOKEN_FILE=FILE (or NEXTBOOT_TOKEN) reach another.

Examples:
  pxemngr addsystem node1 00:25:90:03:b6:e8 00:25:90:03:b6:e9
  pxemngr nextboot node1 inst          until it calls http://pxe-server:8080/localboot/
  pxemngr addsystem net1 10.34         all machines of 10.34.x.x that are no systems
  pxemngr dpysystem node1
  pxemngr nexttest node1 cpu memory    node1 takes them at http://pxe-server:8080/nexttest/";

/// Runs a command line of pxemngr.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let words = arguments.into_iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let Some((name, rest)) = words.split_first() else {
        eprintln!("Usage: pxemngr <sub-command> [<args>...]\n\n{}", available());
        return ExitCode::from(FAILED);
    };
    if matches!(name.as_str(), "-h" | "--help" | "help") {
        println!("Usage: pxemngr <sub-command> [<args>...]\n");
        for (name, takes, does) in SUB_COMMANDS {
            println!("  {}\n      {does}", line(name, takes));
        }
        println!("{MORE}");
        return ExitCode::SUCCESS;
    }
    if !SUB_COMMANDS.iter().any(|(known, ..)| known == name) {
        eprintln!("Invalid pxemngr sub-command {name}\n\n{}", available());
        return ExitCode::from(FAILED);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::from(FAILED);
        }
    };
    match runtime.block_on(carry_out(name, rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(FAILED)
        }
    }
}

fn available() -> String {
    let names: Vec<String> = SUB_COMMANDS.iter().map(|(name, ..)| format!("  {name}")).collect();
    format!("Available sub-commands:\n{}", names.join("\n"))
}

async fn carry_out(name: &str, words: &[String]) -> Result<(), Failure> {
    let client = Client::new(&reach())?;
    match name {
        "dpytest" | "nexttest" | "synctestnames" => test_queue::run(&client, name, words).await,
        _ => systems::run(&client, name, words).await,
    }
}

/// How to reach the server: pxemngr's commands have no options for that.
fn reach() -> Global {
    let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    Global {
        socket: std::env::var_os("NEXTBOOT_SOCKET")
            .map_or_else(|| "/run/nextboot/nextboot.sock".into(), PathBuf::from),
        server: text("NEXTBOOT_SERVER"),
        token: text("NEXTBOOT_TOKEN"),
        token_file: std::env::var_os("NEXTBOOT_TOKEN_FILE").map(PathBuf::from),
        json: false,
    }
}

/// What a wrong number of arguments gets.
fn usage((name, takes, _): SubCommand) -> Failure {
    Failure::Refused(format!("Usage: {}", line(name, takes)))
}

fn line(name: &str, takes: &str) -> String {
    if takes.is_empty() { format!("pxemngr {name}") } else { format!("pxemngr {name} {takes}") }
}
