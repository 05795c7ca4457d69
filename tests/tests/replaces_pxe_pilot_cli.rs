//! What pxe-pilot's commands said, the binary says under its name: tables to the byte, and exit codes.

use std::fs;
use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, Result, ensure};
use nextboot_tests::bmc::{self, Bmc};
use nextboot_tests::pilot::{PilotSite, text};
use nextboot_tests::{Lab, Namespace, PATIENCE, Process, SERVER, client, wait_until};

/// The MAC address of the first host's controller.
const CONTROLLER: &str = "00:00:00:00:0a:01";
/// Where it is, once it is plugged in.
const PLACE: &str = "10.77.0.50/24";

/// Hosts in the shape of pxe-pilot's own test file: one that a controller switches, one that nothing does, one with three
/// cards, and one whose controller is nowhere.
fn yaml() -> String {
    let password = bmc::PASSWORD.replace('\'', "''");
    let ipmi = |mac: &str| {
        format!(
            "    ipmi: {{mac_address: \"{mac}\", subnet: 10.77.0.0/26, username: {}, password: '{password}', interface: lan}}\n",
            bmc::USER
        )
    };
    let host = |name: &str, macs: &str| format!("  - name: {name}\n    mac_addresses: [{macs}]\n");
    format!(
        "hosts:\n{}{}{}{}{}{}",
        host("h1", "\"00:00:00:00:0b:01\""),
        ipmi(CONTROLLER),
        host("h2", "\"00:00:00:00:0B:02\""),
        host("h3", "\"00:00:00:00:0b:03\", \"00:00:00:00:0c:03\", \"00:00:00:00:0d:03\""),
        host("h4", "\"00:00:00:00:0b:04\""),
        ipmi("00:00:00:00:0a:04"),
    )
}

/// The controller, in a room whose cable is not plugged in yet: [`plug_in`] does it.
fn controller(lab: &Lab) -> Result<(Namespace, Bmc)> {
    let room = lab.join("")?;
    room.ip(&["link", "set", "dev", "eth0", "address", CONTROLLER])?;
    let bmc = Bmc::start(lab, &room, "bmc1")?;
    Ok((room, bmc))
}

fn plug_in(room: &Namespace) -> Result<()> {
    room.ip(&["address", "add", PLACE, "dev", "eth0"]).map(drop)
}

fn site(lab: &Lab) -> Result<PilotSite> {
    PilotSite::start(lab, &yaml(), "", |_| Ok(()))
}

/// A table as it is drawn: its lines, without the indentation that they have in the test.
fn table(lines: &str) -> String {
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

fn errors(said: &Output) -> String {
    String::from_utf8_lossy(&said.stderr).into_owned()
}

/// That a command ended with this code and wrote exactly this to its standard output.
fn says(what: &str, said: &Output, code: i32, wanted: &str) -> Result<()> {
    let text = String::from_utf8_lossy(&said.stdout);
    ensure!(
        said.status.code() == Some(code) && text == wanted,
        "{what}: {}, not {code}\n{text}--- wanted:\n{wanted}--- errors:\n{}",
        said.status,
        errors(said)
    );
    Ok(())
}

/// That a command succeeded and drew exactly this table.
fn draws(lab: &Lab, site: &PilotSite, args: &[&str], wanted: &str) -> Result<()> {
    says(&args.join(" "), &site.pilot(lab, args)?, 0, &table(wanted))
}

/// That a command failed with this code, wrote nothing where scripts read, and said why.
fn fails(lab: &Lab, site: &PilotSite, args: &[&str], code: i32, why: &str) -> Result<()> {
    let said = site.pilot(lab, args)?;
    says(&args.join(" "), &said, code, "")?;
    ensure!(errors(&said).contains(why), "{args:?} says why: {}", errors(&said));
    Ok(())
}

#[test]
fn row_13_hosts_are_listed_before_and_after_their_controllers_are_found() {
    Lab::run("pilot-cli-hosts", |lab| {
        let (room, _bmc) = controller(lab)?;
        let site = site(lab)?;
        let cold = "
            +------+---------------+-----------------------------------------------------------+-------------------+---------+-------------+
            | NAME | CONFIGURATION |                            MAC                            |     MGMT MAC      | MGMT IP | POWER STATE |
            +------+---------------+-----------------------------------------------------------+-------------------+---------+-------------+
            | h1   |               | 00:00:00:00:0b:01                                         | 00:00:00:00:0a:01 |         | Unknown     |
            | h2   |               | 00:00:00:00:0b:02                                         |                   |         |             |
            | h3   |               | 00:00:00:00:0b:03 | 00:00:00:00:0c:03 | 00:00:00:00:0d:03 |                   |         |             |
            | h4   |               | 00:00:00:00:0b:04                                         | 00:00:00:00:0a:04 |         | Unknown     |
            +------+---------------+-----------------------------------------------------------+-------------------+---------+-------------+
        ";
        draws(lab, &site, &["host", "list"], cold)?;
        plug_in(&room)?;
        draws(lab, &site, &["host", "list"], cold)?;
        let refreshed = "
            +---------+
            | REFRESH |
            +---------+
            | OK      |
            +---------+
        ";
        draws(lab, &site, &["host", "refresh"], refreshed)?;
        let found = "
            +------+---------------+-----------------------------------------------------------+-------------------+------------+-------------+
            | NAME | CONFIGURATION |                            MAC                            |     MGMT MAC      |  MGMT IP   | POWER STATE |
            +------+---------------+-----------------------------------------------------------+-------------------+------------+-------------+
            | h1   |               | 00:00:00:00:0b:01                                         | 00:00:00:00:0a:01 | 10.77.0.50 | Off         |
            | h2   |               | 00:00:00:00:0b:02                                         |                   |            |             |
            | h3   |               | 00:00:00:00:0b:03 | 00:00:00:00:0c:03 | 00:00:00:00:0d:03 |                   |            |             |
            | h4   |               | 00:00:00:00:0b:04                                         | 00:00:00:00:0a:04 |            | Unknown     |
            +------+---------------+-----------------------------------------------------------+-------------------+------------+-------------+
        ";
        draws(lab, &site, &["host", "list"], found)
    });
}

#[test]
fn row_13_hosts_are_switched_and_the_exit_code_says_whether() {
    Lab::run("pilot-cli-power", |lab| {
        let (room, bmc) = controller(lab)?;
        plug_in(&room)?;
        let site = site(lab)?;
        let is = |word: &str| -> Result<bool> {
            let list = site.pilot(lab, &["host", "list"])?;
            let list = String::from_utf8(list.stdout)?;
            let row = list.lines().find(|line| line.starts_with("| h1 ")).context("no h1")?;
            Ok(row.ends_with(&format!("| {word:<11} |")))
        };
        let on = "
            +------+----+
            | NAME | ON |
            +------+----+
            | h1   | OK |
            +------+----+
        ";
        draws(lab, &site, &["host", "on", "h1"], on)?;
        ensure!(bmc.take_changes()? == ["set power 1"] && is("On")?);
        let reboot = "
            +------+--------+
            | NAME | REBOOT |
            +------+--------+
            | h1   | OK     |
            +------+--------+
        ";
        draws(lab, &site, &["host", "reboot", "h1"], reboot)?;
        ensure!(bmc.take_changes()? == ["set reset 1"] && is("On")?);
        let off = "
            +------+-----+
            | NAME | OFF |
            +------+-----+
            | h1   | OK  |
            +------+-----+
        ";
        draws(lab, &site, &["host", "off", "h1"], off)?;
        ensure!(bmc.take_changes()? == ["set power 0"] && is("Off")?);
        for (host, why) in [("h2", "nothing"), ("h4", "00:00:00:00:0a:04"), ("nope", "no host nope")] {
            let room = host.len().max(4);
            let line = format!("+{}+-------+", "-".repeat(room + 2));
            let wanted =
                format!("{line}\n| {:<room$} |  ON   |\n{line}\n| {host:<room$} | ERROR |\n{line}\n", "NAME");
            let said = site.pilot(lab, &["host", "on", host])?;
            says(host, &said, 1, &wanted)?;
            ensure!(errors(&said).contains(why), "{host}: {}", errors(&said));
        }
        ensure!(bmc.take_changes()?.is_empty());
        Ok(())
    });
}

#[test]
fn row_13_boot_loaders_and_configurations_are_listed_and_shown() {
    Lab::run("pilot-cli-lists", |lab| {
        let site = site(lab)?;
        let loaders = "
            +----------+-----------------------+---------------+
            |   NAME   |         FILE          |  CONFIG PATH  |
            +----------+-----------------------+---------------+
            | pxelinux | pxelinux.0            |               |
            | syslinux | syslinux.efi          |               |
            | grub     | grubnetx64.efi.signed | grub/grub.cfg |
            +----------+-----------------------+---------------+
        ";
        draws(lab, &site, &["bootloader", "list"], loaders)?;
        let configurations = "
            +-------+------------+
            | NAME  | BOOTLOADER |
            +-------+------------+
            | local | pxelinux   |
            | sheep | syslinux   |
            | a     | grub       |
            | b     | grub       |
            | c     | grub       |
            | grml  | grub       |
            | z     | grub       |
            +-------+------------+
        ";
        draws(lab, &site, &["config", "list"], configurations)?;
        let shown = site.pilot(lab, &["config", "show", "sheep"])?;
        says("config show", &shown, 0, &format!("{}\n", text("sheep")))?;
        let said = site.pilot(lab, &["config", "show", "nope"])?;
        says("config show nope", &said, 1, "")?;
        ensure!(errors(&said) == "Error : configuration does not exist\n", "{}", errors(&said));
        Ok(())
    });
}

#[test]
fn row_13_a_configuration_is_deployed_and_hosts_are_rebooted_now() {
    Lab::run("pilot-cli-deploy", |lab| {
        let (room, bmc) = controller(lab)?;
        plug_in(&room)?;
        let site = site(lab)?;
        let deployed = "
            +------+---------------+----------+
            | NAME | CONFIGURATION | REBOOTED |
            +------+---------------+----------+
            | h1   | sheep         | NO       |
            +------+---------------+----------+
        ";
        draws(lab, &site, &["config", "deploy", "sheep", "h1"], deployed)?;
        ensure!(site.tftp("01-00-00-00-00-0b-01")? == text("sheep"));
        ensure!(bmc.take_changes()?.is_empty(), "nobody wanted a reboot");
        let now = "
            +------+---------------+----------+
            | NAME | CONFIGURATION | REBOOTED |
            +------+---------------+----------+
            | h1   | grml          | YES      |
            | h2   | grml          | ERROR    |
            +------+---------------+----------+
        ";
        draws(lab, &site, &["config", "deploy", "--now", "grml", "h1", "h2"], now)?;
        ensure!(bmc.take_changes()? == ["set power 1"], "it was off");
        ensure!(
            site.tftp("01-00-00-00-00-0b-02")? == text("grml"),
            "what cannot be rebooted boots it all the same"
        );
        let cards = "
            +------+---------------+----------+
            | NAME | CONFIGURATION | REBOOTED |
            +------+---------------+----------+
            | h3   | local         | NO       |
            +------+---------------+----------+
        ";
        draws(lab, &site, &["config", "deploy", "local", "h3"], cards)?;
        for card in ["0b", "0c", "0d"] {
            ensure!(site.tftp(&format!("01-00-00-00-00-{card}-03"))? == text("local"), "{card}");
        }
        let list = "
            +------+---------------+-----------------------------------------------------------+-------------------+------------+-------------+
            | NAME | CONFIGURATION |                            MAC                            |     MGMT MAC      |  MGMT IP   | POWER STATE |
            +------+---------------+-----------------------------------------------------------+-------------------+------------+-------------+
            | h1   | grml          | 00:00:00:00:0b:01                                         | 00:00:00:00:0a:01 | 10.77.0.50 | On          |
            | h2   | grml          | 00:00:00:00:0b:02                                         |                   |            |             |
            | h3   | local         | 00:00:00:00:0b:03 | 00:00:00:00:0c:03 | 00:00:00:00:0d:03 |                   |            |             |
            | h4   |               | 00:00:00:00:0b:04                                         | 00:00:00:00:0a:04 |            | Unknown     |
            +------+---------------+-----------------------------------------------------------+-------------------+------------+-------------+
        ";
        draws(lab, &site, &["host", "list"], list)?;
        // All are checked before one is changed.
        fails(
            lab,
            &site,
            &["config", "deploy", "-n", "a", "h1", "nope"],
            1,
            "No host declared for name <nope>",
        )?;
        fails(lab, &site, &["config", "deploy", "nope", "h1"], 1, "Configuration 'nope' does not exists")?;
        ensure!(site.tftp("01-00-00-00-00-0b-01")? == text("grml") && bmc.take_changes()?.is_empty());
        Ok(())
    });
}

#[test]
fn row_13_exit_codes_the_server_option_and_the_token() {
    Lab::run("pilot-cli-codes", |lab| {
        let site = site(lab)?;
        for wrong in [
            &[][..],
            &["host"],
            &["host", "on"],
            &["host", "list", "h1"],
            &["config", "deploy", "sheep"],
            &["sheep"],
            &["--version"],
        ] {
            let said = site.pilot(lab, wrong)?;
            says(&format!("{wrong:?}"), &said, 2, "")?;
            let why = errors(&said);
            ensure!(
                why.starts_with("Error: incorrect usage\n") && why.contains("Usage: pxe-pilot"),
                "{wrong:?}: {why}"
            );
        }
        let loaders = site.pilot(lab, &["bootloader", "list"])?.stdout;
        let loaders = String::from_utf8(loaders)?;
        let url = format!("http://{SERVER}:3478");
        says("--server", &site.pilot_at_the_desk(&["--server", &url, "bootloader", "list"])?, 0, &loaders)?;

        let logged = site.pilot(lab, &["-d", "bootloader", "list"])?;
        let logged = String::from_utf8(logged.stdout)?;
        let asked = logged.lines().next().unwrap_or_default();
        ensure!(asked.starts_with("GET ") && asked.ends_with(" /v1/bootloaders"), "{logged}");
        ensure!(logged.contains("grubnetx64.efi.signed") && logged.ends_with(&loaders), "{logged}");

        // Here there is no server.
        for args in [&["host", "list"][..], &["-s", &format!("http://{SERVER}:3479"), "host", "on", "h1"]] {
            let said = site.pilot_at_the_desk(args)?;
            says(&format!("{args:?}"), &said, 1, "")?;
            ensure!(errors(&said).starts_with("Error : cannot reach "), "{args:?}: {}", errors(&said));
        }

        let stranger = lab.join("10.77.0.66/24")?;
        let token = fs::read_to_string(lab.dir().join("data/token"))?;
        let ask = |token: &str| -> Result<Output> {
            let mut command = stranger.command(site.link());
            Ok(command.env("NEXTBOOT_TOKEN", token).args(["-s", &url, "bootloader", "list"]).output()?)
        };
        says("with the token", &ask(token.trim())?, 0, &loaders)?;
        let refused = ask("nonsense")?;
        says("with another token", &refused, 1, "")?;
        ensure!(errors(&refused).contains("token"), "{}", errors(&refused));
        Ok(())
    });
}

#[test]
fn row_13_the_server_starts_by_the_old_name_with_the_old_file() {
    Lab::run("pilot-cli-server", |lab| {
        let mut site = site(lab)?;
        site.server.stop()?;
        let file = lab.dir().join("other.yml");
        let old = fs::read_to_string(lab.dir().join("pxe-pilot.yml"))?;
        let other = old.replace("name: h2", "name: other").replace("0B:02", "0B:22");
        fs::write(&file, other.replace("port: 3478", "port: 3555"))?;
        let _server = start(lab, &site, &file)?;
        let url = format!("http://{SERVER}:3555");
        wait_until("the API at the port of that file", PATIENCE, || {
            let status = client::http_status(&site.desk, &format!("{url}/v1/healthcheck"), &[]);
            Ok(matches!(status, Ok(204)).then_some(()))
        })?;
        let said = site.pilot_at_the_desk(&["-s", &url, "host", "list"])?;
        let list = String::from_utf8(said.stdout)?;
        ensure!(list.contains("| other | "), "{list}");
        ensure!(site.tftp("conf/grub/grml")? == text("grml"), "it serves that tree");

        let wrong = lab.dir().join("wrong.yml");
        fs::write(&wrong, "hosts:\n  - name: h1\n    mac_addresses: [nonsense]\n")?;
        let said = site.pilot(lab, &["server", "--config", &wrong.display().to_string()])?;
        ensure!(
            !said.status.success() && errors(&said).contains("wrong.yml:3: hosts[0].mac_addresses[0]"),
            "{said:?}"
        );
        Ok(())
    });
}

/// `pxe-pilot server -c FILE`, with the rest of the site's configuration where such a server looks for it.
fn start(lab: &Lab, site: &PilotSite, file: &Path) -> Result<Process> {
    let config = format!("NEXTBOOT_CONFIG={}", site.server.config().display());
    let (link, file) = (site.link().display().to_string(), file.display().to_string());
    lab.start(lab.namespace(), "pxe-pilot-server", "env", &[&config, &link, "server", "-c", &file])
}
