//! What is assigned, as links for other programs that read the tree (`[tftp] write_links`).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nextboot_tests::pilot::{HOSTS, PilotSite, text};
use nextboot_tests::{Lab, Namespace, PATIENCE, Process, client, peer, wait_until};

const LINK: &str = "01-23-34-a3-e9-09-cc";
const SECOND: &str = "01-00-00-00-00-0b-02";
const WRITE: &str = "[tftp]\nroots = [\"TREE\"]\nwrite_links = true\n";

/// Another TFTP server on the same tree, confined to it as tftpd-hpa is by default.
struct Foreign {
    room: Namespace,
    _tftpd: Process,
}

impl Foreign {
    const ADDRESS: &str = "10.77.0.30";

    fn start(lab: &Lab, tree: &Path) -> Result<Self> {
        let room = lab.join(&format!("{}/24", Self::ADDRESS))?;
        let tftpd = peer::tftpd_hpa(lab, &room, Self::ADDRESS, tree)?;
        Ok(Self { room, _tftpd: tftpd })
    }

    fn get(&self, name: &str) -> Result<String> {
        let name = format!("pxelinux.cfg/{name}");
        Ok(String::from_utf8(client::tftp_hpa(&self.room, Self::ADDRESS, &name)?)?)
    }
}

fn site(lab: &Lab, before: impl FnOnce(&Path) -> Result<()>) -> Result<PilotSite> {
    let tree = lab.dir().join("tree");
    PilotSite::start(lab, HOSTS, &WRITE.replace("TREE", &tree.display().to_string()), before)
}

fn at(site: &PilotSite, name: &str) -> PathBuf {
    site.tree().join("pxelinux.cfg").join(name)
}

fn assign(site: &PilotSite, profile: &str, host: &str) -> Result<()> {
    let (status, answer) = site.deploy(profile, &format!(r#"{{"hosts":[{{"name":"{host}"}}]}}"#))?;
    ensure!(status == 200, "{profile} for {host}: {status} {answer}");
    Ok(())
}

fn wait_for_link(site: &PilotSite, name: &str, wanted: Option<&str>) -> Result<()> {
    let path = at(site, name);
    let read = || fs::read_link(&path).ok();
    wait_until(&format!("{name} to lead to {wanted:?}"), Duration::from_secs(5), || {
        Ok((read().as_deref() == wanted.map(Path::new)).then_some(()))
    })
    .with_context(|| format!("it leads to {:?}\n{}", read(), site.server.log().tail()))
}

/// A person's link, as `ln -sf` makes it.
fn by_hand(site: &PilotSite, name: &str, to: &str) -> Result<()> {
    let between = at(site, "by-hand");
    symlink(to, &between)?;
    Ok(fs::rename(between, at(site, name))?)
}

#[test]
fn row_16_links_are_written_for_other_tools() {
    Lab::run("pilot-links", |lab| {
        let mut site = site(lab, |_| Ok(()))?;
        let foreign = Foreign::start(lab, site.tree())?;
        for (profile, file) in [("sheep", "conf/syslinux/sheep"), ("grml", "conf/grub/grml")] {
            assign(&site, profile, "h1")?;
            wait_for_link(&site, LINK, Some(file))?;
            ensure!(foreign.get(LINK)? == text(profile), "{profile}: {}", foreign.get(LINK)?);
            ensure!(site.tftp(LINK)? == text(profile), "{profile}");
        }
        assign(&site, "a", "h3")?;
        for card in ["0b", "0c", "0d"] {
            wait_for_link(&site, &format!("01-00-00-00-00-{card}-03"), Some("conf/grub/a"))?;
        }
        ensure!(!at(&site, SECOND).is_symlink(), "nobody has spoken about h2");

        by_hand(&site, LINK, "conf/grub/b")?;
        ensure!(site.tftp(LINK)? == text("b") && foreign.get(LINK)? == text("b"), "by hand");
        assign(&site, "a", "h2")?;
        wait_for_link(&site, SECOND, Some("conf/grub/a"))?;
        site.server.stop()?;
        site.server.restart()?;
        assign(&site, "b", "h2")?;
        wait_for_link(&site, SECOND, Some("conf/grub/b"))?;
        ensure!(site.tftp(LINK)? == text("b") && foreign.get(LINK)? == text("b"), "it stays");
        assign(&site, "z", "h1")?;
        wait_for_link(&site, LINK, Some("conf/grub/z"))?;
        ensure!(site.tftp(LINK)? == text("z") && foreign.get(LINK)? == text("z"), "a later word");
        Ok(())
    });
}

#[test]
fn links_are_right_again_after_a_crash_and_go_with_their_host() {
    Lab::run("pilot-links-crash", |lab| {
        let mut site = site(lab, |_| Ok(()))?;
        for profile in ["a", "b", "c", "z", "grml", "sheep", "a", "b"] {
            assign(&site, profile, "h1")?;
            // Answered, so durable; the link may be written or not.
            site.server.kill9();
            site.server.restart()?;
            ensure!(site.tftp(LINK)? == text(profile), "{profile}: {}", site.tftp(LINK)?);
            let file = if profile == "sheep" {
                "conf/syslinux/sheep".to_owned()
            } else {
                format!("conf/grub/{profile}")
            };
            wait_for_link(&site, LINK, Some(&file))?;
            ensure!(site.tftp(LINK)? == text(profile), "{profile}, after its link");
        }
        // One boot only, and back to an earlier word while our link bears the later one's time.
        site.server.cli(&["boot", "h1", "grml", "--once"])?;
        wait_for_link(&site, LINK, Some("conf/grub/grml"))?;
        site.server.cli(&["cancel", "h1"])?;
        wait_for_link(&site, LINK, Some("conf/grub/b"))?;
        ensure!(site.tftp(LINK)? == text("b"));

        assign(&site, "a", "h2")?;
        wait_for_link(&site, SECOND, Some("conf/grub/a"))?;
        site.server.cli(&["host", "rm", "h2"])?;
        wait_for_link(&site, SECOND, None)?;
        // And of one that nobody could take away in time.
        assign(&site, "a", "h3")?;
        let name = "01-00-00-00-00-0c-03";
        wait_for_link(&site, name, Some("conf/grub/a"))?;
        site.server.cli(&["host", "rm", "h3"])?;
        site.server.kill9();
        site.change_yaml("hosts:\n  - name: h1\n    mac_addresses: [\"23:34:A3:E9:09:CC\"]\n")?;
        site.server.restart()?;
        wait_for_link(&site, name, None)?;
        wait_for_link(&site, LINK, Some("conf/grub/b"))?;
        Ok(())
    });
}

#[test]
fn links_that_were_there_become_assignments() {
    Lab::run("pilot-links-import", |lab| {
        let old = |tree: &Path| {
            let cfg = tree.join("pxelinux.cfg");
            symlink("conf/grub/grml", cfg.join(LINK))?;
            Ok(symlink(cfg.join("conf/syslinux/sheep"), cfg.join("01-00-00-00-00-0c-03"))?)
        };
        let site = site(lab, old)?;
        wait_for_link(&site, "01-00-00-00-00-0b-03", Some("conf/syslinux/sheep"))?;
        wait_for_link(&site, "01-00-00-00-00-0c-03", Some("conf/syslinux/sheep"))?;
        wait_for_link(&site, LINK, Some("conf/grub/grml"))?;
        let host = site.server.json(&["host", "show", "h1"])?;
        let by = &host["assignment"]["by"];
        ensure!(by["door"] == "hand" && by["entry"] == format!("pxelinux.cfg/{LINK}"), "{host}");
        ensure!(site.tftp(LINK)? == text("grml"));
        fs::remove_file(at(&site, LINK))?;
        ensure!(site.tftp(LINK)? == text("grml"), "it is kept here");
        ensure!(!at(&site, SECOND).is_symlink(), "nothing was linked for h2");
        Ok(())
    });
}

/// A file system on a directory, read-only; gone with this.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn mount(at: &Path) -> Result<Self> {
        let from = at.with_extension("before");
        fs::rename(at, &from)?;
        fs::create_dir(at)?;
        mount(&["-t", "tmpfs", "none"], at)?;
        let mounted = Self(at.to_owned());
        ensure!(Command::new("cp").arg("-a").arg(from.join("conf")).arg(at).status()?.success());
        mount(&["-o", "remount,ro"], at)?;
        Ok(mounted)
    }
}

/// Takes away what a run of this test left that was killed: the laboratory could not empty its directory.
fn unmount_old() {
    let own = std::env::current_exe().unwrap_or_default();
    let Some(target) = own.ancestors().nth(3) else { return };
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let old = |place: &&str| {
        Path::new(place).starts_with(target) && place.ends_with("/pilot-links-ro/tree/pxelinux.cfg")
    };
    for place in mounts.lines().filter_map(|line| line.split(' ').nth(1)).filter(old) {
        let _ = Command::new("umount").arg("-l").arg(place).status();
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        // Lazily: the server may still be in it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(args: &[&str], at: &Path) -> Result<()> {
    let done = Command::new("mount").args(args).arg(at).output()?;
    if !done.status.success() {
        bail!("mount {}: {}", at.display(), String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

#[test]
fn a_read_only_tree_is_told_and_serving_goes_on() {
    unmount_old();
    Lab::run("pilot-links-ro", |lab| {
        let mut mounted = None;
        let site = site(lab, |tree| {
            mounted = Some(ReadOnly::mount(&tree.join("pxelinux.cfg"))?);
            Ok(())
        })?;
        for profile in ["grml", "sheep"] {
            assign(&site, profile, "h1")?;
            ensure!(site.tftp(LINK)? == text(profile), "{profile}");
        }
        let told = |event: &serde_json::Value| event.to_string().contains("ReadWritePaths=");
        site.server.wait_for_event("trouble", PATIENCE, told)?;
        let events = site.server.events_of("trouble")?;
        ensure!(events.iter().filter(|event| told(event)).count() == 1, "once in a while: {events:?}");
        ensure!(!at(&site, LINK).is_symlink());
        Ok(())
    });
}
