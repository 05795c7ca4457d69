//! HTTP, beside nginx with sendfile.

use std::fs;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::arena::{Arena, Site};
use crate::cell::{Bench, Cell};
use crate::compare::{Contestant, Running};
use crate::cores::Cores;
use crate::http::{Streams, Wrk};
use crate::outcome::{Bound, Outcome};
use crate::peer::{self, NGINX_PORT};

/// The cells of this file.
pub const CELLS: &[Cell] = &[
    Cell { name: "http-stream", what: "HTTP, a file of 1 GiB, one stream", run: stream },
    Cell { name: "http-streams", what: "HTTP, 64 MiB of a file of 1 GiB each, 64 streams", run: streams },
    Cell { name: "http-small-1k", what: "HTTP, a file of 1 KiB, 32 connections", run: small_1k },
    Cell { name: "http-small-10k", what: "HTTP, a file of 10 KiB, 32 connections", run: small_10k },
    Cell {
        name: "http-configuration",
        what: "HTTP, a configuration that is written for each request (nginx: a file with those bytes), 32 connections",
        run: configuration,
    },
    Cell {
        name: "http-ranges",
        what: "HTTP, 4 KiB at random offsets of 1 GiB (sanboot), 32 connections",
        run: ranges,
    },
];

const OUR_PORT: u16 = 8080;
const NGINX: &str = "nginx";

/// Who is asked, and where.
fn port(running: &Running) -> u16 {
    if running.name == Contestant::OURS { OUR_PORT } else { NGINX_PORT }
}

fn address(running: &Running) -> Result<SocketAddr> {
    Ok(SocketAddr::new(nextboot_tests::SERVER.parse()?, port(running)))
}

/// The byte at an offset of the large file: no two blocks of it are alike for as long as a counter counts.
fn byte(at: u64) -> u8 {
    let word = (at / 8).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word.to_le_bytes()[(at % 8) as usize]
}

/// A large file, which the page cache holds when it is written.
fn large(arena: &Arena, len: u64) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(arena.tree().join("large"))?);
    for word in 0..len / 8 {
        file.write_all(&word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())?;
    }
    file.flush().context("the large file")
}

fn contestants(arena: &Arena) -> [Contestant<'_>; 2] {
    [arena.ours(Site::default()), peer::nginx(arena)]
}

fn read(bench: &Bench, name: &str, clients: usize, each: u64) -> Result<Outcome> {
    let arena = Arena::new(name)?;
    let len = bench.size(1 << 30, 4 << 20);
    large(&arena, len)?;
    let streams = Streams { clients, path: "/large", part: 0..each.min(len) };
    let whole = Streams { clients: 1, ..streams.clone() };
    bench.compare("MiB", &contestants(&arena), Cores::ONE_EACH, |running| {
        let at = address(running)?;
        if bench.quick {
            arena.lab.namespace().enter(|| whole.check(at, byte))?;
        }
        streams.run(arena.lab.namespace(), at)
    })
}

fn stream(bench: &Bench) -> Result<Outcome> {
    let mut outcome = read(bench, "http-stream", 1, 1 << 30)?;
    outcome.rate(NGINX, Bound::AtLeast(1.0));
    outcome.cpu(NGINX, Bound::AtMost(1.5));
    Ok(outcome)
}

fn streams(bench: &Bench) -> Result<Outcome> {
    let mut outcome = read(bench, "http-streams", bench.size(64, 8), 64 << 20)?;
    outcome.rate(NGINX, Bound::AtLeast(0.95));
    Ok(outcome)
}

fn ask(
    bench: &Bench,
    arena: &Arena,
    wrk: Wrk<'_>,
    peers: Wrk<'_>,
    contestants: &[Contestant<'_>],
) -> Result<Outcome> {
    bench.compare("request", contestants, Cores::ONE_EACH, |running| {
        let wrk = if running.name == Contestant::OURS { wrk } else { peers };
        let wrk = Wrk { time: bench.size(wrk.time, Duration::from_secs(1)), ..wrk };
        wrk.run(arena, port(running))
    })
}

fn judge(mut outcome: Outcome, bound: f64) -> Outcome {
    outcome.rate(NGINX, Bound::AtLeast(bound));
    if let Some(p50) = outcome.ours().and_then(|ours| ours.told("p50 ms")) {
        outcome.value("median latency", "ms", Bound::AtMost(1.0), p50);
    }
    outcome
}

fn small(bench: &Bench, name: &str, len: usize) -> Result<Outcome> {
    let arena = Arena::new(name)?;
    arena.file("small", len)?;
    let wrk = Wrk::whole("small");
    Ok(judge(ask(bench, &arena, wrk, wrk, &contestants(&arena))?, 1.0))
}

fn small_1k(bench: &Bench) -> Result<Outcome> {
    small(bench, "http-small-1k", 1024)
}

fn small_10k(bench: &Bench) -> Result<Outcome> {
    small(bench, "http-small-10k", 10 * 1024)
}

fn ranges(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("http-ranges")?;
    let len = bench.size(1 << 30, 4 << 20);
    large(&arena, len)?;
    let wrk = Wrk { blocks: Some(len / 4096), ..Wrk::whole("large") };
    let mut outcome = ask(bench, &arena, wrk, wrk, &contestants(&arena))?;
    outcome.rate(NGINX, Bound::AtLeast(0.9));
    Ok(outcome)
}

/// A machine that nobody knows, at a site that shows such machines a rescue system.
const RESCUE: Site = Site {
    dhcp: "mode = \"off\"",
    tftp: "",
    http: "",
    more: "[boot]\nunknown = \"profile:rescue\"\n\n\
           [profiles.rescue]\nclass = \"live\"\nkernel = \"rescue/linux\"\ninitrd = [\"rescue/initrd\"]\n\
           args = \"boot=live components console=ttyS0 hostname={{ host.name }}\"\n",
    keep: false,
};

fn configuration(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("http-configuration")?;
    arena.file("rescue/linux", 4096)?;
    arena.file("rescue/initrd", 4096)?;
    // What ours writes has about this many bytes.
    arena.file("small", 1024)?;
    let contestants = [arena.ours(RESCUE), peer::nginx(&arena)];
    let outcome = ask(
        bench,
        &arena,
        Wrk::whole("pxelinux.cfg/01-52-54-00-00-00-01"),
        Wrk::whole("small"),
        &contestants,
    )?;
    Ok(judge(outcome, 1.0))
}
