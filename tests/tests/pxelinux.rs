//! PXELINUX with the options that it reads in the DHCP answer.

use std::time::Duration;

use anyhow::ensure;
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Firmware, Lab};

const MAC: &str = "52:54:00:00:00:0e";

/// From power-on to the kernel.
const BOOT: Duration = Duration::from_secs(300);

#[test]
fn lpxelinux_goes_over_to_http_where_dhcp_says_so() {
    Lab::run("lpxelinux", |lab| {
        let site = SmallInstaller::new(lab)?;
        let more = "[boot.loaders]\nipxe-bios = \"lpxelinux.0\"\n[boot.pxelinux]\nprefix = \"http://10.77.0.1:8080/\"\n";
        let server = lab.server(&site.config(Dhcp::Server, more))?;
        server.cli(&["host", "add", "node14", MAC])?;
        server.cli(&["boot", "node14", INSTALL])?;
        let mut machine = lab.machine("node14").firmware(Firmware::Bios).mac(MAC).disk_mib(64).start()?;
        machine.wait_for("installer: kernel", BOOT)?;
        let sent = server.events_of("file-sent")?;
        for file in ["ldlinux.c32", "small/vmlinuz", "small/initrd"] {
            let found = sent.iter().any(|event| event["name"] == file && event["via"] == "http");
            ensure!(found, "{file} did not go by HTTP: {sent:?}");
        }
        Ok(())
    });
}
