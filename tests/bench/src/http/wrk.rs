use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::arena::Arena;
use crate::load::Load;
use crate::stats::Latencies;

/// How long one run takes.
const RUN: Duration = Duration::from_secs(3);

/// Debian's wrk: 32 connections on which one request follows the other.
#[derive(Debug, Clone, Copy)]
pub struct Wrk<'a> {
    /// The path of the file.
    pub path: &'a str,
    /// For reads of 4 KiB at random offsets: how many of those the file has.
    pub blocks: Option<u64>,
    /// How long it asks.
    pub time: Duration,
}

impl<'a> Wrk<'a> {
    /// The whole file, again and again.
    #[must_use]
    pub fn whole(path: &'a str) -> Self {
        Self { path, blocks: None, time: RUN }
    }

    /// Asks the server at this port. A unit is a request.
    ///
    /// # Errors
    /// When wrk fails, or says what nobody understands.
    pub fn run(&self, arena: &Arena, port: u16) -> Result<Load> {
        let address = format!("http://{}:{port}/{}", nextboot_tests::SERVER, self.path);
        let time = format!("-d{}s", self.time.as_secs().max(1));
        let script = arena.lab.dir().join("range.lua");
        let mut args = vec!["-t1", "-c32", &time, "--latency"];
        if let Some(blocks) = self.blocks {
            fs::write(&script, random_ranges(blocks))?;
            args.extend(["-s", arena.word(&script)?]);
        }
        args.push(&address);
        read(&arena.lab.namespace().run("wrk", &args)?)
    }
}

fn random_ranges(blocks: u64) -> String {
    format!(
        "math.randomseed(1)\n\
         request = function()\n\
         \x20 local first = math.random(0, {}) * 4096\n\
         \x20 wrk.headers[\"Range\"] = \"bytes=\" .. first .. \"-\" .. (first + 4095)\n\
         \x20 return wrk.format(\"GET\")\n\
         end\n",
        blocks - 1
    )
}

/// Reads what wrk says.
fn read(text: &str) -> Result<Load> {
    let lines = || text.lines().map(str::trim);
    let (units, elapsed) = lines()
        .find_map(|line| line.split_once(" requests in "))
        .with_context(|| format!("no count of requests in {text}"))?;
    let elapsed =
        elapsed.split(',').next().and_then(duration).with_context(|| format!("no time in {text}"))?;
    let part = |part: &str| {
        let line = lines().find(|line| line.starts_with(part) && line.split_whitespace().count() == 2)?;
        duration(line.split_whitespace().nth(1)?)
    };
    let p50 = part("50%").with_context(|| format!("no latency in {text}"))?;
    let p99 = part("99%").with_context(|| format!("no latency in {text}"))?;
    let bad: u64 = lines()
        .filter_map(|line| line.strip_prefix("Non-2xx or 3xx responses: "))
        .filter_map(|count| count.parse::<u64>().ok())
        .sum();
    let broken = lines().find_map(|line| line.strip_prefix("Socket errors: "));
    ensure!(broken.is_none(), "{broken:?}");
    Ok(Load {
        errors: bad,
        latencies: Latencies::said(p50, p99),
        more: vec![("p50 ms", p50.as_micros() as f64 / 1e3), ("p99 ms", p99.as_micros() as f64 / 1e3)],
        ..Load::of(units.parse()?, elapsed)
    })
}

/// `431.00us`, `1.39ms`, `2.00s`, `1.50m`.
fn duration(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match text.get(number.len()..)? {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What wrk 4.1.0 says.
    const SAID: &str = "Running 2s test @ http://10.66.0.1:8081/small\n  1 threads and 32 connections\n  \
        Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency     6.09ms    8.17ms 103.85ms   89.88%\n    \
        Req/Sec     7.69k     5.19k   17.51k    53.33%\n  Latency Distribution\n     50%  341.00us\n     75%    1.41ms\n     \
        90%   15.28ms\n     99%   35.28ms\n  45948 requests in 6.01s, 458.26MB read\nRequests/sec:   7642.23\n\
        Transfer/sec:     76.22MB\n";

    #[test]
    fn what_wrk_says_is_understood() {
        let load = read(SAID).unwrap();
        assert_eq!((load.units, load.elapsed, load.errors), (45_948, Duration::from_millis(6010), 0));
        assert_eq!(load.more, [("p50 ms", 0.341), ("p99 ms", 35.28)]);
        assert_eq!(read(&format!("{SAID}  Non-2xx or 3xx responses: 7\n")).unwrap().errors, 7);
        assert!(read(&SAID.replace("requests in", "replies in")).is_err());
        assert!(read(&format!("{SAID}  Socket errors: connect 0, read 3, write 0, timeout 0\n")).is_err());
    }
}
