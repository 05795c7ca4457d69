//! Secure Boot.

use anyhow::Result;

use super::pxe::{NEXT_SERVER, grub_asks_us};
use super::{UP, tree};
use crate::firmware::Firmware;
use crate::matrix::place::Place;
use crate::matrix::row::{Reached, Row, everywhere, nothing};
use crate::matrix::stage::Stage;

/// OVMF with Secure Boot on and Microsoft's keys, which trust Debian's shim.
pub(super) const SECURE_BOOT: Row = Row {
    name: "secure-boot",
    what: "OVMF with Microsoft's keys, PXE -> Debian's signed shim, GRUB and kernel, which must say that Secure Boot is on; another machine's DHCP server names us as next server",
    ci: &[Place::Server, Place::Proxy4011],
    without: grub_asks_us,
    config: |_| {
        kernel!(
            r#"
[boot.loaders]
uefi-x64 = "shimx64.efi.signed"
"#
        )
    },
    dhcp: "",
    beside: NEXT_SERVER,
    prepare: nothing,
    run: |stage| boot(stage, Firmware::UefiX64Secure),
};

/// The same by HTTP Boot, which works beside any DHCP server.
pub(super) const SECURE_BOOT_HTTP: Row = Row {
    name: "secure-boot-http",
    what: "the same, HTTP Boot -> a disk image with the signed shim and GRUB -> grub.cfg by TFTP -> signed kernel",
    ci: &[Place::Proxy4011],
    without: everywhere,
    config: |_| {
        kernel!(
            r#"
[boot.loaders]
uefi-x64 = "boot.img"
"#
        )
    },
    dhcp: "",
    beside: &[],
    prepare: tree::image_x64,
    run: |stage| boot(stage, Firmware::UefiX64SecureHttp),
};

fn boot(stage: &Stage<'_>, firmware: Firmware) -> Result<Reached> {
    let mut machine = stage.machine().firmware(firmware).memory_mib(2048).start()?;
    stage.reach(&mut machine, "Secure boot enabled", "kernel")?;
    stage.reach(&mut machine, UP, "kernel, Secure Boot on")
}
