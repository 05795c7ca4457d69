//! The table of hosts: how fast it changes, how soon that is seen, and what its size costs.

use std::path::PathBuf;

use anyhow::Result;

use crate::arena::{Arena, Site};
use crate::cell::{Bench, Cell};
use crate::compare::{Contestant, Running};
use crate::cores::Cores;
use crate::dhcp::Perfdhcp;
use crate::load::Load;
use crate::outcome::{Bound, Outcome, Sample};
use crate::state::{Flips, PROFILES, add_hosts, lists, reads};

/// The cells of this file.
pub const CELLS: &[Cell] = &[
    Cell { name: "state-flips", what: "32 callers flip hosts to another profile, durably", run: flips },
    Cell {
        name: "state-seen",
        what: "Flips under load, each read by TFTP as soon as it is acknowledged",
        run: seen,
    },
    Cell {
        name: "hosts-dhcp",
        what: "DHCP with 100 and with 100,000 hosts in the table",
        run: |bench| sizes(bench, "hosts-dhcp", "exchange", &|site, _| site.clients.run()),
    },
    Cell {
        name: "hosts-tftp",
        what: "Loader configurations by TFTP with 100 and with 100,000 hosts in the table",
        run: |bench| {
            sizes(bench, "hosts-tftp", "read", &|site, bench| reads(&site.arena, bench.size(2000, 50)))
        },
    },
    Cell {
        name: "hosts-list",
        what: "Pages of the API's list with 100 and with 100,000 hosts in the table",
        run: |bench| {
            sizes(bench, "hosts-list", "page", &|site, bench| lists(&site.socket(), bench.size(200, 5)))
        },
    },
];

/// Most memory with 100,000 hosts, in MiB.
const MEMORY: f64 = 150.0;

fn site(keep: bool) -> Site {
    Site {
        dhcp: "mode = \"server\"\nprobe_at_start = false\nlease_time = \"1h\"\n\n\
               [[dhcp.subnet]]\nnetwork = \"10.78.0.0/16\"\npool = [\"10.78.4.0-10.78.250.255\"]",
        more: PROFILES,
        keep,
        ..Site::default()
    }
}

fn socket(arena: &Arena) -> PathBuf {
    arena.lab.scratch().join("api.sock")
}

/// Hosts in the arena's database; what is measured starts with them.
fn with_hosts(arena: &Arena, hosts: usize) -> Result<()> {
    let running = arena.ours(site(false)).start(Cores::BOTH.server)?;
    add_hosts(&socket(arena), hosts)?;
    drop(running);
    Ok(())
}

fn flips(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("state-flips")?;
    let flips = Flips {
        socket: socket(&arena),
        writers: 32,
        hosts: bench.size(3200, 320),
        flips: bench.size(1000, 20),
        look: false,
    };
    with_hosts(&arena, flips.hosts)?;
    let mut outcome =
        bench.compare("flip", &[arena.ours(site(true))], Cores::ONE_EACH, |_| flips.run(&arena))?;
    let rate = outcome.ours().and_then(|ours| ours.spread(Sample::rate)).map_or(0.0, |rate| rate.median);
    outcome.value("flips per second", "", Bound::AtLeast(5000.0), rate);
    Ok(outcome)
}

fn seen(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("state-seen")?;
    let flips =
        Flips { socket: socket(&arena), writers: 16, hosts: 160, flips: bench.size(500, 10), look: true };
    with_hosts(&arena, flips.hosts)?;
    let mut outcome = bench.compare("flip", &[arena.ours(site(true))], Cores::BOTH, |_| flips.run(&arena))?;
    let stale = outcome.ours().map_or(0, |ours| ours.errors());
    outcome.value("stale reads", "", Bound::AtMost(0.0), stale as f64);
    Ok(outcome)
}

/// One size of the table.
struct Sized {
    arena: Arena,
    clients: Perfdhcp,
}

impl Sized {
    fn new(cell: &str, size: &str, hosts: usize, bench: &Bench) -> Result<Self> {
        let arena = Arena::new(&format!("{cell}-{size}"))?;
        let clients = Perfdhcp::new(&arena, bench.size(2000, 200), bench.size(4, 1))?;
        with_hosts(&arena, hosts)?;
        Ok(Self { arena, clients })
    }

    fn socket(&self) -> PathBuf {
        socket(&self.arena)
    }
}

type Work<'w> = &'w (dyn Fn(&Sized, &Bench) -> Result<Load> + Sync);

fn sizes(bench: &Bench, cell: &str, unit: &'static str, work: Work<'_>) -> Result<Outcome> {
    const FEW: &str = "100 hosts";
    let few = Sized::new(cell, "few", 100, bench)?;
    let many = Sized::new(cell, "many", bench.size(100_000, 1000), bench)?;
    let contestants = [many.arena.ours(site(true)), few.arena.ours_as(FEW, site(true))];
    let load = |running: &Running| {
        let ours = running.name == Contestant::OURS;
        work(if ours { &many } else { &few }, bench)
    };
    let mut outcome = bench.compare(unit, &contestants, Cores::ONE_EACH, load)?;
    outcome.rate(FEW, Bound::AtLeast(0.9));
    outcome.cpu(FEW, Bound::AtMost(1.1));
    let peak = outcome.ours().and_then(|ours| ours.spread(|sample| sample.peak_kib as f64 / 1024.0));
    outcome.value("memory", "MiB", Bound::AtMost(MEMORY), peak.map_or(0.0, |peak| peak.most));
    outcome.note("nextboot has 100,000 hosts in its table here");
    Ok(outcome)
}
