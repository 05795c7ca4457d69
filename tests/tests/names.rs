//! The names by which loaders look for their configuration, over TFTP and HTTP, and what people put there by hand.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, SERVER, client};

/// What the machine's own SMBIOS says, and what PXELINUX makes of it.
const UUID: &str = "b8945908-d6a6-41a9-a11d-74a6ab80b83d";
const UUID_ON_THE_WIRE: &str = "085994b8-a6d6-a941-a11d-74a6ab80b83d";

#[test]
fn a_machine_finds_its_configuration_under_every_name_of_pxelinux_search() {
    Lab::run("names-search", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let machine = lab.join("10.77.0.20/24")?;
        let mac = mac(&machine)?;
        server.cli(&["host", "add", "node1", &mac, "--uuid", UUID])?;
        server.cli(&["boot", "node1", INSTALL, "--until-changed"])?;
        let entry = entry(&mac);
        let wanted = "LINUX small/vmlinuz";
        let spellings = [
            format!("pxelinux.cfg/{UUID_ON_THE_WIRE}"),
            format!("pxelinux.cfg/{UUID}"),
            format!("pxelinux.cfg/{entry}"),
            "pxelinux.cfg/0A4D0014".into(),
            "pxelinux.cfg/default".into(),
            format!("/pxelinux.cfg/{entry}"),
            format!("//pxelinux.cfg//{entry}"),
            format!("./pxelinux.cfg/./{entry}"),
            format!("small/../pxelinux.cfg/{entry}"),
        ];
        for name in &spellings {
            let text = tftp(&machine, name)?;
            ensure!(text.contains(wanted), "TFTP {name}: {text}");
            let text = http(&machine, name)?;
            ensure!(text.contains(wanted), "HTTP {name}: {text}");
        }
        let backslashes = format!("pxelinux.cfg\\{entry}");
        ensure!(tftp(&machine, &backslashes)?.contains(wanted), "backslashes");
        // Every kind of name that is not this machine's.
        for name in ["01-02-00-00-00-00-99", "00000000-0000-0000-0000-000000000001", "0A4D0063", "menu.cfg"] {
            ensure!(tftp(&machine, &format!("pxelinux.cfg/{name}")).is_err(), "{name} must not be found");
        }
        let script = http(&machine, &format!("ipxe/{mac}"))?;
        ensure!(script.starts_with("#!ipxe\nkernel http://10.77.0.1:8080/small/vmlinuz"), "{script}");
        ensure!(http(&machine, "ipxe")? == script, "the same by the machine's address");
        for name in ["autoexec.ipxe", "EFI/boot/autoexec.ipxe"] {
            // Each has a token of its own for the machine's attempt, but says the same.
            for text in [tftp(&machine, name)?, http(&machine, name)?] {
                ensure!(
                    text.starts_with("#!ipxe\nkernel http://10.77.0.1:8080/small/vmlinuz"),
                    "{name}: {text}"
                );
            }
        }
        for name in
            ["grub/grub.cfg", "EFI/debian/grub.cfg", &format!("grub/grub.cfg-{entry}"), "grub.cfg-0A4D0014"]
        {
            let text = tftp(&machine, name)?;
            ensure!(text.contains("linux '(tftp,10.77.0.1)/small/vmlinuz'"), "TFTP {name}: {text}");
            let text = http(&machine, name)?;
            ensure!(text.contains("linux '(http,10.77.0.1:8080)/small/vmlinuz'"), "HTTP {name}: {text}");
        }
        Ok(())
    });
}

#[test]
fn a_machine_that_fetches_ipxe_again_and_again_is_told_of() {
    Lab::run("names-round", |lab| {
        let site = SmallInstaller::new(lab)?;
        fs::write(site.tree().join("snponly.efi"), "MZ")?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let machine = lab.join("10.77.0.20/24")?;
        let mac = mac(&machine)?;
        for _ in 0..2 {
            tftp(&machine, "snponly.efi")?;
        }
        ensure!(server.events_of("goes-round")?.is_empty(), "twice is no round trip");
        http(&machine, "snponly.efi")?;
        server.wait_for_event("goes-round", PATIENCE, |event| event["mac"] == mac.as_str())?;
        Ok(())
    });
}

#[test]
fn whoever_spoke_last_wins_and_show_says_who() {
    Lab::run("names-hand", |lab| {
        let site = SmallInstaller::new(lab)?;
        let cfg = site.tree().join("pxelinux.cfg");
        fs::create_dir_all(cfg.join("conf"))?;
        let grml = "DEFAULT grml\nLABEL grml\n  KERNEL grml/vmlinuz\n  APPEND initrd=grml/initrd.img\n";
        fs::write(cfg.join("conf/grml"), grml)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let machine = lab.join("10.77.0.20/24")?;
        let mac = mac(&machine)?;
        let link = cfg.join(entry(&mac));
        let name = format!("pxelinux.cfg/{}", entry(&mac));

        symlink("conf/grml", &link)?;
        ensure!(
            tftp(&machine, &name)? == grml,
            "a link for a machine that is no host is honoured to the byte"
        );
        server.cli(&["host", "add", "node1", &mac])?;
        ensure!(
            tftp(&machine, &name)?.contains("LOCALBOOT"),
            "the host was added later than the link was made"
        );
        remake(&link, "conf/grml")?;
        ensure!(tftp(&machine, &name)? == grml, "a link made today is stronger than an old assignment");
        ensure!(server.cli(&["show", "node1"])?.contains("by hand"), "show says who decided");

        let body = format!(r#"{{"hosts":[{{"macAddress":"{mac}"}}]}}"#);
        let url = format!("http://{SERVER}:3478/configurations/local/deploy");
        let status = client::http_status(&machine, &url, &["-X", "PUT", "-d", &body])?;
        ensure!(status == 200, "the machine may send itself to its disk: {status}");
        ensure!(tftp(&machine, &name)?.contains("LOCALBOOT"), "an old link must not defeat a call-back");
        remake(&link, "conf/grml")?;
        ensure!(tftp(&machine, &name)? == grml, "a link made after that is stronger again");

        fs::remove_file(&link)?;
        fs::hard_link(cfg.join("conf/grml"), &link)?;
        ensure!(tftp(&machine, &name)? == grml, "a hard link is as good");
        fs::remove_file(&link)?;
        symlink("conf/nothing", &link)?;
        ensure!(tftp(&machine, &name)?.contains("LOCALBOOT"), "a dangling link boots nothing");
        Ok(())
    });
}

#[test]
fn unknown_machines_get_what_the_site_says() {
    Lab::run("names-unknown", |lab| {
        let site = SmallInstaller::new(lab)?;
        let cfg = site.tree().join("pxelinux.cfg");
        fs::create_dir_all(&cfg)?;
        let default = "DEFAULT menu\nLABEL menu\n  LOCALBOOT 0\n";
        fs::write(cfg.join("default"), default)?;
        let alone = site.config(Dhcp::Server, "");
        let server = lab.server(&alone)?;
        let machine = lab.join("10.77.0.20/24")?;
        let name = format!("pxelinux.cfg/{}", entry(&mac(&machine)?));
        for name in [name.as_str(), "pxelinux.cfg/default"] {
            ensure!(tftp(&machine, name).is_err(), "{name}: unknown machines are left alone");
        }
        fs::write(server.config(), alone.replace("attempts = 3", "attempts = 3\nunknown = \"default\""))?;
        server.cli(&["reload"])?;
        for name in [name.as_str(), "pxelinux.cfg/default"] {
            ensure!(tftp(&machine, name)? == default, "{name}: the tree's own default");
        }
        let installer = format!("attempts = 3\nunknown = \"profile:{INSTALL}\"");
        fs::write(server.config(), alone.replace("attempts = 3", &installer))?;
        let refused = server.cli(&["reload"]);
        ensure!(refused.is_err(), "a profile that installs is not for machines that nobody armed");
        ensure!(tftp(&machine, &name)? == default, "a wrong file changes nothing");
        Ok(())
    });
}

#[test]
fn the_file_of_an_installer_is_only_for_hosts_armed_for_it() {
    Lab::run("names-guard", |lab| {
        let site = SmallInstaller::new(lab)?;
        let conf = site.tree().join("pxelinux.cfg/conf");
        fs::create_dir_all(&conf)?;
        fs::write(conf.join("wipe"), "DEFAULT wipe\nLABEL wipe\n  KERNEL wipe/linux\n")?;
        let server = lab.server(&site.config(Dhcp::Server, "[profiles.wipe]\nclass = \"install\"\n"))?;
        let machine = lab.join("10.77.0.20/24")?;
        server.cli(&["host", "add", "node1", &mac(&machine)?])?;
        let name = "pxelinux.cfg/conf/wipe";
        let status = || client::http_status(&machine, &format!("http://{SERVER}:8080/{name}"), &[]);
        ensure!(tftp(&machine, name).is_err() && status()? == 403, "not armed");
        server.cli(&["boot", "node1", "wipe"])?;
        ensure!(tftp(&machine, name)?.contains("wipe/linux") && status()? == 200, "armed");
        server.cli(&["cancel", "node1"])?;
        ensure!(tftp(&machine, name).is_err() && status()? == 403, "not armed any more");
        Ok(())
    });
}

fn remake(link: &PathBuf, target: &str) -> Result<()> {
    fs::remove_file(link)?;
    Ok(symlink(target, link)?)
}

fn tftp(machine: &Namespace, name: &str) -> Result<String> {
    Ok(String::from_utf8(client::tftp_hpa(machine, SERVER, name)?)?)
}

fn http(machine: &Namespace, name: &str) -> Result<String> {
    let url = format!("http://{SERVER}:8080/{name}");
    Ok(String::from_utf8(client::curl(machine, &url, &["--fail"])?)?)
}

fn mac(machine: &Namespace) -> Result<String> {
    Ok(machine.run("cat", &["/sys/class/net/eth0/address"])?.trim().to_owned())
}

fn entry(mac: &str) -> String {
    format!("01-{}", mac.replace(':', "-"))
}
