//! The rows, in the table's order.

mod pxe;
mod signed;
mod system;
mod tree;

use super::row::Row;

/// The configuration of rows whose machine is an x86 one: the small installer's kernel as profile, with the loaders that
/// are the default. Without a seed the small installer stops after its first words, which is all that a cell wants.
const KERNEL: &str = r#"
[profiles.kernel]
class = "live"
kernel = "small/vmlinuz"
initrd = "small/initrd"
args = "console=ttyS0,115200"
"#;

/// What the small installer's first process says.
const UP: &str = "installer: kernel";

/// The same for ARM64 with Debian's netboot tree.
const ARM64_KERNEL: &str = r#"
[boot.loaders]
uefi-arm64 = "debian-installer/arm64/bootnetaa64.efi"

[profiles.kernel]
class = "live"
kernel = "debian-installer/arm64/linux"
initrd = "debian-installer/arm64/initrd.gz"
args = "console=ttyAMA0"
"#;

/// What a kernel says first.
const LINUX: &str = "Linux version";

/// Every row.
pub(crate) static ALL: &[Row] = &[
    pxe::BIOS,
    pxe::UEFI_X64,
    pxe::UEFI_IA32,
    pxe::UEFI_ARM64,
    pxe::UEFI_X64_HTTP,
    pxe::UEFI_ARM64_HTTP,
    signed::SECURE_BOOT,
    system::DHCLIENT,
    system::UDHCPC,
    system::DHCPCD,
    system::NETWORKD,
];
