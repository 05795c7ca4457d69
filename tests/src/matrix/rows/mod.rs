//! The rows, in the table's order.

/// A configuration with the small installer's kernel as profile, behind what else the row needs. Without a seed the small
/// installer stops after its first words, which is all that a cell wants.
macro_rules! kernel {
    ($before:literal) => {
        concat!(
            $before,
            r#"
[profiles.kernel]
class = "live"
kernel = "small/vmlinuz"
initrd = "small/initrd"
args = "console=ttyS0,115200"
"#
        )
    };
}

mod ipxe;
mod loaders;
mod pxe;
mod signed;
mod simulated;
mod system;
mod tree;

use anyhow::Result;

use super::place::Place;
use super::row::{Reached, Row, everywhere, nothing};
use super::stage::Stage;

/// The configuration of rows whose machine is an x86 one, with the loaders that are the default.
const KERNEL: &str = kernel!("");

/// What the small installer's first process says.
const UP: &str = "installer: kernel";

/// What a kernel says first.
const LINUX: &str = "Linux version";

/// A row with a cell in every place, for a client that needs nothing but [`KERNEL`].
const fn row(
    name: &'static str,
    what: &'static str,
    ci: &'static [Place],
    run: fn(&Stage<'_>) -> Result<Reached>,
) -> Row {
    Row {
        name,
        what,
        ci,
        without: everywhere,
        config: |_| KERNEL,
        dhcp: "",
        beside: &[],
        prepare: nothing,
        run,
    }
}

/// Every row.
pub(crate) static ALL: &[Row] = &[
    pxe::BIOS,
    pxe::UEFI_X64,
    pxe::UEFI_IA32,
    pxe::UEFI_ARM64,
    pxe::UEFI_X64_HTTP,
    pxe::UEFI_ARM64_HTTP,
    signed::SECURE_BOOT,
    signed::SECURE_BOOT_HTTP,
    ipxe::ROM,
    ipxe::UEFI_ROM,
    ipxe::UNDIONLY,
    ipxe::SNPONLY,
    ipxe::EFI,
    loaders::PXELINUX,
    loaders::LPXELINUX,
    loaders::LPXELINUX_OPTIONS,
    loaders::SYSLINUX_EFI,
    loaders::GRUB,
    loaders::U_BOOT,
    simulated::BIOS_INTEL,
    simulated::U_BOOT,
    simulated::PI_3,
    simulated::PI_4,
    simulated::PI_5,
    simulated::BOOTP,
    system::DHCLIENT,
    system::UDHCPC,
    system::DHCPCD,
    system::NETWORKD,
];
