//! What TFTP promises beyond the RFCs, through the real server: which ports it uses, how fast it may be, what becomes of a file
//! that changes under it, and what it says about packets that are too large for the way.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, Namespace, PATIENCE, SERVER, Server, wait_until};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than the server waits before it sends something again, and shorter than twice that.
const SILENCE: Duration = Duration::from_millis(1500);

struct Scene {
    server: Server,
    machine: Namespace,
    tree: PathBuf,
}

/// A server with these keys in its `[tftp]` section, and a machine.
fn scene(lab: &Lab, keys: &str) -> Result<Scene> {
    let site = SmallInstaller::new(lab)?;
    let config = site.config(Dhcp::Server, "").replace("[tftp]\n", &format!("[tftp]\n{keys}\n"));
    let server = lab.server(&config)?;
    Ok(Scene { server, machine: lab.join("10.77.0.20/24")?, tree: site.tree().to_owned() })
}

impl Scene {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(fs::write(self.tree.join(name), bytes)?)
    }
}

fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| (at / 7 % 251) as u8 ^ seed).collect()
}

/// One transfer, packet by packet.
struct Client {
    socket: UdpSocket,
    /// Where the last datagram came from.
    from: Option<SocketAddr>,
    block: u16,
    file: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Packet {
    Oack(String),
    /// A block, and whether it is the next one.
    Data(u16),
    Error(u16, String),
    Silence,
}

impl Client {
    fn new(at: &Namespace) -> Result<Self> {
        let socket = at.enter(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
        Ok(Self { socket, from: None, block: 0, file: Vec::new() })
    }

    fn ask(&mut self, name: &str, options: &[&str]) -> Result<Packet> {
        self.ask_at(SERVER, name, options)
    }

    fn ask_at(&mut self, server: &str, name: &str, options: &[&str]) -> Result<Packet> {
        let words = [&[name, "octet"], options].concat();
        let words = words.iter().flat_map(|word| word.bytes().chain([0]));
        let request: Vec<u8> = [0, 1].into_iter().chain(words).collect();
        (self.block, self.file) = (0, Vec::new());
        self.socket.send_to(&request, (server, 69))?;
        self.hear(PATIENCE)
    }

    fn hear(&mut self, limit: Duration) -> Result<Packet> {
        let mut buffer = [0; 65_600];
        self.socket.set_read_timeout(Some(limit))?;
        let (len, from) = match self.socket.recv_from(&mut buffer) {
            Ok(heard) => heard,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Packet::Silence),
            Err(error) => return Err(error.into()),
        };
        self.from = Some(from);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', " ").trim().to_owned();
        Ok(match &buffer[..len] {
            [0, 6, options @ ..] => Packet::Oack(text(options)),
            [0, 3, high, low, data @ ..] => {
                let block = u16::from_be_bytes([*high, *low]);
                if block == self.block.wrapping_add(1) {
                    self.block = block;
                    self.file.extend_from_slice(data);
                }
                Packet::Data(block)
            }
            [0, 5, high, low, message @ ..] => {
                Packet::Error(u16::from_be_bytes([*high, *low]), text(message))
            }
            other => bail!("no TFTP: {other:02x?}"),
        })
    }

    fn send(&self, packet: &[u8]) -> Result<()> {
        self.socket.send_to(packet, self.from.context("nobody answered yet")?)?;
        Ok(())
    }

    fn ack(&self) -> Result<()> {
        let [high, low] = self.block.to_be_bytes();
        self.send(&[0, 4, high, low])
    }

    /// Acknowledges each block until this many bytes are there, or something else comes: that.
    fn until(&mut self, len: usize) -> Result<Option<Packet>> {
        while self.file.len() < len {
            self.ack()?;
            match self.hear(PATIENCE)? {
                // The OACK comes again when its ACK was long in coming.
                Packet::Data(_) | Packet::Oack(_) => {}
                other => return Ok(Some(other)),
            }
        }
        self.ack()?;
        Ok(None)
    }
}

#[test]
fn a_single_port_serves_all_machines_and_tells_them_apart() {
    Lab::run("tftp-single-port", |lab| {
        let scene = scene(lab, "single_port = true")?;
        let files = [bytes(19_500, 1), bytes(29_500, 2)];
        for (number, file) in files.iter().enumerate() {
            scene.put(&format!("file{number}"), file)?;
        }
        let mut clients = [Client::new(&scene.machine)?, Client::new(&scene.machine)?];
        for (number, client) in clients.iter_mut().enumerate() {
            let answer = client.ask(&format!("file{number}"), &["blksize", "1000"])?;
            ensure!(answer == Packet::Oack("blksize 1000".into()), "{answer:?}");
        }
        // Block by block in turn.
        for len in (1000..29_500).step_by(1000) {
            for (client, file) in clients.iter_mut().zip(&files) {
                let wrong = client.until(len.min(file.len()))?;
                ensure!(wrong.is_none() && client.from.is_some_and(|from| from.port() == 69), "{wrong:?}");
            }
        }
        for (client, file) in clients.iter_mut().zip(&files) {
            client.until(file.len())?;
            ensure!(client.file == *file, "{} bytes", client.file.len());
        }

        // A machine that was reset asks anew from the same port, and is served from the beginning.
        let client = &mut clients[0];
        client.ask("file1", &[])?;
        client.until(5 * 512)?;
        wait_until("the transfer to be no duplicate any more", PATIENCE, || {
            let answer = client.ask("file0", &[])?;
            Ok((answer == Packet::Data(1) && client.block == 1).then_some(()))
        })?;
        client.until(19_500)?;
        ensure!(client.file == files[0], "{} bytes", client.file.len());

        // An ERROR ends its own transfer and no other.
        let [one, other] = &mut clients;
        one.ask("file0", &["blksize", "1000"])?;
        other.ask("file1", &["blksize", "1000"])?;
        one.until(3000)?;
        ensure!(one.hear(PATIENCE)? == Packet::Data(4), "the block that the last ACK asked for");
        one.send(b"\0\x05\0\0enough\0")?;
        // One packet may have been on its way already.
        let silent = one.hear(SILENCE)? == Packet::Silence || one.hear(2 * SILENCE)? == Packet::Silence;
        ensure!(silent, "the transfer goes on behind an ERROR");
        let wrong = other.until(29_500)?;
        ensure!(wrong.is_none() && other.file == files[1], "{wrong:?}, {} bytes", other.file.len());
        Ok(())
    });
}

#[test]
fn transfers_use_the_ports_that_they_may() {
    Lab::run("tftp-ports", |lab| {
        let scene = scene(lab, "ports = \"40000-40001\"")?;
        scene.put("file", &bytes(4500, 1))?;
        let mut ports = Vec::new();
        let mut clients = Vec::new();
        for _ in 0..2 {
            let mut client = Client::new(&scene.machine)?;
            ensure!(
                client.ask("file", &["blksize", "1000"])? == Packet::Oack("blksize 1000".into()),
                "served"
            );
            client.until(1000)?;
            ports.push(client.from.context("it answered")?.port());
            clients.push(client);
        }
        ports.sort_unstable();
        ensure!(ports == [40_000, 40_001], "{ports:?}");
        let mut third = Client::new(&scene.machine)?;
        let answer = third.ask("file", &[])?;
        ensure!(answer == Packet::Error(0, "the server is busy, try again later".into()), "{answer:?}");
        for client in &mut clients {
            client.until(4500)?;
        }
        wait_until("a port to be free again", PATIENCE, || {
            Ok((third.ask("file", &[])? == Packet::Data(1)).then_some(()))
        })
    });
}

#[test]
fn a_file_that_changes_under_a_transfer_is_never_taken_for_a_whole_one() {
    Lab::run("tftp-changes", |lab| {
        let scene = scene(lab, "")?;
        let (old, new) = (bytes(49_500, 1), bytes(49_500, 2));
        let begin = |name: &str, window: &str| -> Result<Client> {
            scene.put(name, &old)?;
            let mut client = Client::new(&scene.machine)?;
            client.ask(name, &["blksize", "1000", "windowsize", window])?;
            client.until(10_000)?;
            Ok(client)
        };
        for window in ["1", "8"] {
            let path = scene.tree.join("in-place");
            let mut client = begin("in-place", window)?;
            let made = fs::metadata(&path)?.modified()?;
            // Clocks of file systems may tick every few milliseconds only.
            wait_until("another time of change", PATIENCE, || {
                OpenOptions::new().write(true).open(&path)?.write_all(&new)?;
                Ok((fs::metadata(&path)?.modified()? != made).then_some(()))
            })?;
            let end = client.until(old.len())?;
            let changed = Packet::Error(0, "the file changed while it was being sent".into());
            ensure!(
                end == Some(changed),
                "changed in place, window {window}: {end:?}, {}",
                client.file.len()
            );

            let mut client = begin("short", window)?;
            OpenOptions::new().write(true).open(scene.tree.join("short"))?.set_len(20_500)?;
            let end = client.until(old.len())?;
            ensure!(matches!(end, Some(Packet::Error(0, _))), "cut short: {end:?}, {}", client.file.len());

            let mut client = begin("renamed", window)?;
            scene.put("renamed.new", &new)?;
            fs::rename(scene.tree.join("renamed.new"), scene.tree.join("renamed"))?;
            let end = client.until(old.len())?;
            ensure!(end.is_none() && client.file == old, "replaced: {end:?}, the old file goes on");
            let mut client = Client::new(&scene.machine)?;
            client.ask("renamed", &["blksize", "1000"])?;
            client.until(old.len())?;
            ensure!(client.file == new, "and who comes now gets the new one");

            let mut client = begin("removed", window)?;
            fs::remove_file(scene.tree.join("removed"))?;
            let end = client.until(old.len())?;
            ensure!(end.is_none() && client.file == old, "removed: {end:?}, it goes on to its end");
            let gone = Client::new(&scene.machine)?.ask("removed", &[])?;
            ensure!(matches!(gone, Packet::Error(1, _)), "{gone:?}");
        }
        Ok(())
    });
}

#[test]
fn a_block_fits_the_interface_it_leaves_by() {
    for keys in ["max_block = 65464", "max_block = 65464\nsingle_port = true"] {
        Lab::run(if keys.contains("single") { "tftp-mtu-single" } else { "tftp-mtu" }, |lab| {
            let scene = scene(lab, keys)?;
            scene.put("file", &bytes(5000, 1))?;
            let asks = |at: &Namespace, server: &str| -> Result<Packet> {
                let mut client = Client::new(at)?;
                let answer = client.ask_at(server, "file", &["blksize", "65464"])?;
                client.send(b"\0\x05\0\0enough\0")?;
                Ok(answer)
            };
            let size = |bytes: u32| Packet::Oack(format!("blksize {bytes}"));
            ensure!(asks(&scene.machine, SERVER)? == size(1468), "the bridge has an MTU of 1500");
            ensure!(asks(lab.namespace(), "127.0.0.1")? == size(65_464), "loopback has one of 65536");
            lab.namespace().ip(&["link", "set", "br0", "mtu", "1280"])?;
            wait_until("blocks for the new MTU", PATIENCE, || {
                Ok((asks(&scene.machine, SERVER)? == size(1248)).then_some(()))
            })?;
            // Another network that is not served, over which an address of ours is asked all the same.
            lab.namespace().ip(&["link", "set", "br0", "mtu", "1500"])?;
            let beyond = Namespace::new()?;
            let peer = ["type", "veth", "peer", "name", "eth0", "netns", beyond.name()];
            lab.namespace().ip(&[&["link", "add", "beyond"][..], &peer].concat())?;
            lab.namespace().ip(&["address", "add", "10.78.0.1/24", "dev", "beyond"])?;
            lab.namespace().ip(&["link", "set", "beyond", "mtu", "1400", "up"])?;
            beyond.ip(&["address", "add", "10.78.0.2/24", "dev", "eth0"])?;
            beyond.ip(&["link", "set", "eth0", "up"])?;
            beyond.ip(&["route", "add", "10.77.0.0/24", "via", "10.78.0.1"])?;
            wait_until("blocks for that network's MTU", PATIENCE, || {
                Ok((asks(&beyond, SERVER)? == size(1368)).then_some(()))
            })
        });
    }
}

#[test]
fn a_machine_that_asks_anew_from_the_same_port_is_understood() {
    Lab::run("tftp-anew", |lab| {
        let scene = scene(lab, "")?;
        scene.put("next", &bytes(50_000, 1))?;
        let mac = scene.machine.run("cat", &["/sys/class/net/eth0/address"])?.trim().to_owned();
        scene.server.cli(&["host", "add", "node1", &mac])?;
        let name = format!("pxelinux.cfg/01-{}", mac.replace(':', "-"));
        let mut client = Client::new(&scene.machine)?;
        // All of its one block is sent, and never acknowledged.
        let mut unanswered = |name: &str| -> Result<()> {
            client.ask(name, &["blksize", "1468"])?;
            client.ack()?;
            let block = client.hear(PATIENCE)?;
            ensure!(block == Packet::Data(1), "{block:?}");
            Ok(())
        };
        unanswered(&name)?;
        unanswered(&format!("/{name}"))?;
        let cut = scene.server.wait_for_event("file-cut", PATIENCE, |event| event["mac"] == mac.as_str())?;
        ensure!(
            cut["name"] == name.as_str() && cut["sent"] == 0,
            "who asks for it again does not have it: {cut}"
        );
        let sent = scene.server.events_of("configuration-sent")?;
        ensure!(sent.is_empty(), "{sent:?}");
        unanswered("next")?;
        scene.server.wait_for_event("configuration-sent", PATIENCE, |event| event["mac"] == mac.as_str())?;
        unanswered(&name)?;
        let cut = scene.server.wait_for_event("file-cut", PATIENCE, |event| event["name"] == "next")?;
        ensure!(cut["sent"] == 0, "many blocks were missing: {cut}");
        Ok(())
    });
}

#[test]
fn large_blocks_that_vanish_on_the_way_are_told_of() {
    Lab::run("tftp-path-mtu", |lab| {
        let scene = scene(lab, "")?;
        scene.put("loader", &bytes(50_000, 1))?;
        let mac = scene.machine.run("cat", &["/sys/class/net/eth0/address"])?.trim().to_owned();
        scene.server.cli(&["host", "add", "node1", &mac])?;
        // What is larger than the MTU at the far end of the wire is dropped there without a word.
        scene.machine.ip(&["link", "set", "eth0", "mtu", "1000"])?;
        let mut client = Client::new(&scene.machine)?;
        let answer = client.ask("loader", &["blksize", "1468", "windowsize", "4"])?;
        ensure!(answer == Packet::Oack("blksize 1468 windowsize 4".into()), "{answer:?}");
        client.ack()?;
        let event = scene.server.wait_for_event("large-blocks-vanish", PATIENCE, |_| true)?;
        ensure!(event["name"] == "loader" && event["block"] == 1468 && event["mtu"] == 1500, "{event}");
        ensure!(event["packet"] == 1500 && event["mac"] == mac.as_str(), "{event}");

        let mut client = Client::new(&scene.machine)?;
        client.ask("loader", &["blksize", "960"])?;
        ensure!(client.until(50_000)?.is_none(), "what fits arrives");
        ensure!(scene.server.events_of("large-blocks-vanish")?.len() == 1, "and nothing is said about it");
        Ok(())
    });
}

#[test]
fn a_client_gets_no_more_than_its_rate_however_many_transfers_it_has() {
    Lab::run("tftp-rate", |lab| {
        let scene = scene(lab, "max_rate = \"1MB/s\"")?;
        let file = bytes(500_000, 1);
        scene.put("file", &file)?;
        let start = Instant::now();
        std::thread::scope(|scope| {
            let fetches = [(); 2].map(|()| {
                scope.spawn(|| -> Result<()> {
                    let mut client = Client::new(&scene.machine)?;
                    client.ask("file", &["blksize", "1468"])?;
                    let wrong = client.until(file.len())?;
                    ensure!(wrong.is_none() && client.file == file, "{wrong:?}");
                    Ok(())
                })
            });
            fetches.into_iter().try_for_each(|fetch| fetch.join().expect("no panic"))
        })?;
        let took = start.elapsed();
        ensure!(took >= Duration::from_millis(900), "1 MB at 1 MB/s took {took:?}");
        Ok(())
    });
}

/// A rack that gets its power back asks with all machines before the server has read the first request.
#[test]
fn no_request_of_a_burst_is_lost() {
    Lab::run("tftp-burst", |lab| {
        const MACHINES: usize = 200;
        let scene = scene(lab, "max_per_client = 1000")?;
        scene.put("file", &bytes(100, 1))?;
        let clients: Vec<_> = (0..MACHINES).map(|_| Client::new(&scene.machine)).collect::<Result<_>>()?;
        let server = i32::try_from(scene.server.pid()).ok().and_then(Pid::from_raw).context("no process")?;
        kill_process(server, Signal::STOP)?;
        for client in &clients {
            client.socket.send_to(b"\0\x01file\0octet\0", (SERVER, 69))?;
        }
        kill_process(server, Signal::CONT)?;
        for (number, mut client) in clients.into_iter().enumerate() {
            let answer = client.hear(PATIENCE)?;
            ensure!(answer == Packet::Data(1), "request {number} of the burst: {answer:?}");
            client.ack()?;
        }
        Ok(())
    });
}

#[test]
fn a_thousand_machines_share_one_open_file_and_little_memory() {
    Lab::run("tftp-thousand", |lab| {
        const MACHINES: usize = 1000;
        let scene = scene(lab, "max_per_client = 2000")?;
        let path = scene.tree.join("initrd");
        fs::write(&path, bytes(20_000_000, 1))?;
        let before = scene.server.resident_kib()?;
        let mut clients = Vec::new();
        for _ in 0..MACHINES {
            let mut client = Client::new(&scene.machine)?;
            let answer = client.ask("initrd", &["blksize", "1468", "windowsize", "4"])?;
            ensure!(matches!(answer, Packet::Oack(_)), "{answer:?}");
            client.ack()?;
            clients.push(client);
        }
        for client in &mut clients {
            while client.block < 4 {
                let answer = client.hear(PATIENCE)?;
                ensure!(matches!(answer, Packet::Data(_)), "{answer:?}");
            }
        }
        let descriptors = fs::read_dir(format!("/proc/{}/fd", scene.server.pid()))?;
        let of_file = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let of_file = of_file.filter(|target| *target == path).count();
        ensure!(of_file == 1, "{of_file} descriptors for one file");
        let grown = scene.server.resident_kib()?.saturating_sub(before);
        ensure!(grown < MACHINES as u64 * 8, "{grown} KiB more for {MACHINES} transfers");
        for client in &clients {
            client.send(b"\0\x05\0\0enough\0")?;
        }
        Ok(())
    });
}
