use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to take over, and from which program.
#[derive(Debug, Clone, Subcommand)]
pub enum Import {
    /// The systems of pxemngr's database, with what they boot and what they did (`nextboot test import` takes its tests).
    #[command(after_help = "\
Systems with MAC addresses become hosts, those with addresses or beginnings of some become networks.
What is known already is left as it is. The database is only read.

Examples:
  nextboot import pxemngr /var/lib/pxemngr/pxemngr.sqlite --dry-run
  nextboot import pxemngr /var/lib/pxemngr/pxemngr.sqlite")]
    Pxemngr(ImportFile),
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
