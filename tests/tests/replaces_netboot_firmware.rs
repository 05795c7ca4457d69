//! The same by real firmware and loaders under QEMU: SeaBIOS, OVMF, iPXE, PXELINUX, GRUB and ISOLINUX.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Firmware, Lab, Server};
use serde_json::Value;

const MAC: &str = "52:54:00:aa:bb:0c";
const UUID: &str = "b8945908-d6a6-41a9-a11d-74a6ab80b83d";

/// From power-on to what is waited for: 15 to 40 s on a quiet machine, and several times that was seen.
const BOOT: Duration = Duration::from_secs(200);

/// Where Debian's packages have what sites copy into their trees.
const PXELINUX: &str = "/usr/lib/PXELINUX/pxelinux.0";
const MODULES: &str = "/usr/lib/syslinux/modules/bios";
const DEBIAN: &str = "/usr/lib/debian-installer/images/12/amd64/text";

fn put(tree: &Path, name: &str, content: &str) -> Result<()> {
    let path = tree.join(name);
    fs::create_dir_all(path.parent().unwrap_or(tree))?;
    fs::write(&path, content).with_context(|| path.display().to_string())
}

fn copy(from: &str, tree: &Path, name: &str) -> Result<()> {
    let path = tree.join(name);
    fs::create_dir_all(path.parent().unwrap_or(tree))?;
    fs::copy(from, path).with_context(|| from.to_owned()).map(drop)
}

fn sent(server: &Server, code: &str, name: &str, via: &str) -> Result<()> {
    let is = |event: &Value| event["name"] == name && event["via"] == via;
    server.wait_for_event(code, BOOT, is).with_context(|| format!("{code} {name} by {via}")).map(drop)
}

fn unknown_get_the_default(config: &str) -> String {
    config.replace("[boot]\n", "[boot]\nunknown = \"default\"\n")
}

#[test]
fn row_15_a_bios_comes_to_the_prompt_of_the_use_cases_tree() {
    Lab::run("row-15-firmware", |lab| {
        let site = SmallInstaller::new(lab)?;
        copy(PXELINUX, site.tree(), "pxelinux.0")?;
        copy(&format!("{MODULES}/ldlinux.c32"), site.tree(), "ldlinux.c32")?;
        let config = "SERIAL 0 115200\nPROMPT 1\nTIMEOUT 0\nDEFAULT grml\n\
                      LABEL grml\n  KERNEL grml/vmlinuz\n  APPEND initrd=grml/initrd.img\n";
        put(site.tree(), "pxelinux.cfg/default", config)?;
        let _server = lab.server(&unknown_get_the_default(&site.config(Dhcp::Server, "")))?;
        let mut machine = lab.machine("any").mac(MAC).start()?;
        machine.wait_for("PXELINUX 6", BOOT)?;
        machine.wait_for("boot:", BOOT)?;
        Ok(())
    });
}

/// A host whose profile's file is not there is given a loader, and no configuration at any name: so PXELINUX tries all of them.
#[test]
fn row_39_pxelinux_searches_over_http_in_its_order() {
    Lab::run("row-39-firmware", |lab| {
        let site = SmallInstaller::new(lab)?;
        copy(&format!("{MODULES}/ldlinux.c32"), site.tree(), "web/ldlinux.c32")?;
        let more = "[boot.loaders]\nipxe-bios = \"lpxelinux.0\"\n\
                    [boot.pxelinux]\nprefix = \"http://10.77.0.1:8080/web/\"\n\
                    [profiles.gone]\nclass = \"live\"\nfile = \"gone.cfg\"\n";
        let config = format!("log = \"info,nextboot_http=debug\"\n{}", site.config(Dhcp::Server, more));
        let server = lab.server(&config)?;
        server.cli(&["host", "add", "node1", MAC, "--address", "10.77.0.91"])?;
        put(site.tree(), "gone.cfg", "DEFAULT x\n")?;
        server.cli(&["boot", "node1", "gone"])?;
        fs::remove_file(site.tree().join("gone.cfg"))?;
        let _machine = lab.machine("node1").mac(MAC).uuid(UUID).start()?;
        let last = "/web/pxelinux.cfg/default";
        server.log().wait_for(&format!("{last:?}"), BOOT, || Ok(()))?;
        let log = server.log().text();
        let paths = log.lines().filter_map(|line| line.split_once("path=\"")?.1.split('"').next());
        let asked: Vec<&str> = paths.filter(|path| path.contains("pxelinux.cfg/")).collect();
        let mut wanted: Vec<String> =
            ["085994b8-a6d6-a941-a11d-74a6ab80b83d", "01-52-54-00-aa-bb-0c"].map(str::to_owned).into();
        wanted.extend((1..=8).rev().map(|digits| "0A4D005B"[..digits].to_owned()));
        wanted.push("default".into());
        let wanted: Vec<String> =
            wanted.into_iter().map(|name| format!("/web/pxelinux.cfg/{name}")).collect();
        ensure!(asked == wanted, "asked for {asked:#?}");
        Ok(())
    });
}

/// iPXE's ROM fetches the script `menu` by TFTP, and that leads over HTTP to PXELINUX, which iPXE fetches for.
fn by_menu(name: &str, set: &str, test: impl FnOnce(&Lab, &SmallInstaller, &Server) -> Result<()>) {
    Lab::run(name, |lab| {
        let site = SmallInstaller::new(lab)?;
        copy(PXELINUX, site.tree(), "debian/pxelinux.0")?;
        copy(&format!("{MODULES}/ldlinux.c32"), site.tree(), "debian/ldlinux.c32")?;
        put(site.tree(), "menu", "#!ipxe\nchain http://10.77.0.1:8080/debian/menu\n")?;
        let menu = format!(
            "#!ipxe\nimgfree\n{set}set 210:string http://10.77.0.1:8080/debian/\nchain ${{210:string}}pxelinux.0\n"
        );
        put(site.tree(), "debian/menu", &menu)?;
        let server = lab.server(&site.config(Dhcp::Server, "[boot.loaders]\nipxe-bios = \"menu\"\n"))?;
        server.cli(&["host", "add", "node1", MAC])?;
        server.cli(&["boot", "node1", INSTALL])?;
        test(lab, &site, &server)
    });
}

#[test]
fn row_40_ipxes_menu_leads_over_http_to_pxelinux_and_its_kernel() {
    by_menu("row-40", "", |lab, _, server| {
        let mut machine = lab.machine("node1").mac(MAC).disk_mib(64).start()?;
        sent(server, "file-sent", "menu", "tftp")?;
        for name in ["debian/menu", "debian/pxelinux.0", "debian/ldlinux.c32"] {
            sent(server, "file-sent", name, "http")?;
        }
        sent(server, "configuration-sent", "debian/pxelinux.cfg/01-52-54-00-aa-bb-0c", "http")?;
        machine.wait_for("installer: kernel", BOOT)?;
        Ok(())
    });
}

#[test]
fn row_40_option_209_set_in_the_menu_is_read_first() {
    by_menu("row-40-209", "set 209:string config/own\n", |lab, site, server| {
        let own = "DEFAULT x\nLABEL x\n  KERNEL own/vmlinuz\n  APPEND initrd=own/initrd console=ttyS0\n";
        put(site.tree(), "debian/config/own", own)?;
        for name in ["vmlinuz", "initrd"] {
            let small = site.tree().join("small").join(name).display().to_string();
            copy(&small, site.tree(), &format!("debian/own/{name}"))?;
        }
        let mut machine = lab.machine("node1").mac(MAC).start()?;
        sent(server, "file-sent", "debian/config/own", "http")?;
        machine.wait_for("installer: kernel", BOOT)?;
        ensure!(server.events_of("configuration-sent")?.is_empty(), "and nothing was searched for");
        Ok(())
    });
}

#[test]
fn row_41_debians_tree_shows_its_menus_to_a_bios_and_to_uefi() {
    Lab::run("row-41-firmware", |lab| {
        let site = SmallInstaller::new(lab)?;
        let status = Command::new("cp").arg("-a").arg(format!("{DEBIAN}/.")).arg(site.tree()).status()?;
        ensure!(status.success(), "cp {DEBIAN}");
        let more = "[boot.loaders]\nuefi-x64 = \"debian-installer/amd64/bootnetx64.efi\"\n";
        let server = lab.server(&unknown_get_the_default(&site.config(Dhcp::Server, more)))?;
        let bios = lab.machine("bios").mac(MAC).start()?;
        // The menu's own picture is the last thing that is fetched before it is drawn.
        sent(&server, "file-sent", "debian-installer/amd64/boot-screens/splash.png", "tftp")?;
        drop(bios);
        let mac = "52:54:00:aa:bb:0d";
        let _uefi = lab.machine("uefi").firmware(Firmware::UefiX64).mac(mac).start()?;
        for name in ["bootnetx64.efi", "grubx64.efi"] {
            sent(&server, "file-sent", &format!("debian-installer/amd64/{name}"), "tftp")?;
        }
        sent(&server, "configuration-sent", "debian-installer/amd64/grub/grub.cfg", "tftp")?;
        Ok(())
    });
}

/// A disc that says something on the serial line, and as much again that nobody reads.
fn image(lab: &Lab, to: &Path) -> Result<()> {
    let disc = lab.dir().join("disc");
    copy("/usr/lib/ISOLINUX/isolinux.bin", &disc, "isolinux/isolinux.bin")?;
    copy(&format!("{MODULES}/ldlinux.c32"), &disc, "isolinux/ldlinux.c32")?;
    let config = "SERIAL 0 115200\nPROMPT 1\nDEFAULT x\nLABEL x\n  LOCALBOOT 0\n";
    put(&disc, "isolinux/isolinux.cfg", config)?;
    fs::write(disc.join("more"), vec![7; 8 << 20])?;
    let output = Command::new("xorriso")
        .args(["-as", "mkisofs", "-quiet", "-o"])
        .arg(to)
        .args(["-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot"])
        .args(["-boot-load-size", "4", "-boot-info-table"])
        .arg(&disc)
        .output()
        .context("xorriso")?;
    ensure!(output.status.success(), "xorriso: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn row_42_ipxe_boots_an_image_that_is_a_profile() {
    Lab::run("row-42-firmware", |lab| {
        let site = SmallInstaller::new(lab)?;
        image(lab, &site.tree().join("disc.iso"))?;
        let more = "[profiles.disc]\nclass = \"live\"\niso = \"disc.iso\"\n";
        let config = format!("log = \"info,nextboot_http=debug\"\n{}", site.config(Dhcp::Server, more));
        let server = lab.server(&config)?;
        server.cli(&["host", "add", "node1", MAC])?;
        server.cli(&["boot", "node1", "disc"])?;
        let mut machine = lab.machine("node1").mac(MAC).start()?;
        machine.wait_for("ISOLINUX 6", BOOT)?;
        machine.wait_for("boot:", BOOT)?;
        let log = server.log().text();
        let count = |method: &str, status: &str| {
            let words =
                [format!("method=\"{method}\""), "path=\"/disc.iso\"".into(), format!("status={status}")];
            log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
        };
        ensure!(count("HEAD", "200") > 0, "iPXE asks how long it is");
        ensure!(count("GET", "206") > 2 && count("GET", "200") == 0, "and for parts of it");
        Ok(())
    });
}
