//! The start of the server, and its size.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nextboot_tests::{Server, binary};

use crate::account::Usage;
use crate::arena::{Arena, Site};
use crate::cell::{Bench, Cell};
use crate::compare::Contestant;
use crate::cores::{self, Cores};
use crate::load::Load;
use crate::outcome::{Bound, Outcome, Sample, brief};
use crate::stats::{Latencies, Spread};

/// The cells of this file.
pub const CELLS: &[Cell] = &[Cell {
    name: "start",
    what: "From the start of the process until it listens, with 1,000 hosts",
    run: start,
}];

const DHCP: &str =
    "mode = \"server\"\n\n[[dhcp.subnet]]\nnetwork = \"10.77.0.0/24\"\npool = \"10.77.0.100-10.77.0.199\"";

fn start(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("start")?;
    let mut outcome = Outcome::new("start");
    let megabytes = std::fs::metadata(binary()?)?.len() as f64 / 1e6;
    outcome.note(format!("size of the binary: {megabytes:.1} MB"));
    let site = Site { dhcp: DHCP, ..Site::default() };
    let mut server = cores::on(Cores::ONE_EACH.server, || arena.lab.server(&arena.config(site)))?;
    starts(bench, &mut server, "nextboot, no hosts", &mut outcome)?;
    let few = bench.size(1_000, 100);
    add(&server, 0..few)?;
    let median = starts(bench, &mut server, Contestant::OURS, &mut outcome)?;
    outcome.value("listening", "ms", Bound::AtMost(50.0), median);
    let many = bench.size(10_000, 200);
    let began = Instant::now();
    add(&server, few..many)?;
    let rate = f64::from(many - few) / began.elapsed().as_secs_f64();
    outcome
        .note(format!("hosts added, each durable before its answer, {WRITERS} writers: {rate:.0} a second"));
    let median = starts(bench, &mut server, "nextboot, many hosts", &mut outcome)?;
    outcome.note(format!("with {many} hosts: listening after {} ms", brief(median)));
    Ok(outcome)
}

const WRITERS: u32 = 32;

/// Starts some times; the median time until READY=1, milliseconds. It is told only when every socket listens.
fn starts(bench: &Bench, server: &mut Server, name: &str, outcome: &mut Outcome) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..bench.size(9, 2) {
        server.stop()?;
        cores::on(Cores::ONE_EACH.server, || server.restart())?;
        times.push(server.start_up.as_secs_f64() * 1e3);
        let load = Load { latencies: Latencies::new(vec![server.start_up]), ..Load::of(1, server.start_up) };
        outcome.add(
            name,
            Sample {
                used: Usage::of(server.pid())?.since(Usage::default()),
                peak_kib: crate::account::peak_kib(server.pid())?,
                load,
                ..Sample::default()
            },
        );
    }
    Ok(Spread::of(times).context("nothing measured")?.median)
}

fn add(server: &Server, numbers: std::ops::Range<u32>) -> Result<()> {
    let socket = server.socket();
    cores::on(Cores::ONE_EACH.client, || {
        thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let mine = numbers.clone().filter(move |number| number % WRITERS == writer);
                    let socket = &socket;
                    scope.spawn(move || add_some(socket, mine))
                })
                .collect();
            writers
                .into_iter()
                .try_for_each(|writer| writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    })
}

fn add_some(socket: &Path, numbers: impl Iterator<Item = u32>) -> Result<()> {
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
