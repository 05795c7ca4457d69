//! UEFI machines that boot by shim and GRUB, as Secure Boot wants it.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Firmware, Lab};

const MAC: &str = "52:54:00:00:00:0c";

/// From power-on to the kernel.
const BOOT: Duration = Duration::from_secs(300);

/// What GRUB, PXELINUX and iPXE would each read in their own way.
const AWKWARD: &str = "s=a;b c=$HOME d={e} f=#g title=\"two words\"";

#[test]
fn shim_and_the_signed_grub_boot_a_kernel_with_the_command_line_it_was_given() {
    Lab::run("grub", |lab| {
        let site = SmallInstaller::new(lab)?;
        let config = site.config(Dhcp::Server, "[boot.loaders]\nuefi-x64 = \"shimx64.efi\"\n");
        let config =
            config.replace("console=ttyS0 quiet", &format!("console=ttyS0 {}", AWKWARD.replace('"', "\\\"")));
        let server = lab.server(&config)?;
        server.cli(&["host", "add", "node12", MAC])?;
        server.cli(&["boot", "node12", INSTALL])?;
        let mut machine = lab.machine("node12").firmware(Firmware::UefiX64).mac(MAC).disk_mib(64).start()?;
        machine.wait_for("installer: kernel", BOOT)?;
        machine.wait_for("HTTP/1.1 200", BOOT)?;
        server.wait_for_event("called-back", BOOT, |event| event["host"] == "node12")?;
        let read =
            server.wait_for_event("configuration-sent", BOOT, |event| event["name"] == "grub/grub.cfg")?;
        ensure!(read["profile"] == INSTALL, "{read}");
        let serial = std::fs::read_to_string(machine.serial().path())?;
        let line = serial.lines().find(|line| line.contains("Command line: "));
        let wanted =
            "BOOTIF=01-52-54-00-00-00-0c console=ttyS0 s=a;b c=$HOME d={e} f=#g \"title=two words\" seed=";
        ensure!(line.is_some_and(|line| line.contains(wanted)), "{line:?} has no {wanted}");
        Ok(())
    });
}

#[test]
fn a_machine_whose_firmware_does_not_go_on_is_led_to_the_loader_on_its_disk() {
    Lab::run("grub-chain", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        server.cli(&["host", "add", "node13", MAC, "--exit", "grub-chain"])?;
        server.cli(&["boot", "node13", "local", "--once"])?;
        // OVMF connects only what it may boot from, so the disk has a place in its order.
        // iPXE stands for an installed system's loader: it says on the screen that it runs.
        let disk = lab.dir().join("esp");
        std::fs::create_dir_all(disk.join("EFI/BOOT"))?;
        std::fs::copy("/usr/lib/ipxe/snponly.efi", disk.join("EFI/BOOT/BOOTX64.EFI"))
            .context("package ipxe")?;
        let drive = format!("if=none,id=esp,format=raw,readonly=on,file=fat:{}", disk.display());
        let mut machine = lab
            .machine("node13")
            .firmware(Firmware::UefiX64)
            .mac(MAC)
            .arguments(&["-drive", &drive, "-device", "virtio-blk-pci,drive=esp,bootindex=2"])
            .start()?;
        machine.wait_for("/EFI/BOOT/BOOTX64.EFI", BOOT)?;
        machine.wait_for("iPXE", BOOT)?;
        server.wait_for_event("used-up", BOOT, |event| event["host"] == "node13")?;
        Ok(())
    });
}
