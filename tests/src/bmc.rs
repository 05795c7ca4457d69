//! Management controllers: OpenIPMI's simulator, which speaks IPMI over the network as firmware of servers does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::process::Process;
use crate::wait::{PATIENCE, wait_until};

/// The user that may switch the machine.
pub const USER: &str = "admin";
/// Its password, with what a shell would not leave alone.
pub const PASSWORD: &str = "s3cr3t;$(x)'&";

/// A controller at UDP port 623 of a namespace. Its machine is off at first.
///
/// ipmitool's interface `lan` is answered at once; `lanplus` only after 5 s each time, because the simulator does not answer
/// ipmitool's first question of IPMI 2.0.
#[derive(Debug)]
pub struct Bmc {
    dir: PathBuf,
    _process: Process,
}

impl Bmc {
    /// Starts one in a namespace, on all of its addresses.
    ///
    /// # Errors
    /// When the packages in `deploy/packages` are missing.
    pub fn start(lab: &Lab, namespace: &Namespace, name: &str) -> Result<Self> {
        let dir = lab.dir().join(name);
        fs::create_dir_all(dir.join("state"))?;
        fs::write(dir.join("power"), "0\n")?;
        fs::write(dir.join("boot"), "default\n")?;
        fs::write(dir.join("asked"), "")?;
        let chassis = dir.join("chassis");
        fs::write(&chassis, CHASSIS)?;
        fs::set_permissions(&chassis, fs::Permissions::from_mode(0o755))?;
        let (config, commands) = (dir.join("lan.conf"), dir.join("bmc.emu"));
        fs::write(&config, configuration(name, &format!("{} {}", chassis.display(), dir.display())))?;
        fs::write(&commands, COMMANDS)?;
        let (config, commands, state) = (
            config.display().to_string(),
            commands.display().to_string(),
            dir.join("state").display().to_string(),
        );
        let arguments = ["-c", &config, "-f", &commands, "-s", &state, "-n"];
        let mut process = lab.start(namespace, &format!("{name}-sim"), "ipmi_sim", &arguments)?;
        wait_until(&format!("{name} listens"), PATIENCE, || {
            process.alive()?;
            Ok(namespace.run("ss", &["-Hlnu"])?.contains(":623 ").then_some(()))
        })?;
        Ok(Self { dir, _process: process })
    }

    /// What it was asked to do to its machine, oldest first: `get power`, `set power 1`, `set reset 1`, `set boot pxe`.
    ///
    /// # Errors
    /// When its files are gone.
    pub fn asked(&self) -> Result<Vec<String>> {
        let text = fs::read_to_string(self.dir.join("asked"))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// What it was asked to change since the last call of this.
    ///
    /// # Errors
    /// As [`Bmc::asked`].
    pub fn take_changes(&self) -> Result<Vec<String>> {
        let changes = self.asked()?.into_iter().filter(|line| line.starts_with("set ")).collect();
        fs::write(self.dir.join("asked"), "")?;
        Ok(changes)
    }

    /// Whether its machine is on.
    ///
    /// # Errors
    /// As [`Bmc::asked`].
    pub fn is_on(&self) -> Result<bool> {
        Ok(fs::read_to_string(self.dir.join("power"))?.trim() == "1")
    }

    /// Presses the machine's own power button.
    ///
    /// # Errors
    /// When its files are gone.
    pub fn press_power(&self, on: bool) -> Result<()> {
        fs::write(self.dir.join("power"), if on { "1\n" } else { "0\n" }).context("no controller")
    }
}

/// What the simulator calls to switch the machine: `PROGRAM DIRECTORY get|set WORD [VALUE]`.
const CHASSIS: &str = r#"#!/bin/sh
cd "$1" || exit 1
shift
echo "$*" >>asked
case "$1 $2" in
"get power") echo "power:$(cat power)" ;;
"set power") echo "$3" >power ;;
"get boot") echo "boot:$(cat boot)" ;;
"set boot") echo "$3" >boot ;;
esac
"#;

const COMMANDS: &str = "\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
";

fn configuration(name: &str, chassis: &str) -> String {
    format!(
        r#"name "{name}"
set_working_mc 0x20
startlan 1
addr 0.0.0.0 623
priv_limit admin
allowed_auths_callback none md2 md5 straight
allowed_auths_user none md2 md5 straight
allowed_auths_operator none md2 md5 straight
allowed_auths_admin none md2 md5 straight
guid a123456789abcdefa123456789abcdef
endlan
chassis_control "{chassis}"
user 1 true "" "x" user 10 none md2 md5 straight
user 2 true "{USER}" "{PASSWORD}" admin 10 none md2 md5 straight
"#
    )
}
