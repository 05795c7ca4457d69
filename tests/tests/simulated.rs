//! Firmware that cannot be had under QEMU, simulated, against the real binary: how each boots here, and in which words it
//! says that it does not.

use std::time::Duration;

use anyhow::{Result, ensure};
use nextboot_firmware::edk2::pxe;
use nextboot_firmware::{Firmware, rom};
use nextboot_model::Arch;
use nextboot_tests::simulated::{Report, boot_on};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Namespace, Process, Server, peer};

/// One machine from power-on to its verdict, all of a ROM's patience included.
const LIMIT: Duration = Duration::from_secs(100);

const ROM: Firmware = Firmware::Rom(rom::Variant { uuid: false, always_4011: false });
const EDK2: Firmware = Firmware::Edk2Pxe(Arch::UEFI_X64, pxe::Variant::Current);

/// A server, and in proxy mode the DHCP server beside it.
struct Site {
    server: Server,
    /// Ended in this order.
    _other: Option<(Process, Namespace)>,
}

impl Site {
    fn new(lab: &Lab, dhcp: Dhcp, more: &str) -> Result<Self> {
        let site = SmallInstaller::new(lab)?;
        let other = match dhcp {
            Dhcp::Server => None,
            Dhcp::Proxy => {
                let other = lab.join("10.77.0.2/24")?;
                Some((peer::dnsmasq(lab, &other, &[])?, other))
            }
        };
        let server = lab.server(&site.config(dhcp, more))?;
        Ok(Self { server, _other: other })
    }

    fn arm(&self, name: &str, mac: &str) -> Result<()> {
        self.server.cli(&["host", "add", name, mac])?;
        self.server.cli(&["boot", name, INSTALL])?;
        Ok(())
    }
}

fn shown(name: &str, report: Report) -> Report {
    println!("{name}:\n{report}");
    report
}

/// All machines that can be had beneath one roof, each in a fresh laboratory.
fn installs(name: &str, dhcp: Dhcp, firmware: Firmware, loaders: &str, loader: &str) {
    Lab::run(name, |lab| {
        let site = Site::new(lab, dhcp, loaders)?;
        let mac = "52:54:00:00:01:01";
        site.arm("machine", mac)?;
        let port = lab.plug()?;
        let report = shown("first", boot_on(&port, firmware, mac, LIMIT)?);
        ensure!(report.fetched(loader) && report.fetched("PUT http://"), "{report}");
        site.server.wait_for_event("called-back", LIMIT, |event| event["host"] == "machine")?;
        if loader == "pxelinux.0" {
            let report = shown("second", boot_on(&port, firmware, mac, LIMIT)?);
            ensure!(report.verdict.to_string() == "booted its disk", "{report}");
        }
        Ok(())
    });
}

#[test]
fn a_bios_rom_installs_and_then_boots_its_disk() {
    installs("simulated-rom", Dhcp::Server, ROM, "", "pxelinux.0");
}

#[test]
fn a_bios_rom_installs_beside_another_dhcp_server() {
    installs("simulated-rom-proxy", Dhcp::Proxy, ROM, "", "pxelinux.0");
}

#[test]
fn a_bios_rom_that_always_asks_port_4011_installs_beside_another_dhcp_server() {
    let rom = Firmware::Rom(rom::Variant { uuid: true, always_4011: true });
    installs("simulated-rom-4011", Dhcp::Proxy, rom, "", "pxelinux.0");
}

#[test]
fn edk2_installs_through_ipxe() {
    installs("simulated-edk2", Dhcp::Server, EDK2, "", "snponly.efi");
}

#[test]
fn edk2_installs_through_ipxe_beside_another_dhcp_server() {
    installs("simulated-edk2-proxy", Dhcp::Proxy, EDK2, "", "snponly.efi");
}

#[test]
fn http_boot_installs_through_ipxe() {
    installs("simulated-http", Dhcp::Server, Firmware::Edk2Http(Arch::HTTP_X64), "", "snponly.efi");
}

#[test]
fn http_boot_installs_through_ipxe_beside_another_dhcp_server() {
    installs("simulated-http-proxy", Dhcp::Proxy, Firmware::Edk2Http(Arch::HTTP_X64), "", "snponly.efi");
}

#[test]
fn an_ipxe_rom_installs() {
    installs("simulated-ipxe", Dhcp::Server, Firmware::Ipxe(Arch::BIOS), "", "pxelinux.0");
}
