//! Firmware's own PXE and HTTP Boot clients.

use std::path::Path;

use anyhow::Result;

use super::{ARM64_KERNEL, KERNEL, LINUX, UP, tree};
use crate::firmware::Firmware;
use crate::matrix::place::Place;
use crate::matrix::row::{LONG, Reached, Row, everywhere, nothing};
use crate::matrix::stage::Stage;
use crate::site::{SmallInstaller, link_or_copy};

/// SeaBIOS and the option ROM that QEMU's cards carry. That ROM is iPXE, and says so.
pub(super) const BIOS: Row = Row {
    name: "bios-pxe",
    what: "SeaBIOS, iPXE's option ROM -> pxelinux.0 by TFTP -> kernel",
    ci: &[Place::Server, Place::ProxyDirect, Place::SameHostKea],
    without: everywhere,
    config: KERNEL,
    lease: LONG,
    prepare: nothing,
    run: |stage| boot(stage, Firmware::Bios, UP),
};

/// OVMF.
pub(super) const UEFI_X64: Row = Row {
    name: "uefi-x64-pxe",
    what: "OVMF's PXE -> the default loader by TFTP -> kernel",
    ci: &[Place::Proxy4011, Place::SameHost, Place::Relay, Place::Vlan],
    without: everywhere,
    config: KERNEL,
    lease: LONG,
    prepare: nothing,
    run: |stage| boot(stage, Firmware::UefiX64, UP),
};

/// OVMF for IA32. The only loader that Debian has for it ready-made is SYSLINUX.
pub(super) const UEFI_IA32: Row = Row {
    name: "uefi-ia32-pxe",
    what: "OVMF for IA32, PXE -> syslinux.efi by TFTP -> kernel, which is an x86-64 one",
    ci: &[Place::Server],
    without: everywhere,
    config: IA32_CONFIG,
    lease: LONG,
    prepare: ia32_tree,
    run: |stage| boot(stage, Firmware::UefiIa32, UP),
};

const IA32_CONFIG: &str = r#"
[boot.loaders]
uefi-ia32 = "syslinux.efi"

[profiles.kernel]
class = "live"
kernel = "small/vmlinuz"
initrd = "small/initrd"
args = "console=ttyS0,115200"
"#;

/// SYSLINUX for IA32 has the names of the one for x86-64, which the search path finds first.
fn ia32_tree(site: &SmallInstaller) -> Result<()> {
    let tree = site.tree();
    link_or_copy(Path::new("/usr/lib/SYSLINUX.EFI/efi32/syslinux.efi"), &tree.join("syslinux.efi"))?;
    link_or_copy(Path::new("/usr/lib/syslinux/modules/efi32/ldlinux.e32"), &tree.join("ldlinux.e32"))
}

/// EDK2 for ARM64.
pub(super) const UEFI_ARM64: Row = Row {
    name: "uefi-arm64-pxe",
    what: "AAVMF's PXE -> Debian's shim and GRUB by TFTP -> kernel",
    ci: &[Place::Proxy4011],
    without: everywhere,
    config: ARM64_KERNEL,
    lease: LONG,
    prepare: tree::debian_arm64,
    run: |stage| boot(stage, Firmware::UefiArm64, LINUX),
};

/// OVMF without its PXE client.
pub(super) const UEFI_X64_HTTP: Row = Row {
    name: "uefi-x64-http",
    what: "OVMF's HTTP Boot -> the default loader by HTTP -> kernel",
    ci: &[Place::ProxyDirect, Place::SameHost],
    without: everywhere,
    config: KERNEL,
    lease: LONG,
    prepare: nothing,
    run: |stage| boot(stage, Firmware::UefiX64Http, UP),
};

/// AAVMF without its PXE client.
pub(super) const UEFI_ARM64_HTTP: Row = Row {
    name: "uefi-arm64-http",
    what: "AAVMF's HTTP Boot -> Debian's shim and GRUB by HTTP -> kernel",
    ci: &[Place::Server],
    without: everywhere,
    config: ARM64_KERNEL,
    lease: LONG,
    prepare: tree::debian_arm64,
    run: |stage| boot(stage, Firmware::UefiArm64Http, LINUX),
};

/// Switches a machine on and waits for `pattern`, which its kernel says.
pub(super) fn boot(stage: &Stage<'_>, firmware: Firmware, pattern: &str) -> Result<Reached> {
    let mut machine = stage.machine().firmware(firmware).start()?;
    stage.reach(&mut machine, pattern, "kernel")
}
