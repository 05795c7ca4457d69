//! What is promised about an armed boot: it happens once, it ends with the call-back, and only the machine itself or
//! somebody who may can end it.

use std::fs;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, SERVER, Server, client, wait_until};

const PROFILES: &str = r#"
[profiles.rescue]
class = "live"
kernel = "rescue/vmlinuz"
initrd = ["rescue/initrd"]
args = "quiet"

[profiles.seeded]
class = "install"
kernel = "rescue/vmlinuz"
initrd = ["rescue/initrd"]
args = "seed={{ seed_url }}"
seed = "answers.j2"

[profiles.broken]
class = "install"
kernel = "rescue/vmlinuz"
seed = "broken.j2"
"#;

struct Scene {
    server: Server,
    machine: Namespace,
    mac: String,
    entry: String,
}

fn scene(lab: &Lab) -> Result<Scene> {
    let site = SmallInstaller::new(lab)?;
    fs::create_dir_all(site.tree().join("rescue"))?;
    fs::write(site.tree().join("rescue/vmlinuz"), vec![1; 300_000])?;
    fs::write(site.tree().join("rescue/initrd"), vec![2; 20_000_000])?;
    fs::write(site.seeds().join("answers.j2"), "host {{ host.name }}\ndone {{ callback_url }}\n")?;
    fs::write(site.seeds().join("broken.j2"), "line one\npassword {{ host.vars.password }}\n")?;
    let server = lab.server(&site.config(Dhcp::Server, PROFILES))?;
    let machine = lab.join("10.77.0.20/24")?;
    let mac = machine.run("cat", &["/sys/class/net/eth0/address"])?.trim().to_owned();
    server.cli(&["host", "add", "node1", &mac])?;
    let entry = format!("pxelinux.cfg/01-{}", mac.replace(':', "-"));
    Ok(Scene { server, machine, mac, entry })
}

impl Scene {
    fn profile(&self) -> Result<String> {
        let host = self.server.json(&["host", "show", "node1"])?;
        let profile = host["assignment"]["profile"].as_str().context("a host has an assignment")?;
        Ok(profile.to_owned())
    }

    fn wait_for_profile(&self, wanted: &str) -> Result<()> {
        wait_until(&format!("the profile {wanted}"), PATIENCE, || {
            Ok((self.profile()? == wanted).then_some(()))
        })
    }

    fn fetch(&self, from: &Namespace, name: &str) -> Result<Vec<u8>> {
        client::tftp_hpa(from, SERVER, name)
    }

    fn http(&self, path: &str) -> String {
        format!("http://{SERVER}:8080/{path}")
    }
}

#[test]
fn an_armed_boot_is_used_up_when_everything_was_delivered_and_not_before() {
    Lab::run("promises-once", |lab| {
        let scene = scene(lab)?;
        let (server, machine) = (&scene.server, &scene.machine);
        server.cli(&["boot", "node1", "rescue", "--once"])?;

        let desk = lab.join("10.77.0.30/24")?;
        for name in [scene.entry.as_str(), "rescue/vmlinuz", "rescue/initrd"] {
            scene.fetch(&desk, name)?;
        }
        ensure!(scene.profile()? == "rescue", "somebody else looked at everything: that uses nothing up");

        scene.fetch(machine, &scene.entry)?;
        ensure!(scene.profile()? == "rescue", "the machine got its configuration, not its kernel");
        scene.fetch(machine, "rescue/vmlinuz")?;
        // Whatever its limit, curl begins with up to 10 MB as fast as they come, and a kernel with a large receive buffer
        // takes and acknowledges the rest.
        machine.run("sh", &["-c", "echo 4096 131072 1048576 > /proc/sys/net/ipv4/tcp_rmem"])?;
        // Cut off in the middle: curl gives up after a while.
        let cut =
            client::curl(machine, &scene.http("rescue/initrd"), &["--limit-rate", "100k", "--max-time", "1"]);
        ensure!(cut.is_err(), "the transfer was to be cut off");
        server.wait_for_event("file-cut", PATIENCE, |event| event["name"] == "rescue/initrd")?;
        ensure!(scene.profile()? == "rescue", "half an initrd boots nothing");

        // The whole in two parts is the whole.
        for (range, length) in [("9000000-", 11_000_000), ("0-8999999", 9_000_000)] {
            ensure!(scene.profile()? == "rescue", "not before {range}");
            let part = client::curl(machine, &scene.http("rescue/initrd"), &["--fail", "-r", range])?;
            ensure!(part.len() == length, "{range}: {} bytes", part.len());
        }
        scene.wait_for_profile("local")?;
        ensure!(server.events_of("used-up")?.len() == 1, "once");
        let text = String::from_utf8(scene.fetch(machine, &scene.entry)?)?;
        ensure!(text.contains("LOCALBOOT"), "the next boot is the disk: {text}");
        Ok(())
    });
}

#[test]
fn an_installer_armed_once_still_gets_its_seed_and_may_call_back() {
    Lab::run("promises-once-seed", |lab| {
        let scene = scene(lab)?;
        let (server, machine) = (&scene.server, &scene.machine);
        server.cli(&["boot", "node1", "seeded", "--once"])?;
        let text = String::from_utf8(scene.fetch(machine, &scene.entry)?)?;
        let seed_url = text.split("seed=").nth(1).context("no seed in the arguments")?.trim().to_owned();
        scene.fetch(machine, "rescue/vmlinuz")?;
        scene.fetch(machine, "rescue/initrd")?;
        scene.wait_for_profile("local")?;
        for url in [seed_url, scene.http("seed/answers.j2")] {
            let seed = String::from_utf8(client::curl(machine, &url, &["--fail"])?)?;
            ensure!(seed.starts_with("host node1\ndone http://10.77.0.1:8080/done/"), "{url}: {seed}");
            let call_back = seed.split_whitespace().last().context("no call-back")?;
            let expected = if server.events_of("called-back")?.is_empty() { 200 } else { 410 };
            ensure!(client::http_status(machine, call_back, &[])? == expected, "a token works once");
            if expected == 200 {
                ensure!(server.events_of("called-back")?.len() == 1, "it counts");
                return Ok(());
            }
        }
        Ok(())
    });
}

#[test]
fn a_call_back_works_once_and_only_with_its_token() {
    Lab::run("promises-call-back", |lab| {
        let scene = scene(lab)?;
        let (server, machine) = (&scene.server, &scene.machine);
        server.cli(&["boot", "node1", "seeded"])?;
        let seed = String::from_utf8(client::curl(machine, &scene.http("seed/answers.j2"), &["--fail"])?)?;
        let call_back = seed.split_whitespace().last().context("no call-back")?.to_owned();

        let other = lab.join("10.77.0.31/24")?;
        let status = client::http_status(&other, &scene.http("seed/answers.j2"), &[])?;
        ensure!(status == 403, "a seed is for its own machine: {status}");
        let looked = String::from_utf8(scene.fetch(&other, &scene.entry)?)?;
        let seed_url = looked.split("seed=").nth(1).context("no seed in the arguments")?.trim();
        let status = client::http_status(&other, seed_url, &[])?;
        ensure!(status == 410, "nor does a look at another machine's configuration open its seed: {status}");
        let mut forged = call_back.clone();
        let last = if forged.pop() == Some('0') { '1' } else { '0' };
        forged.push(last);
        ensure!(client::http_status(&other, &forged, &[])? == 410, "a forged token");
        ensure!(scene.profile()? == "seeded", "nothing changed by it");

        ensure!(client::http_status(machine, &call_back, &["--head"])? == 200, "a look");
        ensure!(scene.profile()? == "seeded", "a look is no call-back");
        ensure!(client::http_status(machine, &call_back, &["-X", "POST"])? == 200, "the call-back");
        ensure!(scene.profile()? == "local", "it is durable and seen before it is answered");
        ensure!(client::http_status(machine, &call_back, &["-X", "POST"])? == 410, "used already");
        wait_until("both refusals in the journal", PATIENCE, || {
            Ok((server.events_of("call-back-refused")?.len() == 2).then_some(()))
        })
    });
}

#[test]
fn an_undefined_name_in_a_seed_is_a_clear_error_and_an_event() {
    Lab::run("promises-template", |lab| {
        let scene = scene(lab)?;
        scene.server.cli(&["boot", "node1", "broken"])?;
        let url = scene.http("seed/broken.j2");
        let answer = String::from_utf8(client::curl(&scene.machine, &url, &["--include"])?)?;
        ensure!(answer.starts_with("HTTP/1.1 500") && answer.contains("broken.j2, line 2"), "{answer}");
        let event = scene.server.wait_for_event("template-failed", PATIENCE, |_| true)?;
        ensure!(event["host"] == "node1", "{event}");
        scene.server.cli(&["host", "set", "node1", "--var", "password=x"])?;
        let answer = String::from_utf8(client::curl(&scene.machine, &url, &["--fail"])?)?;
        ensure!(answer == "line one\npassword x\n", "{answer}");
        Ok(())
    });
}

#[test]
fn a_machine_may_send_itself_to_its_disk_and_nothing_else() {
    Lab::run("promises-own-host", |lab| {
        let scene = scene(lab)?;
        let (server, machine) = (&scene.server, &scene.machine);
        let other = lab.join("10.77.0.31/24")?;
        server.cli(&["boot", "node1", "seeded"])?;
        let body = format!(r#"{{"hosts":[{{"macAddress":"{}"}}]}}"#, scene.mac);
        let put = |from: &Namespace, profile: &str, more: &[&str]| {
            let url = format!("http://{SERVER}:3478/configurations/{profile}/deploy");
            let mut arguments = vec!["-X", "PUT", "-d", body.as_str()];
            arguments.extend_from_slice(more);
            client::http_status(from, &url, &arguments)
        };
        ensure!(put(&other, "local", &[])? == 401, "another machine may not");
        ensure!(put(machine, "rescue", &[])? == 401, "nor the machine itself to anything but its disk");
        ensure!(
            put(&other, "local", &["-H", "Authorization: Bearer wrong"])? == 401,
            "nor with a wrong token"
        );
        ensure!(scene.profile()? == "seeded", "nothing changed");
        ensure!(put(machine, "local", &[])? == 200, "the use case's own call");
        ensure!(scene.profile()? == "local", "and it holds");

        let token = fs::read_to_string(lab.dir().join("data/token"))?;
        let header = format!("Authorization: Bearer {}", token.trim());
        ensure!(put(&other, "rescue", &["-H", &header])? == 200, "whoever has the token may");
        ensure!(scene.profile()? == "rescue", "and it holds");
        Ok(())
    });
}
