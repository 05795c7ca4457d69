use super::{
    Report,
    node::{Key, Node, Value},
};
use crate::{Complaint, document::nearest};

/// Most of a value that a complaint repeats, in characters.
const MAX_SHOWN: usize = 60;

/// A table of the document, or one that is not there and has no keys.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    report: &'a Report,
    /// The table's name with a dot behind it; empty for the top level.
    prefix: String,
    line: usize,
    entries: &'a [(Key, Node)],
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The top level; an empty document has no keys. Complains when it is something else.
    pub(super) fn top(report: &'a Report, top: Option<&'a Node>) -> Option<Self> {
        let entries: &[(Key, Node)] = match top.map(|node| &node.value) {
            None | Some(Value::Null) => &[],
            Some(Value::Table(entries)) => entries,
            Some(_) => {
                let remedy = "the file must be a table: keys with values behind them".to_owned();
                let complaint = Complaint { line: 1, key: String::new(), value: None, remedy };
                report.complaints.borrow_mut().push(complaint);
                return None;
            }
        };
        Some(Self { report, prefix: String::new(), line: 1, entries, asked: Vec::new() })
    }

    /// The value of a key; nothing when it is absent or null.
    pub(crate) fn item(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.asked.push(key);
        let (found, node) = self.entries.iter().find(|(found, _)| found.name == key)?;
        if matches!(node.value, Value::Null) {
            return None;
        }
        Some(Item { report: self.report, key: format!("{}{key}", self.prefix), line: found.line, node })
    }

    /// The value of a key as `read` sees it; nothing when it is absent or when `read` complained.
    pub(crate) fn get<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Item<'a>) -> Option<T>,
    ) -> Option<T> {
        self.item(key).and_then(|item| read(&item))
    }

    /// Reads a table beneath this one; an absent one is read as an empty one.
    pub(crate) fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Self) -> T) -> T {
        match self.item(key) {
            Some(item) => item.as_table(read),
            None => read(&mut self.beneath(key, &[])),
        }
    }

    /// Complains about what is missing here.
    pub(crate) fn missing<T>(&self, key: &str, remedy: &str) -> Option<T> {
        let remedy = format!("missing; {remedy}");
        let key = format!("{}{key}", self.prefix);
        self.report.complaints.borrow_mut().push(Complaint { line: self.line, key, value: None, remedy });
        None
    }

    /// Complains about the whole table.
    pub(crate) fn wrong<T>(&self, remedy: impl Into<String>) -> Option<T> {
        let key = self.prefix.trim_end_matches('.').to_owned();
        let complaint = Complaint { line: self.line, key, value: None, remedy: remedy.into() };
        self.report.complaints.borrow_mut().push(complaint);
        None
    }

    /// Notes that the whole table is not taken over, and why.
    pub(crate) fn note(&self, why: impl Into<String>) {
        let key = self.prefix.trim_end_matches('.').to_owned();
        let note = Complaint { line: self.line, key, value: None, remedy: why.into() };
        self.report.notes.borrow_mut().push(note);
    }

    fn beneath(&self, key: &str, entries: &'a [(Key, Node)]) -> Self {
        let prefix = format!("{}{key}.", self.prefix);
        Self { report: self.report, prefix, line: self.line, entries, asked: Vec::new() }
    }

    /// Notes every key that nobody asked for. Its value is not repeated: a misspelt password is one all the same.
    pub(super) fn finish(self) {
        for (key, _) in self.entries {
            if self.asked.iter().any(|asked| *asked == key.name) {
                continue;
            }
            let remedy = match nearest(&key.name, &self.asked) {
                Some(near) => format!("is no key that is known; did you mean {}{near}?", self.prefix),
                None => "is no key that is known, and not taken over".to_owned(),
            };
            let shown: String = key.name.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
            let key_shown = format!("{}{shown}", self.prefix);
            let note = Complaint { line: key.line, key: key_shown, value: None, remedy };
            self.report.notes.borrow_mut().push(note);
        }
    }
}

/// A value of the document. Its readers give nothing when they complained.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    report: &'a Report,
    key: String,
    line: usize,
    node: &'a Node,
}

impl<'a> Item<'a> {
    /// The line where it stands.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    fn complaint(&self, value: Option<String>, remedy: String) -> Complaint {
        Complaint { line: self.line, key: self.key.clone(), value, remedy }
    }

    /// Complains about the value, which the complaint repeats.
    pub(crate) fn wrong<T>(&self, remedy: impl Into<String>) -> Option<T> {
        let shown = match &self.node.value {
            Value::Text(text) => {
                let mut shown: String = text.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
                if shown.len() < text.len() {
                    shown.push('…');
                }
                Some(format!("{shown:?}"))
            }
            _ => None,
        };
        self.report.complaints.borrow_mut().push(self.complaint(shown, remedy.into()));
        None
    }

    /// Complains about a value that nobody may see.
    pub(crate) fn wrong_secret<T>(&self, remedy: impl Into<String>) -> Option<T> {
        self.report.complaints.borrow_mut().push(self.complaint(None, remedy.into()));
        None
    }

    /// Notes that this is not taken over, and why.
    pub(crate) fn note(&self, why: impl Into<String>) {
        self.report.notes.borrow_mut().push(self.complaint(None, why.into()));
    }

    /// As [`Item::text`], without a complaint.
    pub(crate) fn as_text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, as it is; a number is one too.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.as_text().or_else(|| self.wrong("this is a text"))
    }

    /// A text that `read` takes, which `remedy` tells of.
    pub(crate) fn parse<T: std::str::FromStr>(&self, remedy: &str) -> Option<T> {
        self.text()?.trim().parse().ok().or_else(|| self.wrong(remedy))
    }

    /// A list, or one value where a list of one is meant.
    pub(crate) fn list(&self) -> Vec<Self> {
        let item = |(at, node): (usize, &'a Node)| Item {
            report: self.report,
            key: format!("{}[{at}]", self.key),
            line: node.line,
            node,
        };
        match &self.node.value {
            Value::List(nodes) => nodes.iter().enumerate().map(item).collect(),
            _ => vec![Item { report: self.report, key: self.key.clone(), line: self.line, node: self.node }],
        }
    }

    /// A table; anything else is complained about and read as an empty one.
    pub(crate) fn as_table<T>(&self, read: impl FnOnce(&mut Table<'a>) -> T) -> T {
        let entries: &[(Key, Node)] = match &self.node.value {
            Value::Table(entries) => entries,
            Value::Null => &[],
            _ => {
                self.wrong::<()>("this is a table: keys with values behind them, further to the right");
                &[]
            }
        };
        let prefix = format!("{}.", self.key);
        let mut table = Table { report: self.report, prefix, line: self.line, entries, asked: Vec::new() };
        let value = read(&mut table);
        table.finish();
        value
    }
}
