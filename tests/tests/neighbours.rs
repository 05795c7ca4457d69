//! The watcher: other DHCP and boot servers on the wire are heard, named, and told about where they get in the way.

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, PATIENCE, Server, peer, wait_until};
use serde_json::Value;

fn neighbour(server: &Server, address: &str) -> Result<Value> {
    wait_until(&format!("the neighbour {address}"), PATIENCE, || {
        let list = server.json(&["neighbours"])?;
        let all = list["neighbours"].as_array().context("no list")?;
        Ok(all.iter().find(|known| known["server"] == address).cloned())
    })
}

fn conflict(server: &Server, address: &str, code: &str) -> Result<Value> {
    server.wait_for_event("neighbour-conflict", PATIENCE, |event| {
        event["server"] == address && event["conflict"] == code
    })
}

#[test]
fn the_probe_at_the_start_finds_who_serves_and_warns_of_what_would_keep_machines_from_booting() {
    Lab::run("neighbours-proxy", |lab| {
        let site = SmallInstaller::new(lab)?;
        let other = lab.join("10.77.0.2/24")?;
        let rival = lab.join("10.77.0.3/24")?;
        // Option 60 without 43 as in old recipes, and a boot file.
        let more = ["--dhcp-option=60,PXEClient", "--dhcp-boot=other.efi,,10.77.0.9", "--no-ping"];
        let _dhcp = peer::dnsmasq(lab, &other, &more)?;
        let args = [
            "--conf-file=/dev/null",
            "--no-daemon",
            "--port=0",
            "--user=root",
            "--interface=eth0",
            "--dhcp-range=10.77.0.0,proxy",
            "--pxe-service=X86-64_EFI,rival,rival",
        ];
        let mut proxy = lab.start(&rival, "rival", "dnsmasq", &args)?;
        proxy.wait_for("proxy on subnet", PATIENCE)?;

        let server = lab.server(&site.config(Dhcp::Proxy, ""))?;
        conflict(&server, "10.77.0.2", "boot-file")?;
        conflict(&server, "10.77.0.2", "pxe-class")?;
        ensure!(server.log().text().contains("10.77.0.2 on br0 gets in our way"), "and the log warns");
        let known = neighbour(&server, "10.77.0.2")?;
        ensure!(known["gives_addresses"] == true && known["file"] == "other.efi", "{known}");
        ensure!(known["next_server"] == "10.77.0.9" && known["vendor_class"] == "PXEClient", "{known}");
        ensure!(known["mac"].as_str().is_some_and(|mac| mac.len() == 17), "{known}");
        let options = known["options"].as_array().context("no options")?;
        ensure!(options.iter().any(|code| code == 60) && options.iter().any(|code| code == 51), "{known}");
        let known = neighbour(&server, "10.77.0.3")?;
        ensure!(known["is_proxy"] == true && known["gives_addresses"] == false, "{known}");
        let table = server.cli(&["neighbours"])?;
        ensure!(table.contains("! 10.77.0.2: ") && table.contains("other.efi"), "{table}");
        Ok(())
    });
}

#[test]
fn a_server_hears_of_a_second_one_only_when_it_asks_or_when_that_one_speaks() {
    Lab::run("neighbours-server", |lab| {
        let site = SmallInstaller::new(lab)?;
        let config = site.config(Dhcp::Server, "").replace("[dhcp]\n", "[dhcp]\nprobe_at_start = false\n");
        let server = lab.server(&config)?;
        let other = lab.join("10.77.0.2/24")?;
        let _second = peer::dnsmasq(lab, &other, &["--no-ping"])?;
        ensure!(
            server.json(&["neighbours"])?["neighbours"].as_array().is_some_and(Vec::is_empty),
            "nobody spoke yet"
        );
        let list = server.json(&["neighbours", "--probe"])?;
        let found = &list["neighbours"][0];
        ensure!(found["server"] == "10.77.0.2" && found["interface"] == "br0", "{list}");
        ensure!(found["conflicts"][0]["code"] == "second-server", "{list}");
        conflict(&server, "10.77.0.2", "second-server")?;
        ensure!(
            server.json(&["leases"])?["leases"].as_array().is_some_and(Vec::is_empty),
            "no lease is taken"
        );

        let leases = lab.dir().join("dnsmasq.leases");
        ensure!(std::fs::read_to_string(&leases).unwrap_or_default().is_empty(), "nor one of the other's");
        Ok(())
    });
}
