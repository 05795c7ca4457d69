//! DHCP.

use anyhow::Result;

use crate::arena::{Arena, Site};
use crate::cell::{Bench, Cell};
use crate::cores::Cores;
use crate::dhcp::{Clients, PXE};
use crate::outcome::{Bound, Outcome, Sample};
use crate::peer;

/// The cells of this file.
pub const CELLS: &[Cell] = &[
    Cell {
        name: "dhcp-many",
        what: "DHCP: discover, offer, request, ack; 10,000 clients, more than any server answers",
        run: |bench| saturated("dhcp-many", bench, &[]),
    },
    Cell {
        name: "dhcp-pxe",
        what: "The same by UEFI firmware that boots by PXE",
        run: |bench| saturated("dhcp-pxe", bench, PXE),
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

fn saturated(cell: &str, bench: &Bench, says: &'static [&'static str]) -> Result<Outcome> {
    let arena = Arena::new(cell)?;
    let clients = Clients::new(&arena, bench.size(20_000, 500), bench.size(5, 1), says)?;
    let contestants = [arena.ours(SITE), peer::kea(&arena), peer::dnsmasq_dhcp(&arena)];
    let mut outcome = bench.compare("exchange", &contestants, Cores::ONE_EACH, |_| clients.run())?;
    outcome.rate("kea", Bound::AtLeast(2.0));
    outcome.rate("dnsmasq", Bound::AtLeast(1.0));
    outcome.cpu("kea", Bound::AtMost(0.5));
    for peer in ["kea", "dnsmasq"] {
        // A server that drops nothing at all leaves nothing to divide by.
        let ratio = outcome.ratio(peer, |sample| dropped(sample).max(1e-4));
        outcome.judge_ratio("dropped", peer, Bound::AtMost(1.0), ratio);
    }
    Ok(outcome)
}

fn wait(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("dhcp-wait")?;
    let clients = Clients::new(&arena, bench.size(500, 100), bench.size(5, 1), &[])?;
    let contestants = [arena.ours(SITE), peer::kea(&arena)];
    let mut outcome = bench.compare("exchange", &contestants, Cores::ONE_EACH, |_| clients.run())?;
    let p99 = |sample: &Sample| sample.load.latencies.percentile(0.99).unwrap_or_default().as_secs_f64();
    let ratio = outcome.ratio("kea", p99);
    outcome.judge_ratio("p99", "kea", Bound::AtMost(1.0), ratio);
    Ok(outcome)
}
