//! The boot menu that firmware itself shows: offered, chosen from on port 4011, and followed by every later door of that boot.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::pxe::Rom;
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Firmware, Lab, PATIENCE, SERVER, client, peer, wait_until};

const ONE_ASK: Duration = Duration::from_secs(2);
/// From power-on to the kernel.
const BOOT: Duration = Duration::from_secs(300);
const US: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const MAC: &str = "52:54:00:00:00:17";

/// A menu of the own disk, a live system and the installer, for everybody.
const MENU: &str = r#"
[boot.menu]
entries = ["local", "rescue", "small-installer"]
prompt = "Choose"
timeout = 2
hosts = ["*"]
unknown = true

[profiles.rescue]
title = "Rescue system"
class = "live"
kernel = "small/vmlinuz"
initrd = ["small/initrd"]
args = "console=ttyS0 rescue"
"#;
const RESCUE: u16 = 0x8002;
const INSTALLER: u16 = 0x8003;

#[test]
fn a_choice_at_the_console_holds_for_one_boot_and_installs_nobody() {
    Lab::run("menu-choice", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Proxy, MENU))?;
        let machine = lab.join("10.77.0.60/24")?;
        let mut rom = Rom::new(&machine, "eth0", [0x52, 0x54, 0, 0, 0, 0x17], 0)?;
        let offered = |rom: &mut Rom| -> Result<Vec<u8>> {
            let offer = rom.discover(PATIENCE, |got| !got.is_empty())?.pop().context("no offer")?;
            ensure!(offer.is_proxy_offer() && offer.file.is_empty() && offer.next_server == US, "{offer:?}");
            offer.options.get(&43).cloned().context("no menu")
        };
        let shows = |menu: &[u8], text: &[u8]| menu.windows(text.len()).any(|window| window == text);
        let menu = offered(&mut rom)?;
        ensure!(menu.starts_with(&[6, 1, 3]) && shows(&menu, b"Rescue system"), "{menu:?}");
        ensure!(!shows(&menu, INSTALL.as_bytes()), "nobody armed this machine");

        ensure!(rom.ask_boot_server(US, Some(INSTALLER), ONE_ASK)?.is_none(), "nor can it ask for it");
        let ack = rom.ask_boot_server(US, Some(RESCUE), PATIENCE)?.context("port 4011 is silent")?;
        ensure!(ack.options.get(&43).is_some_and(|item| item == &[71, 4, 0x80, 2, 0, 0, 255]), "{ack:?}");
        ensure!(ack.file == "pxelinux.0", "{ack:?}");
        server.wait_for_event("picked", PATIENCE, |event| event["profile"] == "rescue")?;
        let name = format!("pxelinux.cfg/01-{}", MAC.replace(':', "-"));
        let fetch = || client::tftp_hpa(&machine, SERVER, &name);
        let text = String::from_utf8(fetch()?)?;
        ensure!(text.contains("console=ttyS0 rescue"), "what was picked: {text}");

        // The next boot begins with the menu, and without a choice an unknown machine gets nothing.
        offered(&mut rom)?;
        ensure!(fetch().is_err(), "a choice holds for one boot");

        server.cli(&["host", "add", "node17", MAC])?;
        server.cli(&["boot", "node17", INSTALL])?;
        ensure!(shows(&offered(&mut rom)?, INSTALL.as_bytes()), "now it is armed");
        let ack = rom.ask_boot_server(US, Some(INSTALLER), PATIENCE)?.context("port 4011 is silent")?;
        ensure!(ack.file == "pxelinux.0", "{ack:?}");
        ensure!(String::from_utf8(fetch()?)?.contains("seed="), "the installer's configuration");
        Ok(())
    });
}

#[test]
fn the_bios_rom_shows_the_menu_and_takes_the_default_when_nobody_chooses() {
    Lab::run("menu-bios", |lab| boots_its_default(lab, Firmware::Bios, Dhcp::Server));
}

#[test]
fn uefi_shows_the_menu_beside_another_dhcp_server() {
    Lab::run("menu-uefi", |lab| {
        let other = lab.join("10.77.0.2/24")?;
        let _dnsmasq = peer::dnsmasq(lab, &other, &[])?;
        boots_its_default(lab, Firmware::UefiX64, Dhcp::Proxy)
    });
}

/// Somebody stands at the console: F8 at the prompt, one entry down, Enter.
#[test]
fn what_is_picked_with_the_keyboard_boots_and_not_the_default() {
    Lab::run("menu-keyboard", |lab| {
        let site = SmallInstaller::new(lab)?;
        let menu =
            format!("{MENU}\n[[boot.menu.host]]\nname = \"node17\"\ndefault = \"local\"\ntimeout = 120\n");
        let server = lab.server(&site.config(Dhcp::Server, &menu))?;
        server.cli(&["host", "add", "node17", MAC])?;
        let mut machine = lab.machine("node17").mac(MAC).start()?;
        let shows = |text: &str| {
            let mut last = String::new();
            let seen = wait_until(&format!("{text:?} on the screen"), BOOT, || {
                last = machine.screen()?;
                Ok(last.contains(text).then_some(()))
            });
            seen.with_context(|| last)
        };
        shows("Choose")?;
        machine.press("f8")?;
        // iPXE shows one entry at a time, in the last line.
        shows("A. local")?;
        machine.press("down")?;
        shows("B. Rescue system")?;
        machine.press("ret")?;
        let picked = server.wait_for_event("picked", BOOT, |event| event["host"] == "node17")?;
        ensure!(picked["profile"] == "rescue", "{picked}");
        machine.wait_for("Linux version", BOOT)?;
        Ok(())
    });
}

fn boots_its_default(lab: &Lab, firmware: Firmware, dhcp: Dhcp) -> Result<()> {
    let site = SmallInstaller::new(lab)?;
    let menu = format!("{MENU}\n[[boot.menu.host]]\nname = \"node17\"\ndefault = \"rescue\"\ntimeout = 1\n");
    let server = lab.server(&site.config(dhcp, &menu))?;
    server.cli(&["host", "add", "node17", MAC])?;
    let mut machine = lab.machine("node17").firmware(firmware).mac(MAC).start()?;
    let of_node = |event: &serde_json::Value| event["host"] == "node17";
    server.wait_for_event("menu-offered", BOOT, of_node)?;
    server.wait_for_event("picked", BOOT, |event| of_node(event) && event["profile"] == "rescue")?;
    server.wait_for_event("configuration-sent", BOOT, |event| event["profile"] == "rescue")?;
    machine.wait_for("Linux version", BOOT)?;
    Ok(())
}
