//! Prints what the README says of the server's size and speed: `cargo run --release -p nextboot-tests --bin measure`,
//! as root. It measures the release build, in a namespace of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, binary};

const HOSTS: u32 = 10_000;
const WRITERS: u32 = 32;
const STARTS: usize = 9;

fn main() -> Result<()> {
    let binary = binary()?;
    let megabytes = std::fs::metadata(&binary)?.len() as f64 / 1e6;
    println!("binary ({}): {megabytes:.1} MB", binary.display());
    let lab = Lab::new("measure")?;
    let site = SmallInstaller::new(&lab)?;
    let mut server = lab.server(&site.config(Dhcp::Server, ""))?;
    println!("start-up, no hosts: {}", starts(&mut server)?);
    println!("resident at start: {:.1} MiB", mib(&server)?);

    let began = Instant::now();
    thread::scope(|scope| -> Result<()> {
        let socket = server.socket();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let socket = socket.clone();
                scope.spawn(move || add_hosts(&socket, (writer..HOSTS).step_by(WRITERS as usize)))
            })
            .collect();
        for writer in writers {
            writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        }
        Ok(())
    })?;
    let rate = f64::from(HOSTS) / began.elapsed().as_secs_f64();
    println!("hosts added, durable each, {WRITERS} writers: {rate:.0} per second");
    println!("resident with {HOSTS} hosts, after adding them: {:.1} MiB", mib(&server)?);
    println!("start-up, {HOSTS} hosts: {}", starts(&mut server)?);
    println!("resident with {HOSTS} hosts, after a restart: {:.1} MiB", mib(&server)?);
    Ok(())
}

fn mib(server: &nextboot_tests::Server) -> Result<f64> {
    Ok(server.resident_kib()? as f64 / 1024.0)
}

/// From the start of the process to its READY=1: median, least and most of some starts.
fn starts(server: &mut nextboot_tests::Server) -> Result<String> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        server.stop()?;
        server.restart()?;
        times.push(server.start_up.as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(format!(
        "{:.0} ms ({:.0} to {:.0} ms, {STARTS} starts)",
        times[STARTS / 2],
        times[0],
        times[STARTS - 1]
    ))
}

fn add_hosts(socket: &Path, numbers: impl Iterator<Item = u32>) -> Result<()> {
    let stream = UnixStream::connect(socket).with_context(|| socket.display().to_string())?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    for number in numbers {
        let [_, high, middle, low] = number.to_be_bytes();
        let body = format!(
            r#"{{"name":"host{number:05}","macs":["02:00:00:{high:02x}:{middle:02x}:{low:02x}"],"vars":{{"role":"worker"}}}}"#
        );
        write!(
            stream,
            "POST /api/hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut status = String::new();
        answers.read_line(&mut status)?;
        ensure!(status.contains(" 201 "), "{status}");
        let mut length = 0;
        loop {
            let mut line = String::new();
            answers.read_line(&mut line)?;
            let line = line.trim();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        answers.by_ref().take(length).read_to_end(&mut Vec::new())?;
    }
    Ok(())
}
