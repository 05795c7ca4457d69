//! What goes to standard output.

use std::io::{IsTerminal as _, Write as _};

use comfy_table::{Table, presets::NOTHING};
use serde_json::Value;

use crate::failure::Failure;

/// Prints a text with a line feed at its end.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.trim_end_matches('\n').as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// Prints JSON: on a terminal with indentation, else on one line.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    let text = if std::io::stdout().is_terminal() { format!("{value:#}") } else { value.to_string() };
    print(&text)
}

/// Text from the server without what could move a terminal's cursor or colour it.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// As [`plain`], but line feeds and tabs stay.
pub(crate) fn plain_lines(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

/// A table for people: columns, no lines.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)).collect::<Vec<_>>());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Names and values beneath each other; values that are missing are left out.
pub(crate) fn pairs(pairs: Vec<(&str, Option<String>)>) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
    pairs
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name:width$}{}\n", plain(&value))))
        .collect()
}
