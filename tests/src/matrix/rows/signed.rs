//! Secure Boot.

use anyhow::Result;

use super::{UP, tree};
use crate::firmware::Firmware;
use crate::matrix::place::Place;
use crate::matrix::row::{LONG, Reached, Row, everywhere};
use crate::matrix::stage::Stage;

/// OVMF with Secure Boot on and Microsoft's keys, which trust Debian's shim.
pub(super) const SECURE_BOOT: Row = Row {
    name: "secure-boot",
    what: "OVMF with Microsoft's keys, PXE -> Debian's signed shim, GRUB and kernel, which must say that Secure Boot is on",
    ci: &[Place::Server, Place::Proxy4011],
    without: everywhere,
    config: CONFIG,
    lease: LONG,
    prepare: tree::signed_x64,
    run: boot,
};

const CONFIG: &str = r#"
[boot.loaders]
uefi-x64 = "shimx64.efi.signed"

[profiles.kernel]
class = "live"
kernel = "small/vmlinuz"
initrd = "small/initrd"
args = "console=ttyS0,115200"
"#;

fn boot(stage: &Stage<'_>) -> Result<Reached> {
    let mut machine = stage.machine().firmware(Firmware::UefiX64Secure).memory_mib(2048).start()?;
    stage.reach(&mut machine, "Secure boot enabled", "kernel")?;
    stage.reach(&mut machine, UP, "kernel, Secure Boot on")
}
