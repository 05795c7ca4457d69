//! Networks by name: what machines boot that are no hosts, on the wire and by the command line.

use std::fs;

use anyhow::{Result, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Namespace, SERVER, client};

const MENU: &str = "DEFAULT menu\nLABEL menu\n  LOCALBOOT 0\n";
const OTHER: &str = "DEFAULT other\nLABEL other\n  LOCALBOOT 0\n";

#[test]
fn a_machine_that_is_no_host_boots_what_its_network_does() {
    Lab::run("nets", |lab| {
        let site = SmallInstaller::new(lab)?;
        let conf = site.tree().join("pxelinux.cfg/conf");
        fs::create_dir_all(&conf)?;
        fs::write(conf.join("menu"), MENU)?;
        fs::write(conf.join("other"), OTHER)?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let machine = lab.join("10.77.0.20/24")?;
        let own = format!("pxelinux.cfg/01-{}", mac(&machine)?.replace(':', "-"));
        let names = [own.as_str(), "pxelinux.cfg/0A4D0014", "pxelinux.cfg/0A4D00", "pxelinux.cfg/default"];
        let gets = |wanted: &str| -> Result<()> {
            for name in names {
                let text = tftp(&machine, name)?;
                ensure!(text == wanted, "{name}: {text}");
            }
            Ok(())
        };
        ensure!(names.iter().all(|name| tftp(&machine, name).is_err()), "left alone");

        server.cli(&["net", "add", "lab", "10.77"])?;
        let said = server.cli(&["net", "boot", "lab", "menu"])?;
        ensure!(said.contains("lab (10.77.0.0/16)") && said.contains("boot menu"), "{said}");
        gets(MENU)?;
        server.cli(&["net", "boot", "default", "other"])?;
        gets(MENU)?;
        server.cli(&["net", "add", "far", "10.34.0.0/16"])?;
        server.cli(&["net", "boot", "far", "other"])?;
        ensure!(tftp(&machine, "pxelinux.cfg/0A22")? == OTHER, "what another network gets can be looked at");
        server.restart()?;
        gets(MENU)?;
        let list = server.cli(&["net", "ls"])?;
        ensure!(list.contains("0A4D") && list.contains("10.34.0.0/16") && list.contains("default"), "{list}");

        server.cli(&["net", "cancel", "lab"])?;
        gets(OTHER)?;
        server.cli(&["net", "rm", "default", "far"])?;
        ensure!(
            tftp(&machine, &own).is_err() && tftp(&machine, "pxelinux.cfg/0A22").is_err(),
            "nothing is left"
        );
        Ok(())
    });
}

#[test]
fn an_installer_is_for_single_addresses_and_hosts() {
    Lab::run("nets-install", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let machine = lab.join("10.77.0.20/24")?;
        let own = format!("pxelinux.cfg/01-{}", mac(&machine)?.replace(':', "-"));
        server.cli(&["net", "add", "lab", "10.77"])?;
        for net in ["lab", "default"] {
            let refused = server.cli(&["net", "boot", net, INSTALL]).err().map(|error| error.to_string());
            let refused = refused.unwrap_or_default();
            ensure!(
                refused.contains("nobody armed") && refused.contains("nextboot net add NAME ADDRESS"),
                "{refused}"
            );
        }
        ensure!(tftp(&machine, &own).is_err(), "nothing was armed");
        server.cli(&["net", "add", "one", "10.77.0.20"])?;
        server.cli(&["net", "boot", "one", INSTALL])?;
        let text = tftp(&machine, &own)?;
        ensure!(text.contains("small/vmlinuz"), "{text}");
        let other = lab.join("10.77.0.21/24")?;
        let its = format!("pxelinux.cfg/01-{}", mac(&other)?.replace(':', "-"));
        ensure!(tftp(&other, &its).is_err(), "its neighbour is left alone");
        let url = format!("http://{SERVER}:8080/localboot/");
        client::curl(&machine, &url, &["--fail"])?;
        ensure!(
            tftp(&machine, &own)?.contains("LOCALBOOT"),
            "its call-back makes it a host, which goes before networks"
        );
        Ok(())
    });
}

fn tftp(machine: &Namespace, name: &str) -> Result<String> {
    Ok(String::from_utf8(client::tftp_hpa(machine, SERVER, name)?)?)
}

fn mac(machine: &Namespace) -> Result<String> {
    Ok(machine.run("cat", &["/sys/class/net/eth0/address"])?.trim().to_owned())
}
