//! The site that the boot tests play: a boot tree, profiles and a configuration around the small installer.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::artefacts::{guest, project};
use crate::lab::{Lab, SUBNET};
use crate::server::api_socket;

/// The profile that installs a disk with the small installer, calls back and reboots.
pub const INSTALL: &str = "small-installer";

/// The seed's template, in `deploy/guest`.
const SEED: &str = "seed.sh.j2";

/// How the server takes part in the subnet's DHCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dhcp {
    /// It is the DHCP server.
    Server,
    /// Another DHCP server gives the addresses.
    Proxy,
}

/// A site with the small installer as its only profile.
#[derive(Debug)]
pub struct SmallInstaller {
    tree: PathBuf,
    seeds: PathBuf,
    data: PathBuf,
    socket: PathBuf,
}

impl SmallInstaller {
    /// Makes the boot tree in the laboratory's directory; builds the installer when it is not there yet.
    ///
    /// # Errors
    /// When the packages in `deploy/packages` are missing.
    pub fn new(lab: &Lab) -> Result<Self> {
        let tree = lab.dir().join("tree");
        fs::create_dir_all(tree.join("small"))?;
        let guest = guest()?;
        for name in ["vmlinuz", "initrd"] {
            link_or_copy(&guest.join(name), &tree.join("small").join(name))?;
        }
        let seeds = lab.dir().join("seeds");
        fs::create_dir_all(&seeds)?;
        fs::copy(project().join("deploy/guest").join(SEED), seeds.join(SEED))?;
        Ok(Self { tree, seeds, data: lab.dir().join("data"), socket: api_socket(lab.scratch()) })
    }

    /// The directory that the server serves.
    #[must_use]
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// The directory of the seed templates.
    #[must_use]
    pub fn seeds(&self) -> &Path {
        &self.seeds
    }

    /// Changes the seed: its template, before and after.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn change_seed(&self, change: impl FnOnce(String) -> String) -> Result<()> {
        let path = self.seeds.join(SEED);
        let seed = fs::read_to_string(&path)?;
        fs::write(&path, change(seed)).with_context(|| path.display().to_string())
    }

    /// Takes the call-back out of the seed: the installer that never says that it is done.
    ///
    /// # Errors
    /// As [`SmallInstaller::change_seed`].
    pub fn without_call_back(&self) -> Result<()> {
        self.change_seed(|seed| {
            seed.lines().filter(|line| !line.starts_with("curl")).collect::<Vec<_>>().join("\n")
        })
    }

    /// The configuration file; `more` is added at its end.
    #[must_use]
    pub fn config(&self, dhcp: Dhcp, more: &str) -> String {
        let installer = format!(
            r#"[profiles.{INSTALL}]
class = "install"
kernel = "small/vmlinuz"
initrd = ["small/initrd"]
args = "console=ttyS0 quiet seed={{{{ seed_url }}}}"
seed = "{SEED}"

{more}"#
        );
        let dhcp = match dhcp {
            Dhcp::Proxy => "mode = \"proxy\"".to_owned(),
            Dhcp::Server => format!(
                "mode = \"server\"\n\n[[dhcp.subnet]]\nnetwork = \"{SUBNET}\"\npool = [\"10.77.0.100-10.77.0.199\"]\n\
                 router = \"10.77.0.1\"\ndns = [\"10.77.0.1\"]"
            ),
        };
        self.config_with(&["br0"], &dhcp, &installer)
    }

    /// The configuration file with these interfaces, this `[dhcp]` section and `more` at its end, which has the profiles.
    #[must_use]
    pub fn config_with(&self, interfaces: &[&str], dhcp: &str, more: &str) -> String {
        format!(
            r#"interfaces = {interfaces:?}
data_dir = "{data}"

[dhcp]
{dhcp}

[tftp]
roots = ["{tree}"]

[http]
port = 8080

[api]
port = 3478
socket = "{socket}"
token_file = "{data}/token"

[boot]
attempts = 3
serial = "0 115200"
seeds = "{seeds}"

{more}"#,
            data = self.data.display(),
            seeds = self.seeds.display(),
            tree = self.tree.display(),
            socket = self.socket.display(),
        )
    }
}

/// A second name for a file, or a copy where that is not possible. Not a symbolic link: that would lead out of the root.
pub(crate) fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).with_context(|| format!("{} to {}", from.display(), to.display()))?;
    }
    Ok(())
}
