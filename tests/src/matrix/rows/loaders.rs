//! The other loaders: SYSLINUX's, GRUB and U-Boot.

use std::fs;

use anyhow::{Result, ensure};

use super::pxe::{NEXT_SERVER, boot, grub_asks_us};
use super::{LINUX, UP, tree};
use crate::firmware::Firmware;
use crate::lab::SERVER;
use crate::matrix::place::Place;
use crate::matrix::row::{Reached, Row, everywhere, nothing};
use crate::matrix::stage::Stage;
use crate::site::SmallInstaller;

/// PXELINUX reads a file of the tree, menu included, as it stands.
pub(super) const PXELINUX: Row = Row {
    name: "pxelinux",
    what: "SeaBIOS, iPXE's option ROM -> pxelinux.0 in a directory of its own -> a menu of the tree to the byte -> kernel",
    ci: &[Place::SameHost, Place::Vlan],
    without: everywhere,
    config: |_| "[boot.loaders]\nipxe-bios = \"bios/pxelinux.0\"\n",
    dhcp: "",
    beside: &[],
    prepare: menu,
    run: |stage| boot(stage, Firmware::Bios, UP),
};

/// PXELINUX with HTTP.
pub(super) const LPXELINUX: Row = Row {
    name: "lpxelinux",
    what: "SeaBIOS, iPXE's option ROM -> lpxelinux.0 by TFTP -> kernel by HTTP, which its configuration names",
    ci: &[Place::Proxy4011, Place::Relay],
    without: everywhere,
    config: |_| "[boot.loaders]\nipxe-bios = \"lpxelinux.0\"\n",
    dhcp: "",
    beside: &[],
    prepare: |site| file_profile(site, &http_addresses()),
    run: lpxelinux,
};

/// The same, led by options 209 to 211 in our answer.
pub(super) const LPXELINUX_OPTIONS: Row = Row {
    name: "lpxelinux-options",
    what: "the same; DHCP options 209 to 211 name a configuration of the site, which comes by HTTP too",
    ci: &[Place::ProxyDirect],
    without: everywhere,
    config: |_| {
        r#"
[boot.loaders]
ipxe-bios = "lpxelinux.0"

[boot.pxelinux]
config = "menus/own.cfg"
prefix = "http://10.77.0.1:8080/"
reboot = "60s"

[profiles.kernel]
class = "live"
kernel = "small/vmlinuz"
"#
    },
    dhcp: "",
    beside: &[],
    prepare: |site| {
        fs::create_dir_all(site.tree().join("menus"))?;
        fs::write(site.tree().join("menus/own.cfg"), http_addresses())?;
        Ok(())
    },
    run: |stage| {
        let reached = lpxelinux(stage)?;
        let sent = stage.server.events_of("file-sent")?;
        let own = |event: &serde_json::Value| event["name"] == "menus/own.cfg" && event["via"] == "http";
        ensure!(sent.iter().any(own), "the configuration by HTTP: {sent:?}");
        Ok(reached)
    },
};

/// SYSLINUX for x86-64 UEFI.
pub(super) const SYSLINUX_EFI: Row = Row {
    name: "syslinux-efi",
    what: "OVMF's PXE -> syslinux.efi in a directory of its own -> kernel",
    ci: &[Place::ProxyDirect],
    without: everywhere,
    config: |_| {
        kernel!(
            r#"
[boot.loaders]
uefi-x64 = "efi64/syslinux.efi"
"#
        )
    },
    dhcp: "",
    beside: &[],
    prepare: nothing,
    run: |stage| boot(stage, Firmware::UefiX64, UP),
};

/// GRUB without shim.
pub(super) const GRUB: Row = Row {
    name: "grub",
    what: "OVMF's PXE -> Debian's netboot GRUB -> grub.cfg, written for the machine -> kernel",
    ci: &[Place::Relay],
    without: grub_asks_us,
    config: |_| {
        kernel!(
            r#"
[boot.loaders]
uefi-x64 = "grubnetx64.efi.signed"
"#
        )
    },
    dhcp: "",
    beside: NEXT_SERVER,
    prepare: nothing,
    run: |stage| boot(stage, Firmware::UefiX64, UP),
};

/// A real U-Boot, at whose prompt somebody types what boards have in `bootcmd_pxe`.
pub(super) const U_BOOT: Row = Row {
    name: "u-boot",
    what: "U-Boot 2023.01 on ARM64: dhcp; pxe get; pxe boot -> kernel",
    ci: &[Place::Server],
    without: proxies_are_not_heard,
    config: |_| {
        r#"
[profiles.kernel]
class = "live"
kernel = "debian-installer/arm64/linux"
initrd = "debian-installer/arm64/initrd.gz"
args = "console=ttyAMA0"
"#
    },
    dhcp: "",
    beside: &[],
    prepare: tree::debian_arm64,
    run: u_boot,
};

fn proxies_are_not_heard(place: Place) -> Option<&'static str> {
    place.is_proxy().then_some(
        "U-Boot hears proxies only where it was built with CONFIG_SERVERIP_FROM_PROXYDHCP; Debian's was not",
    )
}

/// A profile that is a file of the tree.
fn file_profile(site: &SmallInstaller, text: &str) -> Result<()> {
    let profiles = site.tree().join("pxelinux.cfg/conf");
    fs::create_dir_all(&profiles)?;
    fs::write(profiles.join("kernel"), text)?;
    Ok(())
}

fn menu(site: &SmallInstaller) -> Result<()> {
    file_profile(
        site,
        "SERIAL 0 115200\nUI ::menu.c32\nTIMEOUT 10\nMENU TITLE The matrix\nLABEL other\nLOCALBOOT 0\n\
         LABEL kernel\nMENU DEFAULT\nLINUX ::small/vmlinuz\nINITRD ::small/initrd\nAPPEND console=ttyS0,115200\n",
    )
}

fn http_addresses() -> String {
    let base = format!("http://{SERVER}:8080");
    format!(
        "SERIAL 0 115200\nDEFAULT kernel\nPROMPT 0\nLABEL kernel\nLINUX {base}/small/vmlinuz\n\
         INITRD {base}/small/initrd\nAPPEND console=ttyS0,115200\n"
    )
}

/// lpxelinux.0's own TCP stack now and then goes deaf in the middle of a large file, to every retransmission (seen), and
/// the machine stays there until somebody switches it off and on.
fn lpxelinux(stage: &Stage<'_>) -> Result<Reached> {
    let mut machine = stage.machine().firmware(Firmware::Bios).start()?;
    let patience = stage.left()? / 3;
    let mut outcome = machine.wait_for(UP, patience);
    for _ in 0..2 {
        if outcome.is_err() {
            machine.power_on()?;
            outcome = machine.wait_for(UP, patience.min(stage.left()?));
        }
    }
    let after = outcome?;
    let by_http = |event: &serde_json::Value| event["name"] == "small/vmlinuz" && event["via"] == "http";
    let sent = stage.server.events_of("file-sent")?;
    ensure!(sent.iter().any(by_http), "the kernel by HTTP: {sent:?}");
    Ok(Reached { what: "kernel", after })
}

fn u_boot(stage: &Stage<'_>) -> Result<Reached> {
    let mut machine = stage.machine().firmware(Firmware::UBootArm64).console().start()?;
    stage.reach(&mut machine, "Hit any key to stop autoboot", "U-Boot")?;
    machine.type_line("")?;
    stage.reach(&mut machine, "=> ", "U-Boot's prompt")?;
    machine.type_line("dhcp; pxe get && pxe boot")?;
    stage.reach(&mut machine, LINUX, "kernel")
}
