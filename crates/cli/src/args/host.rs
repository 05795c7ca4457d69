use std::net::Ipv4Addr;

use clap::{Args, Subcommand};
use nextboot_model::{Exit, HostName, LoaderName, Mac, Uuid};
use serde_json::{Map, Value, json};

use super::PowerArgs;

/// What to do with hosts.
#[derive(Debug, Clone, Subcommand)]
pub enum HostCommand {
    /// Make a machine known.
    #[command(after_help = "\
Examples:
  nextboot host add node1 52:54:00:12:34:56
  nextboot host add node2 52-54-00-12-34-57 525400123458 --address 10.0.0.12 --var disk=/dev/sda
  nextboot host add node3 52:54:00:12:34:59 --power ipmi --bmc 10.0.9.13 --bmc-user admin")]
    Add(HostAdd),
    /// Forget hosts: all that are named.
    #[command(visible_alias = "remove")]
    Rm {
        /// Names or MAC addresses.
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// List all hosts.
    #[command(visible_alias = "list")]
    Ls,
    /// Show what is known of a host (`nextboot show` adds what it boots and how that went).
    Show {
        /// Its name or MAC address.
        #[arg(value_name = "HOST")]
        host: String,
    },
    /// Change what is known of a host; what is not named stays.
    #[command(after_help = "\
Examples:
  nextboot host set node1 --address 10.0.0.11 --var disk=/dev/nvme0n1
  nextboot host set node1 --mac 52:54:00:aa:bb:cc       a new network card: replaces all MAC addresses
  nextboot host set node1 --loader ipxe.efi               this machine needs another loader than its like
  nextboot host set node1 --exit grub-chain               its firmware does not go on to the disk by itself
  nextboot host set node1 --pxelinux-prefix http://10.0.0.1:8080/lab/   lpxelinux.0 fetches from there
  nextboot host set node1 --power ipmi --bmc 10.0.9.11 --bmc-user admin --bmc-password-file bmc.secret
  nextboot host set node1 --power redfish --bmc https://10.0.9.11 --bmc-user admin --bmc-insecure
  nextboot host set node1 --power wol                     it can only be woken
  nextboot host set node1 --no-address --unset disk")]
    Set(HostSet),
}

/// A new host.
#[derive(Debug, Clone, Args)]
pub struct HostAdd {
    /// Its name: letters, digits, '-', '_' and '.', at most 63 of them.
    #[arg(value_name = "NAME")]
    pub name: HostName,
    /// The MAC addresses of its network cards, in any spelling.
    #[arg(required = true, value_name = "MAC")]
    pub macs: Vec<Mac>,
    /// Its SMBIOS UUID, as `dmidecode -s system-uuid` prints it.
    #[arg(long, value_name = "UUID")]
    pub uuid: Option<Uuid>,
    /// The address that nextboot's DHCP server gives to it.
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<Ipv4Addr>,
    /// The boot loader it gets whatever the server's table says: a file, a whole address
    /// (http://, https:// or tftp://), "script" (iPXE and its script) or "none".
    #[arg(long, value_name = "LOADER")]
    pub loader: Option<LoaderName>,
    /// How it gets to its own disk: silence, exit, sanboot, grub-exit, grub-chain or localboot.
    #[arg(long, value_name = "EXIT")]
    pub exit: Option<Exit>,
    /// What PXELINUX is told to read first (DHCP option 209), whatever profile, subnet and site say.
    #[arg(long, value_name = "FILE")]
    pub pxelinux_config: Option<String>,
    /// What PXELINUX puts before every name (option 210): a directory, or an http:// address for lpxelinux.0.
    #[arg(long, value_name = "PREFIX")]
    pub pxelinux_prefix: Option<String>,
    /// After how many seconds PXELINUX reboots when it finds no configuration (option 211).
    #[arg(long, value_name = "SECONDS")]
    pub pxelinux_reboot: Option<u32>,
    /// A value that templates see as host.vars.KEY; may be repeated.
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = key_value)]
    pub vars: Vec<(String, String)>,
    /// What switches it.
    #[command(flatten)]
    pub power: Box<PowerArgs>,
}

/// Changes to a host.
#[derive(Debug, Clone, Args)]
pub struct HostSet {
    /// Its name or MAC address.
    #[arg(value_name = "HOST")]
    pub host: String,
    /// Its MAC addresses; replaces all that it has. May be repeated.
    #[arg(long = "mac", value_name = "MAC")]
    pub macs: Vec<Mac>,
    /// Its SMBIOS UUID.
    #[arg(long, value_name = "UUID", conflicts_with = "no_uuid")]
    pub uuid: Option<Uuid>,
    /// Forget its UUID.
    #[arg(long)]
    pub no_uuid: bool,
    /// The address that nextboot's DHCP server gives to it.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_address")]
    pub address: Option<Ipv4Addr>,
    /// Reserve no address for it any more.
    #[arg(long)]
    pub no_address: bool,
    /// The boot loader it gets whatever the server's table says: a file, a whole address
    /// (http://, https:// or tftp://), "script" (iPXE and its script) or "none".
    #[arg(long, value_name = "LOADER", conflicts_with = "no_loader")]
    pub loader: Option<LoaderName>,
    /// It has no loader of its own any more; the server's table says which it gets.
    #[arg(long)]
    pub no_loader: bool,
    /// How it gets to its own disk: silence, exit, sanboot, grub-exit, grub-chain or localboot.
    #[arg(long, value_name = "EXIT", conflicts_with = "no_exit")]
    pub exit: Option<Exit>,
    /// It gets to its own disk as the server's configuration says.
    #[arg(long)]
    pub no_exit: bool,
    /// What PXELINUX is told to read first (DHCP option 209), whatever profile, subnet and site say.
    #[arg(long, value_name = "FILE", conflicts_with = "no_pxelinux_config")]
    pub pxelinux_config: Option<String>,
    /// Its option 209 is that of its profile, subnet or site again.
    #[arg(long)]
    pub no_pxelinux_config: bool,
    /// What PXELINUX puts before every name (option 210): a directory, or an http:// address for lpxelinux.0.
    #[arg(long, value_name = "PREFIX", conflicts_with = "no_pxelinux_prefix")]
    pub pxelinux_prefix: Option<String>,
    /// Its option 210 is that of its profile, subnet or site again.
    #[arg(long)]
    pub no_pxelinux_prefix: bool,
    /// After how many seconds PXELINUX reboots when it finds no configuration (option 211).
    #[arg(long, value_name = "SECONDS", conflicts_with = "no_pxelinux_reboot")]
    pub pxelinux_reboot: Option<u32>,
    /// Its option 211 is that of its profile, subnet or site again.
    #[arg(long)]
    pub no_pxelinux_reboot: bool,
    /// Set a value that templates see as host.vars.KEY; may be repeated.
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = key_value)]
    pub vars: Vec<(String, String)>,
    /// Take such a value away; may be repeated.
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,
    /// What switches it.
    #[command(flatten)]
    pub power: Box<PowerArgs>,
    /// Nothing switches it any more.
    #[arg(long, conflicts_with = "power", help_heading = "Power")]
    pub no_power: bool,
}

impl HostAdd {
    /// What PXELINUX is told, as the API reads it.
    pub(crate) fn pxelinux(&self) -> Map<String, Value> {
        told([
            ("config", json!(self.pxelinux_config), false),
            ("prefix", json!(self.pxelinux_prefix), false),
            ("reboot", json!(self.pxelinux_reboot), false),
        ])
    }
}

/// What is said, and as `null` what is taken away.
fn told(words: [(&str, Value, bool); 3]) -> Map<String, Value> {
    let said = words.into_iter().filter(|(_, value, gone)| *gone || !value.is_null());
    said.map(|(key, value, _)| (key.to_owned(), value)).collect()
}

impl HostSet {
    /// What else PXELINUX is told, as the API reads it.
    pub(crate) fn pxelinux(&self) -> Map<String, Value> {
        told([
            ("config", json!(self.pxelinux_config), self.no_pxelinux_config),
            ("prefix", json!(self.pxelinux_prefix), self.no_pxelinux_prefix),
            ("reboot", json!(self.pxelinux_reboot), self.no_pxelinux_reboot),
        ])
    }

    /// True when nothing is to be changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.macs.is_empty()
            && self.uuid.is_none()
            && !self.no_uuid
            && self.address.is_none()
            && !self.no_address
            && self.loader.is_none()
            && !self.no_loader
            && self.exit.is_none()
            && !self.no_exit
            && self.pxelinux().is_empty()
            && self.vars.is_empty()
            && self.unset.is_empty()
            && self.power.power.is_none()
            && !self.no_power
    }
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, e.g. disk=/dev/sda".into()),
    }
}
