//! What rows put into the boot tree.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::site::{SmallInstaller, link_or_copy};

/// Where the package debian-installer-12-netboot-arm64 has its tree.
const DEBIAN_ARM64: &str = "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64";

/// Debian's netboot tree for ARM64 under its own name, but with the small initrd: a kernel's first lines are enough, and
/// Debian's is 40 MB.
pub(super) fn debian_arm64(site: &SmallInstaller) -> Result<()> {
    let to = site.tree().join("debian-installer/arm64");
    fs::create_dir_all(&to)?;
    for name in ["bootnetaa64.efi", "grubaa64.efi", "linux"] {
        link_or_copy(&Path::new(DEBIAN_ARM64).join(name), &to.join(name))?;
    }
    link_or_copy(&site.tree().join("small/initrd"), &to.join("initrd.gz"))?;
    grub(
        site,
        "linux /debian-installer/arm64/linux console=ttyAMA0\ninitrd /debian-installer/arm64/initrd.gz\nboot\n",
    )
}

/// GRUB's configuration, where Debian's signed GRUBs look for it.
fn grub(site: &SmallInstaller, text: &str) -> Result<()> {
    for directory in ["grub", "debian-installer/arm64/grub"] {
        let directory = site.tree().join(directory);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("grub.cfg"), text)?;
    }
    Ok(())
}

/// Debian's signed GRUB under the name that its shim asks for.
pub(super) fn signed_x64(site: &SmallInstaller) -> Result<()> {
    let signed = "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed";
    link_or_copy(Path::new(signed), &site.tree().join("grubx64.efi"))?;
    grub(site, "linux /small/vmlinuz console=ttyS0,115200\ninitrd /small/initrd\nboot\n")
}
