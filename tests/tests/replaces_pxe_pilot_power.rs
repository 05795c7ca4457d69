//! What pxe-pilot switched, it switches: by its API, its YAML and a controller that speaks IPMI.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use nextboot_tests::bmc::{self, Bmc};
use nextboot_tests::pilot::PilotSite;
use nextboot_tests::{Lab, Namespace, PATIENCE, wait_until};
use serde_json::Value;

/// A host that an IPMI controller switches, and one that nothing does.
fn yaml(place: &str) -> String {
    // In YAML a quote within quotes is written twice.
    let password = bmc::PASSWORD.replace('\'', "''");
    format!(
        "hosts:\n  - name: h1\n    mac_addresses: [\"00:00:00:00:0b:01\"]\n    ipmi:\n      {place}\n      username: \
         {}\n      password: '{password}'\n      interface: lan\n  - name: h2\n    mac_addresses: \
         [\"00:00:00:00:0b:02\"]\n",
        bmc::USER
    )
}

fn host(site: &PilotSite, query: &str, at: usize) -> Result<Value> {
    Ok(site.get(&format!("/v1/hosts{query}"))?[at].clone())
}

#[test]
fn row_09_deploy_and_reboot_at_once_by_name_and_by_mac_address() {
    Lab::run("pilot-reboot", |lab| {
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let site = PilotSite::start(lab, &yaml("hostname: 10.77.0.50"), "", |_| Ok(()))?;
        let (status, answer) = site.deploy("sheep", r#"{"hosts":[{"name":"h1","reboot":true}]}"#)?;
        let wanted = r#"{"hosts":[{"name":"h1","configuration":"","rebooted":"YES"}]}"#;
        ensure!(status == 200 && answer == wanted, "{status} {answer}");
        ensure!(bmc.take_changes()? == ["set power 1"], "it was off");
        // It was a panic, after the links were switched.
        let body =
            r#"{"hosts":[{"macAddress":"00:00:00:00:0b:01","reboot":true},{"name":"h2","reboot":true}]}"#;
        let (status, answer) = site.deploy("local", body)?;
        let wanted = r#"{"hosts":[{"name":"","configuration":"","rebooted":"YES"},{"name":"h2","configuration":"","rebooted":"ERROR"}]}"#;
        ensure!(status == 200 && answer == wanted, "{status} {answer}");
        ensure!(bmc.take_changes()? == ["set reset 1"], "it was on");
        let (status, _) =
            site.deploy("sheep", r#"{"hosts":[{"name":"h1","reboot":true},{"name":"nope"}]}"#)?;
        ensure!(status == 404 && bmc.take_changes()?.is_empty(), "all are checked before one is switched");
        Ok(())
    });
}

#[test]
fn row_10_power_is_shown_and_switched() {
    Lab::run("pilot-power", |lab| {
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let site = PilotSite::start(lab, &yaml("hostname: 10.77.0.50"), "", |_| Ok(()))?;
        let state = |query: &str| -> Result<Value> { Ok(host(&site, query, 0)?["powerState"].clone()) };
        ensure!(state("?status=false")? == "Unknown", "nobody has looked yet");
        ensure!(state("")? == "Off" && state("?status=false")? == "Off", "what was seen last");
        ensure!(host(&site, "", 1)?["powerState"] == "", "nothing switches it");
        for (path, wanted, changes) in [
            ("/v1/hosts/h1/on", 204, &["set power 1"][..]),
            ("/hosts/h1/reboot", 204, &["set reset 1"]),
            ("/v1/hosts/h1/off", 204, &["set power 0"]),
            ("/v1/hosts/h1/reboot", 204, &["set power 1"]),
            ("/v1/hosts/h2/on", 409, &[]),
            ("/v1/hosts/nope/on", 404, &[]),
        ] {
            let (status, answer) = site.call("PATCH", path, "")?;
            ensure!(status == wanted, "{path}: {status} {answer}");
            ensure!(bmc.take_changes()? == changes, "{path}");
        }
        ensure!(state("?status=1")? == "On");
        bmc.press_power(false)?;
        ensure!(state("?status=f")? == "On" && state("?status=t")? == "Off");
        ensure!(site.call("GET", "/v1/hosts?status=perhaps", "")?.0 == 400);
        let (_, hosts) = site.call("GET", "/v1/hosts", "")?;
        ensure!(!hosts.contains("s3cr3t"), "passwords stay here: {hosts}");
        Ok(())
    });
}

#[test]
fn row_11_a_controller_is_found_by_its_mac_address_and_a_configured_name_stays() {
    Lab::run("pilot-refresh", |lab| {
        let room = lab.join("10.77.0.50/24")?;
        let bmc = Bmc::start(lab, &room, "bmc1")?;
        let mac = address_of(&room)?;
        let by_mac = yaml(&format!("mac_address: \"{mac}\"\n      subnet: 10.77.0.0/26"));
        let by_name = yaml("hostname: 10.77.0.9\n      subnet: 10.77.0.0/26").replace("hosts:\n", "");
        let both =
            format!("{by_mac}{}", by_name.replace("h1", "h3").replace("h2", "h4").replace("0b:0", "0c:0"));
        let site = PilotSite::start(lab, &both, "", |_| Ok(()))?;
        lab.namespace().ip(&["neighbour", "flush", "dev", "br0"])?;
        ensure!(host(&site, "?status=false", 0)?["ipmi"]["hostname"] == "", "nobody has looked");
        ensure!(site.call("PATCH", "/v1/refresh", "")?.0 == 204);
        let found = host(&site, "?status=false", 0)?;
        ensure!(
            found["ipmi"]["hostname"] == "10.77.0.50" && found["ipmi"]["macAddress"] == mac.as_str(),
            "{found}"
        );
        ensure!(site.call("PATCH", "/v1/hosts/h1/on", "")?.0 == 204 && bmc.is_on()?);
        // pxe-pilot forgot those.
        let named = host(&site, "?status=false", 2)?;
        ensure!(named["name"] == "h3" && named["ipmi"]["hostname"] == "10.77.0.9", "{named}");
        Ok(())
    });
}

#[test]
fn row_12_commands_of_an_adapter_get_their_values() {
    Lab::run("pilot-adapter", |lab| {
        let asked = lab.dir().join("asked");
        let tool = lab.dir().join("tool");
        let text = format!(
            "#!/bin/sh\nprintf '%s|' \"$@\" >>{0}\necho >>{0}\n[ $5 != status ] || echo Chassis Power is on\n",
            asked.display()
        );
        fs::write(&tool, text)?;
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755))?;
        let yaml = format!(
            "host_management_adapters:\n  - name: shell\n    vars:\n      - {{name: command, value: '{} -H {{{{.ip_address}}}} \
             -u {{{{.user}}}}'}}\n    power_status: {{cmd: '{{{{.command}}}} status', pattern_on: 'Power is on', pattern_off: \
             'Power is off'}}\n    power_on: {{cmd: '{{{{.command}}}} on'}}\n    power_reset: {{cmd: '{{{{.command}}}} \
             reset'}}\nhosts:\n  - name: h1\n    mac_addresses: [\"00:00:00:00:0b:01\"]\n    management:\n      adapter: \
             shell\n      ip_address: 10.77.0.60\n      vars:\n        - {{name: user, value: 'an admin; reboot'}}\n",
            tool.display()
        );
        let site = PilotSite::start(lab, &yaml, "", |_| Ok(()))?;
        let called = || -> Result<String> {
            let text = fs::read_to_string(&asked).unwrap_or_default();
            fs::write(&asked, "")?;
            Ok(text)
        };
        ensure!(site.call("PATCH", "/v1/hosts/h1/on", "")?.0 == 204);
        let said = called()?;
        ensure!(said == "-H|10.77.0.60|-u|an admin; reboot|on|\n", "{said}");
        ensure!(host(&site, "", 0)?["powerState"] == "On");
        ensure!(site.call("PATCH", "/v1/hosts/h1/reboot", "")?.0 == 204);
        ensure!(called()?.ends_with("|status|\n-H|10.77.0.60|-u|an admin; reboot|reset|\n"));
        ensure!(site.call("PATCH", "/v1/hosts/h1/off", "")?.0 == 409, "there is no command for it");
        wait_until("what failed is told", PATIENCE, || {
            Ok((!site.server.events_of("power-failed")?.is_empty()).then_some(()))
        })
    });
}

#[test]
fn row_12_an_adapter_that_is_taken_over_once_comes_as_configuration() {
    Lab::run("pilot-adapter-import", |lab| {
        let asked = lab.dir().join("asked");
        let tool = lab.dir().join("tool");
        fs::write(&tool, format!("#!/bin/sh\nprintf '%s|' \"$@\" >>{}\n", asked.display()))?;
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755))?;
        let site = PilotSite::start(lab, "hosts: []\n", "", |_| Ok(()))?;
        let old = lab.dir().join("old.yml");
        let text = format!(
            "host_management_adapters:\n  - name: shell\n    vars:\n      - {{name: ctl, value: '{} -k {{{{.key}}}}'}}\n    \
             power_on: {{cmd: '{{{{.ctl}}}} \"power on\" {{{{.ip_address}}}}'}}\nhosts:\n  - name: h1\n    mac_addresses: \
             [\"00:00:00:00:0b:01\"]\n    management: {{adapter: shell, ip_address: 10.77.0.60, vars: [{{name: key, value: \
             'g;h i'}}]}}\n",
            tool.display()
        );
        fs::write(&old, text)?;
        let said = site.server.json(&["import", "pxe-pilot", old.to_str().context("no text")?])?;
        ensure!(site.call("PATCH", "/v1/hosts/h1/on", "")?.0 == 409, "there is no such adapter yet: {said}");
        let config = fs::read_to_string(site.server.config())?;
        let toml = said["toml"].as_str().context("no configuration")?;
        ensure!(!toml.contains("g;h i"), "what is the host's went to the server: {toml}");
        fs::write(site.server.config(), format!("{config}{toml}"))?;
        site.server.cli(&["reload"])?;
        ensure!(site.call("PATCH", "/v1/hosts/h1/on", "")?.0 == 204, "{toml}");
        ensure!(
            fs::read_to_string(&asked)? == "-k|g;h i|power on|10.77.0.60|",
            "{}",
            fs::read_to_string(&asked)?
        );
        Ok(())
    });
}

/// pxe-pilot's clients wait 30 s for the list; a controller that is gone needs up to a minute, and here each its turn.
#[test]
fn row_10_silent_controllers_hold_up_neither_the_list_nor_who_is_switched() {
    Lab::run("pilot-silent", |lab| {
        let mut yaml = "host_management_adapters:\n  - name: silent\n    power_status: {cmd: sleep 300}\n  - name: good\n    \
                        power_status: {cmd: echo yes, pattern_on: 'yes'}\n    power_on: {cmd: 'true'}\nhosts:\n"
            .to_owned();
        for (at, adapter) in ["silent", "silent", "silent", "good"].iter().enumerate() {
            let host = format!("{{name: h{at}, mac_addresses: [\"00:00:00:00:0b:0{at}\"], management: ");
            yaml += &format!("  - {host}{{adapter: {adapter}, ip_address: 10.77.0.6{at}}}}}\n");
        }
        let site = PilotSite::start(
            lab,
            &yaml,
            "[power]\nparallel = 1\nretries = 0\nlimit = \"60s\"\n",
            |_| Ok(()),
        )?;
        let began = Instant::now();
        let whole = thread::scope(|threads| -> Result<Value> {
            let listing = threads.spawn(|| site.get("/v1/hosts"));
            wait_until("the first controller is asked", PATIENCE, || {
                let running =
                    lab.namespace().run("sh", &["-c", "ps -eo args | grep -c '[s]leep 300' || true"])?;
                Ok((running.trim() != "0").then_some(()))
            })?;
            ensure!(site.call("PATCH", "/v1/hosts/h3/on", "")?.0 == 204);
            ensure!(!listing.is_finished() && began.elapsed() < Duration::from_secs(12), "it did not wait");
            listing.join().map_err(|_| anyhow!("the list was lost"))?
        })?;
        ensure!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
        let states: Vec<&str> = whole
            .as_array()
            .context("no list")?
            .iter()
            .filter_map(|host| host["powerState"].as_str())
            .collect();
        ensure!(states == ["Unknown", "Unknown", "Unknown", "On"], "{whole}");
        Ok(())
    });
}

fn address_of(namespace: &Namespace) -> Result<String> {
    let shown = namespace.ip(&["-brief", "link", "show", "dev", "eth0"])?;
    shown.split_whitespace().nth(2).map(str::to_owned).context("no MAC")
}
