//! perfdhcp, Kea's load generator. It plays a relay with thousands of clients behind it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::Namespace;

use super::{SERVER, cable};
use crate::arena::Arena;
use crate::load::Load;
use crate::stats::Latencies;

/// Different clients.
const CLIENTS: &str = "10000";
/// How long answers are waited for after the last question, in microseconds. Later than a second is a drop in any case.
const LAST_ANSWERS: &str = "1000000";

/// Clients that each ask for an address, so many per second whether they are answered or not.
#[derive(Debug)]
pub struct Perfdhcp {
    side: Namespace,
    /// Exchanges that are begun per second.
    pub rate: u32,
    /// For so many seconds.
    pub seconds: u32,
}

impl Perfdhcp {
    /// On the arena's cable, which gets the network for it.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn new(arena: &Arena, rate: u32, seconds: u32) -> Result<Self> {
        Ok(Self { side: cable(arena)?, rate, seconds })
    }

    /// Runs them. A unit is an exchange with all its four packets; an error is a question without an answer within a second, of
    /// which `dropped` is the part.
    ///
    /// # Errors
    /// When perfdhcp does not start, or says something unexpected.
    pub fn run(&self) -> Result<Load> {
        let (rate, seconds) = (self.rate.to_string(), self.seconds.to_string());
        let output = self
            .side
            .command("perfdhcp")
            .args(["-4", "-l", "eth0", "-r", &rate, "-R", CLIENTS, "-p", &seconds])
            .args(["-W", LAST_ANSWERS, "-x", "t"])
            .arg(SERVER.to_string())
            .output()
            .context("perfdhcp")?;
        // It ends with 3 when there were drops.
        let text = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(matches!(output.status.code(), Some(0 | 3)), "perfdhcp: {}: {text}{said}", output.status);
        read(&text).with_context(|| format!("perfdhcp said {}", text.chars().take(2000).collect::<String>()))
    }
}

/// Reads the report.
fn read(report: &str) -> Result<Load> {
    let numbers = |what: &str| -> Vec<u64> {
        let lines = report.lines().filter_map(|line| line.strip_prefix(what));
        lines.filter_map(|number| number.trim().parse().ok()).collect()
    };
    let (sent, drops) = (numbers("sent packets:"), numbers("drops:"));
    let answered = numbers("received packets:");
    let acks = answered.get(1).copied().context("no count of the ACKs")?;
    let timers: Vec<(f64, f64)> = report.lines().filter_map(timer).collect();
    let first = timers.iter().map(|(sent, _)| *sent).fold(f64::MAX, f64::min);
    let last = timers.iter().map(|(_, received)| *received).fold(0.0, f64::max);
    ensure!(last > first, "nothing was answered");
    let waits = timers.iter().map(|(sent, received)| Duration::from_secs_f64((received - sent).max(0.0)));
    let (sent, dropped) = (sent.iter().sum::<u64>(), drops.iter().sum::<u64>());
    Ok(Load {
        latencies: Latencies::new(waits.collect()),
        errors: dropped,
        more: vec![("dropped", dropped as f64 / sent.max(1) as f64)],
        ..Load::of(acks, Duration::from_secs_f64(last - first))
    })
}

/// When a question was sent and answered, in seconds from the start.
fn timer(line: &str) -> Option<(f64, f64)> {
    let (sent, received) = line.strip_prefix("sent / received: ")?.split_once(" / ")?;
    Some((sent.trim().parse().ok()?, received.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
***Statistics for: DISCOVER-OFFER***
sent packets: 3
received packets: 2
drops: 1
***Statistics for: REQUEST-ACK***
sent packets: 2
received packets: 2
drops: 0
***Timestamps for packets: DISCOVER-OFFER***
sent / received: 000001.000000 / 000001.001000
sent / received: 000001.100000 / 000001.103000
***Timestamps for packets: REQUEST-ACK***
sent / received: 000001.002000 / 000001.004000
sent / received: 000001.104000 / 000003.000000
";

    #[test]
    fn a_report_is_exchanges_drops_and_waits() {
        let load = read(REPORT).unwrap();
        assert_eq!((load.units, load.errors), (2, 1));
        assert_eq!(load.more, [("dropped", 0.2)]);
        assert!((load.elapsed.as_secs_f64() - 2.0).abs() < 1e-6);
        let most = load.latencies.most().unwrap().as_secs_f64();
        assert!((most - 1.896).abs() < 1e-6, "{most}");
        assert!(read("sent packets: 3\n").is_err());
    }
}
