//! The loader for each machine comes from one table, who says otherwise goes before it, and `show` says why.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use nextboot_tests::pxe::Rom;
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, PATIENCE, SERVER, Server, binary, client};

/// x86-64 UEFI in option 93.
const X64: u8 = 7;
/// RISC-V 64 UEFI, for which there is no loader.
const RISCV64: u8 = 0x1b;

/// The lines of `nextboot show` that tell of loaders.
fn shown(server: &Server) -> Result<String> {
    let text = server.cli(&["show", "node1", "-n", "0"])?;
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("loader ")).collect();
    Ok(lines.join("\n"))
}

#[test]
fn show_says_which_loader_and_who_said_so() {
    Lab::run("loaders", |lab| {
        let site = SmallInstaller::new(lab)?;
        let config = site.config(Dhcp::Server, "");
        let server = lab.server(&config)?;
        let machine = lab.join("10.77.0.20/24")?;
        let mut rom = Rom::new(&machine, "eth0", [2, 0, 0, 0, 8, 1], X64)?;
        server.cli(&["host", "add", "node1", "02:00:00:00:08:01"])?;
        server.cli(&["boot", "node1", INSTALL])?;
        let all = shown(&server)?;
        ensure!(all.lines().count() > 10 && all.contains("bios: pxelinux.0: [boot.loaders] bios"), "{all}");

        let file = lab.dir().join("checked.toml");
        fs::write(&file, format!("{config}[boot.loaders]\nbios = \"small/no-such.0\"\n"))?;
        let checked = std::process::Command::new(binary()?).arg("check").arg(&file).output()?;
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        let warning = "warning: [boot.loaders] bios: the loader small/no-such.0 is neither in the roots nor in the search path";
        ensure!(checked.status.success() && said.contains(warning), "a doubt is no complaint: {said}");

        let mut expect = |file: &str, why: &str| {
            let replies = rom.discover(PATIENCE, |replies| !replies.is_empty())?;
            let told = &replies.first().with_context(|| format!("no offer of {file}"))?.file;
            ensure!(told == file, "it is told {told}, not {file}");
            let shown = shown(&server)?;
            ensure!(shown.ends_with(&format!("{file}: {why}")), "{shown}");
            Ok(())
        };
        let reload = |boot: &str, profile: &str| {
            let config = config.replace("[boot]\n", &format!("{boot}\n[boot]\n"));
            let config = config
                .replace(&format!("[profiles.{INSTALL}]\n"), &format!("[profiles.{INSTALL}]\n{profile}"));
            fs::write(server.config(), config)?;
            server.cli(&["reload"]).map(drop)
        };
        let table = "[boot.loaders]\nuefi-x64 = \"table.efi\"\n";
        reload(table, "")?;
        expect("table.efi", "[boot.loaders] uefi-x64")?;
        let rule = "[[boot.rule]]\nsubnet = \"10.78.0.0/24\"\nloader = \"other.efi\"\n\
                    [[boot.rule]]\nsubnet = \"10.77.0.0/24\"\narch = \"uefi-x64\"\nloader = \"rule.efi\"\n";
        reload(&format!("{table}{rule}"), "")?;
        expect("rule.efi", "[[boot.rule]] 2: arch uefi-x64, subnet 10.77.0.0/24")?;
        reload(&format!("{table}{rule}"), "loaders = { uefi-x64 = \"profile.efi\" }\n")?;
        expect("profile.efi", &format!("profile {INSTALL}, loaders.uefi-x64"))?;
        server.cli(&["host", "set", "node1", "--loader", "own.efi"])?;
        expect("own.efi", "the host's own loader")?;
        let wrong = server
            .wait_for_event("trouble", PATIENCE, |event| event["text"].to_string().contains("own.efi"))?;
        ensure!(wrong["text"].to_string().contains("neither in the roots nor in the search path"), "{wrong}");

        let would = server.cli(&["show", "node1", "--as", "bios"])?;
        ensure!(would.contains("loader   own.efi: the host's own loader"), "{would}");
        server.cli(&["host", "set", "node1", "--no-loader"])?;
        let would = server.cli(&["show", "node1", "--as", "bios"])?;
        ensure!(would.contains("for PXELINUX:") && would.contains("small/vmlinuz"), "{would}");
        let text =
            String::from_utf8(client::tftp_hpa(&machine, SERVER, "pxelinux.cfg/01-02-00-00-00-08-01")?)?;
        let kernel = text.lines().find(|line| line.contains("LINUX")).context("no kernel")?;
        ensure!(would.contains(kernel), "the preview is what the machine gets: {kernel} {would}");

        drop(rom);
        let mut riscv = Rom::new(&machine, "eth0", [2, 0, 0, 0, 8, 1], RISCV64)?;
        riscv.discover(PATIENCE, |replies| !replies.is_empty())?;
        let said = "RISC-V 64 UEFI has no loader; set [boot.loaders] uefi-riscv64";
        server.wait_for_event("trouble", PATIENCE, |event| event["text"] == said)?;
        ensure!(shown(&server)?.ends_with(&format!("none: {said}")), "{}", shown(&server)?);
        Ok(())
    });
}
