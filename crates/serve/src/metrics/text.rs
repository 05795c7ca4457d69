//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};

use nextboot_model::Reading;

/// What kind of numbers a family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only ever rises, until a restart.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// The names and values of labels.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

/// A page of families in the making.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

impl Page {
    /// One family with all its samples.
    pub(crate) fn family<'a, V: Display>(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, V)>,
    ) {
        self.head(kind.word(), name, help);
        for (labels, value) in samples {
            self.sample(name, "", labels, None, value);
        }
    }

    /// A family with one sample and no labels.
    pub(crate) fn one(&mut self, kind: Kind, name: &str, help: &str, value: impl Display) {
        self.family(kind, name, help, [(&[][..], value)]);
    }

    /// A family of histograms; `unit` is how many of what was counted make up the unit of the name.
    pub(crate) fn histograms<'a>(
        &mut self,
        name: &str,
        help: &str,
        unit: f64,
        samples: impl IntoIterator<Item = (Labels<'a>, Reading)>,
    ) {
        self.head("histogram", name, help);
        for (labels, reading) in samples {
            let Reading { up_to, count, sum } = reading;
            for (bound, within) in up_to {
                self.sample(name, "_bucket", labels, Some(&(bound as f64 / unit).to_string()), within);
            }
            self.sample(name, "_bucket", labels, Some("+Inf"), count);
            self.sample(name, "_sum", labels, None, sum as f64 / unit);
            self.sample(name, "_count", labels, None, count);
        }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn head(&mut self, kind: &str, name: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(
        &mut self,
        name: &str,
        suffix: &str,
        labels: Labels<'_>,
        le: Option<&str>,
        value: impl Display,
    ) {
        self.0.push_str(name);
        self.0.push_str(suffix);
        let labels = labels.iter().copied().chain(le.map(|le| ("le", le)));
        let mut opened = false;
        for (label, value) in labels {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{value}\"", if opened { "," } else { "{" });
            opened = true;
        }
        let _ = writeln!(self.0, "{} {value}", if opened { "}" } else { "" });
    }
}

#[cfg(test)]
mod tests {
    use nextboot_model::Histogram;
    use proptest::prelude::*;

    use super::*;

    /// A sample as the format's description has it: name, labels, value.
    type Sample = (String, Vec<(String, String)>, String);

    /// Reads a page as its description says, character by character.
    fn read(page: &str) -> Option<Vec<Sample>> {
        let lines = page.strip_suffix('\n')?.split('\n').filter(|line| !line.starts_with('#'));
        lines.map(read_sample).collect()
    }

    fn read_sample(line: &str) -> Option<Sample> {
        let end = line.find(['{', ' '])?;
        let (name, mut rest) = line.split_at(end);
        let mut labels = Vec::new();
        if let Some(mut inside) = rest.strip_prefix('{') {
            loop {
                let (label, value) = inside.split_once("=\"")?;
                let mut text = String::new();
                let mut chars = value.char_indices();
                let close = loop {
                    match chars.next()? {
                        (at, '"') => break at,
                        (_, '\\') => text.push(match chars.next()?.1 {
                            'n' => '\n',
                            c @ ('\\' | '"') => c,
                            _ => return None,
                        }),
                        (_, c) => text.push(c),
                    }
                };
                labels.push((label.to_owned(), text));
                rest = &value[close + 1..];
                match rest.strip_prefix(',') {
                    Some(more) => inside = more,
                    None => break,
                }
            }
            rest = rest.strip_prefix('}')?;
        }
        Some((name.to_owned(), labels, rest.strip_prefix(' ')?.to_owned()))
    }

    proptest! {
        #[test]
        fn whatever_stands_in_labels_and_help_comes_out_as_it_went_in(
            help in ".*",
            samples in proptest::collection::vec((("(?s).*", "(?s).*"), any::<f64>()), 0..5),
        ) {
            let pairs: Vec<_> = samples
                .iter()
                .map(|((one, two), value)| ([("one", one.as_str()), ("two", two.as_str())], *value))
                .collect();
            let mut page = Page::default();
            page.family(Kind::Gauge, "family", &help, pairs.iter().map(|(labels, value)| (&labels[..], *value)));
            let text = page.finish();
            let comments = text.split('\n').filter(|line| line.starts_with("# ")).count();
            prop_assert_eq!(comments, 2, "a help text is one line");
            let got = read(&text).unwrap();
            prop_assert_eq!(got.len(), samples.len());
            for ((name, labels, value), ((one, two), wanted)) in got.iter().zip(&samples) {
                prop_assert_eq!(name, "family");
                prop_assert_eq!(labels, &[("one".to_owned(), one.clone()), ("two".to_owned(), two.clone())]);
                let value: f64 = value.parse().unwrap();
                prop_assert!(value == *wanted || value.is_nan() && wanted.is_nan());
            }
        }
    }

    #[test]
    fn a_histogram_counts_up_to_infinity() {
        let histogram = Histogram::new(&[1_000, 2_500_000]);
        for value in [500, 2_000, 3_000_000] {
            histogram.count(value);
        }
        let mut page = Page::default();
        page.histograms("wait_seconds", "How long.", 1e6, [(&[("at", "door")][..], histogram.read())]);
        let expected = "# HELP wait_seconds How long.\n\
            # TYPE wait_seconds histogram\n\
            wait_seconds_bucket{at=\"door\",le=\"0.001\"} 1\n\
            wait_seconds_bucket{at=\"door\",le=\"2.5\"} 2\n\
            wait_seconds_bucket{at=\"door\",le=\"+Inf\"} 3\n\
            wait_seconds_sum{at=\"door\"} 3.0025\n\
            wait_seconds_count{at=\"door\"} 3\n";
        assert_eq!(page.finish(), expected);
    }
}
