//! A YAML document that is read key by key, as [`document`](crate::document) reads TOML: what is never asked for is noted with
//! its line, and everything wrong becomes a complaint. Programs that we replace have such files.

mod item;
mod node;

use std::cell::RefCell;

pub(crate) use item::{Item, Table};

use crate::{
    Complaint,
    document::{MAX_COMPLAINTS, and_more},
};

/// Longest document, in bytes.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// What is wrong with a document, and what is only not taken over.
#[derive(Debug, Default)]
pub(crate) struct Report {
    complaints: RefCell<Vec<Complaint>>,
    notes: RefCell<Vec<Complaint>>,
}

/// Reads a document. What `read` makes of its top level counts only when nobody complained; with it comes what there is in
/// the document that is not taken over.
pub(crate) fn read<T>(
    text: &str,
    read: impl FnOnce(&mut Table<'_>) -> T,
) -> Result<(T, Vec<Complaint>), Vec<Complaint>> {
    if text.len() > MAX_TEXT {
        let remedy = format!("the file is larger than {MAX_TEXT} bytes");
        return Err(vec![Complaint { line: 1, key: String::new(), value: None, remedy }]);
    }
    let top = node::read(text).map_err(|complaint| vec![complaint])?;
    let report = Report::default();
    let value = Table::top(&report, top.as_ref()).map(|mut table| {
        let value = read(&mut table);
        table.finish();
        value
    });
    let bounded = |all: RefCell<Vec<Complaint>>| {
        let mut all = all.into_inner();
        all.sort_by_key(|complaint| complaint.line);
        let left_out = all.len().saturating_sub(MAX_COMPLAINTS);
        all.truncate(MAX_COMPLAINTS);
        and_more(all, left_out)
    };
    let complaints = bounded(report.complaints);
    match value {
        Some(value) if complaints.is_empty() => Ok((value, bounded(report.notes))),
        _ => Err(complaints),
    }
}
