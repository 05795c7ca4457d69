use std::{collections::HashMap, iter::Peekable};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::Complaint;

/// How deep lists and tables may stand in each other.
const MAX_DEPTH: usize = 32;
/// Most values of a document, those that aliases stand for counted each time.
const MAX_NODES: usize = 500_000;
/// Most bytes of all its texts together, counted likewise.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A value and the line where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    /// A text, a number, yes or no: what it is, is for whoever wants it.
    Text(String),
    List(Vec<Node>),
    /// In the order of the document; each key once.
    Table(Vec<(Key, Node)>),
}

/// A key and its line.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) line: usize,
}

/// Reads the first document of a text; nothing when there is none.
pub(super) fn read(text: &str) -> Result<Option<Node>, Complaint> {
    let mut reader =
        Reader { events: Parser::new_from_str(text).peekable(), anchors: HashMap::new(), nodes: 0, bytes: 0 };
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(None),
            (Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd, _) => {}
            (event, span) => return reader.node(event, span, 0).map(Some),
        }
    }
}

struct Reader<'t> {
    events: Peekable<Parser<'t, StrInput<'t>>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
}

fn complaint(line: usize, remedy: impl Into<String>) -> Complaint {
    Complaint { line: line.max(1), key: String::new(), value: None, remedy: remedy.into() }
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Complaint> {
        let not_yaml =
            |error: ScanError| complaint(error.marker().line(), format!("not YAML: {}", error.info()));
        match self.events.next() {
            Some(event) => event.map_err(not_yaml),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Complaint> {
        let line = span.start.line();
        if depth >= MAX_DEPTH {
            return Err(complaint(
                line,
                format!("lists and tables may stand in each other {MAX_DEPTH} deep"),
            ));
        }
        self.count(1, 0, line)?;
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(complaint(line, "this alias stands within what it is to stand for"));
                };
                let (nodes, bytes) = size(&node);
                self.count(nodes, bytes, line)?;
                return Ok(Node { line, value: node.value });
            }
            Event::Scalar(text, style, anchor, _) => {
                self.count(0, text.len(), line)?;
                let is_null =
                    style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                (anchor, if is_null { Value::Null } else { Value::Text(text.into_owned()) })
            }
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.table(depth)?),
            _ => return Err(complaint(line, "not YAML: a value is missing")),
        };
        let node = Node { line, value };
        if anchor != 0 {
            let (nodes, bytes) = size(&node);
            self.count(nodes, bytes, line)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Complaint> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<Value, Complaint> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged: Vec<Node> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let line = span.start.line();
            let key = match self.node(event, span, depth + 1)?.value {
                Value::Text(name) => name,
                Value::Null => "null".to_owned(),
                Value::List(_) | Value::Table(_) => return Err(complaint(line, "a key must be a text")),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if key == "<<" {
                merged.push(value);
            } else if let Some(before) = seen.insert(key.clone(), line) {
                return Err(complaint(line, format!("{key} stands in line {before} already")));
            } else {
                entries.push((Key { name: key, line }, value));
            }
        }
        // What a table has itself goes before what it takes from others.
        for node in merged {
            let tables = match node.value {
                Value::List(tables) => tables,
                _ => vec![node],
            };
            for table in tables {
                let Value::Table(more) = table.value else {
                    return Err(complaint(
                        table.line,
                        "<< takes the keys of a table, or of a list of tables",
                    ));
                };
                for (key, value) in more {
                    if !seen.contains_key(&key.name) {
                        seen.insert(key.name.clone(), key.line);
                        entries.push((key, value));
                    }
                }
            }
        }
        Ok(Value::Table(entries))
    }

    /// What aliases stand for costs as if it were written out: ten lines could stand for more than fits into memory.
    fn count(&mut self, nodes: usize, bytes: usize, line: usize) -> Result<(), Complaint> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.nodes > MAX_NODES || self.bytes > MAX_BYTES {
            return Err(complaint(
                line,
                format!(
                    "too much: at most {MAX_NODES} values and {MAX_BYTES} bytes, with what aliases stand for"
                ),
            ));
        }
        Ok(())
    }
}

/// How many values there are beneath a node, and how many bytes of text.
fn size(node: &Node) -> (usize, usize) {
    let sum = |sizes: &mut dyn Iterator<Item = (usize, usize)>| {
        sizes.fold((1, 0), |(nodes, bytes), (more, long)| (nodes + more, bytes + long))
    };
    match &node.value {
        Value::Null => (1, 0),
        Value::Text(text) => (1, text.len()),
        Value::List(items) => sum(&mut items.iter().map(size)),
        Value::Table(entries) => sum(&mut entries.iter().map(|(key, value)| {
            let (nodes, bytes) = size(value);
            (nodes + 1, bytes + key.name.len())
        })),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrong(text: &str) -> String {
        let complaint = read(text).unwrap_err();
        format!("{}: {complaint}", complaint.line)
    }

    #[test]
    fn ten_lines_do_not_become_more_than_fits_into_memory() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..10 {
            let of = format!("*a{}", at - 1);
            text += &format!("a{at}: &a{at} [{}]\n", vec![of; 10].join(", "));
        }
        assert!(wrong(&text).contains("too much"), "{}", wrong(&text));
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(", "));
        assert!(wrong(&long).starts_with("2: too much"), "{}", wrong(&long));
    }

    #[test]
    fn depth_has_an_end() {
        assert!(wrong(&"[".repeat(100)).contains("deep"), "{}", wrong(&"[".repeat(100)));
        assert!(read(&"[".repeat(100_000)).is_err());
        let deep: String = (0..200).map(|at| format!("{}a:\n", " ".repeat(at))).collect();
        assert!(wrong(&deep).contains("deep"), "{}", wrong(&deep));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert!(wrong("a: 1\nb: [\n").starts_with(|line: char| line.is_ascii_digit()));
        assert_eq!(wrong("a: 1\nb: 2\na: 3\n"), "3: a stands in line 1 already");
        assert_eq!(wrong("x: 1\n? [a]\n: 1\n"), "2: a key must be a text");
        assert_eq!(wrong("a: &a [*a]\n"), "1: this alias stands within what it is to stand for");
        assert_eq!(wrong("x: 1\na:\n  <<: [1]\n"), "3: << takes the keys of a table, or of a list of tables");
    }

    #[test]
    fn a_table_takes_what_it_does_not_have_from_another() {
        let text = "base: &base {user: admin, interface: lan}\nhost: {<<: *base, interface: lanplus}\n";
        let Some(Node { value: Value::Table(top), .. }) = read(text).unwrap() else { panic!() };
        let Value::Table(host) = &top[1].1.value else { panic!() };
        let shown: Vec<String> =
            host.iter().map(|(key, node)| format!("{}={:?}", key.name, node.value)).collect();
        assert_eq!(shown, ["interface=Text(\"lanplus\")", "user=Text(\"admin\")"]);
        assert!(
            read("").unwrap().is_none()
                && read("---\n# nothing\n").unwrap().is_none_or(|node| matches!(node.value, Value::Null))
        );
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "\\PC*|[-:?&*!|>'\"%@`{}\\[\\],#\\s a]{0,200}") {
            let _ = read(&text);
        }
    }
}
