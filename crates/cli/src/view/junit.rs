//! JUnit's XML, as Jenkins, GitLab and others read it: a suite for each host, a case for each run.

use std::fmt::Write as _;

use super::test::{TestLine, TestRun};

/// Writes the document.
pub(crate) fn junit(runs: &[TestRun]) -> String {
    let mut hosts: Vec<&str> = runs.iter().map(|run| run.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&TestRun> = runs.iter().collect();
    let _ = writeln!(out, "<testsuites name=\"nextboot\"{}>", counts(&all));
    for host in hosts {
        let mut of_host: Vec<&TestRun> = all.iter().copied().filter(|run| run.host == host).collect();
        of_host.sort_by_key(|run| run.id);
        let first = of_host.iter().map(|run| run.queued).min().unwrap_or_default();
        let at = nextboot_model::Timestamp(first).to_string();
        let at = at.split_once('.').map_or(at.as_str(), |(seconds, _)| seconds);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" timestamp=\"{at}\" hostname=\"{0}\"{}>",
            escaped(host),
            counts(&of_host)
        );
        for run in of_host {
            case(&mut out, run);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(runs: &[&TestRun]) -> String {
    let count = |wanted: fn(&TestRun) -> bool| runs.iter().filter(|run| wanted(run)).count();
    let millis: u64 = runs.iter().map(|run| run.millis()).sum();
    format!(
        " tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        runs.len(),
        count(|run| run.status == "done" && run.errors > 0),
        count(|run| run.status == "error"),
        count(|run| !run.is_finished()),
        seconds(millis)
    )
}

fn case(out: &mut String, run: &TestRun) {
    let _ = writeln!(
        out,
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\">",
        escaped(&run.test),
        escaped(&run.host),
        seconds(run.millis())
    );
    let lines = |letter: &str| {
        let lines: Vec<&TestLine> = run.lines.iter().filter(|line| line.kind == letter).collect();
        lines
    };
    if run.status == "error" {
        let why = run.note.as_deref().unwrap_or("there is no log");
        let _ = writeln!(out, "      <error message=\"{}\"/>", escaped(why));
    } else if !run.is_finished() {
        let _ = writeln!(out, "      <skipped message=\"it is {}\"/>", escaped(&run.status));
    } else if run.errors > 0 {
        let errors = lines("E");
        let first = errors.first().map_or("", |line| line.text.as_str());
        let _ = write!(out, "      <failure message=\"{} errors: {}\">", run.errors, escaped(first));
        for line in errors {
            let _ = writeln!(out, "E: {}", escaped(&line.text));
        }
        out.push_str("</failure>\n");
    }
    let _ = writeln!(out, "      <properties>");
    let _ = writeln!(out, "        <property name=\"run\" value=\"{}\"/>", run.id);
    if let Some(version) = &run.version {
        let _ = writeln!(out, "        <property name=\"version\" value=\"{}\"/>", escaped(version));
    }
    let _ = writeln!(out, "      </properties>");
    if !run.lines.is_empty() {
        out.push_str("      <system-out>");
        for line in &run.lines {
            let _ = writeln!(out, "{}: {}", escaped(&line.kind), escaped(&line.text));
        }
        out.push_str("</system-out>\n");
    }
    out.push_str("    </testcase>\n");
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// Text as XML 1.0 may hold it (section 2.2): most control characters it may not, not even escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_a_case_and_whatever_it_says_is_text() {
        let nasty = "]]><x a=\"'&\u{1b}\u{0}\u{ffff}";
        let line = |kind: &str| TestLine { kind: kind.into(), text: nasty.into() };
        let run = |id, status: &str, errors| TestRun {
            id,
            host: "n1".into(),
            test: "cpu".into(),
            status: status.into(),
            queued: 0,
            started: Some(1000),
            finished: Some(3500),
            version: Some(nasty.into()),
            errors,
            note: Some(nasty.into()),
            lines: vec![line("I"), line("E")],
            ..TestRun::default()
        };
        let runs = [run(4, "queued", 0), run(1, "done", 0), run(2, "done", 1), run(3, "error", 0)];
        let xml = junit(&runs);
        assert!(
            xml.contains(" tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\" time=\"10.000\""),
            "{xml}"
        );
        assert_eq!(xml.matches("<testcase ").count(), 4);
        assert_eq!(xml.matches("<failure ").count(), 1);
        assert!(
            xml.contains(
                "<failure message=\"1 errors: ]]&gt;&lt;x a=&quot;'&amp;\u{fffd}\u{fffd}\u{fffd}\">"
            ),
            "{xml}"
        );
        assert!(!xml.contains(['\u{1b}', '\0', '\u{ffff}']));
        assert!(xml.contains("time=\"2.500\""));
        assert!(junit(&[]).contains("tests=\"0\""));
    }
}
