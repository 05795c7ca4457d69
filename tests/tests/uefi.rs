//! UEFI machines with their firmware's own PXE client.

use std::time::Duration;

use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Firmware, Lab, peer};

const MAC: &str = "52:54:00:00:00:07";

/// From power-on to the kernel.
const BOOT: Duration = Duration::from_secs(300);

#[test]
fn x64_uefi_boots_by_pxe_to_its_kernel() {
    Lab::run("uefi-x64", |lab| boot(lab, Dhcp::Server));
}

#[test]
fn x64_uefi_boots_beside_the_dhcp_server_of_the_subnet() {
    Lab::run("uefi-x64-proxy", |lab| {
        let other = lab.join("10.77.0.2/24")?;
        let _dnsmasq = peer::dnsmasq(lab, &other, &[])?;
        boot(lab, Dhcp::Proxy)
    });
}

fn boot(lab: &Lab, dhcp: Dhcp) -> anyhow::Result<()> {
    let site = SmallInstaller::new(lab)?;
    let server = lab.server(&site.config(dhcp, ""))?;
    server.cli(&["host", "add", "node7", MAC])?;
    server.cli(&["boot", "node7", INSTALL])?;
    let mut machine = lab.machine("node7").firmware(Firmware::UefiX64).mac(MAC).disk_mib(64).start()?;
    let kernel = machine.wait_for("installer: kernel", BOOT)?;
    println!("kernel after {:.1} s", kernel.as_secs_f32());
    machine.wait_for("HTTP/1.1 200", BOOT)?;
    server.wait_for_event("called-back", BOOT, |event| event["host"] == "node7")?;
    Ok(())
}
