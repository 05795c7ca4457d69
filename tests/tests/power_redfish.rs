//! Switching hosts by Redfish, against sushy-tools' emulator.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use nextboot_tests::redfish::{self, Redfish};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Server, wait_until};

/// The emulator's machines take up to 11 s.
const SLOWLY: Duration = Duration::from_secs(60);

struct Place {
    server: Server,
    password: String,
}

impl Place {
    fn new(lab: &Lab, power: &str) -> Result<Self> {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, &format!("[power]\n{power}\n")))?;
        let password = lab.dir().join("password");
        fs::write(&password, redfish::PASSWORD)?;
        Ok(Self { server, password: password.display().to_string() })
    }

    fn host(&self, name: &str, mac: &str, more: &[&str]) -> Result<()> {
        let mut line = vec!["host", "add", name, mac, "--power", "redfish", "--bmc-user", redfish::USER];
        line.extend(["--bmc-password-file", &self.password]);
        line.extend(more);
        self.server.cli(&line).map(drop)
    }

    fn refused(&self, line: &[&str]) -> Result<String> {
        let output = self.server.caller().command(line).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.code() == Some(1), "{line:?}: {} {said}", output.status);
        Ok(said)
    }
}

#[test]
fn a_host_is_switched_by_redfish_and_boots_the_network_once() {
    Lab::run("power-redfish", |lab| {
        let room = lab.join("10.77.0.70/24")?;
        let service = Redfish::start(lab, &room, "redfish", "10.77.0.70", 2, false)?;
        let place = Place::new(lab, "")?;
        let url = "http://10.77.0.70:8000";
        place.host("node1", "52:54:00:00:00:01", &["--bmc", url])?;
        let said = place.refused(&["power", "status", "node1"])?;
        ensure!(
            said.contains("which system is the machine? It has: ") && said.contains("--bmc-system"),
            "{said}"
        );
        place.server.cli(&["host", "rm", "node1"])?;
        let second = service.systems()[1].as_str();
        place.host("node1", "52:54:00:00:00:01", &["--bmc", url, "--bmc-system", second])?;
        ensure!(place.server.cli(&["power", "status", "node1"])?.contains("node1  off"));
        let said = place.server.cli(&["boot", "node1", INSTALL, "--now"])?;
        ensure!(said.contains("switched on, was off"), "{said}");
        let system = service.system(&room, 1)?;
        ensure!(system["Boot"]["BootSourceOverrideTarget"] == "Pxe", "{system}");
        wait_until("the machine is on", SLOWLY, || {
            Ok(place.server.cli(&["power", "status", "node1"])?.contains("node1  on").then_some(()))
        })?;
        ensure!(service.system(&room, 0)?["PowerState"] == "Off", "the other one was left alone");
        let said = place.server.cli(&["power", "cycle", "node1"])?;
        ensure!(said.contains("was on"), "{said}");
        place.server.cli(&["power", "off", "node1"])?;
        wait_until("the machine is off", SLOWLY, || {
            Ok((service.system(&room, 1)?["PowerState"] == "Off").then_some(()))
        })?;

        fs::write(&place.password, "wrong")?;
        place.host("node2", "52:54:00:00:00:02", &["--bmc", url, "--bmc-system", second])?;
        let said = place.refused(&["power", "on", "node2"])?;
        ensure!(said.contains("does not let \"admin\" in"), "{said}");
        let texts =
            [place.server.cli(&["--json", "events"])?, fs::read_to_string(place.server.log().path())?];
        ensure!(!texts.iter().any(|text| text.contains("s3cr3t")), "the password was told");
        Ok(())
    });
}

#[test]
fn a_certificate_is_checked_unless_the_host_says_otherwise() {
    Lab::run("power-redfish-tls", |lab| {
        let room = lab.join("10.77.0.70/24")?;
        let service = Redfish::start(lab, &room, "redfish", "10.77.0.70", 1, true)?;
        let place = Place::new(lab, "retries = 0")?;
        let bmc = ["--bmc", "10.77.0.70", "--bmc-port", "8000"];
        place.host("strict", "52:54:00:00:00:01", &bmc)?;
        place.host("trusts", "52:54:00:00:00:02", &[&bmc[..], &["--bmc-insecure"]].concat())?;
        let said = place.refused(&["power", "status", "strict", "trusts"])?;
        ensure!(
            said.contains("certificate")
                && said.contains("[power] ca_file")
                && said.contains("--bmc-insecure"),
            "{said}"
        );
        ensure!(said.contains("trusts  off"), "{said}");
        let config = fs::read_to_string(place.server.config())?;
        let ca = format!("[power]\nca_file = \"{}\"", service.authority()?.display());
        fs::write(place.server.config(), config.replace("[power]", &ca))?;
        place.server.cli(&["reload"])?;
        ensure!(place.server.cli(&["power", "status", "strict"])?.contains("strict  off"));
        let plain = ["--bmc", "http://10.77.0.70:8000"];
        place.host("plain", "52:54:00:00:00:03", &plain)?;
        let said = place.refused(&["power", "status", "plain"])?;
        ensure!(said.contains("the controller at http://10.77.0.70:8000: "), "{said}");
        Ok(())
    });
}
