//! The command line.

mod host;
mod import;
mod net;
mod netboot;
mod power;
mod test;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use nextboot_model::{Mac, ProfileName, Until};

pub(crate) use host::{HostAdd, HostCommand, HostSet};
pub use import::Import;
pub(crate) use import::{ImportFile, ImportPxemngr};
pub(crate) use net::NetCommand;
pub(crate) use netboot::ImportNetboot;
pub(crate) use power::{PowerArgs, PowerCommand, PowerKind, Rescue};
pub(crate) use test::{TestCommand, TestReportArgs, TestRunArgs, TestWanted};

/// Examples and exit codes, for the end of the program's own help.
pub const EXAMPLES: &str = "\
Examples:
  nextboot serve --config /etc/nextboot/nextboot.toml
  nextboot host add node1 52:54:00:12:34:56     make a machine known
  nextboot boot node1 ubuntu                    install it at its next boot, until it calls back
  nextboot show node1                           what it boots and why, and how its last boots went
  nextboot events --follow                      what happens on the network, as it happens

Exit codes:
  0  done
  1  the server refused, e.g. because there is no such host; simulate: a machine did not boot;
     test run --wait: a test did not pass
  2  the command line is wrong
  3  the server cannot be reached
  4  not allowed: a token is needed
 64  serve, check: the configuration is wrong
 69  serve, simulate: something that it needs is taken or missing";

/// How to reach the server, and how to print.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options for commands to a running server")]
pub struct Global {
    /// The server's unix socket; for root and the server's own user.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "NEXTBOOT_SOCKET",
        default_value = "/run/nextboot/nextboot.sock"
    )]
    pub socket: PathBuf,
    /// A server elsewhere, e.g. http://pxe-server:3478, instead of the socket.
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// The token for --server. Others can see it in the list of processes: better give it by the environment or a file.
    #[arg(long, global = true, value_name = "TOKEN", env = "NEXTBOOT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A file with the token for --server; goes before --token.
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Print JSON for programs instead of tables for people.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to ask of the server.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Add, change, list and forget hosts: the machines that nextboot knows.
    #[command(subcommand)]
    Host(HostCommand),
    /// List and show profiles: what hosts can boot.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Name networks and say what their machines boot that are no hosts.
    #[command(subcommand)]
    Net(NetCommand),
    /// Say what hosts boot next: all of them, or none when one is wrong.
    #[command(after_help = "\
Without an option an installer holds until the installed system calls back (or too many attempts
did not; then the host goes to its own disk), and anything else until somebody changes it.

Examples:
  nextboot boot node1 ubuntu                 install node1
  nextboot boot node1 node2 node3 grml       a live system on three machines
  nextboot boot node1 memtest --once         one time, then what it was before
  nextboot boot node1 ubuntu --now           and restart it, by the network this once
  nextboot boot 52:54:00:12:34:56 local      by MAC address; back to its own disk")]
    Boot(Boot),
    /// Switch hosts on and off.
    #[command(subcommand)]
    #[command(after_help = "\
What switches a host is said with it, once:
  nextboot host set node1 --power ipmi --bmc 10.0.9.11 --bmc-user admin

Examples:
  nextboot power status node1 node2          are they on?
  nextboot power cycle node1                 off and on; on if it is off
  nextboot power refresh                     controllers known by MAC address: look for them again

Hosts are switched side by side. The exit code is 1 when one of them was not switched; the others were.")]
    Power(PowerCommand),
    /// Boot hosts into the rescue system, or end that: assigns it, and restarts them by the network.
    #[command(after_help = "\
The rescue system is the profile that the server's configuration names with [boot] rescue, else 911boot.
A host that nothing switches is to be reset by hand.

Examples:
  nextboot rescue node1                      rescue it now
  nextboot rescue node1 --later              at its next boot
  nextboot rescue node1 --off --now          back to what it booted before, and restart it")]
    Rescue(Rescue),
    /// Take back what hosts boot next: what was before `--once` or a rescue, else their own disk.
    Cancel {
        /// Names or MAC addresses of hosts.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// Have hosts run tests, follow them, and look at what came of them.
    #[command(subcommand)]
    Test(TestCommand),
    /// List the addresses that the DHCP server has given or holds back.
    Leases,
    /// List the other DHCP and boot servers that were heard, and how they get in the way.
    Neighbours {
        /// Ask for them first: broadcasts one DISCOVER as a PXE client and takes nothing from anybody.
        #[arg(long)]
        probe: bool,
    },
    /// List the machines that boot now or did lately, known or not.
    Machines,
    /// Show what happened.
    #[command(after_help = "\
Examples:
  nextboot events                                  the newest 200
  nextboot events --host node1 --limit 1000
  nextboot events --follow                         the newest 20, then what happens
  nextboot --json events | jq 'select(.code == \"called-back\")'

With --json every event is one line, and without --limit all that the journal holds are printed.")]
    Events(Events),
    /// Show a host: what it boots, why, who said so and when, and the timelines of its last attempts.
    #[command(after_help = "\
Examples:
  nextboot show node1                     what it boots, by which loader, and how its last boots went
  nextboot show node1 --as uefi-x64       what it would get as such a machine, and the text its loader would read
  nextboot show node1 --as http-uefi-x64  the same by UEFI HTTP Boot")]
    Show {
        /// Its name or MAC address.
        #[arg(value_name = "HOST")]
        host: String,
        /// How many attempts to show, newest first; at most 50.
        #[arg(long, short = 'n', value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=50))]
        attempts: u32,
        /// Show instead what it would get if it came as such a machine: a key of the configuration's [boot.loaders], or http-
        /// and one of UEFI's.
        #[arg(long = "as", value_name = "MACHINE")]
        machine: Option<String>,
    },
    /// Show the server itself: version, mode, how many hosts.
    Status,
    /// Show what was counted and measured since the server was started: deliveries, boots, leases, the store.
    #[command(after_help = "\
Examples:
  nextboot metrics                   what is not zero
  nextboot metrics transfer boot     of the families with one of these words in their names
  nextboot metrics --prometheus      as Prometheus scrapes it, at http://pxe-server:3478/metrics")]
    Metrics(Metrics),
    /// Have the server read its configuration again; a wrong one changes nothing and is explained.
    Reload,
    /// Print completions for a shell.
    #[command(after_help = "\
Examples:
  nextboot completions bash > /usr/share/bash-completion/completions/nextboot
  nextboot completions zsh  > /usr/share/zsh/vendor-completions/_nextboot
  nextboot completions fish > ~/.config/fish/completions/nextboot.fish")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What to do with profiles.
#[derive(Debug, Clone, Subcommand)]
pub enum ProfileCommand {
    /// List all profiles.
    #[command(visible_alias = "list")]
    Ls,
    /// Show one profile; if it is a file, with its text.
    Show {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: ProfileName,
    },
}

/// Which hosts boot what, and for how long.
#[derive(Debug, Clone, Args)]
pub struct Boot {
    /// Names or MAC addresses of hosts.
    #[arg(required = true, num_args = 1.., value_name = "HOST")]
    pub hosts: Vec<String>,
    /// The profile; `nextboot profile ls` lists them.
    #[arg(required = true, value_name = "PROFILE")]
    pub profile: ProfileName,
    /// How long it holds.
    #[command(flatten)]
    pub hold: Hold,
    /// Restart them: boot from the network this once, off and on. Hosts need something that switches them.
    #[arg(long)]
    pub now: bool,
}

/// How long an assignment holds.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct Hold {
    /// Until everything it names was delivered in full; then what it was before.
    #[arg(long)]
    pub once: bool,
    /// Until the installed system calls back; then the host's own disk.
    #[arg(long)]
    pub until_done: bool,
    /// Until somebody changes it.
    #[arg(long)]
    pub until_changed: bool,
}

impl Hold {
    /// What was asked for; nothing: as is usual for the profile.
    pub(crate) fn until(self) -> Option<Until> {
        match self {
            Self { once: true, .. } => Some(Until::Once),
            Self { until_done: true, .. } => Some(Until::Done),
            Self { until_changed: true, .. } => Some(Until::Changed),
            _ => None,
        }
    }
}

/// Which metrics.
#[derive(Debug, Clone, Args)]
pub struct Metrics {
    /// Only families with one of these in their names.
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Print the text that the server sends, all of it.
    #[arg(long, conflicts_with = "words")]
    pub prometheus: bool,
}

/// Which events.
#[derive(Debug, Clone, Args)]
pub struct Events {
    /// Go on with what happens, until Ctrl-C; a lost connection is made again.
    #[arg(long, short)]
    pub follow: bool,
    /// Only of this host: its name or MAC address.
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Only of the machine with this MAC address, known or not.
    #[arg(long, value_name = "MAC", conflicts_with = "host")]
    pub mac: Option<Mac>,
    /// How many of the newest.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    pub limit: Option<u64>,
}

#[cfg(test)]
mod tests;
