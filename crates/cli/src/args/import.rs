use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::netboot::ImportNetboot;

/// What to take over, and from which program.
#[derive(Debug, Clone, Subcommand)]
pub enum Import {
    /// Debian's network installer, netboot.tar.gz: unpack it beneath a root, and make profiles of it.
    #[command(after_help = "\
The archive is unpacked into a directory of its own, whose name stands for nothing until all of it is
there. What is no file, directory or link, or leads out of that directory, is refused. The profiles
boot on BIOS and UEFI machines alike; their text is printed, or added to the server's configuration.

Examples:
  nextboot import debian-netboot netboot.tar.gz
  nextboot import debian-netboot netboot.tar.gz --config /etc/nextboot/nextboot.toml
  nextboot boot node1 debian-12-amd64")]
    DebianNetboot(ImportNetboot),
    /// The hosts of pxe-pilot's configuration, with their MAC addresses and what switches their power.
    #[command(after_help = "\
What pxe-pilot linked in pxelinux.cfg/ goes on holding until somebody assigns something else. What
belongs into nextboot.toml is printed, ready to be put there. Instead of importing once, the server
can read the file at each start and reload: [compat] pxe_pilot = \"/etc/pxe-pilot/pxe-pilot.yml\".

Examples:
  nextboot import pxe-pilot /etc/pxe-pilot/pxe-pilot.yml --dry-run
  nextboot import pxe-pilot /etc/pxe-pilot/pxe-pilot.yml")]
    PxePilot(ImportFile),
    /// pxemngr's database: systems, what they boot and what they did, and their test runs.
    #[command(after_help = "\
Systems with MAC addresses become hosts, those with addresses or beginnings of some become networks.
Test runs keep their numbers where they are free. What is known already is left as it is, so it may
be done again. The database is only read.

Examples:
  nextboot import pxemngr /var/lib/pxemngr/pxemngr.sqlite --dry-run
  nextboot import pxemngr /var/lib/pxemngr/pxemngr.sqlite --logs /var/lib/pxemngr/logs")]
    Pxemngr(ImportPxemngr),
}

/// What is imported.
#[derive(Debug, Clone, Args)]
pub struct ImportFile {
    /// The other program's file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
}

/// What is imported of pxemngr.
#[derive(Debug, Clone, Args)]
pub struct ImportPxemngr {
    /// Its SQLite database, and whether it is only looked at.
    #[command(flatten)]
    pub from: ImportFile,
    /// The directory that its TEST_UPLOAD_DIR names, with a log for each test run.
    #[arg(long, value_name = "DIRECTORY")]
    pub logs: Option<PathBuf>,
}
