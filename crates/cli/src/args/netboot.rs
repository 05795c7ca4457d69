use std::path::PathBuf;

use clap::Args;
use nextboot_model::ProfileName;

/// A network installer and where it goes.
#[derive(Debug, Clone, Args)]
pub struct ImportNetboot {
    /// The archive; a mirror of Debian has it in dists/stable/main/installer-amd64/current/images/netboot/.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The directory's name, and that of the profile; without it as the archive says, like debian-12-amd64.
    #[arg(long, value_name = "NAME")]
    pub name: Option<ProfileName>,
    /// One of the server's roots ([tftp] roots).
    #[arg(long, value_name = "DIR", default_value = "/srv/tftp")]
    pub root: PathBuf,
    /// Add the profiles to this configuration file of the server, and have it read that again.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
}
