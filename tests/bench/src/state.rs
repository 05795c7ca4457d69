//! Programs that flip hosts from one profile to another, by the control API's unix socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nextboot_firmware::tftp::{Fetch, Progress, Wish};
use nextboot_tests::SERVER;

use crate::arena::Arena;
use crate::load::Load;
use crate::stats::Latencies;

/// Longest wait for an answer. Only a failing run waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The two profiles that hosts are flipped between, with their sections of the configuration.
pub const PROFILES: &str = "[profiles.even]\nclass = \"live\"\nkernel = \"even/linux\"\n\n\
                            [profiles.odd]\nclass = \"live\"\nkernel = \"odd/linux\"";

/// One connection to the control API, kept open.
#[derive(Debug)]
pub struct Api(BufReader<UnixStream>);

impl Api {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).with_context(|| socket.display().to_string())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The body of the answer.
    ///
    /// # Errors
    /// What went wrong, also an answer that is none of success.
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: nextboot\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        self.0.get_mut().write_all((head + body).as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.trim_end().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            ensure!(self.0.read_line(&mut line)? > 0, "{method} {path}: the connection was closed");
            let field = line.trim_end().to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            if let Some(value) = field.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer)?;
        if !status.contains(" 20") {
            bail!("{method} {path}: {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }
}

/// The name of the host with this number.
fn name(number: usize) -> String {
    format!("host-{number}")
}

/// Its hardware address, with this between the bytes.
fn mac(number: usize, between: &str) -> String {
    let [.., a, b, c, d] = number.to_be_bytes();
    [2, 0, a, b, c, d].map(|byte| format!("{byte:02x}")).join(between)
}

/// Adds hosts, by 64 callers at once.
///
/// # Errors
/// When one is refused.
pub fn add_hosts(socket: &Path, hosts: usize) -> Result<()> {
    const CALLERS: usize = 64;
    each(CALLERS.min(hosts), |caller| {
        let mut api = Api::connect(socket)?;
        for number in (caller..hosts).step_by(CALLERS) {
            let body = format!(r#"{{"name":"{}","macs":["{}"]}}"#, name(number), mac(number, ":"));
            api.ask("POST", "/api/hosts", &body)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Runs this so many times at once.
fn each<T: Send>(count: usize, work: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || work(number))).collect();
        let ended = threads.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    })
}

/// Callers that flip hosts.
#[derive(Debug)]
pub struct Flips {
    /// Where the control API listens.
    pub socket: PathBuf,
    /// How many there are, each with hosts of its own.
    pub writers: usize,
    /// Hosts that there are.
    pub hosts: usize,
    /// Flips of each writer.
    pub flips: usize,
    /// Whether each flip is looked at by TFTP, as soon as it is acknowledged.
    pub look: bool,
}

impl Flips {
    /// Flips. Units are flips, latencies the time to the acknowledgement; errors are reads that showed what held before.
    ///
    /// # Errors
    /// When a call is refused, or a read fails.
    pub fn run(&self, arena: &Arena) -> Result<Load> {
        let started = Instant::now();
        let writers = arena.lab.namespace().enter(|| each(self.writers, |writer| self.writer(writer)))?;
        let elapsed = started.elapsed();
        let stale = writers.iter().map(|(_, stale)| stale).sum();
        let waits: Vec<Duration> = writers.into_iter().flat_map(|(waits, _)| waits).collect();
        let flips = waits.len() as u64;
        Ok(Load { latencies: Latencies::new(waits), errors: stale, ..Load::of(flips, elapsed) })
    }

    fn writer(&self, writer: usize) -> Result<(Vec<Duration>, u64)> {
        let mut api = Api::connect(&self.socket)?;
        let own = (self.hosts / self.writers).max(1);
        let (mut waits, mut stale) = (Vec::with_capacity(self.flips), 0);
        for flip in 0..self.flips {
            // Of its own hosts one after the other, which lie far from each other, each from one profile to the other.
            let number = writer + flip % own * self.writers;
            let profile = if (flip / own).is_multiple_of(2) { "odd" } else { "even" };
            let body = format!(r#"{{"hosts":["{}"],"profile":"{profile}"}}"#, name(number));
            let asked = Instant::now();
            api.ask("PUT", "/api/assignments", &body)?;
            waits.push(asked.elapsed());
            if self.look {
                let shown = read(&format!("pxelinux.cfg/01-{}", mac(number, "-")))?;
                let kernel = format!("{profile}/linux");
                stale += u64::from(!String::from_utf8_lossy(&shown).contains(&kernel));
            }
        }
        Ok((waits, stale))
    }
}

/// Four machines at a time read their configurations, each so many times; the first hundred hosts by turns.
///
/// # Errors
/// When a read fails, or shows another host's.
pub fn reads(arena: &Arena, times: usize) -> Result<Load> {
    let started = Instant::now();
    let waits = arena.lab.namespace().enter(|| {
        each(4, |reader| {
            let mut waits = Vec::with_capacity(times);
            for time in 0..times {
                let name = format!("pxelinux.cfg/01-{}", mac((reader * 25 + time) % 100, "-"));
                let asked = Instant::now();
                let shown = read(&name)?;
                waits.push(asked.elapsed());
                ensure!(!shown.is_empty(), "{name} is empty");
            }
            Ok(waits)
        })
    })?;
    let elapsed = started.elapsed();
    let waits = waits.concat();
    let reads = waits.len() as u64;
    Ok(Load { latencies: Latencies::new(waits), ..Load::of(reads, elapsed) })
}

/// One caller reads pages of 100 hosts.
///
/// # Errors
/// When one is refused.
pub fn lists(socket: &Path, times: usize) -> Result<Load> {
    let mut api = Api::connect(socket)?;
    let started = Instant::now();
    let mut waits = Vec::with_capacity(times);
    for _ in 0..times {
        let asked = Instant::now();
        let page = api.ask("GET", "/api/hosts?limit=100", "")?;
        waits.push(asked.elapsed());
        ensure!(page.len() > 1000, "a page of {} bytes", page.len());
    }
    Ok(Load { latencies: Latencies::new(waits), ..Load::of(times as u64, started.elapsed()) })
}

/// Reads a file by TFTP as a boot loader does.
fn read(name: &str) -> Result<Vec<u8>> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let wish = Wish { block_size: 1408, window: 1, patience: Duration::from_secs(2), tries: 10 };
    let started = Instant::now();
    let mut fetch = Fetch::new(name, wish, started.elapsed());
    socket.send_to(fetch.packet(), (SERVER, 69))?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    let (mut packet, mut content) = (vec![0; 2048], Vec::new());
    loop {
        match socket.recv_from(&mut packet) {
            Ok((length, from)) => {
                let heard = fetch.receive(started.elapsed(), packet.get(..length).unwrap_or_default());
                content.extend_from_slice(heard.content.map(|(_, bytes)| bytes).unwrap_or_default());
                if heard.answer {
                    socket.send_to(fetch.packet(), from)?;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if fetch.due(started.elapsed()) {
                    socket.send_to(fetch.packet(), (SERVER, 69))?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        match fetch.progress() {
            Progress::Running => {}
            Progress::Whole => return Ok(content),
            Progress::Failed(why) => bail!("{name}: {why}"),
        }
    }
}
