use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// PXE Pilot, as nextboot does it
#[derive(Debug, Parser)]
#[command(
    name = "pxe-pilot",
    bin_name = "pxe-pilot",
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
This is nextboot under the name of pxe-pilot; `nextboot --help` shows what else it can do.

Examples:
  pxe-pilot config deploy --now grml h1 h2     boot grml on two machines, now
  pxe-pilot config deploy local h1             back to its own disk
  pxe-pilot host list                          what each host boots, and whether it is on
  NEXTBOOT_TOKEN=... pxe-pilot -s http://pxe-server:3478 host list"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How to reach the server.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Server URL; without it the server on this host: its unix socket, else http://localhost:3478
    #[arg(short, long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Show what is asked of the server, on stdout
    #[arg(short, long)]
    pub(crate) debug: bool,
    /// The token that the server wants from machines that it does not trust
    #[arg(long, value_name = "TOKEN", env = "NEXTBOOT_TOKEN", hide_env_values = true, hide = true)]
    pub(crate) token: Option<String>,
    /// A file with the token that the server wants from machines that it does not trust (or give it in NEXTBOOT_TOKEN)
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The socket of the server on this host
    #[arg(
        long,
        value_name = "PATH",
        env = "NEXTBOOT_SOCKET",
        default_value = "/run/nextboot/nextboot.sock",
        hide = true
    )]
    pub(crate) socket: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server, with /etc/nextboot/nextboot.toml if there is one, and this file
    Server {
        /// PXE Pilot's YAML configuration file
        #[arg(short, long, value_name = "FILE", default_value = "/etc/pxe-pilot/pxe-pilot.yml")]
        config: PathBuf,
    },
    #[command(flatten)]
    Client(Client),
}

/// What is asked of a running server.
#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Bootloader commands
    #[command(subcommand)]
    Bootloader(Bootloader),
    /// PXE configuration commands
    #[command(subcommand)]
    Config(Config),
    /// Host commands
    #[command(subcommand)]
    Host(Host),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bootloader {
    /// List available bootloaders
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// List available PXE configurations
    List,
    /// Show a PXE configuration
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Deploy a configuration for hosts: for all of them, or for none when one is wrong
    Deploy {
        /// Reboot the hosts now
        #[arg(short, long)]
        now: bool,
        /// Configuration to deploy
        #[arg(value_name = "CONFIG")]
        config: String,
        /// Hosts for whom to deploy it
        #[arg(required = true, value_name = "HOSTNAMES")]
        hosts: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Host {
    /// List hosts
    List,
    /// (Re)boot a host: resets one that is on, switches on one that is off
    Reboot {
        /// Its name
        #[arg(value_name = "HOSTNAME")]
        host: String,
    },
    /// Switch a host on
    On {
        /// Its name
        #[arg(value_name = "HOSTNAME")]
        host: String,
    },
    /// Switch a host off
    Off {
        /// Its name
        #[arg(value_name = "HOSTNAME")]
        host: String,
    },
    /// Find out the addresses of the hosts' management controllers anew
    Refresh,
}
