use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use nextboot_firmware::Stage;
use serde::Serialize;

use crate::crowd::Count;
use crate::tally::Tally;

/// As many reasons are listed; who wants all of them takes the JSON.
const MOST_REASONS: usize = 20;

/// What became of all machines.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// How many there were.
    pub hosts: usize,
    /// How many booted.
    pub booted: usize,
    /// How many did not.
    pub failed: usize,
    /// How many had no end yet, or were never switched on, when somebody stopped it.
    pub unfinished: usize,
    /// What runs on those that booted: `kernel`; `installed`, an installer came to its end; `configured`, it was not in the
    /// sample and stopped before its kernel; `disk`; `program`, another network boot program.
    pub runs: BTreeMap<&'static str, usize>,
    /// What the machines' random numbers began with.
    pub seed: u64,
    /// From the first power-on to the last end.
    pub seconds: f64,
    /// CPU time of the simulator itself: where it is near `seconds`, the simulator was what was slow.
    pub cpu_seconds: f64,
    /// What each stage took, over all machines that were in it.
    pub stages: Vec<Times>,
    /// From power-on to the end, over those that booted.
    pub whole: Times,
    /// Why machines did not boot, the most frequent first.
    pub failures: Vec<Failure>,
    /// How many packets machines sent again because no answer came.
    pub retransmissions: u64,
    /// How many machines had to.
    pub retransmitting: usize,
    /// Bytes of all files that were fetched.
    pub bytes: u64,
    /// Frames that machines sent and got.
    pub frames: Frames,
}

/// Frames on the wire.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Frames {
    /// Sent by machines.
    pub sent: u64,
    /// Received for machines, or by broadcast.
    pub received: u64,
}

/// How long something took.
#[derive(Debug, Clone, Serialize)]
pub struct Times {
    /// Which stage.
    pub stage: String,
    /// How many machines.
    pub machines: usize,
    /// Half of them took at most so long.
    pub p50_ms: f64,
    /// 99 of 100 did.
    pub p99_ms: f64,
    /// All did.
    pub max_ms: f64,
}

/// A reason not to boot.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// In the words of the firmware or the loader; `MAC` and `ADDRESS` are each machine's own.
    pub reason: String,
    /// How many machines.
    pub machines: usize,
    /// And of which kinds.
    pub kinds: BTreeMap<&'static str, usize>,
}

impl Report {
    pub(crate) fn new(
        count: Count,
        tally: &Tally,
        seed: u64,
        took: Duration,
        cpu_seconds: f64,
        frames: Frames,
    ) -> Self {
        let stages = Stage::ALL.iter().zip(&tally.stages).filter(|(_, times)| !times.is_empty());
        let mut failures: Vec<_> = tally
            .failures
            .iter()
            .map(|(reason, kinds)| Failure {
                reason: reason.clone(),
                machines: kinds.values().sum(),
                kinds: kinds.clone(),
            })
            .collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.machines));
        Self {
            hosts: count.all,
            booted: count.booted,
            failed: count.failed,
            unfinished: count.all - count.booted - count.failed,
            runs: tally.booted.clone(),
            seed,
            seconds: took.as_secs_f64(),
            cpu_seconds,
            stages: stages.map(|(stage, times)| Times::of(&stage.to_string(), times)).collect(),
            whole: Times::of("whole boot", &tally.whole),
            failures,
            retransmissions: tally.repeats,
            retransmitting: tally.repeaters,
            bytes: tally.bytes,
            frames,
        }
    }

    /// Nobody failed and nobody is missing.
    #[must_use]
    pub fn all_booted(&self) -> bool {
        self.booted == self.hosts
    }

    /// The report for programs.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Times {
    fn of(stage: &str, times: &[Duration]) -> Self {
        let mut times = times.to_vec();
        times.sort_unstable();
        // The nearest rank.
        let at = |hundredths: usize| {
            let rank = (times.len() * hundredths).div_ceil(100).max(1);
            times.get(rank - 1).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        Self {
            stage: stage.to_owned(),
            machines: times.len(),
            p50_ms: at(50),
            p99_ms: at(99),
            max_ms: at(100),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hosts, booted, failed, unfinished, seconds, .. } = self;
        write!(out, "{hosts} machines in {seconds:.1} s: {booted} booted, {failed} failed")?;
        if *unfinished > 0 {
            write!(out, ", {unfinished} had no end yet")?;
        }
        writeln!(out)?;
        for (name, count) in &self.runs {
            writeln!(out, "  {count} {}", words(name))?;
        }
        writeln!(out, "\n{:<14}{:>9}{:>12}{:>12}{:>12}", "STAGE", "MACHINES", "P50", "P99", "MAX")?;
        for times in self.stages.iter().chain([&self.whole]) {
            let Times { stage, machines, p50_ms, p99_ms, max_ms } = times;
            let [p50, p99, max] = [p50_ms, p99_ms, max_ms].map(|time| milliseconds(*time));
            writeln!(out, "{stage:<14}{machines:>9}{p50:>12}{p99:>12}{max:>12}")?;
        }
        writeln!(out, "\nretransmissions: {}, by {} machines", self.retransmissions, self.retransmitting)?;
        let Frames { sent, received } = self.frames;
        let mib = self.bytes as f64 / f64::from(1 << 20);
        let seed = self.seed;
        writeln!(out, "fetched {mib:.1} MiB; {sent} frames sent, {received} received; --seed {seed}")?;
        let share = self.cpu_seconds / seconds.max(0.001) * 100.0;
        write!(out, "the simulator took {:.1} s of CPU time, {share:.0} % of one core", self.cpu_seconds)?;
        if share > 80.0 {
            write!(out, ": it may be what was slow")?;
        }
        if !self.failures.is_empty() {
            writeln!(out, "\n\n{:>9}  REASON", "MACHINES")?;
        }
        for Failure { reason, machines, kinds } in self.failures.iter().take(MOST_REASONS) {
            let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            writeln!(out, "{machines:>9}  {} ({})", plain(reason), kinds.join(", "))?;
        }
        if let Some(rest) = self.failures.get(MOST_REASONS..).filter(|rest| !rest.is_empty()) {
            let machines: usize = rest.iter().map(|failure| failure.machines).sum();
            writeln!(out, "{machines:>9}  {} more reasons; --json has all", rest.len())?;
        }
        Ok(())
    }
}

fn milliseconds(time: f64) -> String {
    if time < 10_000.0 { format!("{time:.1} ms") } else { format!("{:.1} s", time / 1000.0) }
}

fn words(name: &str) -> &str {
    match name {
        "kernel" => "run their kernel",
        "installed" => "ran an installer to its end",
        "configured" => "read their configuration and stopped before their kernel (--kernel-sample)",
        "disk" => "booted their own disk",
        "program" => "run another network boot program",
        other => other,
    }
}

/// A server's words without what could move a terminal's cursor or colour it.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_some_machine_took() {
        let times: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        let times = Times::of("dhcp", &times);
        assert_eq!((times.p50_ms, times.p99_ms, times.max_ms), (100.0, 198.0, 200.0));
        let one = Times::of("dhcp", &[Duration::from_millis(7)]);
        assert_eq!((one.p50_ms, one.p99_ms, one.max_ms), (7.0, 7.0, 7.0));
        assert_eq!(Times::of("dhcp", &[]).max_ms, 0.0);
    }
}
