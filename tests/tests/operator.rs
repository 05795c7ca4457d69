//! What an operator meets: checking a configuration, starting without one, reloading, a second server, the service
//! manager.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, PATIENCE, SERVER, binary, client};
use rustix::process::Signal;

#[test]
fn a_wrong_configuration_is_refused_whole_before_anything_is_bound() {
    Lab::run("operator-check", |lab| {
        let file = lab.dir().join("wrong.toml");
        fs::write(&file, "interfaces = [\"br0\"]\n[dhcp]\nmode = \"severs\"\n[tftp]\nrots = []\n")?;
        for arguments in [&["check"][..], &["serve", "--config"]] {
            let mut command = lab.namespace().command(binary()?);
            let output = command.args(arguments).arg(&file).output()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(output.status.code() == Some(64), "{arguments:?}: {} {said}", output.status);
            ensure!(
                said.contains("wrong.toml:3: dhcp.mode = \"severs\": use"),
                "line, value, remedy: {said}"
            );
            ensure!(
                said.contains("wrong.toml:5:") && said.contains("roots"),
                "all complaints at once: {said}"
            );
        }
        ensure!(lab.namespace().run("ss", &["-Hlnu"])?.is_empty(), "nothing was bound");
        let site = SmallInstaller::new(lab)?;
        fs::write(&file, site.config(Dhcp::Server, ""))?;
        let output = Command::new(binary()?).arg("check").arg(&file).output()?;
        ensure!(output.status.success(), "a right one is right: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    });
}

#[test]
fn without_a_file_it_serves_the_default_route_beside_other_dhcp_servers() {
    Lab::run("operator-defaults", |lab| {
        lab.namespace().ip(&["route", "add", "default", "via", "10.77.0.254"])?;
        // A file system of its own for what the defaults name; it goes with the process.
        let script =
            "for dir in /var/lib /run /srv /etc; do mount -t tmpfs tmpfs $dir; done; exec \"$0\" serve";
        let program = binary()?;
        let program = program.to_str().context("a path that is no text")?;
        let mut server = lab.start(lab.namespace(), "defaults", "sh", &["-c", script, program])?;
        server.wait_for("serving", PATIENCE)?;
        let log = server.log.text();
        ensure!(log.contains("br0") && log.contains("proxy"), "{log}");
        ensure!(log.contains("/var/lib/nextboot/token"), "it says where the token is: {log}");
        let sockets = lab.namespace().run("ss", &["-Hlnu"])?;
        ensure!(!sockets.contains(":67 "), "a proxy never binds port 67: {sockets}");
        ensure!(sockets.contains(":69 ") && sockets.contains(":4011 "), "{sockets}");
        Ok(())
    });
}

#[test]
fn a_reload_takes_what_is_right_and_nothing_of_what_is_wrong() {
    Lab::run("operator-reload", |lab| {
        let site = SmallInstaller::new(lab)?;
        let config = site.config(Dhcp::Server, "");
        let server = lab.server(&config)?;
        let machine = lab.join("10.77.0.20/24")?;
        fs::write(site.tree().join("file"), "content")?;
        let other = lab.dir().join("other-tree");
        fs::create_dir_all(&other)?;
        fs::write(other.join("file"), "other content")?;
        let fetch = || client::tftp_hpa(&machine, SERVER, "file");
        let tree = site.tree().display().to_string();

        fs::write(
            server.config(),
            config.replace(&tree, &other.display().to_string()).replace("attempts", "atempts"),
        )?;
        server.hang_up()?;
        let event = server.wait_for_event("reload-failed", PATIENCE, |_| true)?;
        ensure!(event["error"].as_str().is_some_and(|error| error.contains("boot.atempts")), "{event}");
        ensure!(fetch()? == b"content", "the old configuration holds");

        fs::write(server.config(), config.replace(&tree, &other.display().to_string()))?;
        server.hang_up()?;
        server.wait_for_event("reloaded", PATIENCE, |_| true)?;
        ensure!(fetch()? == b"other content", "the new configuration holds");

        let hosts = format!("http://{SERVER}:3478/api/hosts");
        ensure!(client::http_status(&machine, &hosts, &[])? == 401, "nobody trusts this machine");
        let trusting =
            config.replace("[api]\n", "[api]\ntrusted = [\"10.77.0.20\"]\n").replace("8080", "8081");
        fs::write(server.config(), trusting)?;
        let said = server.cli(&["reload"])?;
        ensure!(said.contains("only after a restart: http"), "what does not hold yet is named: {said}");
        ensure!(client::http_status(&machine, &hosts, &[])? == 200, "whom to trust holds at once");
        fs::write(server.config(), &config)?;
        server.cli(&["reload"])?;
        ensure!(client::http_status(&machine, &hosts, &[])? == 401, "and does not any more");
        Ok(())
    });
}

#[test]
fn two_servers_never_share_one_state() {
    Lab::run("operator-twice", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let mut second = lab.namespace().command(binary()?);
        let output = second.args(["serve", "--config"]).arg(server.config()).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(69) && said.contains("in use by another nextboot"), "{said}");
        let token = lab.dir().join("data/token");
        let mode = fs::metadata(&token)?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "the token file is for its owner only: {mode:o}");
        Ok(())
    });
}

#[test]
fn the_service_manager_is_told_of_readiness_life_and_end() {
    Lab::run("operator-notify", |lab| {
        let site = SmallInstaller::new(lab)?;
        let file = lab.dir().join("nextboot.toml");
        fs::write(&file, site.config(Dhcp::Proxy, ""))?;
        let path = lab.scratch().join("notify.sock");
        let manager = UnixDatagram::bind(&path)?;
        manager.set_read_timeout(Some(PATIENCE))?;
        let notify = format!("NOTIFY_SOCKET={}", path.display());
        let (program, file) = (binary()?, file.display().to_string());
        let program = program.to_str().context("a path that is no text")?;
        let arguments = [&notify, "WATCHDOG_USEC=400000", program, "serve", "--config", &file];
        let mut server = lab.start(lab.namespace(), "nextboot", "env", &arguments)?;
        let hear = |wanted: &str| -> Result<()> {
            loop {
                let mut message = [0; 4096];
                let length = manager.recv(&mut message).with_context(|| format!("waiting for {wanted}"))?;
                let text = String::from_utf8_lossy(message.get(..length).unwrap_or_default()).into_owned();
                if text.lines().any(|line| line == wanted) {
                    return Ok(());
                }
            }
        };
        for wanted in ["READY=1", "WATCHDOG=1", "WATCHDOG=1"] {
            hear(wanted)?;
        }
        server.signal(Signal::TERM)?;
        hear("STOPPING=1")?;
        ensure!(server.wait_for_end(PATIENCE)?.success(), "it ends well");
        Ok(())
    });
}
