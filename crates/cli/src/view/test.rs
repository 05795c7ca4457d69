use serde::Deserialize;

use super::{
    or_dash,
    time::{clock, relative},
};
use crate::output::{pairs, plain, table};

/// A test run, as the API shows it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TestRun {
    pub(crate) id: u64,
    pub(crate) host: String,
    pub(crate) test: String,
    pub(crate) status: String,
    pub(crate) letter: String,
    pub(crate) queued: u64,
    pub(crate) started: Option<u64>,
    pub(crate) finished: Option<u64>,
    pub(crate) version: Option<String>,
    pub(crate) infos: u64,
    pub(crate) warnings: u64,
    pub(crate) errors: u64,
    pub(crate) bytes: u64,
    pub(crate) passed: bool,
    pub(crate) note: Option<String>,
    pub(crate) lines: Vec<TestLine>,
}

/// A line of its log.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TestLine {
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl TestRun {
    /// When it came to where it is.
    pub(crate) fn at(&self) -> u64 {
        self.finished.or(self.started).unwrap_or(self.queued)
    }

    /// Whether nothing more is expected of the machine.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.status.as_str(), "done" | "error")
    }

    /// How long the machine was at it, in milliseconds.
    pub(crate) fn millis(&self) -> u64 {
        let Some(started) = self.started else { return 0 };
        self.finished.map_or(0, |finished| finished.saturating_sub(started))
    }

    /// What came of it, in words.
    pub(crate) fn result(&self) -> String {
        match self.status.as_str() {
            "done" if self.errors == 0 => "passed".into(),
            "done" => format!("{} errors", self.errors),
            "error" => "no log".into(),
            other => other.to_owned(),
        }
    }
}

/// A list of test runs.
pub(crate) fn tests(runs: &[TestRun], now: u64) -> String {
    if runs.is_empty() {
        return "no test runs; `nextboot test queue HOST TEST` makes some".into();
    }
    let row = |run: &TestRun| {
        vec![
            run.id.to_string(),
            run.host.clone(),
            run.test.clone(),
            run.result(),
            if run.status == "done" { run.warnings.to_string() } else { "-".into() },
            or_dash(run.version.as_deref()),
            relative(now, run.at()),
        ]
    };
    table(
        &["NUMBER", "HOST", "TEST", "RESULT", "WARNINGS", "VERSION", "SINCE"],
        runs.iter().map(row).collect(),
    )
}

/// One test run.
pub(crate) fn test(run: &TestRun, now: u64) -> String {
    let moment = |at: Option<u64>| at.map(|at| format!("{} ({})", clock(at), relative(now, at)));
    let counts = format!("{} errors, {} warnings, {} infos", run.errors, run.warnings, run.infos);
    let is_done = run.status == "done";
    let mut text = pairs(vec![
        ("number", Some(run.id.to_string())),
        ("host", Some(run.host.clone())),
        ("test", Some(run.test.clone())),
        ("status", Some(format!("{} ({})", run.status, run.letter))),
        ("queued", moment(Some(run.queued))),
        ("started", moment(run.started)),
        ("finished", moment(run.finished)),
        ("version", run.version.clone()),
        ("result", is_done.then_some(counts)),
        ("log", is_done.then(|| format!("{} bytes", run.bytes))),
        ("note", run.note.clone()),
    ]);
    if !run.lines.is_empty() {
        text.push('\n');
    }
    for line in &run.lines {
        text.push_str(&format!("{}: {}\n", plain(&line.kind), plain(&line.text)));
    }
    text
}

/// A step of a run, as one line.
pub(crate) fn step(run: &TestRun) -> String {
    let version = run.version.as_deref().map(|version| format!(", version {version}")).unwrap_or_default();
    plain(&format!("test {} on {}, run {}: {}{version}", run.test, run.host, run.id, run.result()))
}
