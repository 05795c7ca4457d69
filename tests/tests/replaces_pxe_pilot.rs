//! What pxe-pilot did, by its API: every script of its users works on.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context, Result, ensure};
use nextboot_tests::pilot::{HOSTS, PilotSite, text};
use nextboot_tests::{Lab, PATIENCE, SERVER, client, wait_until};

const MAC: &str = "23:34:a3:e9:09:cc";
const LINK: &str = "01-23-34-a3-e9-09-cc";

fn site(lab: &Lab) -> Result<PilotSite> {
    PilotSite::start(lab, HOSTS, "", |_| Ok(()))
}

#[test]
fn row_01_the_use_cases_call_without_v1_and_with_any_content_type() {
    Lab::run("pilot-use-case", |lab| {
        let site = site(lab)?;
        site.deploy("sheep", r#"{"hosts":[{"name":"h1"}]}"#)?;
        ensure!(site.tftp(LINK)? == text("sheep"), "assigned");
        let body = format!(r#"{{"hosts":[{{"macAddress":"{MAC}"}}]}}"#);
        let (status, answer) = site.call("PUT", "/configurations/local/deploy", &body)?;
        ensure!(status == 200, "{status} {answer}");
        ensure!(answer == r#"{"hosts":[{"name":"","configuration":"","rebooted":"NO"}]}"#, "{answer}");
        ensure!(site.tftp(LINK)? == text("local"), "{}", site.tftp(LINK)?);
        let url = format!("http://{SERVER}:3478/configurations/sheep/deploy");
        let typed = ["-X", "PUT", "-H", "Content-Type: text/x-odd", "-d", &body];
        ensure!(client::http_status(&site.desk, &url, &typed)? == 200);
        ensure!(site.tftp(LINK)? == text("sheep"));
        Ok(())
    });
}

#[test]
fn row_02_the_same_under_v1_by_name_and_with_the_readmes_key() {
    Lab::run("pilot-v1", |lab| {
        let site = site(lab)?;
        let body = r#"{"hosts":[{"name":"h1"},{"mac_address":"00:00:00:00:0b:02"}]}"#;
        let (status, answer) = site.deploy("grml", body)?;
        let wanted = r#"{"hosts":[{"name":"h1","configuration":"","rebooted":"NO"},{"name":"","configuration":"","rebooted":"NO"}]}"#;
        ensure!(status == 200 && answer == wanted, "{status} {answer}");
        for name in [LINK, "01-00-00-00-00-0b-02"] {
            ensure!(site.tftp(name)? == text("grml"), "{name}");
        }
        Ok(())
    });
}

#[test]
fn row_03_a_mac_address_in_any_case_and_spelling() {
    Lab::run("pilot-case", |lab| {
        let site = site(lab)?;
        for (mac, profile) in
            [("23:34:A3:E9:09:CC", "grml"), ("23-34-a3-E9-09-cc", "sheep"), ("2334a3e909cc", "a")]
        {
            let (status, answer) =
                site.deploy(profile, &format!(r#"{{"hosts":[{{"macAddress":"{mac}"}}]}}"#))?;
            ensure!(status == 200, "{mac}: {status} {answer}");
            ensure!(site.tftp(LINK)? == text(profile), "{mac}");
        }
        Ok(())
    });
}

#[test]
fn row_04_configurations_are_listed_and_shown() {
    Lab::run("pilot-configurations", |lab| {
        let site = site(lab)?;
        let all = site.get("/v1/configurations")?;
        let names: Vec<(&str, &str)> = all
            .as_array()
            .context("a bare array")?
            .iter()
            .map(|one| {
                (
                    one["name"].as_str().unwrap_or_default(),
                    one["bootloader"]["name"].as_str().unwrap_or_default(),
                )
            })
            .collect();
        let grub = ["a", "b", "c", "grml", "z"].map(|name| (name, "grub"));
        ensure!(names == [&[("local", "pxelinux"), ("sheep", "syslinux")][..], &grub].concat(), "{names:?}");
        ensure!(all[0]["bootloader"]["file"] == "pxelinux.0", "{all}");
        let shown = site.get("/v1/configurations/sheep")?;
        ensure!(shown["name"] == "sheep" && shown["content"] == text("sheep"), "{shown}");
        let (status, body) = site.call("GET", "/v1/configurations/nope", "")?;
        let said = "Configuration 'nope' does not exists";
        let wanted = format!(r#"{{"Message":"{said}","message":"{said}"}}"#);
        ensure!(status == 404 && body == wanted, "{status} {body}");
        Ok(())
    });
}

#[test]
fn row_05_both_layouts_of_the_directory_and_the_boot_loaders() {
    Lab::run("pilot-layouts", |lab| {
        let site = site(lab)?;
        let loaders = site.get("/v1/bootloaders")?;
        let grub = serde_json::json!({
            "name": "grub", "file": "grubnetx64.efi.signed", "config_path": "grub/grub.cfg"
        });
        ensure!(loaders[2] == grub, "{loaders}");
        ensure!(loaders.as_array().is_some_and(|all| all.len() == 3), "{loaders}");
        let conf = site.tree().join("pxelinux.cfg/conf");
        for (file, name) in [("flat", "flat"), ("syslinux/new", "new")] {
            fs::write(conf.join(file), text(name))?;
            let listed = site.get("/configurations")?;
            let is_there = listed.as_array().is_some_and(|all| all.iter().any(|one| one["name"] == name));
            ensure!(is_there, "a file is a configuration at once: {listed}");
            let (status, _) = site.deploy(name, r#"{"hosts":[{"name":"h2"}]}"#)?;
            ensure!(status == 200 && site.tftp("01-00-00-00-00-0b-02")? == text(name), "{name}");
        }
        Ok(())
    });
}

#[test]
fn row_06_which_configuration_each_host_is_on() {
    Lab::run("pilot-hosts", |lab| {
        let site = site(lab)?;
        let name = |host: &str, boots: Option<&str>| (host.to_owned(), boots.map(str::to_owned));
        let none = vec![name("h1", None), name("h2", None), name("h3", None)];
        ensure!(site.configurations()? == none, "nobody has said anything yet: {:?}", site.configurations()?);
        site.deploy("grml", r#"{"hosts":[{"name":"h1"}]}"#)?;
        ensure!(site.configurations()?[0] == name("h1", Some("grml")));
        let hosts = site.get("/v1/hosts?status=false")?;
        ensure!(hosts[0]["configuration"]["bootloader"]["name"] == "grub", "{hosts}");
        ensure!(hosts[0]["macAddresses"][0] == MAC, "{hosts}");
        fs::remove_file(site.tree().join("pxelinux.cfg/conf/grub/grml"))?;
        ensure!(site.configurations()? == none, "the list is there, and the file is not");
        // It was a panic, and no list at all.
        fs::write(site.tree().join("pxelinux.cfg").join(LINK), "default by-hand\n")?;
        ensure!(site.configurations()?.len() == 3, "a file where a link was expected");
        Ok(())
    });
}

#[test]
fn row_07_all_macs_of_a_host_follow() {
    Lab::run("pilot-macs", |lab| {
        let site = site(lab)?;
        for profile in ["sheep", "local"] {
            let (status, _) = site.deploy(profile, r#"{"hosts":[{"name":"h3"}]}"#)?;
            ensure!(status == 200);
            for card in ["0b", "0c", "0d"] {
                let name = format!("01-00-00-00-00-{card}-03");
                ensure!(site.tftp(&name)? == text(profile), "{name}");
            }
        }
        Ok(())
    });
}

#[test]
fn row_08_errors_are_precise_and_nothing_is_changed_by_them() {
    Lab::run("pilot-errors", |lab| {
        let site = site(lab)?;
        site.deploy("sheep", r#"{"hosts":[{"name":"h1"}]}"#)?;
        let host = |text: &str| format!(r#"{{"hosts":[{{"name":"h1"}},{text}]}}"#);
        let same = format!(r#"{{"macAddress":"{MAC}"}}"#);
        let others = r#"{"name":"h2","macAddress":"23:34:a3:e9:09:cc"}"#.to_owned();
        for (profile, body, status, said) in [
            ("grml", host(r#"{"name":"nope"}"#), 404, r"No host declared for name \u003cnope\u003e"),
            ("grml", host(&same), 409, r"Host \u003ch1\u003e appears several times in query"),
            (
                "grml",
                host(&others),
                409,
                r"MAC address \u003c23:34:a3:e9:09:cc\u003e does not match host \u003ch2\u003e",
            ),
            ("grml", host("{}"), 400, "Either Name or MACAddress must be provided for each Host"),
            ("grml", host("null"), 400, "Either Name or MACAddress must be provided for each Host"),
            ("nope", host("{}"), 404, "Configuration 'nope' does not exists"),
            (
                "grml",
                host(r#"{"name":"h2","configuration":"x"}"#),
                409,
                "Configuration attribute for a host in this context is not allowed",
            ),
        ] {
            let (got, answer) = site.deploy(profile, &body)?;
            ensure!(got == status, "{body}: {got} {answer}");
            ensure!(answer == format!(r#"{{"Message":"{said}","message":"{said}"}}"#), "{body}: {answer}");
        }
        for body in ["{", "[]", "hosts=h1", r#"{"hosts":[1]}"#] {
            ensure!(site.deploy("grml", body)?.0 == 400, "{body}");
        }
        ensure!(site.deploy("grml", r#"{"hosts":[]}"#)? == (200, r#"{"hosts":[]}"#.to_owned()));
        ensure!(site.call("GET", "/v1/hosts?status=maybe", "")?.0 == 400);
        ensure!(site.tftp(LINK)? == text("sheep"), "h1 is what it was through all of that");
        Ok(())
    });
}

#[test]
fn row_14_whether_it_lives() {
    Lab::run("pilot-health", |lab| {
        let site = site(lab)?;
        let stranger = lab.join("10.77.0.66/24")?;
        for path in ["/v1/healthcheck", "/healthcheck"] {
            let url = format!("http://{SERVER}:3478{path}");
            ensure!(client::http_status(&stranger, &url, &[])? == 204, "{path}");
        }
        let url = format!("http://{SERVER}:3478/v1/hosts");
        ensure!(client::http_status(&stranger, &url, &[])? == 401, "and nothing else");
        ensure!(site.call("GET", "/v1/nothing", "")? == (404, "404 page not found".to_owned()));
        Ok(())
    });
}

#[test]
fn row_16_links_made_by_hand_are_honoured_live() {
    Lab::run("pilot-links", |lab| {
        let outside = lab.dir().join("conf");
        fs::create_dir_all(&outside)?;
        fs::write(outside.join("tftp-911boot"), text("911boot"))?;
        let toml = format!("[tftp]\nextra_roots = [{outside:?}]\n");
        // What pxe-pilot left behind holds from the first moment.
        let site = PilotSite::start(lab, HOSTS, &toml, |tree| {
            symlink("conf/grub/grml", tree.join("pxelinux.cfg").join(LINK))?;
            Ok(())
        })?;
        let cfg = site.tree().join("pxelinux.cfg");
        let entry = cfg.join(LINK);
        ensure!(site.tftp(LINK)? == text("grml"), "a link from before");
        ensure!(site.configurations()?[0].1.as_deref() == Some("grml"));
        let becomes = |what: &str, profile: &str| {
            wait_until(what, PATIENCE, || Ok((site.tftp(LINK)? == text(profile)).then_some(())))
        };
        let put = |what: &str, make: &dyn Fn() -> std::io::Result<()>, profile: &str| -> Result<()> {
            site.deploy("local", r#"{"hosts":[{"name":"h1"}]}"#)?;
            ensure!(site.tftp(LINK)? == text("local"), "{what}: who spoke last is the deployment");
            fs::remove_file(&entry)?;
            // A file system's clock is a few milliseconds behind.
            wait_until(what, PATIENCE, || {
                let _ = fs::remove_file(&entry);
                make()?;
                Ok((site.tftp(LINK)? == text(profile)).then_some(()))
            })
        };
        put("a relative link", &|| symlink("conf/syslinux/sheep", &entry), "sheep")?;
        let absolute = cfg.join("conf/grub/a");
        put("an absolute link", &|| symlink(&absolute, &entry), "a")?;
        symlink("conf/grub/b", cfg.join("other"))?;
        put("a link to a link", &|| symlink("other", &entry), "b")?;
        put("a link out of the root", &|| symlink("../../conf/tftp-911boot", &entry), "911boot")?;
        put("a hard link", &|| fs::hard_link(cfg.join("conf/grub/c"), &entry), "c")?;
        fs::remove_file(&entry)?;
        becomes("the assignment, without a link", "local")
    });
}

#[test]
fn hosts_follow_the_yaml_and_what_they_boot_does_not() {
    Lab::run("pilot-reload", |lab| {
        let site = site(lab)?;
        site.deploy("grml", r#"{"hosts":[{"name":"h1"},{"name":"h2"}]}"#)?;
        site.change_yaml(
            "hosts:\n  - name: h1\n    mac_addresses: [\"02:00:00:00:00:01\"]\n    ipmi: {hostname: 10.77.0.9, username: u, \
             password: geheim}\n  - name: h4\n    mac_addresses: [\"23:34:a3:e9:09:cc\"]\n    wake: yes\n",
        )?;
        site.server.cli(&["reload"])?;
        ensure!(site.tftp("01-02-00-00-00-00-01")? == text("grml"), "another card, the same assignment");
        ensure!(site.tftp(LINK)? != text("grml"), "its old card is another host's");
        let names: Vec<String> = site.configurations()?.into_iter().map(|(name, _)| name).collect();
        ensure!(names == ["h1", "h2", "h3", "h4"], "none is forgotten: {names:?}");
        let told = site.server.events_of("trouble")?;
        let told: Vec<&str> = told.iter().filter_map(|event| event["what"].as_str()).collect();
        ensure!(told.iter().any(|what| what.contains("has no h2, h3 any more")), "{told:?}");
        ensure!(told.iter().any(|what| what.contains("there is more in")), "{told:?}");
        let checked = site.server.caller().command(&["check"]).arg(site.server.config()).output()?;
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        ensure!(said.contains("pxe-pilot.yml:8: hosts[1].wake: is no key"), "{said}");
        let whole = site.get("/v1/hosts?status=false")?;
        ensure!(
            whole[0]["ipmi"]["hostname"] == "10.77.0.9" && !whole.to_string().contains("geheim"),
            "{whole}"
        );

        site.change_yaml("hosts:\n  - name: h1\n    mac_addresses: [\"nonsense\"]\n")?;
        let wrong = site.server.cli(&["reload"]).unwrap_err().to_string();
        ensure!(wrong.contains("pxe-pilot.yml:4: hosts[0].mac_addresses[0] = \"nonsense\""), "{wrong}");
        ensure!(site.tftp("01-02-00-00-00-00-01")? == text("grml"), "nothing changed");
        Ok(())
    });
}

#[test]
fn the_yaml_can_be_taken_over_once() {
    Lab::run("pilot-import", |lab| {
        let site = PilotSite::start(lab, "hosts: []\n", "", |tree| {
            symlink("conf/grub/grml", tree.join("pxelinux.cfg").join(LINK))?;
            Ok(())
        })?;
        let file = lab.dir().join("old.yml");
        let more = "    ipmi: {hostname: bmc, username: u, password: geheim}\nserver: {port: 4000}\ntftp: {root: /srv/old}\narp: {cmd: arp}\n";
        fs::write(&file, format!("{HOSTS}{more}"))?;
        let file = file.to_str().context("no text")?;
        let tried = site.server.cli(&["import", "pxe-pilot", file, "--dry-run"])?;
        ensure!(tried.contains("3 hosts would be added: h1, h2, h3"), "{tried}");
        ensure!(site.configurations()?.is_empty(), "it was only tried");
        let said = site.server.cli(&["import", "pxe-pilot", file])?;
        for part in
            ["3 hosts added: h1, h2, h3", "old.yml:11: arp: ", "roots = [\"/srv/old\"]", "port = 4000"]
        {
            ensure!(said.contains(part), "{part}: {said}");
        }
        ensure!(site.tftp(LINK)? == text("grml"), "the old link goes on deciding");
        let shown = site.server.json(&["host", "show", "h3"])?;
        ensure!(shown["power"]["address"] == "bmc" && shown["power"]["has_password"] == true, "{shown}");
        let again = site.server.cli(&["import", "pxe-pilot", file])?;
        ensure!(again.contains("2 hosts are there already"), "{again}");
        site.server.cli(&["host", "add", "h9", "02:00:00:00:00:09"])?;
        fs::write(file, "hosts:\n  - {name: h8, mac_addresses: [\"02:00:00:00:00:09\"]}\n")?;
        let refused = site.server.cli(&["import", "pxe-pilot", file]).unwrap_err().to_string();
        ensure!(refused.contains("02:00:00:00:00:09 belongs to host h9"), "{refused}");
        Ok(())
    });
}
