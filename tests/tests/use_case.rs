//! The use case, real: a bare BIOS machine goes through PXE into an installer, the installer calls back, and the
//! machine's next boot is its own disk.

use std::time::Duration;

use anyhow::{Result, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Machine, Server, peer};

const MAC: &str = "52:54:00:00:00:01";

/// From power-on, or from one boot to the next, to the kernel: 25 s when nothing else runs on the two cores, and five times
/// that was seen when much did.
const BOOT: Duration = Duration::from_secs(400);

/// From the kernel to the end of the installation: 3 s when nothing else runs.
const INSTALLATION: Duration = Duration::from_secs(200);

#[test]
fn a_bare_machine_installs_calls_back_and_boots_from_its_disk() {
    Lab::run("use-case", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        install_and_boot_the_disk(lab, &server)
    });
}

#[test]
fn the_same_beside_the_dhcp_server_of_the_subnet() {
    Lab::run("use-case-proxy", |lab| {
        let site = SmallInstaller::new(lab)?;
        let other = lab.join("10.77.0.2/24")?;
        let dnsmasq = peer::dnsmasq(lab, &other, &[])?;
        let server = lab.server(&site.config(Dhcp::Proxy, ""))?;
        install_and_boot_the_disk(lab, &server)?;
        ensure!(dnsmasq.log.count("DHCPACK(eth0)") >= 2, "the addresses must have come from dnsmasq");
        ensure!(server.events_of("leased")?.is_empty(), "a proxy gives no addresses");
        Ok(())
    });
}

#[test]
fn without_the_call_back_it_installs_three_times_and_then_goes_to_its_disk() {
    Lab::run("use-case-no-call-back", |lab| {
        let site = SmallInstaller::new(lab)?;
        site.without_call_back()?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let mut machine = armed(lab, &server)?;
        for _ in 0..3 {
            machine.wait_for("installer: kernel", BOOT)?;
            machine.wait_for("is bootable now", INSTALLATION)?;
        }
        machine.wait_for("nextboot: this is the disk of node1", BOOT)?;
        ensure!(machine.serial().count("installer: kernel") == 3, "three installations and no more");
        ensure!(server.events_of("gave-up")?.len() == 1, "the journal must say that it gave up");
        ensure!(server.events_of("called-back")?.is_empty(), "nobody called back");
        Ok(())
    });
}

#[test]
fn a_machine_that_nobody_armed_is_left_alone() {
    Lab::run("use-case-not-armed", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        server.cli(&["host", "add", "node1", MAC])?;
        let mut machine = lab.machine("node1").mac(MAC).disk_mib(16).start()?;
        server.wait_for_event("discovered", BOOT, |event| event["mac"] == MAC)?;
        // It gives up on the network and tries its disk, which is empty.
        let bios = lab.dir().join("node1/bios.log");
        nextboot_tests::Transcript::new(bios).wait_for("Boot failed", BOOT, || Ok(()))?;
        ensure!(!machine.serial().text().contains("installer:"), "no installer may have run");
        machine.power_off();
        Ok(())
    });
}

fn armed(lab: &Lab, server: &Server) -> Result<Machine> {
    server.cli(&["host", "add", "node1", MAC])?;
    server.cli(&["boot", "node1", INSTALL])?;
    lab.machine("node1").mac(MAC).disk_mib(64).start()
}

fn install_and_boot_the_disk(lab: &Lab, server: &Server) -> Result<()> {
    let mut machine = armed(lab, server)?;
    let kernel = machine.wait_for("installer: kernel", BOOT)?;
    machine.wait_for("installer: this is node1", INSTALLATION)?;
    machine.wait_for("is bootable now", INSTALLATION)?;
    machine.wait_for("HTTP/1.1 200", INSTALLATION)?;
    let disk = machine.wait_for("nextboot: this is the disk of node1", BOOT)?;
    println!("kernel after {:.1} s, own disk after {:.1} s", kernel.as_secs_f32(), disk.as_secs_f32());

    ensure!(machine.serial().count("installer: kernel") == 1, "one installation and no more");
    ensure!(server.events_of("called-back")?.len() == 1, "one call-back");
    let sent = server.events_of("configuration-sent")?;
    let profiles: Vec<&str> = sent.iter().filter_map(|event| event["profile"].as_str()).collect();
    ensure!(profiles == [INSTALL, "local"], "configurations sent: {profiles:?}");
    Ok(())
}
