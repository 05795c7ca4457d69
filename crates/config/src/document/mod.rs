//! A TOML document that is read key by key: what is never asked for is unknown, and everything wrong becomes a complaint
//! with its line. serde would stop at the first one.

mod item;
mod near;
mod section;

use std::cell::RefCell;

use toml::de::DeTable;

use crate::Complaint;

pub(crate) use item::Item;
pub(crate) use near::nearest;
pub(crate) use section::Section;

/// Longest configuration, in bytes.
pub(crate) const MAX_TEXT: usize = 1024 * 1024;
/// Most complaints about one text: a file that is something else altogether gives one for each byte.
pub(crate) const MAX_COMPLAINTS: usize = 100;
/// Most of a value that a complaint repeats, in characters.
const MAX_SHOWN: usize = 60;

/// Where a value stands, for complaints that need more than one value to be seen.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    line: usize,
    key: String,
    value: Option<String>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) mark: Mark,
}

/// Gathers complaints while a text is read.
#[derive(Debug)]
pub(crate) struct Report<'t> {
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
    complaints: RefCell<Vec<Complaint>>,
    /// Every key that was asked for, so that a test can tell whether the example shows them all.
    #[cfg(test)]
    asked: RefCell<std::collections::BTreeSet<String>>,
}

impl<'t> Report<'t> {
    fn new(text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self {
            text,
            lines,
            complaints: RefCell::default(),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|begin| *begin <= at)
    }

    /// The text there, on one line and shortened.
    fn shown(&self, span: std::ops::Range<usize>) -> String {
        let source = self.text.get(span).unwrap_or_default();
        let line = source.lines().next().unwrap_or_default();
        let mut shown: String = line.chars().take(MAX_SHOWN).filter(|c| !c.is_control()).collect();
        if shown.len() < source.len() {
            shown.push('…');
        }
        shown
    }

    /// Complains about the value at `mark`.
    pub(crate) fn complain(&self, mark: &Mark, remedy: impl Into<String>) {
        let Mark { line, key, value } = mark.clone();
        self.complaints.borrow_mut().push(Complaint { line, key, value, remedy: remedy.into() });
    }
}

/// Reads a text. What `read` makes of its top level counts only when nobody complained.
pub(crate) fn read<T>(text: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> Result<T, Vec<Complaint>> {
    let whole = |remedy: String| vec![Complaint { line: 1, key: String::new(), value: None, remedy }];
    if text.len() > MAX_TEXT {
        return Err(whole(format!("the file is larger than {MAX_TEXT} bytes; no configuration needs that")));
    }
    let report = Report::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What is left of a text that is no TOML tells nothing about keys and values.
        let complaint = |error: toml::de::Error| Complaint {
            line: report.line(error.span().map_or(0, |span| span.start)),
            key: String::new(),
            value: None,
            remedy: format!("not TOML: {}", error.message().replace('\n', " ")),
        };
        let left_out = errors.len().saturating_sub(MAX_COMPLAINTS);
        let complaints = errors.into_iter().take(MAX_COMPLAINTS).map(complaint).collect();
        return Err(and_more(complaints, left_out));
    }
    let mut top = Section::top(&report, table.get_ref());
    let value = read(&mut top);
    top.finish();
    let mut complaints = report.complaints.into_inner();
    let left_out = complaints.len().saturating_sub(MAX_COMPLAINTS);
    complaints.truncate(MAX_COMPLAINTS);
    if complaints.is_empty() { Ok(value) } else { Err(and_more(complaints, left_out)) }
}

/// Says how many complaints were left out, if any.
pub(crate) fn and_more(mut complaints: Vec<Complaint>, left_out: usize) -> Vec<Complaint> {
    if left_out > 0
        && let Some(line) = complaints.last().map(|last| last.line)
    {
        let remedy = format!("and {left_out} more");
        complaints.push(Complaint { line, key: String::new(), value: None, remedy });
    }
    complaints
}

/// Every key that reading a text asks for.
#[cfg(test)]
pub(crate) fn asked<T>(text: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> Vec<String> {
    let report = Report::new(text);
    let table = DeTable::parse(text).unwrap();
    read(&mut Section::top(&report, table.get_ref()));
    report.asked.into_inner().into_iter().collect()
}
