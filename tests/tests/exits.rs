//! The ways out of a loader, each seen on real firmware: where they lead.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Firmware, Lab};

const MAC: &str = "52:54:00:00:00:18";

/// From power-on to where it leads.
const BOOT: Duration = Duration::from_secs(400);

/// What the disk says.
const DISK: &str = "nextboot: this is the disk of node18";

/// iPXE reads its script also as a BIOS's ROM.
const SCRIPT: &str = "[boot.loaders]\nipxe-bios = \"script\"\n";

#[test]
fn ipxe_boots_the_disk_of_a_bios_by_sanboot() {
    leads("exits-bios-sanboot", Firmware::Bios, "sanboot", "sanboot --no-describe --drive 0x80", DISK);
}

#[test]
fn ipxe_exits_to_the_next_boot_device_of_a_bios() {
    leads("exits-bios-exit", Firmware::Bios, "exit", "exit 1", DISK);
}

/// A status other than 0 has the firmware try its next boot option, which for one card with iPXE in ROM is its own PXE.
#[test]
fn ipxe_exits_to_the_next_boot_option_of_uefi() {
    leads("exits-uefi-exit", Firmware::UefiX64Ipxe, "exit", "exit 1", ">>Start PXE over IPv4");
}

/// Debian's GRUB cannot end with another status than success, after which EDK2 shows its set-up and tries nothing else.
#[test]
fn grub_exits_to_the_set_up_of_edk2() {
    leads("exits-uefi-grub", Firmware::UefiX64, "grub-exit", "exit", "\"UiApp\"");
}

/// The machine is led out by what its loader reads, in whose last line stands `command`, and says `words` then.
fn leads(name: &str, firmware: Firmware, exit: &str, command: &str, words: &str) {
    Lab::run(name, |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, SCRIPT))?;
        server.cli(&["host", "add", "node18", MAC, "--exit", exit])?;
        let drive = format!("if=none,id=own,format=raw,file={}", own_disk(lab.dir())?.display());
        let mut machine = lab
            .machine("node18")
            .firmware(firmware)
            .mac(MAC)
            .arguments(&["-drive", &drive, "-device", "virtio-blk-pci,drive=own,bootindex=2"])
            .start()?;
        machine.wait_for(words, BOOT)?;
        // It went there because it was told to.
        let kind = match firmware {
            Firmware::Bios => "ipxe-bios",
            Firmware::UefiX64Ipxe => "ipxe-uefi",
            _ => "uefi-x64",
        };
        let preview = server.cli(&["show", "node18", "--as", kind])?;
        ensure!(preview.lines().any(|line| line.trim() == command), "no {command:?} in\n{preview}");
        Ok(())
    });
}

/// A disk whose boot sector says the words, for a BIOS.
fn own_disk(dir: &Path) -> Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/guest/boot-sector");
    let sector = Command::new("sh").args([script, DISK]).output().context("boot-sector")?;
    ensure!(sector.status.success(), "{}", String::from_utf8_lossy(&sector.stderr));
    let path = dir.join("own.img");
    fs::write(&path, &sector.stdout)?;
    File::options().write(true).open(&path)?.set_len(8 << 20)?;
    Ok(path)
}
