//! What rows put into the boot tree.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::lab::SERVER;
use crate::namespace::run;
use crate::site::{SmallInstaller, link_or_copy};

/// Where the packages debian-installer-12-netboot-* have their trees.
const IMAGES: &str = "/usr/lib/debian-installer/images/12";

/// ARM64 by Debian's shim and GRUB.
pub(super) const ARM64_BY_GRUB: &str = r#"
[boot.loaders]
uefi-arm64 = "debian-installer/arm64/bootnetaa64.efi"

[profiles.kernel]
class = "live"
kernel = "debian-installer/arm64/linux"
initrd = "debian-installer/arm64/initrd.gz"
args = "console=ttyAMA0"
"#;

/// ARM64 by a kernel that the firmware starts like any loader.
pub(super) const ARM64_BY_ITSELF: &str = r#"
[boot.loaders]
uefi-arm64 = "debian-installer/arm64/linux"

[profiles.kernel]
class = "live"
kernel = "debian-installer/arm64/linux"
"#;

/// ARM64 by [`image_arm64`].
pub(super) const ARM64_BY_IMAGE: &str = r#"
[boot.loaders]
uefi-arm64 = "boot.img"

[profiles.kernel]
class = "live"
kernel = "debian-installer/arm64/linux"
initrd = "debian-installer/arm64/initrd.gz"
args = "console=ttyAMA0"
"#;

/// Debian's netboot tree for ARM64 under its own name, but with the small initrd: a kernel's first lines are enough, and
/// Debian's is 40 MB.
pub(super) fn debian_arm64(site: &SmallInstaller) -> Result<()> {
    debian(site, "arm64", &["bootnetaa64.efi", "grubaa64.efi", "linux"])?;
    let initrd = site.tree().join("debian-installer/arm64/initrd.gz");
    link_or_copy(&site.tree().join("small/initrd"), &initrd)
}

/// The kernel of Debian's installer for i386.
pub(super) fn debian_i386(site: &SmallInstaller) -> Result<()> {
    debian(site, "i386", &["linux"])
}

fn debian(site: &SmallInstaller, arch: &str, names: &[&str]) -> Result<()> {
    let to = site.tree().join("debian-installer").join(arch);
    fs::create_dir_all(&to)?;
    let from = Path::new(IMAGES).join(arch).join("text/debian-installer").join(arch);
    for name in names {
        let package = || format!("is debian-installer-12-netboot-{arch} installed?");
        link_or_copy(&from.join(name), &to.join(name)).with_context(package)?;
    }
    Ok(())
}

/// `boot.img`: a disk with Debian's shim and GRUB for ARM64.
pub(super) fn image_arm64(site: &SmallInstaller) -> Result<()> {
    let from = Path::new(IMAGES).join("arm64/text/debian-installer/arm64");
    let files = [
        (from.join("bootnetaa64.efi"), "EFI/BOOT/BOOTAA64.EFI"),
        (from.join("grubaa64.efi"), "EFI/BOOT/grubaa64.efi"),
    ];
    image(site, &files, "debian-installer/arm64/grub")
}

/// `boot.img`: a disk with Debian's signed shim and GRUB for x86-64.
pub(super) fn image_x64(site: &SmallInstaller) -> Result<()> {
    let files = [
        ("/usr/lib/shim/shimx64.efi.signed".into(), "EFI/BOOT/BOOTX64.EFI"),
        ("/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed".into(), "EFI/BOOT/grubx64.efi"),
    ];
    image(site, &files, "grub")
}

/// A FAT file system with these files, and with a configuration for GRUB in its own directory that leads to ours.
fn image(site: &SmallInstaller, files: &[(PathBuf, &str)], grub: &str) -> Result<()> {
    let image = site.tree().join("boot.img");
    File::create(&image)?.set_len(16 << 20)?;
    let config = site.seeds().join("grub.cfg");
    fs::write(&config, format!("net_bootp\nconfigfile (tftp,{SERVER})/grub/grub.cfg\n"))?;
    let mtool = |tool: &str, args: &[&str]| {
        run(Command::new(tool).arg("-i").arg(&image).args(args)).context("is mtools installed?").map(drop)
    };
    mtool("mformat", &["-T", "32768", "-h", "64", "-s", "32", "::"])?;
    let config = (config, format!("{grub}/grub.cfg"));
    let files = files.iter().map(|(from, to)| (from.clone(), (*to).to_owned()));
    for (from, to) in files.chain([config]) {
        for (at, _) in to.match_indices('/') {
            // It may be there.
            let _ = mtool("mmd", &["-D", "s", &format!("::{}", &to[..at])]);
        }
        mtool("mcopy", &[&from.display().to_string(), &format!("::{to}")])?;
    }
    Ok(())
}
