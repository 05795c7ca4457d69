//! The table, for people (Markdown) and for programs (JSON).

use std::fmt::Write;

use serde_json::{Value, json};

use crate::cell::Bench;
use crate::outcome::{Outcome, Sample, Standing, brief};

/// A cell that was run.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// What it found out, or why it could not.
    pub(crate) outcome: Result<Outcome, String>,
}

/// All that was run.
#[derive(Debug)]
pub(crate) struct Table {
    bench: Bench,
    /// What it ran on and beside whom.
    about: [String; 2],
    pub(crate) rows: Vec<Row>,
}

const HEAD: &str = "| cell | server | per second (spread) | CPU per unit | peak memory | p50 / p99 | errors | target: seen | met |\n\
                    |---|---|---|---|---|---|---|---|---|\n";

impl Table {
    pub(crate) fn new(bench: Bench, about: [String; 2]) -> Self {
        Self { bench, about, rows: Vec::new() }
    }

    /// Targets met, and all.
    pub(crate) fn score(&self) -> (usize, usize) {
        let judged = || {
            self.rows.iter().filter_map(|row| row.outcome.as_ref().ok()).flat_map(|outcome| &outcome.judged)
        };
        (judged().filter(|judged| judged.met).count(), judged().count())
    }

    /// Cells without a result.
    pub(crate) fn broken(&self) -> usize {
        self.rows.iter().filter(|row| row.outcome.is_err()).count()
    }

    pub(crate) fn markdown(&self) -> String {
        let [machine, peers] = &self.about;
        let mut text = format!("{machine}; {peers}; {} rounds.\n\n", self.bench.rounds);
        if self.bench.quick {
            text.push_str("A quick run: it shows that the bench works, and nothing about speed.\n\n");
        }
        text.push_str(HEAD);
        for row in &self.rows {
            text.push_str(&row.lines());
        }
        let notes = |row: &Row| {
            let notes = row.outcome.as_ref().map(|outcome| outcome.notes.clone()).unwrap_or_default();
            notes.into_iter().map(|note| format!("- {}: {note}\n", row.name)).collect::<String>()
        };
        let notes: String = self.rows.iter().map(notes).collect();
        if !notes.is_empty() {
            let _ = write!(text, "\n{notes}");
        }
        text
    }

    pub(crate) fn json(&self) -> String {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let value = json!({
            "quick": self.bench.quick,
            "rounds": self.bench.rounds,
            "about": self.about,
            "cells": rows,
        });
        format!("{value:#}\n")
    }
}

impl Row {
    /// The row as a table of its own.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{HEAD}{}", self.lines());
        for note in self.outcome.iter().flat_map(|outcome| &outcome.notes) {
            let _ = writeln!(text, "- {note}");
        }
        text
    }

    fn lines(&self) -> String {
        let outcome = match &self.outcome {
            Ok(outcome) => outcome,
            Err(why) => {
                let why = why.replace('\n', " ").replace('|', "/");
                return format!("| {} | | | | | | | not measured: {why} | |\n", self.name);
            }
        };
        let mut lines = String::new();
        let mut judged = outcome.judged.iter();
        let mut standings = outcome.standings.iter();
        let mut first = true;
        // Targets stand beside the contestants, from the top; where there are more of one than of the other, so be it.
        loop {
            let (standing, target) = (standings.next(), judged.next());
            if standing.is_none() && target.is_none() {
                break;
            }
            let name = if first { self.name } else { "" };
            first = false;
            let _ = write!(lines, "| {name} | ");
            lines.push_str(&standing.map_or_else(|| " | | | | | |".into(), |it| columns(it, outcome.unit)));
            let _ = match target {
                Some(it) => writeln!(
                    lines,
                    " {}: {} | {} |",
                    it.target,
                    it.seen,
                    if it.met { "yes" } else { "**no**" }
                ),
                None => writeln!(lines, " | |"),
            };
        }
        lines
    }

    fn json(&self) -> Value {
        let mut value = json!({ "name": self.name, "what": self.what });
        match &self.outcome {
            Err(why) => value["not_measured"] = json!(why),
            Ok(outcome) => {
                value["unit"] = json!(outcome.unit);
                value["contestants"] = outcome
                    .standings
                    .iter()
                    .map(|it| {
                        json!({
                            "name": it.name,
                            "per_second": it.spread(Sample::rate).map(|it| it.median),
                            "cpu_us_per_unit": it.spread(Sample::cpu).map(|it| it.median),
                            "peak_kib": it.spread(|sample| sample.peak_kib as f64).map(|it| it.median),
                            "errors": it.errors(),
                            "rounds": rounds(it),
                        })
                    })
                    .collect();
                value["targets"] = outcome
                    .judged
                    .iter()
                    .map(|it| json!({ "target": it.target, "seen": it.seen, "met": it.met }))
                    .collect();
                value["notes"] = json!(outcome.notes);
            }
        }
        value
    }
}

fn columns(standing: &Standing, unit: &str) -> String {
    let mut text = format!("{} | ", standing.name);
    if let Some(rate) = standing.spread(Sample::rate) {
        let _ =
            write!(text, "{} {unit}s ({} to {}) | ", brief(rate.median), brief(rate.least), brief(rate.most));
    }
    if let Some(cpu) = standing.spread(Sample::cpu) {
        let _ = write!(text, "{} us | ", brief(cpu.median));
    }
    if let Some(peak) = standing.spread(|sample| sample.peak_kib as f64 / 1024.0) {
        let _ = write!(text, "{} MiB | ", brief(peak.median));
    }
    match (standing.latency(0.5), standing.latency(0.99)) {
        (Some(p50), Some(p99)) => {
            let _ = write!(text, "{} / {} ms | ", brief(p50), brief(p99));
        }
        _ => text.push_str("| "),
    }
    let _ = write!(text, "{} |", standing.errors());
    text
}

fn rounds(standing: &Standing) -> Vec<Value> {
    let each = |sample: &Sample| {
        let millis = |part| sample.load.latencies.percentile(part).map(|it| it.as_secs_f64() * 1e3);
        let mut value = json!({
            "units": sample.load.units,
            "seconds": sample.load.elapsed.as_secs_f64(),
            "per_second": sample.rate(),
            "cpu_us_per_unit": sample.cpu(),
            "client_cpu_seconds": sample.clients.as_secs_f64(),
            "peak_kib": sample.peak_kib,
            "errors": sample.load.errors,
            "latency_ms": { "p50": millis(0.5), "p99": millis(0.99), "max": millis(1.0) },
        });
        for (name, number) in &sample.load.more {
            value[*name] = json!(number);
        }
        value
    };
    standing.samples.iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::Load;
    use crate::outcome::Bound;
    use crate::stats::Latencies;

    fn table() -> Table {
        let mut outcome = Outcome::new("block");
        for (name, units, micros) in
            [("nextboot", 3000, 6000), ("peer", 1500, 6000), ("nextboot", 2900, 5800)]
        {
            let latencies = Latencies::new(vec![Duration::from_millis(2); 3]);
            let load =
                Load { latencies, more: vec![("silences", 2.0)], ..Load::of(units, Duration::from_secs(1)) };
            let used = Duration::from_micros(micros);
            outcome.add(name, Sample { used, peak_kib: 2048, load, ..Sample::default() });
        }
        outcome.rate("peer", Bound::AtLeast(2.0));
        outcome.cpu("peer", Bound::AtMost(0.4));
        outcome.value("start", "ms", Bound::AtMost(50.0), 12.0);
        outcome.note("on loopback");
        let mut table =
            Table::new(Bench { quick: false, rounds: 2 }, ["two cores".into(), "beside a peer".into()]);
        table.rows.push(Row { name: "tftp-a", what: "how fast", outcome: Ok(outcome) });
        table.rows.push(Row { name: "tftp-b", what: "how slow", outcome: Err("no | peer\nat all".into()) });
        table
    }

    #[test]
    fn every_line_has_all_columns_and_targets_are_judged() {
        let table = table();
        let text = table.markdown();
        assert!(text.contains(
            "| tftp-a | nextboot | 2950 blocks (2900 to 3000) | 2 us | 2 MiB | 2 / 2 ms | 0 \
             | speed at least 2.00 x peer: 2.00 x | yes |"
        ));
        assert!(text.contains("|  | peer | 1500 blocks (1500 to 1500) | 4 us |"));
        assert!(text.contains("CPU at most 0.40 x peer: 0.50 x | **no** |"));
        assert!(text.contains("| tftp-b | | | | | | | not measured: no / peer at all | |"));
        assert!(text.contains("- tftp-a: on loopback"));
        assert!(text.starts_with("two cores; beside a peer; 2 rounds.\n"));
        for line in text.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(line.matches('|').count(), 10, "{line}");
        }
        assert_eq!((table.score(), table.broken()), ((2, 3), 1));
    }

    #[test]
    fn programs_read_the_same() {
        let value: Value = serde_json::from_str(&table().json()).unwrap();
        let cell = &value["cells"][0];
        assert_eq!(cell["contestants"][0]["rounds"][1]["per_second"], 2900.0);
        assert_eq!(cell["contestants"][0]["per_second"], 2950.0);
        assert_eq!(cell["contestants"][0]["rounds"][0]["silences"], 2.0);
        assert_eq!(cell["targets"][1]["met"], false);
        assert_eq!(value["cells"][1]["not_measured"], "no | peer\nat all");
    }
}
