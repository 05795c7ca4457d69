//! A site that ran pxe-pilot: its tree, its YAML, and the binary under its name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::lab::{Lab, SERVER};
use crate::namespace::Namespace;
use crate::server::{Server, api_socket};
use crate::{artefacts, client};

/// Hosts and boot loaders in the shape of pxe-pilot's own test file; `hosts` has three of them, the last with three cards.
pub const HOSTS: &str = r#"hosts:
  - name: h1
    mac_addresses: ["23:34:A3:E9:09:CC"]
  - name: h2
    mac_addresses: ["00:00:00:00:0b:02"]
  - name: h3
    mac_addresses: ["00:00:00:00:0b:03", "00:00:00:00:0c:03", "00:00:00:00:0d:03"]
"#;

/// The configurations, by the names of their files in `pxelinux.cfg/conf`.
const FILES: [&str; 7] =
    ["pxelinux/local", "syslinux/sheep", "grub/a", "grub/b", "grub/c", "grub/grml", "grub/z"];

/// Such a site with a running server.
#[derive(Debug)]
pub struct PilotSite {
    tree: PathBuf,
    yaml: PathBuf,
    link: PathBuf,
    socket: PathBuf,
    /// The server.
    pub server: Server,
    /// A machine of the operators, from which the server takes calls without a token.
    pub desk: Namespace,
}

impl PilotSite {
    /// Makes the tree and the YAML with these hosts (and what else is in `yaml`), and starts a server that reads it. `toml`
    /// is added to its configuration. `before` may put things into the tree first.
    ///
    /// # Errors
    /// What keeps the server from starting.
    pub fn start(
        lab: &Lab,
        yaml: &str,
        toml: &str,
        before: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let tree = lab.dir().join("tree");
        for name in FILES {
            let file = tree.join("pxelinux.cfg/conf").join(name);
            fs::create_dir_all(file.parent().context("no directory")?)?;
            fs::write(file, text(name))?;
        }
        before(&tree)?;
        let file = lab.dir().join("pxe-pilot.yml");
        fs::write(&file, whole_yaml(yaml, &tree))?;
        let link = lab.dir().join("bin/pxe-pilot");
        fs::create_dir_all(lab.dir().join("bin"))?;
        let _ = fs::remove_file(&link);
        symlink(artefacts::binary()?, &link)?;
        let socket = api_socket(lab.scratch());
        let data = lab.dir().join("data");
        let config = format!(
            "interfaces = [\"br0\"]\ndata_dir = {data:?}\n[api]\nsocket = {socket:?}\ntrusted = [\"10.77.0.20\"]\n[compat]\n\
             pxe_pilot = {file:?}\n{toml}",
        );
        let server = lab.server(&config)?;
        let desk = lab.join("10.77.0.20/24")?;
        Ok(Self { tree, yaml: file, link, socket, server, desk })
    }

    /// The TFTP root.
    #[must_use]
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// The binary under the name of pxe-pilot.
    #[must_use]
    pub fn link(&self) -> &Path {
        &self.link
    }

    /// Writes other hosts into the YAML; they count after a reload.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn change_yaml(&self, yaml: &str) -> Result<()> {
        Ok(fs::write(&self.yaml, whole_yaml(yaml, &self.tree))?)
    }

    /// A call of the API from the operators' machine: method, path and body; the status and the body of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        let url = format!("http://{SERVER}:3478{path}");
        // As the use case calls: curl makes it a form.
        let mut arguments = vec!["--request", method, "--write-out", "\n%{http_code}"];
        if !body.is_empty() {
            arguments.extend(["--data", body]);
        }
        let text = String::from_utf8(client::curl(&self.desk, &url, &arguments)?)?;
        let (body, status) = text.rsplit_once('\n').context("no status")?;
        Ok((status.parse()?, body.to_owned()))
    }

    /// The answer to a GET that must be 200 and JSON.
    ///
    /// # Errors
    /// When it is not.
    pub fn get(&self, path: &str) -> Result<Value> {
        let (status, body) = self.call("GET", path, "")?;
        ensure!(status == 200, "GET {path}: {status} {body}");
        serde_json::from_str(&body).with_context(|| format!("GET {path}: {body}"))
    }

    /// Assigns a profile; the status and the body of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn deploy(&self, profile: &str, body: &str) -> Result<(u16, String)> {
        self.call("PUT", &format!("/v1/configurations/{profile}/deploy"), body)
    }

    /// What `pxelinux.cfg/NAME` gives by TFTP.
    ///
    /// # Errors
    /// When it gives nothing.
    pub fn tftp(&self, name: &str) -> Result<String> {
        Ok(String::from_utf8(client::tftp_hpa(&self.desk, SERVER, &format!("pxelinux.cfg/{name}"))?)?)
    }

    /// The configuration of each host as `GET /v1/hosts` shows it: its name, or nothing.
    ///
    /// # Errors
    /// As [`PilotSite::get`].
    pub fn configurations(&self) -> Result<Vec<(String, Option<String>)>> {
        let hosts = self.get("/v1/hosts?status=false")?;
        let hosts = hosts.as_array().context("no list")?;
        let name = |value: &Value| value.as_str().map(str::to_owned);
        let one = |host: &Value| {
            let named = name(&host["name"]).context("a host without a name")?;
            Ok((named, name(&host["configuration"]["name"])))
        };
        hosts.iter().map(one).collect()
    }

    /// Runs the binary as `pxe-pilot ARGS...` on the server's host.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn pilot(&self, lab: &Lab, args: &[&str]) -> Result<Output> {
        let mut command = lab.namespace().command(&self.link);
        Ok(command.env("NEXTBOOT_SOCKET", &self.socket).args(args).output()?)
    }

    /// As [`PilotSite::pilot`], elsewhere: from the operators' machine.
    ///
    /// # Errors
    /// As there.
    pub fn pilot_at_the_desk(&self, args: &[&str]) -> Result<Output> {
        Ok(self.desk.command(&self.link).args(args).output()?)
    }
}

/// What stands in the file of a configuration: `text("pxelinux/local")`.
#[must_use]
pub fn text(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    format!(
        "default {name}\nlabel {name}\n    kernel /{name}/vmlinuz\n    append initrd=/{name}/initrd.img console=ttyS1,57600n8\n"
    )
}

fn whole_yaml(hosts: &str, tree: &Path) -> String {
    let tree = tree.display();
    format!(
        "---\n{hosts}\ntftp:\n  root: \"{tree}\"\n\nconfiguration:\n  directory: \"{tree}/pxelinux.cfg/conf\"\n  bootloaders:\n    \
         - name: pxelinux\n      file: pxelinux.0\n    - name: syslinux\n      file: syslinux.efi\n    - name: grub\n      \
         file: grubnetx64.efi.signed\n      config_path: grub/grub.cfg\n\nserver:\n  port: 3478\n"
    )
}
