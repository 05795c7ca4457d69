//! nextboot: a network boot server. This binary only chooses who gets the command line.
#![forbid(unsafe_code)]

mod import;

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use nextboot_cli::Called;
use nextboot_serve::Source;
use tracing_subscriber::EnvFilter;

/// Where `deploy/install` puts the configuration.
const CONFIG: &str = "/etc/nextboot/nextboot.toml";
/// Exit code for a wrong configuration (sysexits.h: EX_USAGE).
const EX_USAGE: u8 = 64;
/// Exit code when something that is needed is not there: a port, an interface, a directory (EX_UNAVAILABLE).
const EX_UNAVAILABLE: u8 = 69;

/// A network boot server: DHCP, TFTP, HTTP and a control API in one process.
#[derive(Debug, Parser)]
#[command(name = "nextboot", version, propagate_version = true, max_term_width = 100, after_help = nextboot_cli::EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    global: nextboot_cli::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(ConfigFile),
    /// Check a configuration file: every complaint with its line, its value and what would be right.
    Check(ConfigFile),
    /// Have simulated machines boot from a server, many at once, and say how it went: a boot storm without the machines.
    Simulate(nextboot_simulate::Arguments),
    /// Take over what another program knows: pxe-pilot, pxemngr, dnsmasq, Debian's netboot archive.
    #[command(subcommand)]
    Import(import::Import),
    #[command(flatten)]
    Client(nextboot_cli::Command),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file; without one the safe defaults hold: PXE answers beside the subnet's own DHCP server, on
    /// the interface of the default route, unknown machines left alone.
    #[arg(long, short, value_name = "FILE", env = "NEXTBOOT_CONFIG")]
    config: Option<PathBuf>,
    /// The configuration file, as with --config.
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
}

impl ConfigFile {
    fn path(self) -> Option<PathBuf> {
        self.config.or(self.file)
    }
}

fn main() -> ExitCode {
    match nextboot_cli::called_as(std::env::args_os()) {
        None => {}
        Some(Called::Done(code)) => return code,
        Some(Called::PxePilotServer(pxe_pilot)) => {
            return serve(Source { file: usual_config(), pxe_pilot: Some(pxe_pilot) });
        }
    }
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Serve(file) => serve(Source { file: file.path(), ..Source::default() }),
        Command::Check(file) => check(file.path()),
        Command::Import(import) => import.run(arguments.global),
        Command::Simulate(simulated) => nextboot_simulate::run(&simulated, arguments.global.json),
        Command::Client(command) => nextboot_cli::run::<Arguments>(arguments.global, command),
    }
}

/// The configuration of a server that is started under another program's name, by scripts that do not know ours.
fn usual_config() -> Option<PathBuf> {
    let named = std::env::var_os("NEXTBOOT_CONFIG").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(CONFIG)).filter(|file| file.exists()))
}

fn check(file: Option<PathBuf>) -> ExitCode {
    // The defaults' own directory is made at the first start.
    let directories = |config| match &file {
        Some(_) => nextboot_serve::check_files(&config),
        None => Ok((config, Vec::new())),
    };
    let source = Source { file: file.clone(), ..Source::default() };
    let checked = nextboot_serve::load(&source).and_then(directories);
    match checked {
        Ok((config, doubts)) => {
            for doubt in doubts {
                eprintln!("warning: {doubt}");
            }
            let name = file.map_or_else(|| "the defaults".to_owned(), |file| file.display().to_string());
            println!(
                "{name}: right ({} profiles, DHCP {})",
                config.site.profiles.len(),
                config.dhcp.mode.key()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(EX_USAGE)
        }
    }
}

fn serve(source: Source) -> ExitCode {
    let config = match nextboot_serve::load(&source) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(EX_USAGE);
        }
    };
    let filter = std::env::var("NEXTBOOT_LOG").unwrap_or_else(|_| config.log.clone());
    let filter = match EnvFilter::try_new(&filter) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!(
                "log = {filter:?}: {error}; use \"info\", \"debug\", or e.g. \"info,nextboot_serve=debug\""
            );
            return ExitCode::from(EX_USAGE);
        }
    };
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("nextboot").build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("cannot start: {error}");
                return ExitCode::from(EX_UNAVAILABLE);
            }
        };
    match runtime.block_on(nextboot_serve::run(config, source)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nextboot cannot serve: {}", nextboot_serve::explain(&error));
            match error.downcast_ref::<nextboot_serve::BadConfig>() {
                Some(_) => ExitCode::from(EX_USAGE),
                None => ExitCode::from(EX_UNAVAILABLE),
            }
        }
    }
}
