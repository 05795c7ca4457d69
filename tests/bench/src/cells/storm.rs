//! A machine room that gets its power back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nextboot_tests::binary;
use serde_json::Value;

use crate::arena::{Arena, Site};
use crate::cell::{Bench, Cell};
use crate::cores::Cores;
use crate::load::Load;
use crate::outcome::{Bound, Outcome, Standing, brief};
use crate::peer;

/// The cells of this file.
pub const CELLS: &[Cell] = &[Cell {
    name: "storm",
    what: "10,000 machines boot: DHCP, loader and configuration for all, 64 MiB of kernel and initrd by HTTP for 32",
    run: storm,
}];

/// The server's address in a network that has room for all of them.
pub(crate) const SERVER: &str = "10.78.0.1";

/// Most machines of a room are BIOS or UEFI, some have iPXE in ROM.
const MIX: &str = "bios=60,uefi=30,ipxe=10";
/// Faster than any of the contestants can serve on one core, and not more at a time than they allow: with all at once, those
/// that wait the longest lose their patience, and what is measured are the time-outs of boot ROMs.
const RATE: &str = "1000";
const AT_ONCE: &str = "3000";
/// How long a storm may take, seconds. Those that have not booted by then are not waited for: where a server falls behind,
/// its machines lose their patience and begin again, for ever.
const LIMIT: &str = "180";
/// The table of neighbours of the kernel has room for 1,024 by default, which is less than a room.
const NEIGHBOURS: &str = "/proc/sys/net/ipv4/neigh/default/";

const DHCP: &str =
    "mode = \"server\"\n\n[[dhcp.subnet]]\nnetwork = \"10.78.0.0/16\"\npool = \"10.78.16.0-10.78.79.255\"";
const BOOT: &str = r#"[boot]
unknown = "profile:storm"
secure_boot = "never"

[boot.loaders]
bios = "lpxelinux.0"
ipxe-bios = "script"

[profiles.storm]
class = "live"
kernel = "http://10.78.0.1:8080/room/linux"
initrd = ["http://10.78.0.1:8080/room/initrd"]
args = "quiet"
"#;

fn storm(bench: &Bench) -> Result<Outcome> {
    let arena = Arena::new("storm")?;
    let hosts = bench.size(10_000, 40);
    let sample = bench.size(32, 4);
    let _room = Neighbours::of(16_384)?;
    arena.lab.namespace().ip(&["address", "add", &format!("{SERVER}/16"), "dev", "br0"])?;
    let statics = arena.lab.dir().join("static");
    fill(&arena, bench, &statics, hosts)?;
    // One storm takes minutes where a server cannot keep up.
    let rounds = Bench { rounds: bench.rounds.min(2), ..*bench };
    let contestants = [
        arena.ours(Site { dhcp: DHCP, more: BOOT, ..Site::default() }),
        peer::dnsmasq_and_nginx(&arena, &statics),
    ];
    let mut outcome =
        rounds.compare("machine", &contestants, Cores::ONE_EACH, |_| simulate(&arena, hosts, sample))?;
    outcome.rate(peer::DNSMASQ_AND_NGINX, Bound::AtLeast(1.0));
    let lost = outcome.ours().map_or(0, Standing::errors);
    outcome.value("not booted", "machines", Bound::AtMost(0.0), lost as f64);
    let shares = outcome.standings.iter().filter_map(|standing| {
        let share = standing.told("simulator_share")? * 100.0;
        Some(format!("{} % of its core against {}", brief(share), standing.name))
    });
    let shares: Vec<_> = shares.collect();
    outcome.note(format!("the simulator itself was busy for {}", shares.join(", ")));
    Ok(outcome)
}

/// The same loaders, kernel and initrd for both, and for the peer a configuration for each machine.
fn fill(arena: &Arena, bench: &Bench, statics: &Path, hosts: u32) -> Result<()> {
    arena.file("room/linux", bench.size(16 << 20, 64 << 10))?;
    arena.file("room/initrd", bench.size(48 << 20, 64 << 10))?;
    for (from, name) in [
        ("/usr/lib/PXELINUX/lpxelinux.0", "lpxelinux.0"),
        ("/usr/lib/syslinux/modules/bios/ldlinux.c32", "ldlinux.c32"),
        ("/usr/lib/ipxe/snponly.efi", "snponly.efi"),
    ] {
        fs::copy(from, arena.tree().join(name)).with_context(|| from.to_owned())?;
    }
    let configurations = statics.join("pxelinux.cfg");
    fs::create_dir_all(&configurations)?;
    fs::create_dir_all(statics.join("room"))?;
    for name in ["room/linux", "room/initrd", "lpxelinux.0", "ldlinux.c32", "snponly.efi"] {
        fs::hard_link(arena.tree().join(name), statics.join(name))?;
    }
    let (linux, initrd) =
        (format!("http://{SERVER}:8080/room/linux"), format!("http://{SERVER}:8080/room/initrd"));
    let pxelinux = format!("DEFAULT storm\nLABEL storm\n  KERNEL {linux}\n  APPEND initrd={initrd} quiet\n");
    for number in 0..hosts {
        let [_, a, b, c] = number.to_be_bytes();
        fs::write(configurations.join(format!("01-02-6e-62-{a:02x}-{b:02x}-{c:02x}")), &pxelinux)?;
    }
    let ipxe = format!("#!ipxe\nkernel {linux} quiet\ninitrd {initrd}\nboot\n");
    fs::write(statics.join("boot.ipxe"), ipxe)?;
    Ok(())
}

/// One storm, of a program of its own on a port of the bridge.
fn simulate(arena: &Arena, hosts: u32, sample: u32) -> Result<Load> {
    let port = arena.lab.plug()?;
    let (hosts, sample) = (hosts.to_string(), sample.to_string());
    let output = port
        .command("timeout")
        .args(["--signal=INT", LIMIT, &binary()?.to_string_lossy()])
        .args(["simulate", "--json", "--interface", "eth0", "--hosts", &hosts, "--kernel-sample", &sample])
        .args(["--mix", MIX, "--rate", RATE, "--concurrency", AT_ONCE, "--seed", "1", "--keep-leases"])
        .output()
        .context("nextboot simulate")?;
    let words = || String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).with_context(words)?;
    let number = |value: &Value| value.as_f64().context("an odd report of nextboot simulate");
    let seconds = number(&report["seconds"])?;
    let booted = report["booted"].as_u64().context("an odd report of nextboot simulate")?;
    let missing = report["hosts"].as_u64().unwrap_or_default() - booted;
    if missing > 0 {
        println!("{missing} machines had not booted after {seconds:.0} s: {:#}", report["failures"]);
    }
    Ok(Load {
        errors: missing,
        more: vec![
            ("simulator_share", number(&report["cpu_seconds"])? / seconds),
            ("boot_p50_ms", number(&report["whole"]["p50_ms"])?),
            ("boot_p99_ms", number(&report["whole"]["p99_ms"])?),
            ("boot_max_ms", number(&report["whole"]["max_ms"])?),
            ("retransmissions", number(&report["retransmissions"])?),
        ],
        ..Load::of(booted, Duration::from_secs_f64(seconds))
    })
}

/// Another size for the kernel's table of neighbours, until it is dropped. It is one table for all namespaces.
#[derive(Debug)]
struct Neighbours(Vec<(String, String)>);

impl Neighbours {
    fn of(size: u32) -> Result<Self> {
        let mut before = Self(Vec::new());
        // The largest first: the kernel wants them in their order.
        for (name, size) in [("gc_thresh3", size), ("gc_thresh2", size), ("gc_thresh1", size)] {
            let path = format!("{NEIGHBOURS}{name}");
            before.0.push((path.clone(), fs::read_to_string(&path).with_context(|| path.clone())?));
            fs::write(&path, size.to_string()).with_context(|| path.clone())?;
        }
        Ok(before)
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        for (path, before) in self.0.iter().rev() {
            if let Err(error) = fs::write(path, before.trim()) {
                eprintln!("{path} stays changed: {error}");
            }
        }
    }
}
