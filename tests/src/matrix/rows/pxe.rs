//! Firmware's own PXE and HTTP Boot clients.

use anyhow::Result;

use super::{KERNEL, LINUX, UP, tree};
use crate::firmware::Firmware;
use crate::matrix::place::Place;
use crate::matrix::row::{Reached, Row, everywhere, nothing};
use crate::matrix::stage::Stage;

/// SeaBIOS and the option ROM that QEMU's cards carry. That ROM is iPXE, and says so.
pub(super) const BIOS: Row = Row {
    name: "bios-pxe",
    what: "SeaBIOS, iPXE's option ROM -> pxelinux.0 by TFTP -> kernel",
    ci: &[Place::Server, Place::ProxyDirect, Place::SameHostKea],
    without: everywhere,
    config: |_| KERNEL,
    dhcp: "",
    beside: &[],
    prepare: nothing,
    run: |stage| boot(stage, Firmware::Bios, UP),
};

/// OVMF.
pub(super) const UEFI_X64: Row = Row {
    name: "uefi-x64-pxe",
    what: "OVMF's PXE -> the default loader by TFTP -> kernel",
    ci: &[Place::Proxy4011, Place::SameHost, Place::Relay, Place::Vlan],
    without: everywhere,
    config: |_| KERNEL,
    dhcp: "",
    beside: &[],
    prepare: nothing,
    run: |stage| boot(stage, Firmware::UefiX64, UP),
};

/// OVMF for IA32, with the kernel of Debian's i386 installer: SYSLINUX hands an x86-64 kernel over so that the machine
/// starts anew.
pub(super) const UEFI_IA32: Row = Row {
    name: "uefi-ia32-pxe",
    what: "OVMF for IA32, PXE -> efi32/syslinux.efi by TFTP -> i386 kernel",
    ci: &[Place::Server],
    without: everywhere,
    config: |_| {
        r#"
[profiles.kernel]
class = "live"
kernel = "debian-installer/i386/linux"
initrd = "small/initrd"
args = "console=ttyS0,115200"
"#
    },
    dhcp: "",
    beside: &[],
    prepare: tree::debian_i386,
    run: |stage| boot(stage, Firmware::UefiIa32, LINUX),
};

/// EDK2 for ARM64.
pub(super) const UEFI_ARM64: Row = Row {
    name: "uefi-arm64-pxe",
    what: "AAVMF's PXE -> Debian's shim and GRUB by TFTP -> kernel; beside another machine's DHCP server, whose TFTP server \
           GRUB would ask: the kernel itself",
    ci: &[Place::Proxy4011],
    without: everywhere,
    config: |place| if grub_asks_another(place) { tree::ARM64_BY_ITSELF } else { tree::ARM64_BY_GRUB },
    dhcp: "",
    beside: &[],
    prepare: tree::debian_arm64,
    run: |stage| boot(stage, Firmware::UefiArm64, LINUX),
};

/// What makes a dnsmasq on another machine name us as the next server. Debian's GRUB asks the next server of the answer that
/// gave the address, whatever a proxy said (seen: requests to dnsmasq's own address without this).
pub(super) const NEXT_SERVER: &[&str] = &["--dhcp-boot=unused,,10.77.0.1"];

/// Why GRUB, started by PXE, does not find us in a place.
pub(super) fn grub_asks_us(place: Place) -> Option<&'static str> {
    let why = "GRUB takes its TFTP server from the DHCP server's answer, and Kea's names none (seen)";
    (place == Place::SameHostKea).then_some(why)
}

/// Whether GRUB would ask another machine, where nobody names us as the next server.
fn grub_asks_another(place: Place) -> bool {
    matches!(place, Place::ProxyDirect | Place::Proxy4011) || grub_asks_us(place).is_some()
}

/// OVMF without its PXE client.
pub(super) const UEFI_X64_HTTP: Row = Row {
    name: "uefi-x64-http",
    what: "OVMF's HTTP Boot -> the default loader by HTTP -> kernel",
    ci: &[Place::ProxyDirect, Place::SameHost],
    without: everywhere,
    config: |_| KERNEL,
    dhcp: "",
    beside: &[],
    prepare: nothing,
    run: |stage| boot(stage, Firmware::UefiX64Http, UP),
};

/// AAVMF without its PXE client. Debian's GRUB finds no network when HTTP Boot started it (seen), so it comes in an image
/// that the firmware takes for a disk.
pub(super) const UEFI_ARM64_HTTP: Row = Row {
    name: "uefi-arm64-http",
    what: "AAVMF's HTTP Boot -> a disk image with Debian's shim and GRUB -> grub.cfg by TFTP -> kernel",
    ci: &[Place::Server],
    without: everywhere,
    config: |_| tree::ARM64_BY_IMAGE,
    dhcp: "",
    beside: &[],
    prepare: |site| {
        tree::debian_arm64(site)?;
        tree::image_arm64(site)
    },
    run: |stage| boot(stage, Firmware::UefiArm64Http, LINUX),
};

/// Switches a machine on and waits for `pattern`, which its kernel says.
pub(super) fn boot(stage: &Stage<'_>, firmware: Firmware, pattern: &str) -> Result<Reached> {
    let mut machine = stage.machine().firmware(firmware).start()?;
    stage.reach(&mut machine, pattern, "kernel")
}
