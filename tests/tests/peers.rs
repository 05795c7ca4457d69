//! TFTP and HTTP compared to the byte with tftpd-hpa and nginx on the same tree, by the clients that people use.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, SERVER, client, peer};

const PEER: &str = "10.77.0.3";

/// Sizes at which block and window arithmetic goes wrong: nothing, one block less and more a byte, with the block
/// sizes 512, 1428 and 1468, a window of four, and more than 65535 blocks of 512 bytes (32 MiB, roll-over).
const SIZES: [usize; 14] = [
    1,
    511,
    512,
    513,
    1428,
    1468,
    1469,
    2047,
    2048,
    4 * 1428,
    4 * 1428 + 1,
    65_536,
    1_048_579,
    65_536 * 512 + 7,
];

#[test]
fn tftp_gives_the_same_bytes_as_tftpd_hpa() {
    Lab::run("peers-tftp", |lab| {
        let site = SmallInstaller::new(lab)?;
        let names = fill(site.tree())?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let other = lab.join(&format!("{PEER}/24"))?;
        let _hpa = peer::tftpd_hpa(lab, &other, PEER, site.tree())?;
        let desk = lab.join("10.77.0.20/24")?;
        for name in &names {
            let file = fs::read(site.tree().join(name))?;
            for address in [SERVER, PEER] {
                let same = |what: &str, bytes: Vec<u8>| {
                    ensure!(
                        bytes == file,
                        "{what} from {address}, {name}: {} of {} bytes",
                        bytes.len(),
                        file.len()
                    );
                    Ok(())
                };
                same("tftp-hpa", client::tftp_hpa(&desk, address, name)?)?;
                same("atftp", client::atftp(&desk, address, name, &[])?)?;
                same("atftp, blksize", client::atftp(&desk, address, name, &["blksize 1428"])?)?;
                same("curl", client::curl(&desk, &format!("tftp://{address}/{name}"), &[])?)?;
            }
            // tftpd-hpa knows no windows.
            let windows = client::atftp(&desk, SERVER, name, &["blksize 1468", "windowsize 4"])?;
            ensure!(windows == file, "atftp with windows, {name}");
        }
        for missing in ["nothing", "dir", "../nextboot.toml", "dir/../../nextboot.toml"] {
            for address in [SERVER, PEER] {
                ensure!(client::tftp_hpa(&desk, address, missing).is_err(), "{address} gave {missing}");
            }
        }
        server.alive()
    });
}

/// async-tftp was the first choice for serving TFTP and was measured out of it (it is deaf to a client's ERROR, so every
/// UEFI machine's size probe blocks that machine); on what both can do they must agree to the byte.
#[test]
fn tftp_gives_the_same_bytes_as_async_tftp() {
    Lab::run("peers-async-tftp", |lab| {
        let site = SmallInstaller::new(lab)?;
        let names = fill(site.tree())?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let other = lab.join(&format!("{PEER}/24"))?;
        let tree = site.tree().to_owned();
        // Its sockets belong to the namespace of the thread that makes them. It ends with this process.
        let builder = other.enter(|| {
            let socket = std::net::UdpSocket::bind((PEER, 69))?;
            Ok(async_tftp::server::TftpServerBuilder::with_dir_ro(&tree)?.std_socket(socket)?)
        })?;
        let namespace = std::sync::Arc::new(other);
        let inside = std::sync::Arc::clone(&namespace);
        std::thread::spawn(move || {
            inside.enter(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                Ok(runtime.block_on(async { builder.build().await?.serve().await })?)
            })
        });
        let desk = lab.join("10.77.0.20/24")?;
        for name in names.iter().filter(|name| !name.contains("link")) {
            let file = fs::read(site.tree().join(name))?;
            for options in [&[][..], &["blksize 1428"], &["blksize 1468", "windowsize 8"]] {
                for address in [SERVER, PEER] {
                    let got = client::atftp(&desk, address, name, options)?;
                    ensure!(
                        got == file,
                        "{address}, {name}, {options:?}: {} of {} bytes",
                        got.len(),
                        file.len()
                    );
                }
            }
        }
        server.alive()
    });
}

#[test]
fn http_gives_the_same_bytes_and_statuses_as_nginx() {
    Lab::run("peers-http", |lab| {
        let site = SmallInstaller::new(lab)?;
        let names = fill(site.tree())?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let other = lab.join(&format!("{PEER}/24"))?;
        let _nginx = peer::nginx(lab, &other, PEER, site.tree())?;
        let desk = lab.join("10.77.0.20/24")?;
        let ours = format!("http://{SERVER}:8080");
        let theirs = format!("http://{PEER}");
        for name in &names {
            let file = fs::read(site.tree().join(name))?;
            ensure!(client::curl(&desk, &format!("{ours}/{name}"), &["--fail"])? == file, "{name}");
            for arguments in
                [&["--head"][..], &["-r", "0-99"], &["-r", "-5"], &["-r", "700-"], &["-r", "99999999999-"]]
            {
                same_answer(&desk, [&ours, &theirs], name, arguments)?;
            }
            same_when_known(&desk, [&ours, &theirs], name)?;
        }
        for odd in ["nothing", "/dir/in", "dir//in", "./dir/in"] {
            same_answer(&desk, [&ours, &theirs], odd, &[])?;
        }
        for out in ["..%2fnextboot.toml", "../nextboot.toml", "dir/../../nextboot.toml"] {
            for base in [&ours, &theirs] {
                // Which of the refusals it is, 400, 403 or 404, is a matter of taste.
                let status = client::http_status(&desk, &format!("{base}/{out}"), &[])?;
                ensure!((400..500).contains(&status), "{base}/{out}: {status}");
            }
        }
        server.alive()
    });
}

/// Status, body, and the header fields that a client acts upon.
fn same_answer(desk: &Namespace, bases: [&str; 2], name: &str, arguments: &[&str]) -> Result<()> {
    let mut answers = Vec::new();
    for base in bases {
        let url = format!("{base}/{name}");
        let mut all = vec!["--include"];
        all.extend_from_slice(arguments);
        let (head, body) = split(&client::curl(desk, &url, &all)?);
        let mut fields: Vec<String> = head
            .lines()
            .skip(1)
            .map(str::to_ascii_lowercase)
            .filter(|line| ["content-range:", "last-modified:"].iter().any(|field| line.starts_with(field)))
            .collect();
        fields.sort();
        let status: String = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
        // The body of an error is for people, and everybody words it in their own way.
        let body = if status.starts_with('2') { body } else { Vec::new() };
        answers.push((status, fields, body));
    }
    let (one, other) = (&answers[0], &answers[1]);
    ensure!(
        one.0 == other.0 && one.1 == other.1,
        "{name} {arguments:?}: {:?} and {:?}",
        (&one.0, &one.1),
        (&other.0, &other.1)
    );
    ensure!(one.2 == other.2, "{name} {arguments:?}: {} and {} bytes", one.2.len(), other.2.len());
    Ok(())
}

/// A second request with what the first one told: 304 by entity tag and by time.
fn same_when_known(desk: &Namespace, bases: [&str; 2], name: &str) -> Result<()> {
    for base in bases {
        let url = format!("{base}/{name}");
        let (head, _) = split(&client::curl(desk, &url, &["--head", "--include"])?);
        let field = |wanted: &str| {
            head.lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        for (told, asked) in [("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")] {
            let Some((_, value)) = field(told) else { anyhow::bail!("{url} has no {told}") };
            let condition = format!("{asked}: {}", value.trim());
            let status = client::http_status(desk, &url, &["-H", &condition])?;
            ensure!(status == 304, "{url}, {condition}: {status}");
        }
    }
    Ok(())
}

fn split(answer: &[u8]) -> (String, Vec<u8>) {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end..].to_vec())
}

/// Files of all the sizes, a directory, and links within the tree; returns their names.
fn fill(tree: &Path) -> Result<Vec<String>> {
    fs::create_dir_all(tree.join("dir"))?;
    let mut names = Vec::new();
    for size in SIZES {
        // Not periodic in any block size, so that a block in the wrong place shows.
        let bytes: Vec<u8> = (0..size).map(|at| (at ^ (at >> 7) ^ (at >> 15)).to_le_bytes()[0]).collect();
        let name = format!("file-{size}");
        fs::write(tree.join(&name), bytes)?;
        names.push(name);
    }
    fs::write(tree.join("dir/in"), "within a directory\n")?;
    symlink("dir", tree.join("link-to-dir"))?;
    symlink("../file-513", tree.join("dir/link"))?;
    names.extend(["dir/in", "link-to-dir/in", "dir/link"].map(str::to_owned));
    Ok(names)
}
