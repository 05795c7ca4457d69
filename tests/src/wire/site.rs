//! The configuration of the server under test.

use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::Result;

use super::net::{Net, RESERVED};
use crate::artefacts::binary;
use crate::lab::{Lab, SUBNET};
use crate::server::api_socket;

/// The laboratory's address that ends with this number.
#[must_use]
pub const fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

/// What a test says in the configuration, beside what all of them need.
#[derive(Debug, Clone, Default)]
pub struct Site {
    dhcp: String,
    local: String,
    blocks: String,
}

impl Site {
    /// The laboratory's subnet gives these addresses, like `50-51`; none when empty.
    #[must_use]
    pub fn pool(range: &str) -> Self {
        let site = Self::default();
        match range.split_once('-') {
            Some((first, last)) => site.local(&format!("pool = [\"10.77.0.{first}-10.77.0.{last}\"]")),
            None => site,
        }
    }

    /// The laboratory's subnet gives one address, 10.77.0.50: whoever gets it shows that nobody else has it.
    #[must_use]
    pub fn one() -> Self {
        Self::pool("50-50")
    }

    /// Lines for the laboratory's subnet.
    #[must_use]
    pub fn local(mut self, lines: &str) -> Self {
        let _ = writeln!(self.local, "{lines}");
        self
    }

    /// Lines for `[dhcp]`.
    #[must_use]
    pub fn dhcp(mut self, lines: &str) -> Self {
        let _ = writeln!(self.dhcp, "{lines}");
        self
    }

    /// Whole blocks.
    #[must_use]
    pub fn block(mut self, lines: &str) -> Self {
        let _ = writeln!(self.blocks, "{lines}\n");
        self
    }

    /// A `[[dhcp.reservation]]` of `what`, like `mac = "02:00:00:00:00:01"`, for an address of the laboratory.
    #[must_use]
    pub fn reservation(self, what: &str, address: Ipv4Addr) -> Self {
        self.block(&format!("[[dhcp.reservation]]\n{what}\naddress = \"{address}\""))
    }

    /// The configuration file.
    pub(super) fn config(&self, lab: &Lab) -> Result<String> {
        let tree = lab.dir().join("tree");
        fs::create_dir_all(&tree)?;
        let mut reserved = String::new();
        for (mac, address) in RESERVED {
            let block = format!("[[dhcp.reservation]]\nmac = \"{mac}\"\naddress = \"{address}\"\n\n");
            reserved.push_str(&block);
        }
        // Answers without a write would overtake those that wait for the disk, and silence be seen where there is none.
        let cache = if self.dhcp.contains("cache_threshold") { "" } else { "cache_threshold = 0\n" };
        Ok(format!(
            r#"interfaces = ["br0"]
data_dir = "{data}"
log = "debug"

[tftp]
roots = ["{tree}"]

[api]
socket = "{socket}"
token_file = "{data}/token"

[dhcp]
mode = "server"
{cache}{dhcp}
[[dhcp.subnet]]
network = "{SUBNET}"
{local}
{reserved}{blocks}"#,
            data = lab.dir().join("data").display(),
            tree = tree.display(),
            socket = api_socket(lab.scratch()).display(),
            dhcp = self.dhcp,
            local = self.local,
            blocks = self.blocks,
        ))
    }

    /// What `nextboot check` has to complain about this configuration; nothing when it is right.
    ///
    /// # Errors
    /// When the binary cannot be run.
    pub fn complaints(&self, lab: &Lab) -> Result<Option<String>> {
        let path = lab.dir().join("checked.toml");
        fs::write(&path, self.config(lab)?)?;
        let output = Command::new(binary()?).arg("check").arg("--config").arg(&path).output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned()))
    }

    /// Runs a test against a server with this configuration.
    ///
    /// # Panics
    /// When the test fails; see [`Lab::run`].
    pub fn run(&self, name: &str, test: impl FnOnce(&mut Net<'_>) -> Result<()>) {
        Lab::run(name, |lab| test(&mut Net::new(lab, self)?));
    }
}
