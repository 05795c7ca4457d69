//! DHCP.

use std::time::Duration;

use anyhow::Result;

use crate::arena::{Arena, Site};
use crate::cell::{Bench, Cell};
use crate::compare::Contestant;
use crate::cores::Cores;
use crate::dhcp::{Perfdhcp, Rack, Says};
use crate::outcome::{Bound, Outcome, Sample};
use crate::{machine, peer};

/// The cells of this file.
pub const CELLS: &[Cell] = &[
    Cell {
        name: "dhcp-many",
        what: "DHCP: discover, offer, request, ack; 60,000 new clients, 128 at a time, as fast as they are answered",
        run: |bench| saturated("dhcp-many", bench, Says::Plain),
    },
    Cell {
        name: "dhcp-pxe",
        what: "The same by UEFI firmware that boots by PXE",
        run: |bench| saturated("dhcp-pxe", bench, Says::Pxe),
    },
    Cell {
        name: "dhcp-rate",
        what: "DHCP by perfdhcp, 20,000 exchanges a second; 10,000 clients",
        run: rate,
    },
    Cell { name: "dhcp-wait", what: "DHCP at 500 exchanges a second: how long a client waits", run: wait },
];

/// Leases are durable before the ACK, the addresses are those of the generator's network.
const SITE: Site = Site {
    dhcp: "mode = \"server\"\nprobe_at_start = false\nlease_time = \"1h\"\n\n\
           [[dhcp.subnet]]\nnetwork = \"10.78.0.0/16\"\npool = [\"10.78.4.0-10.78.250.255\"]",
    tftp: "",
    http: "",
    more: "[boot]\nunknown = \"profile:rescue\"\n\n[profiles.rescue]\nclass = \"live\"\nkernel = \"linux\"",
    keep: false,
};

fn dropped(sample: &Sample) -> f64 {
    sample.load.more.iter().find(|(name, _)| *name == "dropped").map_or(0.0, |(_, part)| *part)
}

fn p99(sample: &Sample) -> f64 {
    sample.load.latencies.percentile(0.99).unwrap_or_default().as_secs_f64()
}

fn contestants(arena: &Arena) -> [Contestant<'_>; 3] {
    [arena.ours(SITE), peer::kea(arena), peer::dnsmasq_dhcp(arena)]
}

/// The same is asked of everybody, whoever asks the servers.
fn judge(outcome: &mut Outcome) {
    outcome.rate("kea", Bound::AtLeast(2.0));
    outcome.rate("dnsmasq", Bound::AtLeast(1.0));
    outcome.cpu("kea", Bound::AtMost(0.5));
    let ratio = outcome.ratio("kea", p99);
    outcome.judge_ratio("p99", "kea", Bound::AtMost(1.0), ratio);
    for peer in ["kea", "dnsmasq"] {
        // A server that drops nothing at all leaves nothing to divide by.
        let ratio = outcome.ratio(peer, |sample| dropped(sample).max(1e-4));
        outcome.judge_ratio("dropped", peer, Bound::AtMost(1.0), ratio);
    }
    outcome.tell_how_busy();
}

fn saturated(cell: &str, bench: &Bench, says: Says) -> Result<Outcome> {
    let arena = Arena::new(cell)?;
    let rack = Rack::new(&arena, says, Duration::from_secs(bench.size(5, 1)))?;
    let mut outcome = bench.compare("exchange", &contestants(&arena), Cores::ONE_EACH, |_| rack.run())?;
    judge(&mut outcome);
    Ok(outcome)
}

fn rate(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("dhcp-rate")?;
    let clients = Perfdhcp::new(&arena, bench.size(20_000, 500), bench.size(5, 1))?;
    let mut outcome = bench.compare("exchange", &contestants(&arena), Cores::ONE_EACH, |_| clients.run())?;
    judge(&mut outcome);
    outcome.note(
        "perfdhcp is the limit here when its core is busy; what it drops is lost in its own receive buffer",
    );
    Ok(outcome)
}

fn wait(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("dhcp-wait")?;
    let clients = Perfdhcp::new(&arena, bench.size(500, 100), bench.size(5, 1))?;
    let contestants = [arena.ours(SITE), peer::kea(&arena)];
    let mut outcome = bench.compare("exchange", &contestants, Cores::ONE_EACH, |_| clients.run())?;
    let ratio = outcome.ratio("kea", p99);
    outcome.judge_ratio("p99", "kea", Bound::AtMost(1.0), ratio);
    let syncs = machine::syncs(arena.lab.dir(), bench.size(1000, 20), Duration::from_millis(2))?;
    let (half, most) = (syncs.percentile(0.5), syncs.percentile(0.99));
    outcome.note(format!(
        "to make 4 KiB durable takes {:.2} ms on this disk, p99 {:.2} ms; nextboot does that before each ACK, kea does not",
        half.unwrap_or_default().as_secs_f64() * 1e3,
        most.unwrap_or_default().as_secs_f64() * 1e3
    ));
    Ok(outcome)
}
