//! Hostile input over real sockets: it never stops or slows the service for others, and it never gets what is not its.

use std::fs;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, Random, SERVER, Server, client};

const TFTP: (&str, u16) = (SERVER, 69);
const DHCP: (&str, u16) = (SERVER, 67);
const HTTP: (&str, u16) = (SERVER, 8080);
const API: (&str, u16) = (SERVER, 3478);

/// How long silence counts as one, where no answer is right too.
const A_WHILE: Duration = Duration::from_secs(1);

/// How much the server may grow under all of it, in KiB.
const GROWTH: u64 = 64 * 1024;

#[test]
fn nonsense_does_not_stop_the_service() {
    Lab::run("hostile-nonsense", |lab| {
        let site = SmallInstaller::new(lab)?;
        fs::write(site.tree().join("small-file"), vec![7; 3000])?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let good = lab.join("10.77.0.20/24")?;
        let bad = lab.join("10.77.0.66/24")?;
        let before = server.resident_kib()?;
        let mut random = Random::new();
        let stop = AtomicBool::new(false);
        let udp = bad.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
        let mut bytes = random.clone();
        thread::scope(|scope| -> Result<()> {
            let nonsense = scope.spawn(|| datagrams(&udp, &mut bytes, &stop));
            let streams = scope.spawn(|| streams(&bad, &mut random, &stop));
            let outcome = (0..40).try_for_each(|_| fetch_both_ways(&good));
            stop.store(true, Ordering::Relaxed);
            let sent = nonsense.join().map_err(|_| anyhow::anyhow!("the datagram thread panicked"))?;
            let opened = streams.join().map_err(|_| anyhow::anyhow!("the stream thread panicked"))??;
            println!("{sent} datagrams and {opened} streams of nonsense");
            outcome
        })?;
        modest(&mut server, before)
    });
}

#[test]
fn slow_and_silent_clients_hold_neither_memory_nor_service() {
    Lab::run("hostile-silent", |lab| {
        let site = SmallInstaller::new(lab)?;
        fs::write(site.tree().join("small-file"), vec![7; 3000])?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let good = lab.join("10.77.0.20/24")?;
        let bad = lab.join("10.77.0.66/24")?;
        let before = server.resident_kib()?;
        // Big files asked for and never acknowledged, from ever new ports, with the largest blocks and windows.
        let request = tftp_message(1, &["small/initrd", "octet", "blksize", "65464", "windowsize", "65535"]);
        let silent = bad.enter(|| {
            (0..500)
                .map(|_| {
                    let socket = UdpSocket::bind("0.0.0.0:0")?;
                    socket.send_to(&request, TFTP)?;
                    Ok(socket)
                })
                .collect::<Result<Vec<_>>>()
        })?;
        // Connections that say nothing, and ones that asked for a big file and read none of it.
        let open = bad.enter(|| {
            (0..400)
                .map(|number| {
                    let mut stream = TcpStream::connect(if number % 2 == 0 { HTTP } else { API })?;
                    if number % 4 == 0 {
                        std::io::Write::write_all(
                            &mut stream,
                            b"GET /small/initrd HTTP/1.1\r\nHost: x\r\n\r\n",
                        )?;
                    }
                    Ok(stream)
                })
                .collect::<Result<Vec<_>>>()
        })?;
        for _ in 0..10 {
            fetch_both_ways(&good)?;
        }
        modest(&mut server, before)?;
        drop((silent, open));
        Ok(())
    });
}

#[test]
fn nothing_outside_the_roots_can_be_read_and_nothing_written() {
    Lab::run("hostile-paths", |lab| {
        let site = SmallInstaller::new(lab)?;
        let secret = lab.dir().join("secret");
        fs::write(&secret, "the secret")?;
        symlink(&secret, site.tree().join("link-out"))?;
        symlink("..", site.tree().join("dir-out"))?;
        let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
        let bad = lab.join("10.77.0.66/24")?;
        let absolute = secret.to_string_lossy().into_owned();
        let long = "x/".repeat(150);
        let longest = "y".repeat(3000);
        let names = [
            "../secret",
            "small/../../secret",
            "..\\secret",
            "/../secret",
            "....//secret",
            "dir-out/secret",
            "link-out",
            "small/initrd\0../../secret",
            "small",
            "",
            ".",
            "/",
            &absolute,
            &long,
            &longest,
        ];
        for name in names {
            let answer = tftp_request(&bad, 1, name, A_WHILE)?;
            ensure!(
                answer.is_empty() || answer.starts_with(&[0, 5]) || name.contains('\0'),
                "TFTP gave {name:?}"
            );
            ensure!(!contains(&answer, b"the secret"), "TFTP gave the secret for {name:?}");
            for escaped in [name.to_owned(), name.replace("..", "%2e%2e"), name.replace('/', "%2f")] {
                let request = format!("GET /{escaped} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                let answer = client::raw_tcp(&bad, address(HTTP)?, request.as_bytes(), PATIENCE)?;
                ensure!(!contains(&answer, b"the secret"), "HTTP gave the secret for {escaped:?}");
            }
        }
        for name in ["small/initrd", "new-file"] {
            let answer = tftp_request(&bad, 2, name, PATIENCE)?;
            ensure!(
                answer.starts_with(&[0, 5, 0, 2]),
                "a write request for {name} must get ERROR 2: {answer:?}"
            );
        }
        server.alive()
    });
}

#[test]
fn a_configuration_without_content_is_file_not_found() {
    Lab::run("hostile-empty-configuration", |lab| {
        let site = SmallInstaller::new(lab)?;
        let dir = site.tree().join("pxelinux.cfg");
        fs::create_dir_all(dir.join("01-52-54-00-00-00-0b"))?;
        fs::write(dir.join("01-52-54-00-00-00-0a"), "")?;
        let _server = lab.server(&site.config(Dhcp::Server, ""))?;
        let bad = lab.join("10.77.0.66/24")?;
        for name in ["pxelinux.cfg/01-52-54-00-00-00-0a", "pxelinux.cfg/01-52-54-00-00-00-0b"] {
            let answer = tftp_request(&bad, 1, name, PATIENCE)?;
            ensure!(answer.starts_with(&[0, 5, 0, 1]), "{name}: {answer:?}");
        }
        Ok(())
    });
}

/// Random datagrams and spoilt good ones to DHCP and TFTP; how many.
fn datagrams(socket: &UdpSocket, random: &mut Random, stop: &AtomicBool) -> usize {
    let mut discover = vec![0; 300];
    discover[..3].copy_from_slice(&[1, 1, 6]);
    discover[236..247].copy_from_slice(&[99, 130, 83, 99, 53, 1, 1, 55, 2, 1, 3]);
    discover[247] = 255;
    let read = tftp_message(1, &["small-file", "octet", "blksize", "1428", "tsize", "0"]);
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        let bytes = match random.below(4) {
            0 => random.bytes(1400),
            1 => random.spoil(&discover),
            _ => random.spoil(&read),
        };
        // The kernel may report what an earlier datagram met with.
        let _ = socket.send_to(&bytes, if random.below(2) == 0 { DHCP } else { TFTP });
        sent += 1;
        if sent % 100 == 0 {
            // Not a wait but a rate, some 45,000 a second: beyond that the kernel drops datagrams before any server
            // sees them, the good ones too.
            thread::sleep(Duration::from_millis(1));
        }
    }
    sent
}

/// Random and spoilt requests to both HTTP ports; how many.
fn streams(namespace: &Namespace, random: &mut Random, stop: &AtomicBool) -> Result<usize> {
    let good = b"PUT /configurations/local/deploy HTTP/1.1\r\nHost: x\r\nContent-Length: 44\r\n\r\n{\"hosts\":[{\"macAddress\":\"52:54:00:00:00:01\"}]}";
    let mut opened = 0;
    while !stop.load(Ordering::Relaxed) {
        let bytes = if random.below(2) == 0 { random.bytes(4000) } else { random.spoil(good) };
        let to = address(if random.below(2) == 0 { HTTP } else { API })?;
        client::raw_tcp(namespace, to, &bytes, Duration::from_millis(20))?;
        opened += 1;
    }
    Ok(opened)
}

fn fetch_both_ways(namespace: &Namespace) -> Result<()> {
    for url in [format!("tftp://{SERVER}/small-file"), format!("http://{SERVER}:8080/small-file")] {
        let bytes = client::curl(namespace, &url, &[])?;
        ensure!(bytes == vec![7; 3000], "{url}: {} bytes", bytes.len());
    }
    Ok(())
}

fn modest(server: &mut Server, before: u64) -> Result<()> {
    server.alive()?;
    let after = server.resident_kib()?;
    println!("resident: {before} KiB before, {after} KiB after");
    ensure!(after < before + GROWTH, "the server grew from {before} to {after} KiB");
    Ok(())
}

/// The first answer to a TFTP request with this opcode; nothing when there is none in time.
fn tftp_request(namespace: &Namespace, opcode: u8, name: &str, limit: Duration) -> Result<Vec<u8>> {
    let socket = namespace.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
    socket.send_to(&tftp_message(opcode, &[name, "octet"]), TFTP)?;
    socket.set_read_timeout(Some(limit))?;
    let mut answer = vec![0; 65_536];
    let length = socket.recv(&mut answer).unwrap_or(0);
    answer.truncate(length);
    Ok(answer)
}

/// An opcode and texts that end with a zero byte each.
fn tftp_message(opcode: u8, words: &[&str]) -> Vec<u8> {
    let mut message = vec![0, opcode];
    for word in words {
        message.extend(word.bytes());
        message.push(0);
    }
    message
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn address((host, port): (&str, u16)) -> Result<SocketAddr> {
    Ok((host.parse::<std::net::IpAddr>().context(host.to_owned())?, port).into())
}
