use std::{net::Ipv4Addr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use nextboot_model::Mac;

/// What switches a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PowerKind {
    /// A management controller that speaks IPMI; --bmc says where.
    Ipmi,
    /// One that speaks Redfish; --bmc says where, as https://HOST.
    Redfish,
    /// Wake-on-LAN, which can only switch it on.
    Wol,
    /// The commands of a [[power.adapter]] of the server's configuration; --adapter says which.
    Command,
}

/// How a host is switched on and off. Together these replace what it had.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Power")]
pub struct PowerArgs {
    /// What switches it.
    #[arg(long, value_enum, value_name = "KIND")]
    pub power: Option<PowerKind>,
    /// Its management controller: address or host name; for redfish https://HOST[:PORT].
    #[arg(long, value_name = "ADDRESS", requires = "power")]
    pub bmc: Option<String>,
    /// The controller's MAC address, by which it is found where it has no fixed address.
    #[arg(long, value_name = "MAC", requires = "power")]
    pub bmc_mac: Option<Mac>,
    /// The network in which it is looked for by that, e.g. 10.0.9.0/24.
    #[arg(long, value_name = "NETWORK", requires = "power")]
    pub bmc_subnet: Option<String>,
    /// The controller's port, when it is not IPMI's 623.
    #[arg(long, value_name = "PORT", requires = "power")]
    pub bmc_port: Option<u16>,
    /// The user to log in as. Its password is asked for at the terminal, if no file and no variable has it.
    #[arg(long, value_name = "USER", requires = "power")]
    pub bmc_user: Option<String>,
    /// A file whose first line is the password; "-" is the standard input.
    #[arg(long, value_name = "FILE", requires = "power")]
    pub bmc_password_file: Option<PathBuf>,
    /// The password. Only for the environment: others can see what stands on a command line.
    #[arg(long, env = "NEXTBOOT_BMC_PASSWORD", hide = true, hide_env_values = true)]
    pub bmc_password: Option<String>,
    /// ipmitool's interface: lanplus (IPMI 2.0) or lan.
    #[arg(long, value_name = "NAME", requires = "power")]
    pub bmc_interface: Option<String>,
    /// Redfish: which member of /redfish/v1/Systems the host is, when there are several.
    #[arg(long, value_name = "ID", requires = "power")]
    pub bmc_system: Option<String>,
    /// Redfish: take any certificate. Most controllers have one that they signed themselves.
    #[arg(long, requires = "power")]
    pub bmc_insecure: bool,
    /// Wake-on-LAN: the card to wake, when not all of the host's; may be repeated.
    #[arg(long = "wol-mac", value_name = "MAC", requires = "power")]
    pub wol_macs: Vec<Mac>,
    /// Wake-on-LAN: the broadcast address to send to, when not those of the networks that are served.
    #[arg(long, value_name = "ADDRESS", requires = "power")]
    pub wol_broadcast: Option<Ipv4Addr>,
    /// Wake-on-LAN: the server's interface to send out of, when not every one that is served.
    #[arg(long, value_name = "NAME", requires = "power")]
    pub wol_interface: Option<String>,
    /// The commands' name in the server's configuration.
    #[arg(long, value_name = "NAME", requires = "power")]
    pub adapter: Option<String>,
    /// What the commands see as {{.KEY}}; KEY=@FILE takes a file's first line, KEY=@- the standard input's; may be repeated.
    #[arg(long = "adapter-var", value_name = "KEY=VALUE", value_parser = super::host::key_value, requires = "power")]
    pub adapter_vars: Vec<(String, String)>,
}

/// What to do with the power of hosts.
#[derive(Debug, Clone, Subcommand)]
pub enum PowerCommand {
    /// Switch hosts on.
    On {
        /// Names or MAC addresses.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// Switch hosts off at once, without asking their systems.
    Off {
        /// Names or MAC addresses.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// Press the reset button of hosts.
    Reset {
        /// Names or MAC addresses.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// Switch hosts off and on again; those that are off, on.
    Cycle {
        /// Names or MAC addresses.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// See whether hosts are on, by asking what switches them.
    Status {
        /// Names or MAC addresses.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// Look again for management controllers that are known by their MAC addresses.
    Refresh,
}

/// Whom to rescue.
#[derive(Debug, Clone, Args)]
pub struct Rescue {
    /// Names or MAC addresses of hosts.
    #[arg(required = true, value_name = "HOST")]
    pub hosts: Vec<String>,
    /// End it: hosts that are being rescued boot what they did before, or their own disks if that was an installer.
    #[arg(long)]
    pub off: bool,
    /// With --off: restart them, too.
    #[arg(long, requires = "off")]
    pub now: bool,
    /// Leave their power alone; they are rescued at their next boot.
    #[arg(long, conflicts_with = "off")]
    pub later: bool,
}
