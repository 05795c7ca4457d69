//! PXELINUX with the options that it reads in the DHCP answer.

use std::time::Duration;

use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Firmware, Lab};
use serde_json::Value;

const MAC: &str = "52:54:00:00:00:0e";

/// From power-on to the configuration.
const BOOT: Duration = Duration::from_secs(300);

#[test]
fn lpxelinux_goes_over_to_http_where_dhcp_says_so() {
    Lab::run("lpxelinux", |lab| {
        let site = SmallInstaller::new(lab)?;
        let more = "[boot.loaders]\nipxe-bios = \"lpxelinux.0\"\n[boot.pxelinux]\nprefix = \"http://10.77.0.1:8080/\"\n";
        let server = lab.server(&site.config(Dhcp::Server, more))?;
        server.cli(&["host", "add", "node14", MAC])?;
        server.cli(&["boot", "node14", INSTALL])?;
        let machine = lab.machine("node14").firmware(Firmware::Bios).mac(MAC).disk_mib(64).start()?;
        // Not up to the kernel: lpxelinux.0's own TCP stack now and then stops to take packets in the middle of a large
        // file, deaf to every retransmission, and QEMU's machine stays there.
        let of = |name: &'static str| move |event: &Value| event["name"] == name && event["via"] == "http";
        server.wait_for_event("file-sent", BOOT, of("ldlinux.c32"))?;
        server.wait_for_event("configuration-sent", BOOT, of("pxelinux.cfg/01-52-54-00-00-00-0e"))?;
        drop(machine);
        Ok(())
    });
}
