//! pxemngr's commands, by a link of its name to our binary.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, SERVER, Server, binary, client};

const INST: &str =
    "PROMPT 0\nDEFAULT inst\nLABEL inst\n  KERNEL debian/linux\n  APPEND initrd=debian/initrd.gz\n";
const LOCAL: &str = "PROMPT 0\nTIMEOUT 0\nDEFAULT 0\nLABEL 0\n  LOCALBOOT 0\n";
const LIVE: &str = "DEFAULT live\nLABEL live\n  KERNEL live/linux\n";
const ONE: &str = "00:25:90:03:b6:e8";
const TWO: &str = "00:25:90:03:b6:e9";

/// What a command came to.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

struct Site {
    server: Server,
    machine: Namespace,
    profiles: PathBuf,
    program: PathBuf,
}

/// A tree as pxemngr had it.
fn site(lab: &Lab, more: &str) -> Result<Site> {
    let site = SmallInstaller::new(lab)?;
    let profiles = site.tree().join("pxelinux.cfg/profiles");
    fs::create_dir_all(&profiles)?;
    for (name, text) in [("inst", INST), ("local", LOCAL), ("live", LIVE)] {
        fs::write(profiles.join(format!("{name}.prof")), text)?;
    }
    let server = lab.server(&site.config(Dhcp::Server, more))?;
    let machine = lab.join("10.77.0.20/24")?;
    let program = lab.dir().join("pxemngr");
    symlink(binary()?, &program)?;
    Ok(Site { server, machine, profiles, program })
}

impl Site {
    fn run(&self, words: &[&str]) -> Result<Ran> {
        let output = Command::new(&self.program)
            .args(words)
            .env("NEXTBOOT_SOCKET", self.server.socket())
            .output()
            .context("cannot start pxemngr")?;
        Ok(Ran {
            code: output.status.code().context("killed")?,
            out: String::from_utf8(output.stdout)?,
            err: String::from_utf8(output.stderr)?,
        })
    }

    /// What a command prints that must do what it is told, and complain of nothing.
    fn does(&self, words: &[&str]) -> Result<String> {
        let ran = self.run(words)?;
        ensure!(ran.code == 0 && ran.err.is_empty(), "{words:?}: {ran:?}");
        Ok(ran.out)
    }

    /// A command that must fail with just these words.
    fn refuses(&self, words: &[&str], why: &str) -> Result<()> {
        let ran = self.run(words)?;
        let wanted = Ran { code: 1, out: String::new(), err: format!("{why}\n") };
        ensure!(ran == wanted, "{words:?}: {ran:?}");
        Ok(())
    }

    fn tftp(&self, name: &str) -> Result<String> {
        let name = format!("pxelinux.cfg/{name}");
        Ok(String::from_utf8(client::tftp_hpa(&self.machine, SERVER, &name)?)?)
    }
}

fn entry(mac: &str) -> String {
    format!("01-{}", mac.replace(':', "-"))
}

#[test]
fn row_17_profiles_are_registered_and_local_is_asked_for() {
    Lab::run("pxemngr-profiles", |lab| {
        let site = site(lab, "")?;
        let out = site.does(&["syncbootnames"])?;
        let mut lines: Vec<&str> = out.lines().collect();
        lines.sort_unstable();
        // The last one is the site's own, by the configuration.
        let wanted =
            ["registering inst", "registering live", "registering local", "registering small-installer"];
        ensure!(lines == wanted, "{out}");
        fs::write(site.profiles.join("memtest.prof"), LIVE)?;
        ensure!(site.does(&["syncbootnames"])?.contains("registering memtest\n"), "at once");
        fs::remove_file(site.profiles.join("local.prof"))?;
        let out = site.does(&["syncbootnames"])?;
        let sample = "error local profile not present. Add it with a content like this:\n\nprompt 0\ntimeout 0\ndefault 0\n\n\
                      label 0\n  LOCALBOOT 0\n";
        ensure!(out.ends_with(sample) && !out.contains("registering local"), "{out}");
        Ok(())
    });
}

#[test]
fn row_18_systems_come_and_go_and_are_shown() {
    Lab::run("pxemngr-systems", |lab| {
        let site = site(lab, "")?;
        ensure!(site.does(&["addsystem", "n1", &ONE.to_uppercase(), &TWO.replace(':', "-")])?.is_empty());
        ensure!(site.does(&["addsystem", "n1", &ONE.replace(':', "")])?.is_empty(), "again is nothing new");
        let shown = site.does(&["dpysystem", "n1"])?;
        let wanted = format!("Name: n1\nMac: {ONE} (None)\nMac: {TWO} (None)\nNext boot: local\n");
        ensure!(shown == wanted, "{shown}");
        for key in [ONE.to_owned(), TWO.to_uppercase(), TWO.replace(':', "-")] {
            ensure!(site.does(&["dpysystem", &key])? == wanted, "{key}");
        }
        site.does(&["addsystem", "n2", "00:25:90:03:b6:ea"])?;
        ensure!(site.does(&["dpysystem", "-l"])? == "n1\nn2\n");
        site.refuses(&["dpysystem", "n3"], "System n3 not defined")?;
        site.refuses(&["delsystem", "n3"], "System n3 not defined")?;
        for words in [&["delsystem", ""][..], &["dpysystem", ""], &["nextboot", "", "inst"]] {
            site.refuses(words, "System  not defined")?;
        }
        let reserved = "default is a reserved name and cannot be used for a system name";
        site.refuses(&["addsystem", "default", ONE], reserved)?;
        let ran = site.run(&["addsystem", "n4", "not-a-mac"])?;
        ensure!(ran.code == 1 && ran.err.contains("not-a-mac") && !ran.err.contains("panic"), "{ran:?}");
        site.refuses(&["dpysystem", "n4"], "System n4 not defined")?;

        site.does(&["addsystem", "n2", TWO])?;
        let moved = site.does(&["dpysystem", "n1"])?;
        ensure!(moved.contains(ONE) && !moved.contains(TWO), "a card is where it was put last: {moved}");
        ensure!(site.does(&["dpysystem", TWO])?.starts_with("Name: n2\n"));
        ensure!(site.does(&["delsystem", "n2"])?.is_empty());
        ensure!(site.does(&["dpysystem", "-l"])? == "n1\n");
        ensure!(site.tftp(&entry(TWO)).is_err(), "nothing is left of it");
        Ok(())
    });
}

#[test]
fn row_18_wrong_command_lines_are_told_what_there_is() {
    Lab::run("pxemngr-usage", |lab| {
        let site = site(lab, "")?;
        let ran = site.run(&[])?;
        let first = "Usage: pxemngr <sub-command> [<args>...]\n";
        ensure!(ran.code == 1 && ran.out.is_empty() && ran.err.starts_with(first), "{ran:?}");
        ensure!(ran.err.contains("Available sub-commands:\n"), "{ran:?}");
        let ran = site.run(&["frobnicate"])?;
        ensure!(ran.code == 1 && ran.out.is_empty(), "{ran:?}");
        ensure!(ran.err.starts_with("Invalid pxemngr sub-command frobnicate\n"), "{ran:?}");
        for name in ["addsystem", "delsystem", "syncbootnames", "nextboot", "dpysystem", "syncsystems"] {
            ensure!(ran.err.contains(name), "{name}: {ran:?}");
        }
        ensure!(site.run(&["nextboot", "n1"])?.code == 1 && site.run(&["addsystem", "n1"])?.code == 1);
        let help = site.does(&["--help"])?;
        ensure!(help.contains("pxemngr addsystem node1") && !help.contains(" \n"), "{help}");
        let nameless = site.run(&["addsystem", "", ONE])?;
        ensure!(nameless.code == 1 && nameless.err.contains("cannot name a host"), "{nameless:?}");
        Ok(())
    });
}

#[test]
fn row_19_nextboot_holds_until_somebody_changes_it() {
    Lab::run("pxemngr-nextboot-cli", |lab| {
        let site = site(lab, "")?;
        site.does(&["addsystem", "n1", ONE, TWO])?;
        ensure!(site.does(&["nextboot", "n1", "inst"])?.is_empty());
        for _ in 0..5 {
            ensure!(
                site.tftp(&entry(ONE))? == INST && site.tftp(&entry(TWO))? == INST,
                "to the byte, every time"
            );
        }
        let host = site.server.json(&["host", "show", "n1"])?;
        ensure!(
            host["assignment"]["until"] == "changed" && host["assignment"]["by"]["door"] == "pxemngr",
            "{host}"
        );
        site.refuses(&["nextboot", "n9", "inst"], "System n9 not defined")?;
        site.refuses(&["nextboot", "n1", "nothing"], "Boot name nothing not defined")?;
        ensure!(site.tftp(&entry(ONE))? == INST, "what is refused changes nothing");
        site.does(&["nextboot", "n1", "local"])?;
        ensure!(site.tftp(&entry(ONE))? == LOCAL);

        ensure!(site.tftp("default").is_err(), "nobody said anything of the others");
        site.does(&["nextboot", "default", "live"])?;
        ensure!(site.tftp("default")? == LIVE);
        site.does(&["nextboot", "default", "local"])?;
        ensure!(site.tftp("default")? == LOCAL);
        ensure!(site.does(&["dpysystem", "-l"])? == "default\nn1\n");
        let shown = site.does(&["dpysystem", "default"])?;
        ensure!(shown.starts_with("Name: default\nNext boot: local\nHistory:\n"), "{shown}");
        Ok(())
    });
}

#[test]
fn row_20_systems_may_be_addresses_or_the_beginnings_of_some() {
    Lab::run("pxemngr-addresses", |lab| {
        let site = site(lab, "[profiles.wipe]\nclass = \"install\"\nkernel = \"wipe/linux\"\n")?;
        site.does(&["addsystem", "net1", "10.34"])?;
        ensure!(site.does(&["dpysystem", "net1"])? == "Name: net1\nMac: 10.34 (0A22)\n");
        site.does(&["nextboot", "net1", "inst"])?;
        ensure!(site.tftp("0A22")? == INST, "an unclassified file is served as ever");
        site.does(&["addsystem", "here", "10.77.0"])?;
        site.does(&["nextboot", "here", "live"])?;
        let mac = site.machine.run("cat", &["/sys/class/net/eth0/address"])?;
        for name in ["0A4D0014", "0A4D001", "0A4D00", "0A4D", "0A", "default", &entry(mac.trim())] {
            ensure!(site.tftp(name)? == LIVE, "{name}: the machine's own network");
        }
        ensure!(site.does(&["dpysystem", "10.77.0.20"])?.starts_with("Name: here\n"));
        ensure!(site.does(&["dpysystem", "10.34"])?.starts_with("Name: net1\n"));

        let refused = site.run(&["nextboot", "here", "wipe"])?;
        ensure!(refused.code == 1 && refused.err.contains("nobody armed"), "{refused:?}");
        site.does(&["addsystem", "one", "10.77.0.20"])?;
        site.does(&["nextboot", "one", "wipe"])?;
        ensure!(site.tftp("0A4D0014")?.contains("wipe/linux"), "an address is one machine's");
        site.does(&["delsystem", "one"])?;
        ensure!(site.tftp("0A4D0014")? == LIVE);

        site.does(&["addsystem", "n1", mac.trim()])?;
        ensure!(site.tftp("0A4D0014")? == LOCAL, "a host goes before networks");
        site.does(&["addsystem", "mixed", ONE, "10.35"])?;
        site.does(&["nextboot", "mixed", "inst"])?;
        ensure!(site.tftp(&entry(ONE))? == INST && site.tftp("0A23")? == INST, "one system may be both");
        let shown = site.does(&["dpysystem", "mixed"])?;
        ensure!(
            shown.starts_with(&format!(
                "Name: mixed\nMac: {ONE} (None)\nMac: 10.35 (0A23)\nNext boot: inst\n"
            ))
        );
        Ok(())
    });
}

#[test]
fn row_24_a_system_remembers_what_it_was_given_and_when() {
    Lab::run("pxemngr-history", |lab| {
        let mut site = site(lab, "")?;
        let mac = site.machine.run("cat", &["/sys/class/net/eth0/address"])?;
        site.does(&["addsystem", "n1", mac.trim()])?;
        for at in 0..12 {
            site.does(&["nextboot", "n1", if at % 2 == 0 { "inst" } else { "live" }])?;
        }
        let url = format!("http://{SERVER}:8080/localboot/");
        client::curl(&site.machine, &url, &["--fail"])?;
        site.server.restart()?;
        let shown = site.does(&["dpysystem", "n1"])?;
        let (_, history) = shown.split_once("Next boot: local\nHistory:\n").context(shown.clone())?;
        let entries: Vec<(&str, &str)> = history.lines().filter_map(|line| line.rsplit_once(' ')).collect();
        let profiles: Vec<&str> = entries.iter().map(|(_, profile)| *profile).collect();
        ensure!(
            profiles == ["live", "inst", "live", "inst", "live", "inst", "live", "inst", "live"],
            "{shown}"
        );
        ensure!(entries.is_sorted_by(|newer, older| newer.0 >= older.0), "newest first: {shown}");
        for (date, _) in &entries {
            let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            let shapes = ["0000-00-00 00:00:00.000000+00:00", "0000-00-00 00:00:00+00:00"];
            ensure!(shapes.contains(&shape.as_str()), "{date}");
        }
        site.does(&["addsystem", "n2", ONE])?;
        let said = site.does(&["syncsystems"])?;
        ensure!(said == "no boot defined for n2\n", "{said}");
        site.does(&["addsystem", "a0", TWO])?;
        site.does(&["nextboot", "a0", "live"])?;
        fs::remove_file(site.profiles.join("live.prof"))?;
        let ran = site.run(&["syncsystems"])?;
        ensure!(ran.code == 1 && ran.err.contains("a0: no profile is named live"), "{ran:?}");
        ensure!(ran.out == "no boot defined for n2\n", "those behind it are looked at: {ran:?}");
        let again = site.does(&["dpysystem", "n1"])?;
        let first = again.lines().nth(4).unwrap_or_default();
        ensure!(first.ends_with("+00:00 local"), "said and kept again: {again}");
        site.does(&["delsystem", "n1"])?;
        site.does(&["addsystem", "n1", mac.trim()])?;
        ensure!(!site.does(&["dpysystem", "n1"])?.contains("History"), "a new system of that name has none");
        Ok(())
    });
}

#[test]
fn row_03_a_mac_may_be_written_in_any_case_and_spelling() {
    Lab::run("pxemngr-spelling", |lab| {
        let site = site(lab, "")?;
        for (system, mac) in [("n1", ONE.to_uppercase()), ("n2", TWO.to_uppercase().replace(':', "-"))] {
            site.does(&["addsystem", system, &mac])?;
            site.does(&["nextboot", system, "live"])?;
        }
        for mac in [ONE, TWO] {
            ensure!(site.tftp(&entry(mac))? == LIVE, "{mac}: lower case");
        }
        ensure!(site.run(&["addsystem", "n3", "002590.03b6e9"])?.code == 1, "that is none");
        Ok(())
    });
}

#[test]
fn row_07_all_cards_of_a_system_follow() {
    Lab::run("pxemngr-cards", |lab| {
        let site = site(lab, "")?;
        site.does(&["addsystem", "n1", ONE, "0025.9003.b6e9"])?;
        for (profile, text) in [("live", LIVE), ("inst", INST), ("local", LOCAL)] {
            site.does(&["nextboot", "n1", profile])?;
            ensure!(site.tftp(&entry(ONE))? == text && site.tftp(&entry(TWO))? == text, "{profile}");
        }
        Ok(())
    });
}

#[test]
fn row_06_what_a_system_boots_is_shown_also_when_its_file_is_gone() {
    Lab::run("pxemngr-gone", |lab| {
        let site = site(lab, "")?;
        site.does(&["addsystem", "n1", ONE])?;
        site.does(&["nextboot", "n1", "live"])?;
        ensure!(site.does(&["dpysystem", "n1"])?.contains("Next boot: live\n"));
        fs::remove_file(site.profiles.join("live.prof"))?;
        let shown = site.does(&["dpysystem", "n1"])?;
        ensure!(shown.contains("Next boot: local\n") && shown.contains("+00:00 live\n"), "{shown}");
        Ok(())
    });
}
