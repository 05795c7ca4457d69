//! `nextboot import`: through a running server, or without one from files to files.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use nextboot_cli::Global;
use nextboot_serve::Source;

use super::{EX_UNAVAILABLE, EX_USAGE};

/// What to take over, and from which program.
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    #[command(flatten)]
    Client(nextboot_cli::Import),
    /// Write what dnsmasq's configuration says as a nextboot.toml.
    #[command(after_help = "\
The ranges become subnets, the hosts reservations, tags classes, and dhcp-boot and pxe-service rules for
loaders. Each line that is not taken over, or in another way, stands as a comment at the beginning and on
standard error. To arm one of the machines make it a host: nextboot host add NAME MAC.

Instead of importing once, the server can use the files as they are: [dhcp] dnsmasq_conf = \"/etc/dnsmasq.conf\".

Examples:
  nextboot import dnsmasq /etc/dnsmasq.conf | less
  nextboot import dnsmasq /etc/dnsmasq.conf --output /etc/nextboot/nextboot.toml")]
    Dnsmasq(Configuration),
    /// Take over the leases that dnsmasq kept, so that its machines keep their addresses.
    #[command(after_help = "\
The server must not run meanwhile. Addresses that are leased already stay as they are. Where [dhcp]
dnsmasq_conf names dnsmasq's file, the server does this by itself at its first start.

Example:
  nextboot import dnsmasq-leases /var/lib/misc/dnsmasq.leases --config /etc/nextboot/nextboot.toml")]
    DnsmasqLeases(Leases),
}

#[derive(Debug, clap::Args)]
pub(super) struct Configuration {
    /// dnsmasq's configuration file; what it includes and names is read too.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write it; without this it is printed. A file that is there stays as it is.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Leases {
    /// dnsmasq's lease file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// nextboot's configuration file, which says where it keeps its own.
    #[arg(long, short, value_name = "FILE", env = "NEXTBOOT_CONFIG")]
    config: Option<PathBuf>,
}

impl Import {
    pub(super) fn run(self, global: Global) -> ExitCode {
        match self {
            Self::Client(import) => nextboot_cli::import(global, import),
            Self::Dnsmasq(configuration) => dnsmasq(&configuration),
            Self::DnsmasqLeases(leases) => dnsmasq_leases(&leases),
        }
    }
}

fn dnsmasq(configuration: &Configuration) -> ExitCode {
    let (text, said) = match nextboot_serve::import(&configuration.file) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(EX_USAGE);
        }
    };
    for line in said {
        eprintln!("{line}");
    }
    let written = match &configuration.output {
        Some(output) => new_file(output, &text),
        None => std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string()),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(EX_UNAVAILABLE)
        }
    }
}

/// Writes a file that is not there yet.
fn new_file(path: &Path, text: &str) -> Result<(), String> {
    let told = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            format!("{} is there already, and stays as it is; name another file", path.display())
        }
        _ => format!("cannot write {}: {error}", path.display()),
    };
    let mut file = std::fs::File::create_new(path).map_err(told)?;
    file.write_all(text.as_bytes()).map_err(told)
}

fn dnsmasq_leases(leases: &Leases) -> ExitCode {
    let config = match nextboot_serve::load(&Source { file: leases.config.clone(), ..Source::default() }) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(EX_USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::from(EX_UNAVAILABLE);
        }
    };
    match runtime.block_on(nextboot_serve::import_leases(&config, &leases.file)) {
        Ok((taken, said)) => {
            for line in said {
                eprintln!("{line}");
            }
            println!("{taken} leases of {} taken over", leases.file.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", nextboot_serve::explain(&error));
            ExitCode::from(EX_UNAVAILABLE)
        }
    }
}
