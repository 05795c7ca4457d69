//! Firmware that cannot be had under QEMU, and what can, simulated, against the real binary: how each boots, and in which
//! words it says that it does not.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::edk2::pxe::Variant;
use nextboot_firmware::raspberry::Model;
use nextboot_firmware::{Booted, Firmware, Verdict, rom};
use nextboot_model::Arch;
use nextboot_tests::simulated::{Report, boot, boot_all};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Namespace, Process, Server, peer};

/// One machine from power-on to its verdict, all of a ROM's patience included.
const LIMIT: Duration = Duration::from_secs(300);

/// dnsmasq would ping each address for 3 s, one after the other.
const AT_ONCE: &[&str] = &["--no-ping"];

const ROM: Firmware = Firmware::Rom(rom::Variant { uuid: false, always_4011: false });
const ROM_4011: Firmware = Firmware::Rom(rom::Variant { uuid: true, always_4011: true });
const EDK2: Firmware = Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::Current);
const UDK2014: Firmware = Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::Udk2014);
const TAKES_NEITHER: Firmware = Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::TakesNeither);
const HTTP: Firmware = Firmware::Edk2Http(Arch::HTTP_X64);
const IPXE: Firmware = Firmware::Ipxe(Arch::BIOS);
const U_BOOT: Firmware = Firmware::UBoot(Arch(0x16));

const PIS: [(Firmware, &str); 3] = [
    (Firmware::RaspberryPi(Model::Pi3), "b8:27:eb:00:00:03"),
    (Firmware::RaspberryPi(Model::Pi4), "dc:a6:32:00:00:04"),
    (Firmware::RaspberryPi(Model::Pi5), "2c:cf:67:00:00:05"),
];

/// A server, and whoever gives the addresses when it does not.
struct Site {
    site: SmallInstaller,
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
                Some((peer::dnsmasq(lab, &other, AT_ONCE)?, other))
            }
        };
        let server = lab.server(&site.config(dhcp, more))?;
        Ok(Self { site, server, _other: other })
    }

    /// Arms all of them and switches them on.
    fn boot(&self, lab: &Lab, machines: &[(Firmware, &str)]) -> Result<Vec<Report>> {
        arm(&self.server, machines)?;
        let reports = boot_all(lab, machines, LIMIT)?;
        for ((firmware, mac), report) in machines.iter().zip(&reports) {
            println!("{firmware:?} {mac}\n{report}");
        }
        Ok(reports)
    }
}

fn arm(server: &Server, machines: &[(Firmware, &str)]) -> Result<()> {
    for (number, (_, mac)) in machines.iter().enumerate() {
        let name = format!("node{number}");
        server.cli(&["host", "add", &name, mac])?;
        server.cli(&["boot", &name, INSTALL])?;
    }
    Ok(())
}

/// Every machine has run the installer to its end, and it called back.
fn all_installed(server: &Server, reports: &[Report]) -> Result<()> {
    for report in reports {
        let installed = matches!(report.verdict, Verdict::Booted(Booted::Installed { .. }));
        ensure!(installed, "not installed:\n{report}");
    }
    ensure!(server.events_of("called-back")?.len() == reports.len(), "every call-back is an event");
    Ok(())
}

#[test]
fn every_kind_of_firmware_installs_from_the_dhcp_server() {
    Lab::run("simulated-server", |lab| {
        let site = Site::new(lab, Dhcp::Server, "")?;
        let reports = site.boot(
            lab,
            &[
                (ROM, "52:54:00:00:02:01"),
                (ROM_4011, "52:54:00:00:02:02"),
                (EDK2, "52:54:00:00:02:03"),
                (UDK2014, "52:54:00:00:02:04"),
                (TAKES_NEITHER, "52:54:00:00:02:05"),
                (HTTP, "52:54:00:00:02:06"),
                (IPXE, "52:54:00:00:02:07"),
                (U_BOOT, "52:54:00:00:02:08"),
            ],
        )?;
        all_installed(&site.server, &reports)?;
        let report = boot(lab, ROM, "52:54:00:00:02:01", LIMIT)?;
        ensure!(report.verdict == Verdict::Booted(Booted::Disk), "the next boot is the disk:\n{report}");
        Ok(())
    });
}

#[test]
fn every_kind_of_firmware_that_hears_a_proxy_installs_beside_another_dhcp_server() {
    Lab::run("simulated-proxy", |lab| {
        let site = Site::new(lab, Dhcp::Proxy, "")?;
        let reports = site.boot(
            lab,
            &[
                (ROM, "52:54:00:00:03:01"),
                (ROM_4011, "52:54:00:00:03:02"),
                (EDK2, "52:54:00:00:03:03"),
                (HTTP, "52:54:00:00:03:04"),
                (IPXE, "52:54:00:00:03:05"),
            ],
        )?;
        all_installed(&site.server, &reports)?;
        ensure!(site.server.events_of("leased")?.is_empty(), "a proxy gives no addresses");
        Ok(())
    });
}

#[test]
fn signed_loaders_and_syslinux_install_uefi_machines_of_three_architectures_in_either_mode() {
    let loaders = "[boot.loaders]\nuefi-x64 = \"shimx64.efi\"\nuefi-arm64 = \"shimaa64.efi\"\n";
    let machines = [
        (EDK2, "52:54:00:00:08:01"),
        (Firmware::Edk2Pxe(Arch::UEFI_ARM64, Variant::Current), "52:54:00:00:08:02"),
        (Firmware::Edk2Pxe(Arch::UEFI_IA32, Variant::Current), "52:54:00:00:08:03"),
    ];
    for (name, dhcp) in [("simulated-signed", Dhcp::Server), ("simulated-signed-proxy", Dhcp::Proxy)] {
        Lab::run(name, |lab| {
            let site = Site::new(lab, dhcp, loaders)?;
            let reports = site.boot(lab, &machines)?;
            let seconds = ["/grubx64.efi", "/grubaa64.efi", "efi32/ldlinux.e32"];
            for (report, second) in reports.iter().zip(seconds) {
                ensure!(report.fetched(second), "no {second}:\n{report}");
            }
            all_installed(&site.server, &reports)
        });
    }
}

#[test]
fn they_install_too_when_the_other_dhcp_server_is_on_our_own_host() {
    Lab::run("simulated-same-host", |lab| {
        let site = SmallInstaller::new(lab)?;
        let _dnsmasq = peer::dnsmasq_on(lab, lab.namespace(), "br0", AT_ONCE)?;
        let server = lab.server(&site.config(Dhcp::Proxy, ""))?;
        let machines = [
            (ROM, "52:54:00:00:04:01"),
            (EDK2, "52:54:00:00:04:02"),
            (HTTP, "52:54:00:00:04:03"),
            (IPXE, "52:54:00:00:04:04"),
        ];
        arm(&server, &machines)?;
        all_installed(&server, &boot_all(lab, &machines, LIMIT)?)
    });
}

/// UDK2014 keeps no proxy's offer (seen in Dell's T130 and T430), one laptop of HP puts no two offers together: nothing
/// boots them beside another DHCP server, and somebody has to say so.
#[test]
fn machines_that_take_no_proxy_offer_give_up_and_the_journal_says_what_they_need() {
    Lab::run("simulated-neither", |lab| {
        let site = Site::new(lab, Dhcp::Proxy, "")?;
        let machines = [(UDK2014, "52:54:00:00:05:01"), (TAKES_NEITHER, "52:54:00:00:05:02")];
        for report in site.boot(lab, &machines)? {
            ensure!(report.gave_up() == Some("PXE-E16"), "{report}");
        }
        for (firmware, mac) in machines {
            // Somebody switches it on once more. Its first words are enough.
            ensure!(boot(lab, firmware, mac, Duration::from_secs(1)).is_err(), "nothing boots it");
            let event = site.server.wait_for_event("needs-one-offer", LIMIT, |event| event["mac"] == mac)?;
            ensure!(event.to_string().contains("10.77.0.2"), "who gave the address: {event}");
        }
        Ok(())
    });
}

#[test]
fn raspberry_pis_fetch_their_own_files_from_the_dhcp_server() {
    Lab::run("simulated-pi", |lab| raspberry_pis(lab, Dhcp::Server));
}

#[test]
fn raspberry_pis_fetch_their_own_files_beside_another_dhcp_server() {
    Lab::run("simulated-pi-proxy", |lab| raspberry_pis(lab, Dhcp::Proxy));
}

fn raspberry_pis(lab: &Lab, dhcp: Dhcp) -> Result<()> {
    let site = Site::new(lab, dhcp, "")?;
    let tree = site.site.tree();
    // A directory for each by its serial number, but a Pi 3 that finds all of its files in the root.
    for name in ["bootcode.bin", "start.elf", "kernel8.img", "32000004/start4.elf", "32000004/kernel8.img"]
        .into_iter()
        .chain(["67000005/config.txt", "67000005/kernel_2712.img"])
    {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().context("a file in a directory")?)?;
        fs::write(path, name)?;
    }
    for (report, kernel) in
        site.boot(lab, &PIS)?.iter().zip(["kernel8.img", "32000004/kernel8.img", "67000005/kernel_2712.img"])
    {
        let runs =
            matches!(&report.verdict, Verdict::Booted(Booted::Kernel { kernel: own, .. }) if own == kernel);
        ensure!(runs, "{kernel}:\n{report}");
    }
    Ok(())
}

/// It hears a proxy for 100 ms after the DHCP server's offer. A busy machine may take longer once; not three times.
#[test]
fn u_boot_hears_the_proxy_in_its_tenth_of_a_second() {
    Lab::run("simulated-u-boot", |lab| {
        let site = Site::new(lab, Dhcp::Proxy, "")?;
        let mac = "52:54:00:00:06:01";
        arm(&site.server, &[(U_BOOT, mac)])?;
        let mut reports = Vec::new();
        for _ in 0..3 {
            reports.push(boot(lab, U_BOOT, mac, LIMIT)?);
            if reports.iter().any(Report::runs_a_kernel) {
                return Ok(());
            }
        }
        anyhow::bail!("{}", reports.iter().map(Report::to_string).collect::<String>())
    });
}

#[test]
fn a_bootp_client_with_a_reserved_address_installs() {
    Lab::run("simulated-bootp", |lab| {
        let site = Site::new(lab, Dhcp::Server, "")?;
        let mac = "52:54:00:00:07:01";
        site.server.cli(&["host", "add", "old", mac, "--address", "10.77.0.50"])?;
        site.server.cli(&["boot", "old", INSTALL])?;
        let report = boot(lab, Firmware::Bootp, mac, LIMIT)?;
        let address = report.boot.as_ref().map(|boot| boot.address().to_string());
        ensure!(address.as_deref() == Some("10.77.0.50"), "{address:?}");
        all_installed(&site.server, &[report])
    });
}
