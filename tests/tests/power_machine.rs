//! One command, and a machine that was off installs itself: a controller that speaks IPMI, and at its power button an emulated
//! machine with real firmware.

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use nextboot_tests::bmc::{self, Bmc};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, PATIENCE, wait_until};

const MAC: &str = "52:54:00:00:00:01";

/// From power-on to the kernel, and from there to the disk: see `use_case.rs`.
const BOOT: Duration = Duration::from_secs(400);

#[test]
fn boot_now_switches_a_machine_on_and_it_installs() {
    Lab::run("power-machine", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let password = lab.dir().join("password");
        fs::write(&password, bmc::PASSWORD)?;
        let password = password.display().to_string();
        // IPMI 2.0, as people have it who say nothing about it.
        let mut line = vec!["host", "add", "node1", MAC, "--power", "ipmi", "--bmc", "10.77.0.50"];
        line.extend(["--bmc-user", bmc::USER, "--bmc-password-file", &password]);
        server.cli(&line)?;
        let said = server.cli(&["boot", "node1", INSTALL, "--now"])?;
        ensure!(said.contains("node1  on     switched on, was off"), "{said}");
        ensure!(bmc.take_changes()? == ["set boot pxe", "set power 1"] && bmc.is_on()?);
        // The wire from the controller to the machine's power button.
        let mut machine = lab.machine("node1").mac(MAC).disk_mib(16).start()?;
        machine.wait_for("installer: kernel", BOOT)?;
        machine.wait_for("nextboot: this is the disk of node1", BOOT)?;
        server.wait_for_event("called-back", PATIENCE, |event| event["host"] == "node1")?;
        server.cli(&["power", "off", "node1"])?;
        wait_until("the controller switches it off", PATIENCE, || Ok((!bmc.is_on()?).then_some(())))?;
        machine.power_off();
        let told: Vec<String> = server
            .events()?
            .iter()
            .filter_map(|event| event["code"].as_str())
            .filter(|code| ["assigned", "power-switched", "seed-sent", "called-back"].contains(code))
            .map(str::to_owned)
            .collect();
        ensure!(
            told == ["assigned", "power-switched", "seed-sent", "called-back", "power-switched"],
            "{told:?}"
        );
        Ok(())
    });
}
