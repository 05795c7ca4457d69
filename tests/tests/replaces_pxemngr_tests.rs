//! Test runs as pxemngr did them: a queue for each machine, scripts that it fetches, logs that it uploads, pages of what came of
//! them. The machines are told by the addresses that they were leased.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, SERVER, Server, binary, client};

/// A script as sites wrote them for pxemngr.
const CPU: &str = "#!/bin/sh\n# {{ testname }} on {{ system }}: {{ log }}\ncurl --retry 0 -s -f -F \"file=@o\" http://$S/upload/{{ log.id }}/\n";
const WAIT: &str = "# wait {{ system }} [{{ log.id }}]\n";

struct Site {
    server: Server,
    /// n1, at its leased address.
    machine: Namespace,
    dir: PathBuf,
}

fn site(lab: &Lab, more: &str) -> Result<Site> {
    let site = SmallInstaller::new(lab)?;
    let dir = lab.dir().to_owned();
    let tests = dir.join("tests");
    fs::create_dir_all(&tests)?;
    for (name, text) in [("cpu", CPU), ("mem", "mem of {{ system }}\n"), ("wait", WAIT)] {
        fs::write(tests.join(format!("{name}.test")), text)?;
    }
    let more = format!("[tests]\ndirectory = \"{}\"\nmax_log = \"1 MiB\"\n{more}", tests.display());
    let server = lab.server(&site.config(Dhcp::Server, &more))?;
    let machine = leased(lab, &server, "n1", "10.77.0.50")?;
    Ok(Site { server, machine, dir })
}

/// A host, and its machine at the address that the server leased to it.
fn leased(lab: &Lab, server: &Server, name: &str, address: &str) -> Result<Namespace> {
    let machine = lab.join("")?;
    let mac = machine.run("cat", &["/sys/class/net/eth0/address"])?;
    server.cli(&["host", "add", name, mac.trim(), "--address", address])?;
    machine.run("timeout", &["30", "udhcpc", "-i", "eth0", "-n", "-q", "-s", "/bin/true"])?;
    let leases = server.cli(&["leases"])?;
    ensure!(leases.contains(address), "leased: {leases}");
    machine.ip(&["address", "add", &format!("{address}/24"), "dev", "eth0"])?;
    Ok(machine)
}

impl Site {
    /// The binary under the name of pxemngr.
    fn run_pxemngr(&self, words: &[&str]) -> Result<Output> {
        let link = self.dir.join("pxemngr");
        if !link.exists() {
            symlink(binary()?, &link)?;
        }
        let mut command = Command::new(link);
        Ok(command.args(words).env("NEXTBOOT_SOCKET", self.server.socket()).output()?)
    }

    fn pxemngr(&self, words: &[&str]) -> Result<String> {
        let output = self.run_pxemngr(words)?;
        ensure!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{SERVER}:8080{path}")
    }

    fn get(&self, path: &str) -> Result<String> {
        Ok(String::from_utf8(client::curl(&self.machine, &self.url(path), &["--fail"])?)?)
    }

    fn status(&self, path: &str, arguments: &[&str]) -> Result<u16> {
        client::http_status(&self.machine, &self.url(path), arguments)
    }

    /// Uploads as the scripts do; the body and the status.
    fn upload(&self, path: &str, log: &[u8]) -> Result<(String, u16)> {
        let file = self.dir.join("o");
        fs::write(&file, log)?;
        let form = format!("file=@{}", file.display());
        let arguments = ["--retry", "0", "-F", &form, "-w", " %{http_code}"];
        let said = String::from_utf8(client::curl(&self.machine, &self.url(path), &arguments)?)?;
        let (text, status) = said.rsplit_once(' ').context("no status")?;
        Ok((text.to_owned(), status.parse()?))
    }

    /// A page as somebody sees it who may look.
    fn page(&self, path: &str) -> Result<String> {
        let token = fs::read_to_string(self.dir.join("data/token"))?;
        let url = format!("http://{SERVER}:3478{path}");
        let header = format!("Authorization: Bearer {}", token.trim());
        Ok(String::from_utf8(client::curl(&self.machine, &url, &["--fail", "-H", &header])?)?)
    }
}

#[test]
fn row_24_the_page_of_a_system_lists_what_it_was_last_given() {
    Lab::run("pxemngr-page-boots", |lab| {
        let site = site(lab, "pages = \"everyone\"\n")?;
        for _ in 0..4 {
            site.pxemngr(&["nextboot", "n1", INSTALL])?;
            site.get("/localboot/")?;
            site.pxemngr(&["nextboot", "n1", INSTALL])?;
        }
        let page = site.get("/system/n1/")?;
        let count = |profile: &str| page.matches(&format!(" {profile}</li>")).count();
        ensure!(count(INSTALL) + count("local") == 10, "the last ten: {page}");
        let newest = page.find("</li>").and_then(|end| page.get(..end)).unwrap_or_default();
        ensure!(newest.ends_with(INSTALL), "the newest first: {page}");
        Ok(())
    });
}

#[test]
fn row_25_tests_are_queued_and_taken_in_their_order() {
    Lab::run("pxemngr-queue", |lab| {
        let site = site(lab, "")?;
        let said = site.pxemngr(&["synctestnames"])?;
        ensure!(said == "registering cpu\nregistering mem\nregistering wait\n", "{said:?}");
        ensure!(site.pxemngr(&["nexttest", "n1", "cpu", "mem"])?.is_empty(), "success says nothing");
        for (words, says) in [
            (&["nexttest", "n9", "cpu"][..], "System n9 not defined\n"),
            (&["nexttest", "n1", "cpu", "nothing"], "Test name nothing not defined\n"),
            (&["dpytest", "n9"], "System n9 not defined\n"),
        ] {
            let output = site.run_pxemngr(words)?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(output.status.code() == Some(1) && said == says, "{words:?}: {said:?}");
        }
        let head = site.status("/nexttest/", &["--head"])?;
        ensure!(head == 200, "to look takes nothing: {head}");
        let taken = [site.get("/nexttest/")?, site.get("/nexttest/")?, site.get("/nexttest/")?];
        ensure!(taken[0].contains("# cpu on n1"), "{taken:?}");
        ensure!(taken[1..] == ["mem of n1\n".to_owned(), "# wait n1 []\n".to_owned()], "{taken:?}");
        site.upload("/upload/1/", b"I: well\n")?;
        site.pxemngr(&["nexttest", "n1", "mem"])?;
        let said = site.pxemngr(&["dpytest", "n1"])?;
        let lines: Vec<&str> = said.lines().collect();
        ensure!(lines[0] == "Name: n1" && lines.len() == 4, "{said}");
        for (line, end) in lines[1..].iter().zip([" mem R", " mem S", " cpu D"]) {
            let date = line.strip_suffix(end).context(said.clone())?;
            let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            ensure!(shape == "0000-00-00 00:00:00.000000+00:00", "{line}");
        }
        ensure!(site.pxemngr(&["dpytest", "-l"])? == "cpu\nmem\nwait\n", "all tests");
        fs::remove_file(site.dir.join("tests/wait.test"))?;
        let said = site.pxemngr(&["synctestnames"])?;
        ensure!(said.ends_with("you must add a wait test\n"), "{said:?}");
        Ok(())
    });
}

#[test]
fn row_26_scripts_see_their_system_their_test_and_their_number() {
    Lab::run("pxemngr-scripts", |lab| {
        let site = site(lab, "")?;
        site.server.cli(&["test", "queue", "n1", "cpu"])?;
        let looked = site.get("/script/cpu/")?;
        ensure!(looked.contains("# cpu on system: None\n") && looked.contains("/upload//"), "{looked}");
        let script = site.get("/nexttest/")?;
        ensure!(script.contains("# cpu on n1: cpu S\n") && script.contains("upload/1/"), "{script}");
        let wait = site.get("/nexttest/")?;
        ensure!(wait == "# wait n1 []\n", "{wait:?}");
        ensure!(site.status("/script/nothing/", &[])? == 404, "no such test");

        fs::write(site.dir.join("tests/bad.test"), "one\n{{ sistem }}\n")?;
        site.server.cli(&["test", "queue", "n1", "bad"])?;
        let said = String::from_utf8(client::curl(&site.machine, &site.url("/nexttest/"), &[])?)?;
        ensure!(said.contains("bad.test, line 2") && said.contains("sistem"), "file, line, name: {said}");
        ensure!(site.status("/nexttest/", &[])? == 500, "it cannot be written");
        site.server.wait_for_event("template-failed", PATIENCE, |event| event["host"] == "n1")?;
        fs::write(site.dir.join("tests/bad.test"), "mended {{ log.id }}\n")?;
        ensure!(
            site.get("/nexttest/")? == "mended 2\n",
            "it stayed queued, and what is mended works at once"
        );
        Ok(())
    });
}

#[test]
fn row_27_logs_come_with_and_without_a_number() {
    Lab::run("pxemngr-upload", |lab| {
        let site = site(lab, "")?;
        ensure!(site.upload("/upload/", b"x")?.1 == 404, "no test is under way");
        site.server.cli(&["test", "queue", "n1", "cpu", "mem", "cpu"])?;
        ensure!(site.upload("/upload/", b"x")?.1 == 404, "they are queued, and none is under way");
        site.get("/nexttest/")?;
        site.get("/nexttest")?;
        for (path, run) in [("/upload/", 1), ("/upload", 2), ("/upload/1/", 1), ("/upload/1", 1)] {
            let (text, status) = site.upload(path, format!("I: by {path}\n").as_bytes())?;
            ensure!(text == "uploaded" && status == 200, "{path}: {status} {text:?}");
            let shown = site.server.cli(&["test", "show", &run.to_string()])?;
            ensure!(shown.contains(&format!("I: by {path}\n")), "{path}: {shown}");
        }
        ensure!(site.upload("/upload/", b"x")?.1 == 404, "nothing is under way any more");
        ensure!(site.upload("/upload/99/", b"x")?.1 == 404, "there is no such run");
        let heads = client::curl(&site.machine, &site.url("/upload/1/"), &["-i", "-X", "DELETE"])?;
        let heads = String::from_utf8(heads)?;
        ensure!(heads.contains("405") && heads.contains("Allow: GET, HEAD, POST, PUT"), "{heads}");
        let large = vec![b'x'; 3 << 19];
        ensure!(site.upload("/upload/3/", &large)?.1 == 413, "larger than the site allows");
        let most = vec![b'\n'; 1 << 20];
        ensure!(site.upload("/upload/3/", &most)?.0 == "uploaded", "as large, after curl was told to go on");
        let other = leased(lab, &site.server, "n2", "10.77.0.51")?;
        let form = format!("file=@{}", site.dir.join("o").display());
        for path in ["/upload/3/", "/upload/"] {
            let status = client::http_status(&other, &site.url(path), &["-F", &form])?;
            ensure!(status == 404, "what is n1's is no business of n2: {path} {status}");
        }
        let n1 = site.machine.run("cat", &["/sys/class/net/eth0/address"])?;
        let of_n1 = site.url(&format!("/nexttest/{}/", n1.trim()));
        ensure!(client::http_status(&other, &of_n1, &[])? == 403, "nor are its tests");
        ensure!(site.get(&format!("/nexttest/{}/", n1.trim()))?.contains("wait"), "but they are its own");
        Ok(())
    });
}

#[test]
fn row_27_what_is_no_log_is_told_so() {
    Lab::run("pxemngr-no-log", |lab| {
        let site = site(lab, "")?;
        site.server.cli(&["test", "queue", "n1", "cpu", "mem"])?;
        site.get("/nexttest/")?;
        let said = client::curl(&site.machine, &site.url("/upload/1/"), &["-F", "other=x"])?;
        ensure!(String::from_utf8_lossy(&said).contains("field \"file\""), "it says what is missing");
        let shown = site.server.cli(&["test", "show", "1"])?;
        ensure!(shown.contains("error (E)"), "{shown}");
        let server: SocketAddr = format!("{SERVER}:8080").parse()?;
        site.get("/nexttest/")?;
        for (what, request) in [
            ("10 GB", "Content-Length: 10737418240\r\n\r\n"),
            ("another boundary", "Content-Length: 6\r\n\r\n--no--"),
            ("two lengths", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("half", "Content-Length: 500\r\n\r\n--x\r\n"),
        ] {
            let head = format!(
                "POST /upload/2/ HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n{request}"
            );
            client::raw_tcp(&site.machine, server, head.as_bytes(), Duration::from_secs(1))?;
            let shown = site.server.cli(&["test", "show", "2"])?;
            ensure!(shown.contains("started (S)"), "{what} changes nothing: {shown}");
        }
        let evil = ["-F", "file=@/etc/hostname;filename=../../../../etc/nextboot-was-here"];
        ensure!(site.status("/upload/2/", &evil)? == 200, "a path in its name means nothing");
        ensure!(!PathBuf::from("/etc/nextboot-was-here").exists(), "it went where logs go");
        let logs = fs::read_dir(site.dir.join("data/tests"))?.count();
        ensure!(logs == 1, "one log is kept, and no halves: {logs}");
        Ok(())
    });
}

#[test]
fn row_28_lines_count_at_the_beginning_of_a_line() {
    Lab::run("pxemngr-lines", |lab| {
        let site = site(lab, "")?;
        site.server.cli(&["test", "queue", "n1", "cpu"])?;
        site.get("/nexttest/")?;
        site.upload("/upload/1/", b"V: 1.0\nV: 1.2\nE: a\n E: b\nE:c\nS: x\nT: y\nW: w\nI: i\n")?;
        let page = site.page("/test/1/")?;
        for part in [
            "<td>Version</td><td><a href=\"/tests/1.2/\">1.2</a></td>",
            "<td>Errors</td><td>1</td>",
            "<td>Warnings</td><td>1</td>",
            "<td>Infos</td><td>1</td>",
        ] {
            ensure!(page.contains(part), "{part}: {page}");
        }
        ensure!(page.matches("<li>").count() == 3, "{page}");
        Ok(())
    });
}

#[test]
fn row_29_pages_show_what_came_and_a_later_log_replaces_it() {
    Lab::run("pxemngr-pages", |lab| {
        let site = site(lab, "pages = \"everyone\"\n")?;
        site.server.cli(&["test", "queue", "n1", "cpu", "mem"])?;
        site.get("/nexttest/")?;
        for _ in 0..2 {
            site.upload("/upload/1/", b"V: 1.2\nE: <b>bad</b>\n")?;
        }
        let front = site.get("/")?;
        for link in ["/system/n1/", "/tests/1.2/", "/testname/cpu/"] {
            ensure!(front.contains(&format!("href=\"{link}\"")), "{link}: {front}");
        }
        let run = site.get("/test/1/")?;
        ensure!(run.matches("E: &lt;b&gt;bad&lt;/b&gt;").count() == 1, "not doubled, and text: {run}");
        ensure!(site.get("/testcontent/1/")? == "V: 1.2\nE: <b>bad</b>\n", "the log as it came");
        let heads =
            String::from_utf8(client::curl(&site.machine, &site.url("/testcontent/1/"), &["--head"])?)?;
        ensure!(
            heads.contains("Content-Type: text/plain") && heads.contains("Content-Length: 21"),
            "{heads}"
        );
        ensure!(site.get("/system/n1/")?.contains("Last 10 PXE requests"), "what it was told to boot");
        ensure!(site.status("/test/9/", &[])? == 404, "no such run");
        let pages = [
            "/",
            "/system/n1/",
            "/tests/1.2/",
            "/testname/cpu/",
            "/test/1/",
            "/test/2/",
            "/upload/1/",
            "/system/",
        ];
        for path in pages {
            let page = site.get(path)?;
            well_formed(&page).with_context(|| format!("{path}: {page}"))?;
            let heads = String::from_utf8(client::curl(&site.machine, &site.url(path), &["--head"])?)?;
            for field in [
                "Content-Type: text/html",
                "Content-Security-Policy: default-src 'none'",
                "X-Content-Type-Options: nosniff",
            ] {
                ensure!(heads.contains(field), "{path}: {heads}");
            }
        }
        let tree = lab.dir().join("tree");
        fs::create_dir_all(tree.join("tests"))?;
        fs::write(tree.join("tests/1.2"), "a file of the tree")?;
        ensure!(site.get("/tests/1.2")? == "a file of the tree", "pages hide no file");
        let config = fs::read_to_string(site.server.config())?;
        fs::write(site.server.config(), config.replace("pages = \"everyone\"", "pages = \"trusted\""))?;
        site.server.cli(&["reload"])?;
        ensure!(
            site.status("/", &[])? != 200 && site.status("/testcontent/1/", &[])? == 404,
            "not for everybody"
        );
        Ok(())
    });
}

#[test]
fn row_29_every_system_and_every_version_has_its_page() {
    Lab::run("pxemngr-all-pages", |lab| {
        let site = site(lab, "pages = \"everyone\"\n")?;
        site.pxemngr(&["addsystem", "net1", "10.34"])?;
        site.pxemngr(&["nextboot", "net1", "local"])?;
        site.server.cli(&["test", "queue", "n1", "cpu"])?;
        site.get("/nexttest/")?;
        site.upload("/upload/1/", b"V: http://ci/build/7/\n")?;
        let front = site.get("/")?;
        for link in ["/system/n1/", "/system/net1/", "/tests/http%3A%2F%2Fci%2Fbuild%2F7%2F/"] {
            ensure!(front.contains(&format!("href=\"{link}\"")), "{link}: {front}");
            ensure!(site.status(link, &[])? == 200, "{link}");
        }
        ensure!(site.get("/system/net1/")?.contains(" local</li>"), "what the network was told to boot");
        ensure!(site.get("/system/")?.contains("/system/net1/"), "on the page of all systems, too");
        ensure!(site.status("/system/net2/", &[])? == 404, "no such system");
        Ok(())
    });
}

#[test]
fn row_25_a_test_that_cannot_be_had_is_none() {
    Lab::run("pxemngr-linked-tests", |lab| {
        let elsewhere = tempfile::tempdir()?;
        let outside = tempfile::tempdir()?;
        let site = site(lab, "")?;
        for (name, directory) in [("linked", &elsewhere), ("outside", &outside)] {
            fs::write(directory.path().join(name), "linked on {{ system }}\n")?;
            symlink(directory.path().join(name), site.dir.join(format!("tests/{name}.test")))?;
        }
        fs::create_dir(site.dir.join("tests/directory.test"))?;
        let config = fs::read_to_string(site.server.config())?;
        let extra = format!("[tftp]\nextra_roots = [{:?}]", elsewhere.path());
        fs::write(site.server.config(), config.replacen("[tftp]", &extra, 1))?;
        site.server.cli(&["reload"])?;
        let said = site.pxemngr(&["synctestnames"])?;
        ensure!(said.contains("registering linked\n"), "a link to where links may lead: {said}");
        ensure!(!said.contains("outside") && !said.contains("directory"), "{said}");
        let output = site.run_pxemngr(&["nexttest", "n1", "outside"])?;
        ensure!(output.status.code() == Some(1), "it would hold up the queue: {output:?}");
        site.pxemngr(&["nexttest", "n1", "linked"])?;
        ensure!(site.get("/nexttest/")? == "linked on n1\n");
        Ok(())
    });
}

#[test]
fn a_run_is_waited_for_and_its_end_is_the_exit_code() {
    Lab::run("tests-wait", |lab| {
        let site = site(lab, "")?;
        let junit = site.dir.join("results.xml");
        let socket = site.server.socket();
        for (log, code) in [("I: well\n", 0), ("E: <bad> \u{1b} & \"worse\"\n", 1)] {
            let mut waiting = Command::new(binary()?)
                .args(["--socket".as_ref(), socket.as_os_str()])
                .args(["test", "run", "n1", "cpu", "--wait", "--timeout", "60", "--junit"])
                .arg(&junit)
                .spawn()?;
            site.server.wait_for_event("test-queued", PATIENCE, |event| event["run"] == 1 + code)?;
            site.get("/nexttest/")?;
            site.upload("/upload/", log.as_bytes())?;
            let status = waiting.wait()?;
            ensure!(status.code() == Some(code), "{log}: {status}");
            let script = "import sys, xml.etree.ElementTree as e\nr = e.parse(sys.argv[1]).getroot()\n\
                          print(r.tag, r.get('tests'), r.get('failures'), r.find('.//testcase').get('name'))";
            let read = Command::new("python3").args(["-c", script]).arg(&junit).output()?;
            let read = String::from_utf8_lossy(&read.stdout).trim().to_owned();
            ensure!(read == format!("testsuites 1 {code} cpu"), "{read}");
        }
        let mut lost = Command::new(binary()?);
        lost.args(["--socket".as_ref(), socket.as_os_str()]);
        let lost = lost.args(["test", "run", "n1", "cpu", "--wait", "--junit", "/nowhere/x.xml"]).output()?;
        ensure!(lost.status.code() != Some(0), "{lost:?}");
        ensure!(String::from_utf8_lossy(&lost.stderr).contains("/nowhere/x.xml"), "{lost:?}");
        let last = site.server.json(&["test", "ls"])?["tests"][0]["id"].clone();
        ensure!(last == 2, "nothing was queued of which nobody would be told: {last}");
        let mut late = Command::new(binary()?);
        late.args(["--socket".as_ref(), socket.as_os_str()]);
        let late = late.args(["test", "run", "n1", "cpu", "--wait", "--timeout", "1"]).output()?;
        ensure!(late.status.code() == Some(1), "{late:?}");
        ensure!(
            String::from_utf8_lossy(&late.stderr).contains("not all tests were done in time"),
            "{late:?}"
        );
        site.get("/nexttest/")?;
        ensure!(site.get("/nexttest/")?.contains("wait"), "it has the test");
        site.server.cli(&["test", "requeue", "3"])?;
        ensure!(site.get("/nexttest/")?.contains("/upload/3/"), "and gets it again");
        Ok(())
    });
}

/// pxemngr's tables of tests as Django 1.6 made them, and what a site had in them.
const DATABASE: &str = r#"
CREATE TABLE "pxe_system" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(100) NOT NULL);
CREATE TABLE "pxe_bootname" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(100) NOT NULL, "available" bool NOT NULL);
CREATE TABLE "pxe_log" ("id" integer NOT NULL PRIMARY KEY, "date" datetime NOT NULL, "system_id" integer NOT NULL REFERENCES "pxe_system" ("id"),
  "boot_name_id" integer NOT NULL REFERENCES "pxe_bootname" ("id"));
CREATE TABLE "pxe_macaddress" ("id" integer NOT NULL PRIMARY KEY, "mac" varchar(12) NOT NULL, "system_id" integer NOT NULL REFERENCES "pxe_system" ("id"));
CREATE TABLE "tester_testname" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(100) NOT NULL, "available" bool NOT NULL);
CREATE TABLE "tester_systemversion" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(100) NOT NULL);
CREATE TABLE "tester_testlog" ("id" integer NOT NULL PRIMARY KEY, "status" varchar(1) NOT NULL, "date" datetime NOT NULL,
  "system_id" integer NOT NULL REFERENCES "pxe_system" ("id"), "test_name_id" integer NOT NULL REFERENCES "tester_testname" ("id"),
  "warnings" integer NOT NULL, "infos" integer NOT NULL, "errors" integer NOT NULL, "version_id" integer REFERENCES "tester_systemversion" ("id"));
CREATE TABLE "tester_infoline" ("id" integer NOT NULL PRIMARY KEY, "type" varchar(1) NOT NULL, "log_id" integer NOT NULL REFERENCES "tester_testlog" ("id"), "text" varchar(100) NOT NULL);
INSERT INTO pxe_system VALUES (1, 'n1'), (2, 'gone'), (3, 'other-name');
INSERT INTO tester_testname VALUES (1, 'cpu', 1), (2, 'old', 0);
INSERT INTO tester_systemversion VALUES (1, '0.9'), (2, '1.0');
INSERT INTO tester_testlog VALUES (7, 'D', '2016-11-20 23:53:06.431674', 1, 1, 0, 1, 2, 2), (9, 'D', '2016-11-21 00:00:00', 3, 2, 1, 0, 0, 1),
  (11, 'R', '2016-11-22 00:00:00', 1, 1, 0, 0, 0, NULL), (12, 'D', '2016-11-22 00:00:00', 2, 1, 0, 0, 0, NULL);
INSERT INTO tester_infoline VALUES (1, 'E', 7, 'bad'), (2, 'I', 7, 'well'), (3, 'E', 7, 'bad'), (4, 'I', 7, 'well'), (5, 'W', 9, 'hm');
"#;

#[test]
fn what_pxemngr_knew_of_tests_is_taken_over_and_only_once() {
    Lab::run("pxemngr-import-tests", |lab| {
        let site = site(lab, "")?;
        leased(lab, &site.server, "n3", "10.77.0.53")?;
        let mac = site.server.json(&["host", "show", "n3"])?["macs"][0]
            .as_str()
            .context("no MAC")?
            .replace(':', "");
        let (db, logs) = (site.dir.join("pxemngr.sqlite"), site.dir.join("logs"));
        let sql = format!("{DATABASE}INSERT INTO pxe_macaddress VALUES (1, '{mac}', 3), (2, '0A22', 3);");
        let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1]); db.executescript(sys.argv[2]); db.commit()";
        let made = Command::new("python3").args(["-c", script]).arg(&db).arg(&sql).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::create_dir_all(&logs)?;
        fs::write(logs.join("7.log"), "V: 1.0\nE: bad\nI: well\n E: no\n")?;
        let (db, logs) = (db.display().to_string(), logs.display().to_string());
        // Two systems are none here, which is said and is the exit code.
        let import = |more: &[&str]| {
            let arguments = [&["import", "pxemngr", &db, "--logs", &logs][..], more].concat();
            let output =
                site.server.caller().command(&arguments).output().context("cannot start nextboot")?;
            ensure!(output.status.code() == Some(1), "{}", String::from_utf8_lossy(&output.stderr));
            anyhow::Ok(String::from_utf8(output.stdout)?)
        };
        let left = "left: test run 12: its system is no host here";
        let said = import(&["--dry-run"])?;
        ensure!(said.contains("3 test runs would be taken over") && said.contains(left), "{said}");
        ensure!(site.server.json(&["test", "ls"])?["tests"] == serde_json::json!([]), "nothing was done");
        let said = import(&[])?;
        ensure!(said.contains("3 test runs taken over") && said.contains("1 logs copied"), "{said}");
        let said = import(&[])?;
        ensure!(
            said.contains("0 test runs taken over") && said.contains("and 3 were here already"),
            "{said}"
        );
        let run = site.server.json(&["test", "show", "7"])?;
        ensure!(run["errors"] == 1 && run["infos"] == 1 && run["version"] == "1.0", "not doubled: {run}");
        ensure!(run["finished"] == 1_479_685_986_432_u64 && run["host"] == "n1", "with its date: {run}");
        ensure!(site.page("/testcontent/7/")?.ends_with(" E: no\n"), "with its log");
        let run = site.server.json(&["test", "show", "9"])?;
        ensure!(run["host"] == "n3" && run["warnings"] == 1, "by its MAC address: {run}");
        ensure!(site.get("/nexttest/")?.contains("/upload/11/"), "what was queued is");
        site.server.cli(&["test", "queue", "n1", "cpu"])?;
        ensure!(site.get("/nexttest/")?.contains("/upload/12/"), "numbers go on");
        Ok(())
    });
}

/// Reads a page with Python's strict reader of HTML's tokens: every element that was opened is closed, in order.
fn well_formed(page: &str) -> Result<()> {
    let script = "import sys\nfrom html.parser import HTMLParser\nclass P(HTMLParser):\n    def __init__(s):\n        super().__init__(); s.o = []\n    \
                  def handle_starttag(s, t, a):\n        assert t != 'script'\n        if t not in ('meta', 'input'): s.o.append(t)\n    \
                  def handle_endtag(s, t):\n        assert s.o and s.o.pop() == t, t\np = P(); p.feed(sys.stdin.read()); p.close(); assert not p.o, p.o\n";
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    python.stdin.take().context("no input")?.write_all(page.as_bytes())?;
    let output = python.wait_with_output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
