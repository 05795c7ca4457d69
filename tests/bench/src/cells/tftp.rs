//! TFTP. Everything runs over the loopback of a namespace: what is left is the servers' own work.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::account::forget_peak;
use crate::arena::{Arena, Site};
use crate::cell::{Bench, Cell};
use crate::compare::Contestant;
use crate::cores::Cores;
use crate::outcome::{Bound, Outcome, Sample};
use crate::peer;
use crate::stats::Spread;
use crate::tftp::{Crowd, Drop};

/// The cells of this file.
pub const CELLS: &[Cell] = &[
    Cell { name: "tftp-lockstep", what: "TFTP in lockstep, blocks of 1468 bytes, 64 clients", run: lockstep },
    Cell {
        name: "tftp-window4",
        what: "TFTP with windows of 4 blocks (what UEFI asks for), 64 clients",
        run: window4,
    },
    Cell { name: "tftp-window64", what: "TFTP with windows of 64 blocks, one client", run: window64 },
    Cell { name: "tftp-thousand", what: "TFTP in lockstep, 1,000 clients at once, two cores", run: thousand },
    Cell { name: "tftp-memory", what: "TFTP: memory of a transfer, and of one file for many", run: memory },
    Cell {
        name: "tftp-one-lost",
        what: "TFTP: what one lost packet costs, windows of 16 blocks, round trip 20 ms",
        run: one_lost,
    },
    Cell {
        name: "tftp-loss",
        what: "TFTP with 1 % loss each way, windows of 16 blocks, round trip 1 ms, 16 clients",
        run: loss,
    },
    Cell {
        name: "tftp-acks-twice",
        what: "TFTP when every ACK comes twice, windows of 4 blocks, 16 clients",
        run: acks_twice,
    },
];

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn lockstep(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("tftp-lockstep")?;
    let file = arena.file("file", bench.size(3 * MIB, 64 * KIB))?;
    let contestants = [
        arena.ours(Site::default()),
        peer::dnsmasq_tftp(&arena),
        peer::tftpd_hpa(&arena),
        peer::atftpd(&arena),
        peer::async_tftp(&arena),
        peer::rs_tftpd(&arena),
    ];
    let crowd = Crowd { clients: bench.size(64, 8), ..Crowd::new("file", &file) };
    let mut outcome = bench.compare("block", &contestants, Cores::ONE_EACH, |_| crowd.run(&arena))?;
    outcome.rate("dnsmasq", Bound::AtLeast(1.0));
    outcome.cpu("dnsmasq", Bound::AtMost(1.0));
    note_client(&mut outcome);
    Ok(outcome)
}

fn window4(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("tftp-window4")?;
    let file = arena.file("file", bench.size(5 * MIB, 64 * KIB))?;
    let contestants =
        [arena.ours(Site::default()), peer::atftpd(&arena), peer::async_tftp(&arena), peer::rs_tftpd(&arena)];
    let crowd = Crowd { clients: bench.size(64, 8), ..Crowd::new("file", &file).window(4) };
    let mut outcome = bench.compare("block", &contestants, Cores::ONE_EACH, |_| crowd.run(&arena))?;
    outcome.rate("atftpd", Bound::AtLeast(2.0));
    outcome.rate("async-tftp", Bound::AtLeast(2.0));
    note_client(&mut outcome);
    Ok(outcome)
}

fn window64(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("tftp-window64")?;
    let file = arena.file("file", bench.size(256 * MIB, MIB))?;
    let contestants = [
        arena.ours(Site::default()),
        peer::atftpd(&arena),
        peer::async_tftp(&arena),
        peer::rs_tftpd(&arena),
        peer::bare(&arena),
    ];
    let crowd = Crowd { clients: 1, ..Crowd::new("file", &file).window(64) };
    let mut outcome = bench.compare("block", &contestants, Cores::ONE_EACH, |_| crowd.run(&arena))?;
    outcome.rate("atftpd", Bound::AtLeast(2.0));
    let cpu = outcome.ours().and_then(|ours| ours.spread(Sample::cpu)).context("nothing measured")?;
    outcome.value("CPU per block", "us", Bound::AtMost(1.2), cpu.median);
    note_client(&mut outcome);
    outcome.note("bare is no server: it sends packets that lie in memory, and repeats none");
    Ok(outcome)
}

/// What one core can do is measured with server and clients on it, so that two cores are twice of the same.
const ON_ONE_CORE: &str = "nextboot, one core";

fn thousand(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("tftp-thousand")?;
    let file = arena.file("file", bench.size(512 * KIB, 16 * KIB))?;
    let contestants = [
        arena.ours(Site::default()),
        arena.ours_as(ON_ONE_CORE, Site::default()).on(Cores::ONE),
        peer::dnsmasq_tftp(&arena),
    ];
    let crowd = Crowd { clients: bench.size(1000, 100), threads: 2, ..Crowd::new("file", &file) };
    let mut outcome = bench.compare("block", &contestants, Cores::BOTH, |_| crowd.run(&arena))?;
    let ours = outcome.ours().context("nothing measured")?;
    let silences = ours.told(Crowd::SILENCES).unwrap_or(f64::NAN);
    let unfair = ours.told(Crowd::UNFAIR).unwrap_or(f64::NAN);
    let scale = outcome.ratio(ON_ONE_CORE, Sample::rate);
    outcome.value("time-outs of clients (1 s)", "", Bound::AtMost(0.0), silences);
    outcome.value("slowest by fastest client", "", Bound::AtMost(1.5), unfair);
    outcome.judge_ratio("two cores: speed", "one core", Bound::AtLeast(1.5), scale);
    note_told(&mut outcome, Crowd::SILENCES, "time-outs of clients (1 s)");
    note_told(&mut outcome, Crowd::UNFAIR, "slowest by fastest client");
    Ok(outcome)
}

/// What a transfer that is the only difference costs, KiB: the peak under the load less what was there before, for each client.
fn memory(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("tftp-memory")?;
    let small = arena.file("small", bench.size(128 * KIB, 16 * KIB))?;
    let large = arena.file("large", bench.size(4 * MIB, MIB))?;
    let ours = arena.ours(Site::default());
    let many = bench.size(1000, 100);
    let lockstep = Crowd { clients: many, ..Crowd::new("small", &small) };
    let windowed = Crowd { clients: bench.size(256, 32), ..Crowd::new("large", &large).window(64) };
    let alone = Crowd { clients: 1, ..Crowd::new("large", &large).window(4) };
    let together = Crowd { clients: bench.size(64, 8), ..alone };
    let mut outcome = Outcome::new("block");
    let mut growth = |name: &str, crowd: &Crowd<'_>| -> Result<f64> {
        let mut each = Vec::new();
        for _ in 0..bench.rounds.min(3) {
            let mut running = ours.start(Cores::ONE_EACH.server)?;
            let before = forget_peak(running.pid)?;
            let sample = running.load(Cores::ONE_EACH, |_| crowd.run(&arena))?;
            each.push(sample.peak_kib.saturating_sub(before) as f64);
            outcome.add(name, sample);
        }
        Ok(Spread::of(each).context("nothing measured")?.median)
    };
    let per_lockstep = growth("nextboot, lockstep", &lockstep)? / lockstep.clients as f64;
    let per_windowed = growth("nextboot, window 64", &windowed)? / windowed.clients as f64;
    let one = growth("nextboot, one reader", &alone)?;
    let all = growth("nextboot, all readers", &together)?;
    let further = (all - one).max(0.0) / (together.clients - 1) as f64;
    let window = 64.0 * 1472.0 / 1024.0;
    outcome.value("each lockstep transfer", "KiB", Bound::AtMost(64.0), per_lockstep);
    outcome.value("each windowed transfer", "KiB", Bound::AtMost(window + 64.0), per_windowed);
    outcome.value("each further reader of a file", "KiB", Bound::AtMost(64.0), further);
    outcome.note(format!(
        "{many} lockstep and {} windowed clients; a file of {} MiB read by one and by {}",
        windowed.clients,
        large.len() / MIB,
        together.clients
    ));
    Ok(outcome)
}

/// Beside the round trip that sending again takes: a sender that hears nothing waits for two round trips from the last packet, one
/// more than an answer takes (RFC 8985 section 7.2 does so too), and a little for a busy client.
const GUARD: Duration = Duration::from_millis(30);

fn one_lost(bench: &Bench) -> Result<Outcome> {
    const WINDOW: u64 = 16;
    let arena = Arena::new("tftp-one-lost")?;
    // Eight windows and a block.
    let file = arena.file("file", 8 * WINDOW as usize * 1468 + 5)?;
    let round_trip = Duration::from_millis(20);
    let perfect = {
        let mut crowd = Crowd { clients: 1, round_trip, ..Crowd::new("file", &file).window(16) };
        // Whoever helps, it is not the client.
        crowd.wish.patience = Duration::from_secs(10);
        crowd
    };
    let third = 1 + 2 * WINDOW;
    let lost: &[(&'static str, Drop)] = &[
        ("OACK", Drop::OneHeard(0)),
        ("ACK of the OACK", Drop::OneSaid(1)),
        ("first block", Drop::OneHeard(1)),
        ("first block of a window", Drop::OneHeard(third)),
        ("second block of a window", Drop::OneHeard(third + 1)),
        ("middle of a window", Drop::OneHeard(third + WINDOW / 2)),
        ("last block of a window", Drop::OneHeard(third + WINDOW - 1)),
        ("last block of the file", Drop::OneHeard(1 + 8 * WINDOW)),
        ("ACK of a window", Drop::OneSaid(4)),
    ];
    let lost = if bench.quick { &lost[2..4] } else { lost };
    let ours = arena.ours(Site::default());
    let mut running = ours.start(Cores::ONE_EACH.server)?;
    let mut strangers = 0;
    let mut took = |drop: Drop, known: bool| -> Result<(f64, Vec<Sample>)> {
        let mut samples = Vec::new();
        for _ in 0..bench.rounds {
            strangers += usize::from(!known);
            let crowd = Crowd { drop, skip: if known { 0 } else { strangers }, ..perfect };
            samples.push(running.load(Cores::ONE_EACH, |_| crowd.run(&arena))?);
        }
        let times = samples.iter().map(|sample| sample.load.elapsed.as_secs_f64() * 1e3);
        Ok((Spread::of(times).context("nothing measured")?.median, samples))
    };
    let (whole, samples) = took(Drop::Nothing, true)?;
    let mut outcome = Outcome::new("block");
    for sample in samples {
        outcome.add(Contestant::OURS, sample);
    }
    let mut costs = Vec::new();
    for (what, drop) in lost {
        costs.push((what, took(*drop, true)?.0 - whole));
    }
    let greetings = if bench.quick { &[] } else { &lost[..2] };
    let mut strange = Vec::new();
    for (what, drop) in greetings {
        strange.push(format!("lost {what} {:.0} ms", took(*drop, false)?.0 - whole));
    }
    let bound = (round_trip + GUARD).as_secs_f64() * 1e3;
    for (what, cost) in costs {
        outcome.value(&format!("lost {what}: cost"), "ms", Bound::AtMost(bound), cost);
    }
    outcome.note(
        "the client's address had fetched before, so its round trip was known, as it is behind the size probe of UEFI",
    );
    if !strange.is_empty() {
        outcome.note(format!(
            "from an address never seen before, which is waited for a second: {}",
            strange.join(", ")
        ));
    }
    Ok(outcome)
}

fn loss(bench: &Bench) -> Result<Outcome> {
    const WITHOUT: &str = "nextboot, no loss";
    let arena = Arena::new("tftp-loss")?;
    let file = arena.file("file", bench.size(4 * MIB, 256 * KIB))?;
    let contestants = [arena.ours(Site::default()), arena.ours_as(WITHOUT, Site::default())];
    let perfect = Crowd {
        clients: bench.size(16, 4),
        round_trip: Duration::from_millis(1),
        ..Crowd::new("file", &file).window(16)
    };
    let bad = Crowd { drop: Drop::PerMille { per_mille: 10, seed: 7 }, ..perfect };
    let mut outcome = bench.compare("block", &contestants, Cores::ONE_EACH, |running| {
        let mut load = if running.name == WITHOUT { perfect.run(&arena)? } else { bad.run(&arena)? };
        // Not the unluckiest client alone: what all of them had.
        load.elapsed = load.latencies.mean().unwrap_or_default();
        Ok(load)
    })?;
    outcome.rate(WITHOUT, Bound::AtLeast(0.6));
    note_told(&mut outcome, Crowd::SILENCES, "time-outs of clients (1 s)");
    note_told(&mut outcome, Crowd::UNWANTED, "blocks that came again, by those wanted");
    Ok(outcome)
}

fn acks_twice(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("tftp-acks-twice")?;
    let file = arena.file("file", bench.size(4 * MIB, 64 * KIB))?;
    let contestants = [arena.ours(Site::default())];
    let crowd = Crowd { clients: bench.size(16, 4), twice: true, ..Crowd::new("file", &file).window(4) };
    let mut outcome = bench.compare("block", &contestants, Cores::ONE_EACH, |_| crowd.run(&arena))?;
    let again = outcome.ours().and_then(|ours| ours.told(Crowd::UNWANTED)).context("nothing measured")?;
    outcome.value("blocks sent by blocks wanted", "", Bound::AtMost(1.1), 1.0 + again);
    Ok(outcome)
}

/// What part of their core the clients used: near 1, the clients are what is measured.
fn note_client(outcome: &mut Outcome) {
    let part = |sample: &Sample| sample.clients.as_secs_f64() / sample.load.elapsed.as_secs_f64();
    let each: Vec<String> = outcome
        .standings
        .iter()
        .filter_map(|it| Some(format!("{} {:.0} %", it.name, it.spread(part)?.median * 100.0)))
        .collect();
    outcome.note(format!("the clients used of their core: {}", each.join(", ")));
}

fn note_told(outcome: &mut Outcome, name: &str, what: &str) {
    let each: Vec<String> = outcome
        .standings
        .iter()
        .filter_map(|it| Some(format!("{} {:.2}", it.name, it.told(name)?)))
        .collect();
    outcome.note(format!("{what}: {}", each.join(", ")));
}
