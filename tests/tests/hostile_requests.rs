//! Requests made to break a parser (TFTP names and options, JSON), and datagrams that push themselves into others' transfers.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, SERVER, Server, client};

const TFTP: (&str, u16) = (SERVER, 69);
/// How much the server may grow under all of it, in KiB.
const GROWTH: u64 = 16 * 1024;

struct Scene {
    server: Server,
    before: u64,
    good: Namespace,
    bad: Namespace,
}

impl Scene {
    fn new(lab: &Lab) -> Result<Self> {
        let site = SmallInstaller::new(lab)?;
        fs::write(site.tree().join("small-file"), vec![7; 3000])?;
        let config = site.config(Dhcp::Server, "");
        let server = lab.server(&format!("log = \"trace\"\n{config}"))?;
        let before = server.resident_kib()?;
        Ok(Self { server, before, good: lab.join("10.77.0.20/24")?, bad: lab.join("10.77.0.66/24")? })
    }

    /// Others are served, nothing has grown, nothing has ended; and so it is after a restart.
    fn done(mut self) -> Result<()> {
        for again in [false, true] {
            if again {
                self.server.stop()?;
                self.server.restart()?;
            }
            let file = client::curl(&self.good, &format!("tftp://{SERVER}/small-file"), &[])?;
            ensure!(file == vec![7; 3000], "{} bytes", file.len());
            let after = self.server.resident_kib()?;
            ensure!(after < self.before + GROWTH, "the server grew from {} to {after} KiB", self.before);
            self.server.alive()?;
        }
        let log = self.server.log().text();
        ensure!(!log.contains("panicked") && !log.contains('\x1b'), "{}", self.server.log().path().display());
        Ok(())
    }
}

/// CVE-2026-3608: a parser that goes one call deeper for every bracket has no stack left after 20,000.
#[test]
fn json_of_twenty_thousand_brackets_is_refused() {
    Lab::run("hostile-json", |lab| {
        let scene = Scene::new(lab)?;
        scene.server.cli(&["host", "add", "node1", "52:54:00:00:00:01"])?;
        let token = fs::read_to_string(lab.dir().join("data/token"))?;
        let address: SocketAddr = format!("{SERVER}:3478").parse()?;
        let open = "[".repeat(20_000);
        let bodies = [
            open.clone(),
            format!("{open}{}", "]".repeat(20_000)),
            format!("{{\"hosts\":{open}"),
            "{\"a\":".repeat(20_000),
            format!(
                "{{\"name\":\"n\",\"macs\":[\"52:54:00:00:00:02\"],\"vars\":{}",
                "{\"a\":".repeat(20_000)
            ),
        ];
        for call in [
            "POST /api/hosts",
            "PATCH /api/hosts/node1",
            "PUT /api/assignments",
            "POST /api/cancel",
            "PUT /configurations/local/deploy",
            "PUT /v1/configurations/local/deploy",
        ] {
            for body in &bodies {
                for auth in [format!("Authorization: Bearer {}\r\n", token.trim()), String::new()] {
                    let request = format!(
                        "{call} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{auth}Content-Type: application/json\r\n\
                         Content-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    let answer = client::raw_tcp(&scene.bad, address, request.as_bytes(), PATIENCE)?;
                    let status = String::from_utf8_lossy(answer.get(..12).unwrap_or_default()).into_owned();
                    // Without a token a long body need not be read at all.
                    let fine = status.starts_with("HTTP/1.1 4") || (auth.is_empty() && answer.is_empty());
                    ensure!(fine, "{call}: {status:?} for {:?}...", &body[..20]);
                }
            }
        }
        scene.done()
    })
}

/// CVE-2009-2957 and 2958: long names, no end of a name, options without values.
#[test]
fn odd_tftp_requests_get_an_error_or_nothing() {
    Lab::run("hostile-tftp-requests", |lab| {
        let scene = Scene::new(lab)?;
        let long = "n".repeat(500);
        let request = |words: &[&str]| -> Vec<u8> {
            let words = words.iter().flat_map(|word| word.bytes().chain([0]));
            [0, 1].into_iter().chain(words).collect()
        };
        let odd: Vec<Vec<u8>> = vec![
            Vec::new(),
            vec![0],
            vec![0, 1],
            vec![0, 1, 0],
            vec![0, 1, 0, 0],
            vec![1; 516],
            [&[0, 1][..], long.as_bytes()].concat(),
            [&[0, 1][..], &[0xff; 500]].concat(),
            request(&[&long, "octet"]),
            request(&["small-file"]),
            request(&["small-file", ""]),
            request(&["small-file", &long]),
            request(&["\x1b[2Jsmall-file", "octet"]),
            request(&["small-file\r\nINFO event: installed", "octet"]),
            request(&["%n%n%n%s", "octet"]),
        ];
        let socket = scene.bad.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let mut buffer = [0; 2048];
        for bytes in &odd {
            socket.send_to(bytes, TFTP)?;
            if let Ok((length, _)) = socket.recv_from(&mut buffer) {
                let answer = &buffer[..length];
                ensure!(answer.starts_with(&[0, 5]) && length <= 516, "{bytes:02x?}: {answer:02x?}");
                ensure!(answer.last() == Some(&0), "an error's text has an end: {answer:02x?}");
                let text = &answer[4..length - 1];
                ensure!(text.iter().all(|byte| (b' '..=b'~').contains(byte)), "{answer:02x?}");
            }
        }
        // Options that are none do not keep a file from being sent.
        for options in [
            &["blksize"][..],
            &["blksize", ""],
            &["blksize", "-1"],
            &["blksize", "99999999999999999999"],
            &["tsize", "tsize"],
            &["timeout", "0"],
            &["windowsize", "0"],
            &["", ""],
            &["x", &long],
        ] {
            let socket = scene.bad.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.send_to(&request(&[&["small-file", "octet"], options].concat()), TFTP)?;
            let (length, from) = socket.recv_from(&mut buffer).with_context(|| format!("{options:?}"))?;
            let answer = &buffer[..length];
            ensure!(matches!(answer, [0, 3 | 6, ..]), "{options:?}: {answer:02x?}");
            socket.send_to(&[0, 5, 0, 0, 0], from)?;
        }
        scene.done()
    })
}

/// A transfer belongs to two addresses and two ports (RFC 1350 section 4).
#[test]
fn a_third_party_cannot_push_itself_into_a_transfer() {
    Lab::run("hostile-tftp-third", |lab| {
        let scene = Scene::new(lab)?;
        let socket = scene.good.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
        let third = scene.bad.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
        // Another port of the same machine is another party, too.
        let neighbour = scene.good.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.send_to(b"\0\x01small-file\0octet\0", TFTP)?;
        let (mut file, mut buffer) = (Vec::new(), [0; 2048]);
        for block in 1u16..=6 {
            let (length, from) = socket.recv_from(&mut buffer)?;
            let [high, low] = block.to_be_bytes();
            ensure!(buffer[..4] == [0, 3, high, low], "block {block}: {:02x?}", &buffer[..4]);
            file.extend_from_slice(&buffer[4..length]);
            for stranger in [&third, &neighbour] {
                for bytes in [&[0, 4, high, low][..], &[0, 4, 0, 99], &[0, 5, 0, 0, 0], &[0, 3, 0, 1], &[]] {
                    stranger.send_to(bytes, from)?;
                }
            }
            socket.send_to(&[0, 4, high, low], from)?;
        }
        ensure!(file == vec![7; 3000], "{} bytes", file.len());
        scene.done()
    })
}
