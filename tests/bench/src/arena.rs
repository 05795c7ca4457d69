//! Where a cell is played.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nextboot_firmware::Random;
use nextboot_tests::Lab;

use crate::compare::Contestant;

/// A network namespace with a tree of files, for all contestants of a cell.
#[derive(Debug)]
pub struct Arena {
    /// The namespace, its bridge with the address [`nextboot_tests::SERVER`], and a place for logs.
    pub lab: Lab,
    tree: PathBuf,
}

/// What is particular in our configuration, beside the arena's tree, data and socket. Each text stands in its section.
#[derive(Debug, Clone, Copy)]
pub struct Site {
    /// `[dhcp]`.
    pub dhcp: &'static str,
    /// `[tftp]`, beside the root.
    pub tftp: &'static str,
    /// `[http]`, beside the port, which is 8080.
    pub http: &'static str,
    /// Sections of its own.
    pub more: &'static str,
    /// Whether what an earlier start left on the disk is kept.
    pub keep: bool,
}

impl Default for Site {
    fn default() -> Self {
        Self { dhcp: "mode = \"off\"", tftp: "", http: "", more: "", keep: false }
    }
}

impl Arena {
    /// Makes it for the cell of this name.
    ///
    /// # Errors
    /// Without root, or when `ip` fails.
    pub fn new(cell: &str) -> Result<Self> {
        let lab = Lab::new(&format!("bench-{cell}"))?;
        let tree = lab.dir().join("tree");
        fs::create_dir_all(&tree)?;
        Ok(Self { lab, tree })
    }

    /// The directory that everybody serves.
    #[must_use]
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// Puts a file of `size` bytes into the tree; the same name has the same bytes in every run. They are returned.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, size: usize) -> Result<Vec<u8>> {
        let seed = name.bytes().fold(size as u64, |seed, byte| seed.wrapping_mul(257) + u64::from(byte));
        let mut random = Random::new(seed);
        let mut bytes = Vec::with_capacity(size + 8);
        while bytes.len() < size {
            bytes.extend(random.number().to_le_bytes());
        }
        bytes.truncate(size);
        let path = self.tree.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, &bytes).with_context(|| path.display().to_string())?;
        Ok(bytes)
    }

    /// Our configuration file.
    #[must_use]
    pub fn config(&self, site: Site) -> String {
        let Site { dhcp, tftp, http, more, keep: _ } = site;
        format!(
            "interfaces = [\"br0\"]\ndata_dir = {data:?}\n\n[dhcp]\n{dhcp}\n\n[tftp]\nroots = [{tree:?}]\n{tftp}\n\n\
             [http]\nport = 8080\n{http}\n\n[api]\nsocket = {socket:?}\ntoken_file = {token:?}\n\n{more}\n",
            data = self.data(),
            tree = self.tree,
            socket = self.lab.scratch().join("api.sock"),
            token = self.data().join("token"),
        )
    }

    /// Where our data is.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.lab.dir().join("data")
    }

    /// Ours, in the arena's namespace.
    #[must_use]
    pub fn ours(&self, site: Site) -> Contestant<'_> {
        self.ours_as(Contestant::OURS, site)
    }

    /// Ours under another name, to be compared with itself.
    #[must_use]
    pub fn ours_as(&self, name: &'static str, site: Site) -> Contestant<'_> {
        Contestant::new(name, move || {
            if !site.keep && self.data().exists() {
                fs::remove_dir_all(self.data())?;
            }
            self.lab.server(&self.config(site))
        })
    }

    /// A path as a word of a command line.
    ///
    /// # Errors
    /// When it is no text.
    pub fn word<'p>(&self, path: &'p Path) -> Result<&'p str> {
        path.to_str().context("a path that is no text")
    }
}
