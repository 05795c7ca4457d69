//! UEFI machines that boot by shim and GRUB, as Secure Boot wants it.

use std::time::Duration;

use anyhow::ensure;
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
