use clap::Subcommand;
use nextboot_model::{HostName, Network, ProfileName};

/// What to do with networks.
#[derive(Debug, Clone, Subcommand)]
pub enum NetCommand {
    /// Give networks a name, or add them to one.
    #[command(after_help = "\
Examples:
  nextboot net add lab 10.34.0.0/16             all of 10.34.x.x
  nextboot net add lab 10.34 10.35.7            the same as people write it, and 10.35.7.x
  nextboot net add bench3 10.34.5.7             one machine that is no host")]
    Add {
        /// The name: letters, digits, '-', '_' and '.', at most 63 of them.
        #[arg(value_name = "NAME")]
        name: HostName,
        /// Networks, beginnings of addresses, or whole addresses.
        #[arg(required = true, value_name = "NETWORK")]
        networks: Vec<Network>,
    },
    /// List all networks and what their machines boot.
    #[command(visible_alias = "list")]
    Ls,
    /// Say what the machines boot that are no hosts, until somebody changes it.
    #[command(after_help = "\
The smallest network that a machine is in decides. A profile that installs is for single addresses:
nobody armed each machine of a network.

Examples:
  nextboot net boot lab memtest
  nextboot net boot default local               all machines that nobody knows")]
    Boot {
        /// The name; default for all machines that are no hosts.
        #[arg(value_name = "NAME")]
        name: HostName,
        /// The profile; `nextboot profile ls` lists them.
        #[arg(value_name = "PROFILE")]
        profile: ProfileName,
    },
    /// Take that back: the next larger network decides, then the configuration's [boot] unknown.
    Cancel {
        /// The name.
        #[arg(value_name = "NAME")]
        name: HostName,
    },
    /// Forget networks: all that are named.
    #[command(visible_alias = "remove")]
    Rm {
        /// Their names.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<HostName>,
    },
}
