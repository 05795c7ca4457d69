//! What people read: the list of cells, and the table of results.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::place::Place;
use super::rows;

/// What became of cells, by row and place.
pub(crate) type Results = BTreeMap<(&'static str, Place), Option<Duration>>;

/// Every row, its cells (with `*` those that run without `--all`), and why there is none where there is none.
pub(crate) fn list() -> String {
    let mut text = String::new();
    for row in rows::ALL {
        let _ = writeln!(text, "{}: {}", row.name, row.what);
        for place in Place::ALL {
            let _ = match (row.without)(place) {
                Some(why) => writeln!(text, "    - {}: {why}", place.name()),
                None => {
                    let mark = if row.ci.contains(&place) { '*' } else { ' ' };
                    writeln!(text, "  {mark} {}/{}", row.name, place.name())
                }
            };
        }
    }
    text
}

/// The table in Markdown: seconds from power-on to what the row is about, `-` where there is no cell, empty where the
/// cell was not run.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = String::from("| client |");
    for place in Place::ALL {
        let _ = write!(text, " {} |", place.name());
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(Place::ALL.len()));
    text.push('\n');
    for row in rows::ALL {
        let _ = write!(text, "| {} |", row.name);
        for place in Place::ALL {
            let cell = match results.get(&(row.name, place)) {
                _ if (row.without)(place).is_some() => "-".to_owned(),
                Some(Some(time)) => format!("{} s", seconds(*time)),
                Some(None) => "**FAILED**".to_owned(),
                None => String::new(),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text
}

/// Whole seconds, or a decimal where they are few.
pub(crate) fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1}", time.as_secs_f32())
    } else {
        format!("{:.0}", time.as_secs_f32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_times_failures_and_what_was_not_run() {
        let results = Results::from([
            (("bios-pxe", Place::Server), Some(Duration::from_secs(34))),
            (("bios-pxe", Place::Relay), None),
        ]);
        let table = markdown(&results);
        let line = table.lines().find(|line| line.starts_with("| bios-pxe |")).unwrap();
        assert!(line.starts_with("| bios-pxe | 34 s |"), "{line}");
        assert_eq!(line.matches("FAILED").count(), 1, "{line}");
        assert_eq!(line.matches('|').count(), Place::ALL.len() + 2);
    }
}
