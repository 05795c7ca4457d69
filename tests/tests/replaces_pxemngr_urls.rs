//! What pxemngr answered over HTTP, and what its installer did with that.

use std::fs;

use anyhow::{Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, SERVER, Server, client};

/// The profile that the site's machines install.
const INST: &str = "PROMPT 0\nTIMEOUT 0\nDEFAULT inst\nLABEL inst\n  KERNEL debian/linux\n  APPEND initrd=debian/initrd.gz auto=true priority=critical\n";
const LOCAL: &str = "PROMPT 0\nTIMEOUT 0\nDEFAULT 0\nLABEL 0\n  LOCALBOOT 0\n";
const OTHER: &str = "00:25:90:03:b6:e8";

struct Site {
    server: Server,
    machine: Namespace,
    mac: String,
}

/// A tree with two profiles, a server that trusts nobody, and a machine that the kernel's neighbour table knows.
fn site(lab: &Lab, api: &str) -> Result<Site> {
    let site = SmallInstaller::new(lab)?;
    let conf = site.tree().join("pxelinux.cfg/conf");
    fs::create_dir_all(&conf)?;
    fs::write(conf.join("inst"), INST)?;
    fs::write(conf.join("local"), LOCAL)?;
    fs::create_dir_all(site.tree().join("inst"))?;
    fs::write(site.tree().join("hello.txt"), "hello\n")?;
    let config = site.config(Dhcp::Proxy, "").replace("[boot]\n", &format!("{api}\n[boot]\n"));
    let server = lab.server(&config)?;
    let machine = lab.join("10.77.0.20/24")?;
    let mac = mac(&machine)?;
    Ok(Site { server, machine, mac })
}

impl Site {
    /// The body at a path, asked with more arguments of curl's.
    fn get(&self, path: &str, arguments: &[&str]) -> Result<String> {
        let url = format!("http://{SERVER}:8080{path}");
        Ok(String::from_utf8(client::curl(&self.machine, &url, arguments)?)?)
    }

    fn status(&self, path: &str, arguments: &[&str]) -> Result<u16> {
        client::http_status(&self.machine, &format!("http://{SERVER}:8080{path}"), arguments)
    }

    /// The configuration of a machine, by TFTP.
    fn configuration(&self, mac: &str) -> Result<String> {
        let name = format!("pxelinux.cfg/01-{}", mac.replace(':', "-"));
        Ok(String::from_utf8(client::tftp_hpa(&self.machine, SERVER, &name)?)?)
    }

    fn token(&self, lab: &Lab) -> Result<String> {
        Ok(format!("Authorization: Bearer {}", fs::read_to_string(lab.dir().join("data/token"))?.trim()))
    }
}

#[test]
fn row_21_a_machine_sends_itself_to_its_own_disk() {
    Lab::run("pxemngr-localboot", |lab| {
        let site = site(lab, "")?;
        let next = || site.server.json(&["host", "show", "n1"]);
        site.server.cli(&["host", "add", "n1", &site.mac])?;
        for path in ["/localboot/", "/localboot", "//localboot//"] {
            site.server.cli(&["boot", "n1", "inst"])?;
            ensure!(site.configuration(&site.mac)? == INST, "armed");
            ensure!(site.status(path, &["--head"])? == 200, "HEAD {path}");
            ensure!(site.configuration(&site.mac)? == INST, "HEAD {path} changes nothing");
            let said = site.get(path, &["--fail"])?;
            ensure!(said == "Next boot set to local", "{path}: {said:?}");
            ensure!(site.configuration(&site.mac)? == LOCAL, "{path}: the next boot is the disk");
        }
        let host = next()?;
        ensure!(host["assignment"]["by"]["door"] == "machine", "who it was: {host}");
        let kind = site.get("/localboot/", &["--fail", "-o", "/dev/null", "-w", "%{content_type}"])?;
        ensure!(kind.starts_with("text/plain"), "{kind}");
        let called = |site: &Site| site.server.events_of("called-back");
        let before = called(&site)?.len();
        for _ in 0..5 {
            site.get("/localboot/", &["--fail"])?;
        }
        ensure!(called(&site)?.len() == before, "again within seconds is nothing new");
        Ok(())
    });
}

#[test]
fn row_21_a_machine_that_is_no_host_is_sent_to_its_own_disk_too() {
    Lab::run("pxemngr-localboot-new", |lab| {
        let site = site(lab, "")?;
        let said = site.get("/localboot/", &["--fail"])?;
        ensure!(said == "Next boot set to local", "{said:?}");
        ensure!(site.configuration(&site.mac)? == LOCAL, "it has a configuration now");
        Ok(())
    });
}

#[test]
fn row_22_localboot_and_profile_with_a_mac() {
    Lab::run("pxemngr-mac", |lab| {
        let site = site(lab, "")?;
        site.server.cli(&["host", "add", "n1", &site.mac])?;
        site.server.cli(&["host", "add", "n2", OTHER])?;
        site.server.cli(&["boot", "n1", "n2", "inst"])?;
        let dashes = OTHER.replace(':', "-").to_uppercase();
        for path in ["/profile/", "/profile", &format!("/profile/{OTHER}/"), &format!("/profile/{dashes}")] {
            let name = site.get(path, &["--fail"])?;
            ensure!(name == "inst", "{path}: {name:?}");
            ensure!(site.status(path, &["--head"])? == 200, "HEAD {path}");
        }
        ensure!(site.status("/profile/00:00:00:00:00:07/", &[])? == 404, "nobody knows that machine");

        let own = format!("/localboot/{}/", site.mac.to_uppercase());
        ensure!(site.get(&own, &["--fail"])? == "Next boot set to local", "{own}");
        ensure!(site.get("/profile/", &["--fail"])? == "local" && site.configuration(&site.mac)? == LOCAL);

        let others = format!("/localboot/{OTHER}/");
        ensure!(site.status(&others, &[])? == 403, "a machine changes only its own next boot");
        let cookie = format!("_Syslinux_BOOTIF=01-{}", OTHER.replace(':', "-"));
        ensure!(site.get("/localboot/", &["--fail", "--cookie", &cookie])? == "Next boot set to local");
        ensure!(site.configuration(OTHER)? == INST, "a cookie changes nothing for the machine that it names");
        ensure!(site.get("/profile/", &["--cookie", &cookie])? == "inst", "but tells its profile");
        let script = site.get("/ipxe/", &["--fail", "--cookie", &cookie])?;
        ensure!(script.contains("kernel"), "and gives its texts: {script}");

        let token = site.token(lab)?;
        ensure!(site.get(&others, &["--fail", "-H", &token])? == "Next boot set to local");
        ensure!(site.configuration(OTHER)? == LOCAL);
        let stranger = "/localboot/00:25:90:03:b6:ff";
        ensure!(site.status(stranger, &[])? == 403, "nor makes hosts of others");
        ensure!(site.get(stranger, &["--fail", "-H", &token])? == "Next boot set to local");
        ensure!(site.configuration("00:25:90:03:b6:ff")? == LOCAL);
        Ok(())
    });
}

#[test]
fn row_23_nextboot_by_name_and_from_the_node_itself() {
    Lab::run("pxemngr-nextboot", |lab| {
        let site = site(lab, "trusted = [\"10.77.0.0/24\"]\n")?;
        site.server.cli(&["host", "add", "n1", &site.mac])?;
        for path in ["/nextboot/n1/inst", "/nextboot/n1/inst/", &format!("/nextboot/{}/inst", site.mac)] {
            site.server.cli(&["boot", "n1", "local"])?;
            ensure!(
                site.status(path, &["--head"])? == 200 && site.configuration(&site.mac)? == LOCAL,
                "HEAD {path}"
            );
            let said = site.get(path, &["--fail"])?;
            ensure!(said == "Next boot set to inst", "{path}: {said:?}");
            ensure!(site.configuration(&site.mac)? == INST, "{path}");
        }
        let host = site.server.json(&["host", "show", "n1"])?;
        ensure!(host["assignment"]["until"] == "changed", "it holds until somebody changes it: {host}");
        ensure!(host["assignment"]["by"]["door"] == "pxemngr", "{host}");
        ensure!(site.get("/local/", &["--fail"])? == "Next boot set to local", "from the node itself");
        ensure!(site.configuration(&site.mac)? == LOCAL);
        ensure!(
            site.get("/inst/", &["--fail"])? == "Next boot set to inst",
            "beside a directory of that name"
        );
        ensure!(site.configuration(&site.mac)? == INST);
        ensure!(site.status("/inst", &[])? == 404, "without the slash it is a name");
        for path in ["/nextboot/n1/nothing", "/nextboot/nobody/inst", "/nothing/"] {
            ensure!(site.status(path, &[])? == 404, "{path}");
        }
        ensure!(site.get("/nextboot/n1/local", &["--fail"])? == "Next boot set to local");
        for browser in [["-A", "Mozilla/5.0 (X11; Linux)"], ["-H", "Origin: http://evil.example"]] {
            ensure!(
                site.status("/nextboot/n1/inst", &browser)? == 403,
                "a page of somebody else's: {browser:?}"
            );
        }
        ensure!(site.configuration(&site.mac)? == LOCAL);
        Ok(())
    });
}

#[test]
fn row_23_nextboot_for_networks_and_for_all_that_nobody_knows() {
    Lab::run("pxemngr-nextboot-nets", |lab| {
        let site = site(lab, "trusted = [\"10.77.0.0/24\"]\n")?;
        let at = |name: &str| -> Result<String> {
            let name = format!("pxelinux.cfg/{name}");
            Ok(String::from_utf8(client::tftp_hpa(&site.machine, SERVER, &name)?)?)
        };
        ensure!(at("default").is_err(), "nobody said anything yet");
        ensure!(site.get("/nextboot/default/local", &["--fail"])? == "Next boot set to local");
        ensure!(at("default")? == LOCAL);
        ensure!(site.get("/nextboot/default/inst/", &["--fail"])? == "Next boot set to inst");
        ensure!(at("default")? == INST && site.get("/profile/", &["--fail"])? == "inst");
        site.server.cli(&["net", "add", "net1", "10.34"])?;
        site.server.cli(&["host", "add", "net1", OTHER])?;
        ensure!(site.get("/nextboot/net1/inst", &["--fail"])? == "Next boot set to inst");
        ensure!(at("0A22")? == INST && site.configuration(OTHER)? == INST, "one system may be both");
        Ok(())
    });
}

#[test]
fn row_23_what_installs_wants_a_trusted_network_or_the_token() {
    Lab::run("pxemngr-trust", |lab| {
        let site = site(lab, "")?;
        site.server.cli(&["host", "add", "n1", &site.mac])?;
        for path in ["/nextboot/n1/inst", "/inst/"] {
            ensure!(site.status(path, &[])? == 403, "{path}");
            ensure!(site.status(path, &["-H", "Authorization: Bearer 0123456789abcdef"])? == 403, "{path}");
            ensure!(site.configuration(&site.mac)? == LOCAL, "{path}");
        }
        ensure!(
            site.get("/nextboot/n1/local", &["--fail"])? == "Next boot set to local",
            "its own way back is free"
        );
        let token = site.token(lab)?;
        ensure!(site.get("/nextboot/n1/inst", &["--fail", "-H", &token])? == "Next boot set to inst");
        ensure!(site.configuration(&site.mac)? == INST);
        Ok(())
    });
}

#[test]
fn row_30_an_ipxe_script_comes_from_the_pxelinux_profile() {
    Lab::run("pxemngr-ipxe", |lab| {
        let site = site(lab, "")?;
        site.server.cli(&["host", "add", "n1", &site.mac])?;
        site.server.cli(&["boot", "n1", "inst"])?;
        for path in ["/ipxe/", "/ipxe", &format!("/ipxe/{}/", site.mac), &format!("/ipxe/{}", site.mac)] {
            let script = site.get(path, &["--fail"])?;
            let lines: Vec<&str> = script.lines().filter(|line| !line.is_empty()).collect();
            ensure!(lines.first() == Some(&"#!ipxe") && lines.last() == Some(&"boot"), "{path}: {script}");
            let kernel = lines.iter().find(|line| line.starts_with("kernel ")).copied().unwrap_or_default();
            ensure!(kernel.starts_with("kernel http://10.77.0.1:8080/debian/linux "), "{script}");
            ensure!(kernel.contains(" auto=true priority=critical"), "{script}");
            let initrd = lines.iter().find(|line| line.starts_with("initrd ")).copied().unwrap_or_default();
            ensure!(initrd.ends_with("http://10.77.0.1:8080/debian/initrd.gz"), "{script}");
        }
        site.get("/localboot/", &["--fail"])?;
        let script = site.get("/ipxe/", &["--fail"])?;
        ensure!(script.starts_with("#!ipxe\n"), "{script}");
        ensure!(script.contains("sanboot --no-describe --drive 0x80\n"), "{script}");
        Ok(())
    });
}

/// pxemngr's own installer asks for its profile, fetches the script of that name, runs it, and says that it is done.
const INSTALLER: &str = r#"
set -e
booturl=http://10.77.0.1:8080
insturl=http://10.77.0.1:8080/scripts
profile=$(busybox wget -qO- $booturl/profile/)
busybox wget -qO install.script $insturl/$profile/install.script || busybox wget -qO install.script $insturl/install.script
. ./install.script
wget -q $booturl/localboot/
"#;

#[test]
fn row_22_the_installers_loop_installs_once() {
    Lab::run("pxemngr-installer", |lab| {
        let site = site(lab, "")?;
        let tree = lab.dir().join("tree");
        fs::create_dir_all(tree.join("scripts/inst"))?;
        fs::write(tree.join("scripts/inst/install.script"), "echo $profile >> installed\n")?;
        fs::write(tree.join("scripts/install.script"), "echo other >> installed\n")?;
        site.server.cli(&["host", "add", "n1", &site.mac])?;
        site.server.cli(&["boot", "n1", "inst", "--until-changed"])?;
        let disk = tempfile::tempdir()?;
        let install = || -> Result<String> {
            let output =
                site.machine.command("sh").args(["-c", INSTALLER]).current_dir(disk.path()).output()?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Ok(fs::read_to_string(disk.path().join("installed"))?)
        };
        ensure!(install()? == "inst\n", "the script of its profile");
        ensure!(
            fs::read_to_string(disk.path().join("index.html"))? == "Next boot set to local",
            "what wget kept"
        );
        ensure!(site.configuration(&site.mac)? == LOCAL, "the next boot is the disk");
        fs::remove_file(disk.path().join("index.html"))?;
        ensure!(install()? == "inst\nother\n", "another boot of the installer finds the profile local");
        Ok(())
    });
}

fn mac(machine: &Namespace) -> Result<String> {
    Ok(machine.run("cat", &["/sys/class/net/eth0/address"])?.trim().to_owned())
}
