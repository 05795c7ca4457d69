//! Prometheus' text format, read and shown to people.

use std::collections::BTreeMap;

use serde::Serialize;

use super::time::{clock, relative};
use crate::output::table;

/// What the server counts and measures.
#[derive(Debug)]
pub(crate) struct Families(Vec<Family>);

/// Numbers of one name.
#[derive(Debug, Serialize)]
pub(crate) struct Family {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    help: String,
    samples: Vec<Sample>,
}

#[derive(Debug, Serialize)]
struct Sample {
    /// With the `_bucket`, `_sum` or `_count` of a histogram.
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// One histogram: its classes with their upper bounds, all values, and their sum.
#[derive(Debug, Default)]
struct Spread {
    up_to: Vec<(f64, f64)>,
    count: f64,
    sum: f64,
}

impl Families {
    /// Reads the text.
    ///
    /// # Errors
    /// Which line is none of the format's.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut families: Vec<Family> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                if let (Some(word @ ("HELP" | "TYPE")), Some(name)) = (words.next(), words.next()) {
                    let rest = words.next().unwrap_or_default().to_owned();
                    let family = of_name(&mut families, name);
                    *(if word == "HELP" { &mut family.help } else { &mut family.kind }) = rest;
                }
            } else if !line.starts_with('#') {
                let sample = read_sample(line).ok_or_else(|| format!("this is no metric: {line:.100}"))?;
                let of_last = families.last().is_some_and(|family| {
                    let suffix = sample.name.strip_prefix(&family.name);
                    suffix.is_some_and(|suffix| matches!(suffix, "" | "_bucket" | "_sum" | "_count"))
                });
                let family = match families.last_mut().filter(|_| of_last) {
                    Some(last) => last,
                    None => of_name(&mut families, &sample.name),
                };
                family.samples.push(sample);
            }
        }
        Ok(Self(families))
    }

    /// Keeps those with one of the words in their names; without a word all.
    pub(crate) fn keep(&mut self, words: &[String]) {
        self.0.retain(|family| words.is_empty() || words.iter().any(|word| family.name.contains(word)));
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Family] {
        &self.0
    }
}

/// The family of that name, which is the last one or a new one.
fn of_name<'f>(families: &'f mut Vec<Family>, name: &str) -> &'f mut Family {
    let at = families.iter().position(|family| family.name == name).unwrap_or_else(|| {
        let (kind, help) = (String::new(), String::new());
        families.push(Family { name: name.to_owned(), kind, help, samples: Vec::new() });
        families.len() - 1
    });
    &mut families[at]
}

/// `name{label="value",...} number`; a moment behind it is not looked at.
fn read_sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, behind) = rest.split_once("=\"")?;
            let (value, behind) = quoted(behind)?;
            labels.insert(label.trim().to_owned(), value);
            rest = behind.strip_prefix(',').unwrap_or(behind);
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// The text up to the closing quotation mark, and what is behind that.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return Some((value, text.get(at + 1..)?)),
            (_, '\\') => value.push(match chars.next()?.1 {
                'n' => '\n',
                escaped => escaped,
            }),
            (_, plain) => value.push(plain),
        }
    }
}

/// What is not zero, as a table.
pub(crate) fn metrics(families: &Families, now: u64) -> String {
    let (mut rows, mut zeros) = (Vec::new(), 0_usize);
    for family in &families.0 {
        let cells: Vec<(String, Option<String>)> = if family.kind == "histogram" {
            let spreads = spreads(family);
            spreads.into_iter().map(|(labels, spread)| (labels, spread.show(&family.name))).collect()
        } else {
            let show = |sample: &Sample| {
                let shown = (sample.value != 0.0).then(|| show(&family.name, sample.value, now));
                (text_of(&sample.labels), shown)
            };
            family.samples.iter().map(show).collect()
        };
        for (labels, value) in cells {
            match value {
                Some(value) => rows.push(vec![family.name.clone(), labels, value]),
                None => zeros += 1,
            }
        }
    }
    let mut text = if rows.is_empty() { String::new() } else { table(&["METRIC", "LABELS", "VALUE"], rows) };
    if zeros > 0 {
        text.push_str(&format!("\n{zeros} more are zero; --prometheus shows them"));
    } else if text.is_empty() {
        text.push_str("no metric has such a name");
    }
    text
}

fn text_of(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// The histograms of a family, by their labels, in their order.
fn spreads(family: &Family) -> Vec<(String, Spread)> {
    let mut spreads: Vec<(String, Spread)> = Vec::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le").and_then(|le| le.parse::<f64>().ok());
        let key = text_of(&labels);
        if spreads.last().is_none_or(|(last, _)| *last != key) {
            spreads.push((key, Spread::default()));
        }
        let Some((_, spread)) = spreads.last_mut() else { continue };
        match (bound, sample.name.rsplit('_').next()) {
            (Some(bound), _) => spread.up_to.push((bound, sample.value)),
            (None, Some("sum")) => spread.sum = sample.value,
            (None, _) => spread.count = sample.value,
        }
    }
    spreads
}

impl Spread {
    /// `12, mean 34 ms, half up to 50 ms, 99 % up to 100 ms`; nothing for an empty one.
    fn show(&self, name: &str) -> Option<String> {
        if self.count <= 0.0 {
            return None;
        }
        let up_to = |share: f64| {
            let enough = self.up_to.iter().find(|(_, within)| *within >= self.count * share);
            match enough {
                Some((bound, _)) if bound.is_finite() => format!("up to {}", quantity(name, *bound)),
                _ => "beyond all bounds".to_owned(),
            }
        };
        let mean = quantity(name, self.sum / self.count);
        Some(format!("{}, mean {mean}, half {}, 99 % {}", self.count, up_to(0.5), up_to(0.99)))
    }
}

fn show(name: &str, value: f64, now: u64) -> String {
    if name.ends_with("_time_seconds") {
        let at = (value * 1e3) as u64;
        return format!("{} ({})", clock(at), relative(now, at));
    }
    quantity(name, value)
}

/// A number in the unit that the name ends in.
fn quantity(name: &str, value: f64) -> String {
    let name = name.strip_suffix("_total").unwrap_or(name);
    if name.ends_with("_bytes") {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        let mut at = 0;
        let mut value = value;
        while value >= 1024.0 && at + 1 < UNITS.len() {
            (value, at) = (value / 1024.0, at + 1);
        }
        return if at == 0 { format!("{value} B") } else { format!("{value:.1} {}", UNITS[at]) };
    }
    if name.ends_with("_seconds") {
        return match value {
            ..0.001 => format!("{:.0} us", value * 1e6),
            ..1.0 => format!("{} ms", rounded(value * 1e3)),
            _ => format!("{} s", rounded(value)),
        };
    }
    rounded(value)
}

/// With no more than one decimal, and none when it is whole.
fn rounded(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP sent_bytes_total Bytes.\n\
        # TYPE sent_bytes_total counter\n\
        sent_bytes_total{protocol=\"tftp\"} 1572864\n\
        sent_bytes_total{protocol=\"http\"} 0\n\
        # HELP boot_seconds How long.\n\
        # TYPE boot_seconds histogram\n\
        boot_seconds_bucket{stage=\"dhcp\",le=\"0.05\"} 2\n\
        boot_seconds_bucket{stage=\"dhcp\",le=\"2.5\"} 3\n\
        boot_seconds_bucket{stage=\"dhcp\",le=\"+Inf\"} 3\n\
        boot_seconds_sum{stage=\"dhcp\"} 1.2\n\
        boot_seconds_count{stage=\"dhcp\"} 3\n\
        boot_seconds_bucket{stage=\"kernel\",le=\"+Inf\"} 0\n\
        boot_seconds_sum{stage=\"kernel\"} 0\n\
        boot_seconds_count{stage=\"kernel\"} 0\n\
        # TYPE process_start_time_seconds gauge\n\
        process_start_time_seconds 1795247532.034\n\
        # TYPE odd gauge\n\
        odd{a=\"x\\\"y\\\\z\\n\",b=\"}\"} 1.5\n";

    #[test]
    fn numbers_are_shown_in_their_units_and_zeros_are_left_out() {
        let families = Families::read(PAGE).unwrap();
        let text = metrics(&families, 1_795_247_592_034);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split("  ").collect()).collect();
        let has = |words: &[&str]| {
            let found = lines.iter().any(|line| {
                line.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).eq(words.iter().copied())
            });
            assert!(found, "{words:?} in\n{text}");
        };
        has(&["sent_bytes_total", "protocol=tftp", "1.5 MiB"]);
        has(&["boot_seconds", "stage=dhcp", "3, mean 400 ms, half up to 50 ms, 99 % up to 2.5 s"]);
        has(&["process_start_time_seconds", "2026-11-21 07:52:12 UTC (60 s ago)"]);
        has(&["odd", "a=x\"y\\z\u{fffd} b=}", "1.5"]);
        has(&["2 more are zero; --prometheus shows them"]);
    }

    #[test]
    fn words_choose_families_and_what_is_no_metric_is_said() {
        let mut families = Families::read(PAGE).unwrap();
        families.keep(&["boot".into(), "nothing".into()]);
        assert_eq!(families.all().len(), 1);
        families.keep(&["nothing".into()]);
        assert_eq!(metrics(&families, 0), "no metric has such a name");
        for wrong in ["up", "up{a=\"b} 1", "up{a} 1", "up x", "<html>"] {
            assert!(Families::read(wrong).is_err(), "{wrong}");
        }
    }
}
