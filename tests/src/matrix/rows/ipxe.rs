//! iPXE, as option ROM and chain-loaded. What it gets is a script by HTTP.

use std::fs;

use anyhow::{Result, ensure};

use super::pxe::boot;
use super::{KERNEL, UP, row};
use crate::firmware::Firmware;
use crate::matrix::place::Place;
use crate::matrix::row::{Reached, Row};
use crate::matrix::stage::{PROFILE, Stage};
use crate::site::SmallInstaller;

const fn ipxe(
    name: &'static str,
    what: &'static str,
    ci: &'static [Place],
    config: fn(Place) -> &'static str,
    run: fn(&Stage<'_>) -> Result<Reached>,
) -> Row {
    Row { config, ..row(name, what, ci, run) }
}

/// The option ROM of a BIOS machine.
pub(super) const ROM: Row = ipxe(
    "ipxe-rom",
    "SeaBIOS, iPXE's option ROM -> script by HTTP -> kernel by HTTP",
    &[Place::Proxy4011],
    |_| SCRIPT_ON_BIOS,
    |stage| once(stage, Firmware::Bios, 0),
);

/// The option ROM of a UEFI machine.
pub(super) const UEFI_ROM: Row = ipxe(
    "ipxe-uefi-rom",
    "OVMF, iPXE's UEFI option ROM -> script by HTTP -> kernel by HTTP",
    &[Place::Server],
    |_| KERNEL,
    |stage| once(stage, Firmware::UefiX64Ipxe, 0),
);

/// The ROM is iPXE too and looks the same on the wire, so somebody assigns the kernel when the ROM has read the script
/// that leads to undionly.kpxe. (A `--once` would hold: undionly.kpxe begins before it has told TCP that it is all there.)
pub(super) const UNDIONLY: Row = Row {
    prepare: chain,
    ..ipxe(
        "ipxe-undionly",
        "SeaBIOS, iPXE's option ROM -> script -> undionly.kpxe -> script by HTTP -> kernel by HTTP",
        &[Place::SameHost],
        |_| SCRIPT_ON_BIOS,
        undionly,
    )
};

/// iPXE over the firmware's own network driver.
pub(super) const SNPONLY: Row = ipxe(
    "ipxe-snponly",
    "OVMF's PXE -> snponly.efi -> script by HTTP -> kernel by HTTP",
    &[Place::ProxyDirect, Place::Vlan],
    |_| {
        kernel!(
            r#"
[boot.loaders]
uefi-x64 = "snponly.efi"
"#
        )
    },
    |stage| once(stage, Firmware::UefiX64, 1),
);

/// iPXE with its own drivers.
pub(super) const EFI: Row = ipxe(
    "ipxe-efi",
    "OVMF's PXE -> ipxe.efi -> script by HTTP -> kernel by HTTP",
    &[Place::Relay],
    |_| {
        kernel!(
            r#"
[boot.loaders]
uefi-x64 = "ipxe.efi"
"#
        )
    },
    |stage| once(stage, Firmware::UefiX64, 1),
);

const SCRIPT_ON_BIOS: &str = r#"
[boot.loaders]
ipxe-bios = "script"

[profiles.kernel]
class = "live"
kernel = "small/vmlinuz"
initrd = "small/initrd"
args = "console=ttyS0,115200"

[profiles.chain]
class = "live"
file = "chain"
"#;

fn undionly(stage: &Stage<'_>) -> Result<Reached> {
    stage.server.cli(&["boot", "node1", "chain"])?;
    let mut machine = stage.machine().firmware(Firmware::Bios).start()?;
    let read = |event: &serde_json::Value| event["profile"] == "chain";
    stage.server.wait_for_event("configuration-sent", stage.left()?, read)?;
    stage.server.cli(&["boot", "node1", PROFILE])?;
    let reached = stage.reach(&mut machine, UP, "kernel")?;
    let sent = stage.server.events_of("configuration-sent")?;
    let profiles: Vec<&str> = sent.iter().filter_map(|event| event["profile"].as_str()).collect();
    ensure!(profiles == ["chain", PROFILE], "scripts: {profiles:?}");
    Ok(reached)
}

/// A file and no kernel of the configuration: undionly.kpxe takes the arguments that a kernel would get for commands.
fn chain(site: &SmallInstaller) -> Result<()> {
    let text = "DEFAULT chain\nPROMPT 0\nLABEL chain\nKERNEL undionly.kpxe\n";
    fs::write(site.tree().join("chain"), text)?;
    Ok(())
}

/// Boots, and sees that iPXE was loaded that often and read the kernel's script once.
fn once(stage: &Stage<'_>, firmware: Firmware, loads: usize) -> Result<Reached> {
    let reached = boot(stage, firmware, UP)?;
    let sent = stage.server.events_of("file-sent")?;
    let ipxe = |name: &str| ["snponly.efi", "ipxe.efi"].iter().any(|file| name.ends_with(file));
    let loaded = sent.iter().filter(|event| event["name"].as_str().is_some_and(ipxe)).count();
    ensure!(loaded == loads, "iPXE was loaded {loaded} times and not {loads}: {sent:?}");
    let scripts = stage.server.events_of("configuration-sent")?;
    let of_the_kernel = scripts.iter().filter(|event| event["profile"] == PROFILE && event["via"] == "http");
    ensure!(of_the_kernel.count() == 1, "one script for the kernel and no more: {scripts:?}");
    Ok(reached)
}
