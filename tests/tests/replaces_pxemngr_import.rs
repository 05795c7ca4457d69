//! pxemngr's database is taken over: systems, networks, what they boot, and what they did.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, SERVER, client};

const ONE: &str = "00:25:90:03:b6:e8";
const TWO: &str = "00:25:90:03:b6:e9";

/// What Django 1.6 made of pxemngr's models, and a site's rows.
const DATABASE: &str = "
CREATE TABLE django_content_type (id integer NOT NULL PRIMARY KEY, name varchar(100) NOT NULL);
CREATE TABLE pxe_system (id integer NOT NULL PRIMARY KEY, name varchar(100) NOT NULL);
CREATE TABLE pxe_macaddress (
    id integer NOT NULL PRIMARY KEY, mac varchar(12) NOT NULL, system_id integer NOT NULL REFERENCES pxe_system (id)
);
CREATE TABLE pxe_bootname (id integer NOT NULL PRIMARY KEY, name varchar(100) NOT NULL, available bool NOT NULL);
CREATE TABLE pxe_log (
    id integer NOT NULL PRIMARY KEY, date datetime NOT NULL, system_id integer NOT NULL REFERENCES pxe_system (id),
    boot_name_id integer NOT NULL REFERENCES pxe_bootname (id)
);
CREATE INDEX pxe_log_system ON pxe_log (system_id);
INSERT INTO pxe_system VALUES (1, 'node1'), (2, 'net1'), (3, 'default'), (4, 'node2');
INSERT INTO pxe_macaddress VALUES (1, '00259003b6e8', 1), (2, '00259003b6e9', 1), (3, '0A22', 2), (4, '00259003b6ea', 4);
INSERT INTO pxe_bootname VALUES (1, 'inst', 1), (2, 'local', 1), (3, 'gone', 0);
INSERT INTO pxe_log VALUES
    (1, '2016-11-20 23:53:06.431000', 1, 1), (2, '2016-11-21 08:00:00', 1, 2), (3, '2016-11-22 08:00:00', 1, 1),
    (4, '2016-11-22 09:00:00', 2, 1), (5, '2016-11-22 10:00:00', 3, 2), (6, '2016-11-23 10:00:00', 4, 3);
";

#[test]
fn row_24_systems_and_their_history_come_from_pxemngrs_database() {
    Lab::run("pxemngr-import", |lab| {
        let site = SmallInstaller::new(lab)?;
        let profiles = site.tree().join("pxelinux.cfg/profiles");
        fs::create_dir_all(&profiles)?;
        for name in ["inst", "local"] {
            fs::write(profiles.join(format!("{name}.prof")), format!("DEFAULT {name}\n"))?;
        }
        let server = lab.server(&site.config(Dhcp::Server, ""))?;
        let machine = lab.join("10.77.0.20/24")?;
        let file = lab.dir().join("pxemngr.sqlite");
        let make = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";
        let path = file.to_str().context("a path that is no text")?;
        lab.namespace().run("python3", &["-c", make, path, DATABASE])?;
        let before = fs::read(&file)?;
        let import = |more: &[&str]| {
            let words = [&["import", "pxemngr", path][..], more].concat();
            server.caller().command(&words).output().context("cannot start nextboot")
        };

        let dry = import(&["--dry-run"])?;
        let said = String::from_utf8(dry.stdout)?;
        ensure!(said.contains("would be taken over: node1") && said.contains("boots inst"), "{said}");
        ensure!(server.json(&["host", "ls"])?["hosts"].as_array().is_some_and(Vec::is_empty), "only looked");

        let done = import(&[])?;
        let said = String::from_utf8(done.stdout)?;
        ensure!(said.contains("taken over: net1 (10.34.0.0/16): boots inst"), "{said}");
        // One profile is not there any more, which is said and is the exit code.
        ensure!(
            said.contains("left: node2: there is no profile gone") && done.status.code() == Some(1),
            "{said}"
        );
        for name in [entry(ONE), entry(TWO), "0A22".into()] {
            ensure!(tftp(&machine, &name)? == "DEFAULT inst\n", "{name}");
        }
        ensure!(tftp(&machine, "default")? == "DEFAULT local\n", "machines that nobody knows");
        ensure!(
            tftp(&machine, &entry("00:25:90:03:b6:ea"))? == "DEFAULT local\n",
            "a host without a word boots its disk"
        );

        let program = lab.dir().join("pxemngr");
        std::os::unix::fs::symlink(nextboot_tests::binary()?, &program)?;
        let shown = show(&program, &server.socket())?;
        let wanted = format!(
            "Name: node1\nMac: {ONE} (None)\nMac: {TWO} (None)\nNext boot: inst\nHistory:\n\
             2016-11-21 08:00:00+00:00 local\n2016-11-20 23:53:06.431000+00:00 inst\n"
        );
        ensure!(shown == wanted, "{shown}");

        // A run that was cut off behind its first step: the next one brings what is missing.
        server.cli(&["host", "remove", "node1"])?;
        server.cli(&["host", "add", "node1", ONE])?;
        let mended = String::from_utf8(import(&[])?.stdout)?;
        ensure!(mended.contains("taken over: node1 (") && !mended.contains("taken over: net1"), "{mended}");
        ensure!(show(&program, &server.socket())? == wanted, "the whole of it: {mended}");
        let again = String::from_utf8(import(&[])?.stdout)?;
        ensure!(again.contains("here already: node1") && !again.contains("taken over: node1"), "{again}");
        ensure!(show(&program, &server.socket())? == wanted, "nothing twice");
        ensure!(fs::read(&file)? == before, "the database was only read");
        Ok(())
    });
}

fn show(program: &Path, socket: &Path) -> Result<String> {
    let output = std::process::Command::new(program)
        .args(["dpysystem", "node1"])
        .env("NEXTBOOT_SOCKET", socket)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn tftp(machine: &Namespace, name: &str) -> Result<String> {
    Ok(String::from_utf8(client::tftp_hpa(machine, SERVER, &format!("pxelinux.cfg/{name}"))?)?)
}

fn entry(mac: &str) -> String {
    format!("01-{}", mac.replace(':', "-"))
}
