//! `nextboot import debian-netboot`: Debian's archive as its mirror has it becomes profiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, SERVER, Server, client};

/// What the mirror's netboot.tar.gz is made of.
const DEBIAN: &str = "/usr/lib/debian-installer/images/12/amd64/text";

/// From power-on to the installer's kernel.
const BOOT: Duration = Duration::from_secs(300);

fn archive(lab: &Lab, from: &str) -> Result<PathBuf> {
    let file = lab.dir().join("netboot.tar.gz");
    let status = Command::new("tar").arg("-czf").arg(&file).arg("-C").arg(from).arg(".").status()?;
    ensure!(status.success(), "tar {from}");
    Ok(file)
}

fn import(server: &Server, words: &[&str]) -> Result<Output> {
    let all = [&["import", "debian-netboot"], words].concat();
    Ok(server.caller().command(&all).output()?)
}

fn words(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

#[test]
fn debians_archive_becomes_profiles_that_a_machine_boots() {
    Lab::run("import-netboot", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let file = archive(lab, DEBIAN)?;
        let (file, root, config) = (words(&file)?, words(site.tree())?, words(server.config())?);
        let before = fs::read_dir(site.tree())?.count();
        let dry = import(&server, &[file, "--root", root, "--dry-run"])?;
        let said = String::from_utf8_lossy(&dry.stdout).into_owned();
        ensure!(dry.status.success() && said.contains("[profiles.debian-12-amd64]"), "{said}");
        ensure!(fs::read_dir(site.tree())?.count() == before, "nothing was done");

        let done = import(&server, &[file, "--root", root, "--config", config])?;
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        ensure!(done.status.success() && said.contains("Debian 12 (bookworm)"), "{said}");
        ensure!(said.contains("for amd64"), "{said}");
        ensure!(fs::read_dir(site.tree())?.count() == before + 1, "one directory, and nothing beside it");
        let listed = server.cli(&["profile", "ls"])?;
        for line in ["debian-12-amd64 ", "debian-12-amd64-rescue "] {
            ensure!(listed.contains(line), "{line}: {listed}");
        }
        // Its own links are there, and lead where they led.
        let machine = lab.join("10.77.0.20/24")?;
        let menu = fs::read(format!("{DEBIAN}/debian-installer/amd64/boot-screens/syslinux.cfg"))?;
        let of = |name: &str| fs::read(site.tree().join("debian-12-amd64").join(name));
        ensure!(of("pxelinux.cfg/default")? == menu, "a link into a linked directory");
        let loader = client::tftp_hpa(&machine, SERVER, "debian-12-amd64/pxelinux.0")?;
        ensure!(loader == fs::read(format!("{DEBIAN}/pxelinux.0"))?, "a linked file, served");

        // A second time nothing is touched.
        let text = fs::read_to_string(server.config())?;
        let again = import(&server, &[file, "--root", root, "--config", config])?;
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        ensure!(again.status.code() == Some(1) && said.contains("is there already"), "{said}");
        ensure!(fs::read_to_string(server.config())? == text, "the configuration is as it was");

        let mac = "52:54:00:00:00:1d";
        server.cli(&["host", "add", "node1", mac])?;
        server.cli(&["boot", "node1", "debian-12-amd64"])?;
        for (arch, wanted) in [
            ("bios", "debian-12-amd64/debian-installer/amd64/linux"),
            ("uefi-x64", "/debian-12-amd64/debian-installer/amd64/linux"),
        ] {
            let shown = server.cli(&["show", "node1", "--as", arch])?;
            ensure!(shown.contains(wanted), "{arch}: {shown}");
        }
        let _machine = lab.machine("node1").mac(mac).start()?;
        // Not up to the installer: its initial RAM disk takes minutes where machines are emulated.
        let kernel = "debian-12-amd64/debian-installer/amd64/linux";
        server.wait_for_event("file-sent", BOOT, |event| event["name"] == kernel)?;
        Ok(())
    });
}

#[test]
fn a_hostile_archive_leaves_nothing_behind() {
    Lab::run("import-hostile", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let root = site.tree();
        let bad = lab.dir().join("bad");
        let installer = bad.join("debian-installer/amd64");
        fs::create_dir_all(&installer)?;
        for name in ["linux", "initrd.gz"] {
            fs::write(installer.join(name), name)?;
        }
        let before = fs::read_dir(root)?.count();
        let hostile: [(&str, &[&str]); 4] = [
            ("leads out", &["ln", "-s", "../../../../etc", "bad/out"]),
            ("leads out", &["ln", "-s", "/etc/passwd", "bad/out"]),
            ("pipe", &["mkfifo", "bad/out"]),
            ("device", &["mknod", "bad/out", "c", "1", "3"]),
        ];
        for (why, make) in hostile {
            let status = Command::new(make[0]).args(&make[1..]).current_dir(lab.dir()).status()?;
            ensure!(status.success(), "{make:?}");
            let file = archive(lab, words(&bad)?)?;
            let refused = import(&server, &[words(&file)?, "--name", "bad", "--root", words(root)?])?;
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            ensure!(refused.status.code() == Some(1) && said.contains(why), "{make:?}: {said}");
            ensure!(fs::read_dir(root)?.count() == before, "{make:?}: something is left");
            fs::remove_file(bad.join("out"))?;
        }
        // Without a version somebody must say what it is called, and what is no installer is none.
        let file = archive(lab, words(&bad)?)?;
        let refused = import(&server, &[words(&file)?, "--root", words(root)?])?;
        ensure!(String::from_utf8_lossy(&refused.stderr).contains("--name"), "{refused:?}");
        fs::remove_file(installer.join("linux"))?;
        let file = archive(lab, words(&bad)?)?;
        let refused = import(&server, &[words(&file)?, "--name", "bad", "--root", words(root)?])?;
        ensure!(String::from_utf8_lossy(&refused.stderr).contains("network installer"), "{refused:?}");
        ensure!(fs::read_dir(root)?.count() == before, "something is left");
        Ok(())
    });
}

/// The least that is an installer, of this version.
fn small(lab: &Lab, version: &str) -> Result<PathBuf> {
    let tree = lab.dir().join("small");
    let installer = tree.join("debian-installer/amd64");
    fs::create_dir_all(&installer)?;
    for name in ["linux", "initrd.gz"] {
        fs::write(installer.join(name), name)?;
    }
    fs::write(tree.join("version.info"), format!("Debian version: {version}\n"))?;
    archive(lab, words(&tree)?)
}

#[test]
fn an_archive_is_taken_whole_or_not_at_all_and_several_at_once() {
    Lab::run("import-whole", |lab| {
        let site = SmallInstaller::new(lab)?;
        let mut server =
            lab.server(&site.config(Dhcp::Server, "[profiles.own]\nclass = \"live\"\nkernel = \"k\"\n"))?;
        let file = small(lab, "13 (trixie)")?;
        let (config, caller) = (server.config().to_owned(), server.caller());
        let all = [words(&file)?, "--root", words(site.tree())?, "--config", words(&config)?];
        let call =
            |name: &str| caller.command(&[&["import", "debian-netboot", "--name", name], &all[..]].concat());
        let state = || -> Result<(usize, String)> {
            Ok((fs::read_dir(site.tree())?.count(), fs::read_to_string(&config)?))
        };
        let before = state()?;
        let taken = call("own").output()?;
        let said = String::from_utf8_lossy(&taken.stderr).into_owned();
        ensure!(taken.status.code() == Some(1) && said.contains("[profiles.own] is there already"), "{said}");
        ensure!(state()? == before, "a profile of that name was there: {:?}", state()?);

        let at_once: Vec<_> = (0..4).map(|number| call(&format!("once{number}")).spawn()).collect();
        for child in at_once {
            ensure!(child?.wait()?.success());
        }
        let listed = server.cli(&["profile", "ls"])?;
        for number in 0..4 {
            ensure!(listed.contains(&format!("once{number}-rescue ")), "{listed}");
        }

        let before = state()?;
        server.kill9();
        let nobody = call("later").output()?;
        ensure!(nobody.status.code() == Some(3), "{nobody:?}");
        ensure!(state()? == before, "nobody read it: {:?}", state()?);
        Ok(())
    });
}

#[test]
fn a_version_that_is_a_path_leads_nowhere() {
    Lab::run("import-version", |lab| {
        let site = SmallInstaller::new(lab)?;
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let root = words(site.tree())?;
        let good = small(lab, "13")?;
        ensure!(import(&server, &[words(&good)?, "--root", root])?.status.success());
        let above = site.tree().parent().context("a root beneath something")?;
        let before = (fs::read_dir(root)?.count(), fs::read_dir(above)?.count());
        let bad = small(lab, "13-amd64/../../out")?;
        let refused = import(&server, &[words(&bad)?, "--root", root])?;
        ensure!(refused.status.code() == Some(1), "{refused:?}");
        ensure!(String::from_utf8_lossy(&refused.stderr).contains("--name"), "{refused:?}");
        let after = (fs::read_dir(root)?.count(), fs::read_dir(above)?.count());
        ensure!(after == before, "{before:?} {after:?}");
        Ok(())
    });
}
