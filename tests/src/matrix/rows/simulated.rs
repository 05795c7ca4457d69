//! Firmware that cannot be had under QEMU, simulated: on the wire it behaves like the real one was seen to.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use nextboot_firmware::raspberry::Model;
use nextboot_firmware::{Booted, Firmware, Verdict, rom};
use nextboot_model::Arch;

use super::row;
use crate::matrix::place::Place;
use crate::matrix::row::{Reached, Row};
use crate::matrix::stage::{PROFILE, Stage};
use crate::simulated::{Report, boot_on};
use crate::site::SmallInstaller;

/// A ROM that asks on port 4011 whatever it was told, and sends no UUID.
pub(super) const BIOS_INTEL: Row = row(
    "bios-intel",
    "simulated BIOS ROM like Intel's (no option 97, insists on port 4011) -> pxelinux.0 -> kernel",
    &[Place::ProxyDirect, Place::Relay],
    |stage| {
        let rom = Firmware::Rom(rom::Variant { uuid: false, always_4011: true });
        kernel(stage, rom, "52:54:00:00:00:11")
    },
);

/// A U-Boot that was built to hear proxies.
pub(super) const U_BOOT: Row = Row {
    without: only_proxies,
    ..row(
        "u-boot-proxy",
        "simulated U-Boot with CONFIG_SERVERIP_FROM_PROXYDHCP -> pxelinux.cfg -> kernel",
        &[Place::SameHost],
        // It hears a proxy for 100 ms after the DHCP server's offer, which a busy machine may miss.
        |stage| retry(3, || kernel(stage, Firmware::UBoot(Arch(0x16)), "52:54:00:00:00:12")),
    )
};

fn only_proxies(place: Place) -> Option<&'static str> {
    (!place.is_proxy()).then_some("a real one does this: row u-boot")
}

/// Its OFFER is all that it waits for.
pub(super) const PI_3: Row = Row {
    without: no_router,
    prepare: pi_files,
    ..row(
        "raspberry-pi-3",
        "simulated Raspberry Pi 3 (takes the OFFER, never asks for it) -> bootcode.bin -> its kernel",
        &[Place::ProxyDirect],
        |stage| pi(stage, Model::Pi3, "b8:27:eb:00:00:03", "kernel8.img"),
    )
};

fn no_router(place: Place) -> Option<&'static str> {
    (place == Place::Relay).then_some("a Pi 3 reaches no TFTP server behind a router")
}

/// By its serial number.
pub(super) const PI_4: Row = Row {
    prepare: pi_files,
    ..row(
        "raspberry-pi-4",
        "simulated Raspberry Pi 4 -> the directory of its serial number -> its kernel",
        &[Place::Server],
        |stage| pi(stage, Model::Pi4, "dc:a6:32:00:00:04", "32000004/kernel8.img"),
    )
};

/// By its serial number.
pub(super) const PI_5: Row = Row {
    prepare: pi_files,
    ..row(
        "raspberry-pi-5",
        "simulated Raspberry Pi 5 -> the directory of its serial number -> its kernel",
        &[Place::SameHost],
        |stage| pi(stage, Model::Pi5, "2c:cf:67:00:00:05", "67000005/kernel_2712.img"),
    )
};

/// BOOTP with a reserved address.
pub(super) const BOOTP: Row = Row {
    without: no_proxies,
    ..row(
        "bootp",
        "simulated BOOTP client with a reserved address -> pxelinux.0 -> kernel",
        &[Place::Server],
        |stage| {
            let mac = "52:54:00:00:00:13";
            let address = format!("{}.50", stage.network_prefix());
            stage.server.cli(&["host", "add", "old", mac, "--address", &address])?;
            stage.server.cli(&["boot", "old", PROFILE])?;
            let report = play(stage, Firmware::Bootp, mac)?;
            let got = report.boot.as_ref().map(|boot| boot.address().to_string());
            ensure!(got.as_deref() == Some(address.as_str()), "its address is {got:?}");
            runs_a_kernel(&report)
        },
    )
};

fn no_proxies(place: Place) -> Option<&'static str> {
    place
        .is_proxy()
        .then_some("BOOTP takes one answer with everything in it, and a proxy has no address to give")
}

fn play(stage: &Stage<'_>, firmware: Firmware, mac: &str) -> Result<Report> {
    boot_on(&stage.plug()?, firmware, mac, stage.left()?)
}

fn kernel(stage: &Stage<'_>, firmware: Firmware, mac: &str) -> Result<Reached> {
    armed(stage, mac)?;
    runs_a_kernel(&play(stage, firmware, mac)?)
}

fn armed(stage: &Stage<'_>, mac: &str) -> Result<()> {
    // It is there at a second try.
    let _ = stage.server.cli(&["host", "add", "simulated", mac]);
    stage.server.cli(&["boot", "simulated", PROFILE]).map(drop)
}

fn runs_a_kernel(report: &Report) -> Result<Reached> {
    ensure!(report.runs_a_kernel(), "{report}");
    Ok(Reached { what: "kernel", after: report.took })
}

fn retry(times: u32, attempt: impl Fn() -> Result<Reached>) -> Result<Reached> {
    let mut reasons = String::new();
    for _ in 0..times {
        match attempt() {
            Ok(reached) => return Ok(reached),
            Err(error) => reasons.push_str(&format!("{error:#}\n")),
        }
    }
    bail!("{reasons}")
}

fn pi(stage: &Stage<'_>, model: Model, mac: &str, kernel: &str) -> Result<Reached> {
    armed(stage, mac)?;
    let report = play(stage, Firmware::RaspberryPi(model), mac)?;
    let runs =
        matches!(&report.verdict, Verdict::Booted(Booted::Kernel { kernel: own, .. }) if own == kernel);
    ensure!(runs, "{kernel}:\n{report}");
    Ok(Reached { what: "its own kernel", after: report.took })
}

/// A directory for each by its serial number, but a Pi 3 that finds all of its files in the root.
fn pi_files(site: &SmallInstaller) -> Result<()> {
    let root = ["bootcode.bin", "start.elf", "kernel8.img"];
    let own =
        ["32000004/start4.elf", "32000004/kernel8.img", "67000005/config.txt", "67000005/kernel_2712.img"];
    for name in root.into_iter().chain(own) {
        let path = site.tree().join(name);
        fs::create_dir_all(path.parent().context("a file in a directory")?)?;
        fs::write(path, name)?;
    }
    Ok(())
}
