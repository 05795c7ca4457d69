//! A command as pxe-pilot's adapters write it: words with `{{.name}}` in them, the part of Go's templates that is in use.

use std::collections::BTreeMap;

/// Longest command, in bytes.
const MAX_TEMPLATE: usize = 4096;
/// Most words of a command.
const MAX_WORDS: usize = 256;

/// A command or a value that is filled in with values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Word>);

/// One argument to be.
type Word = Vec<Piece>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The value of that name; within quotes it is one word, whatever it is.
    Value {
        name: String,
        quoted: bool,
    },
}

/// Values by name. What a host says is one word, whatever is in it; what the configuration makes of that has the words that
/// stand in the configuration.
pub type Values = BTreeMap<String, Vec<String>>;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// Nothing is in it.
    #[error("the command is empty")]
    Empty,
    /// It is too long.
    #[error("a command has at most {MAX_TEMPLATE} bytes and {MAX_WORDS} words")]
    TooLong,
    /// `{{` without its end.
    #[error("there is no }}}} behind {{{{")]
    Open,
    /// Something else than a name.
    #[error(
        "{{{{{0}}}}} is not understood; write {{{{.name}}}}: conditions, loops and functions are not supported"
    )]
    NotAName(String),
    /// A quote without its end.
    #[error("a quotation mark is not closed")]
    Quote,
    /// A character that no argument can hold.
    #[error("a command is one line without control characters")]
    Control,
}

impl Template {
    /// Reads a command: words between spaces, `'…'` and `"…"` keep spaces, a backslash keeps the next character.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn command(text: &str) -> Result<Self, BadTemplate> {
        let words = Self::value(text)?;
        if words.0.is_empty() { Err(BadTemplate::Empty) } else { Ok(words) }
    }

    /// Reads a value that commands are made of: words as in a command, or none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn value(text: &str) -> Result<Self, BadTemplate> {
        if text.len() > MAX_TEMPLATE {
            return Err(BadTemplate::TooLong);
        }
        // YAML's folded texts end with a line feed.
        let text = text.trim();
        if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(BadTemplate::Control);
        }
        let mut reader = Reader { done: Vec::new(), word: Vec::new(), text: String::new(), begun: false };
        let mut rest = text;
        let mut quote: Option<char> = None;
        while let Some(c) = rest.chars().next() {
            if let Some(behind) = rest.strip_prefix("{{") {
                let (name, behind) = behind.split_once("}}").ok_or(BadTemplate::Open)?;
                let (name, cut_before, cut_behind) = bare(name)?;
                if cut_before {
                    reader.trim();
                }
                reader.value(name, quote.is_some());
                rest = if cut_behind { behind.trim_start() } else { behind };
                continue;
            }
            rest = &rest[c.len_utf8()..];
            match (c, quote) {
                (c, Some(mark)) if c == mark => quote = None,
                ('\\', None | Some('"')) => {
                    let next = rest.chars().next().ok_or(BadTemplate::Quote)?;
                    rest = &rest[next.len_utf8()..];
                    if quote.is_some() && !matches!(next, '"' | '\\') {
                        reader.text.push('\\');
                    }
                    reader.text.push(next);
                    reader.begun = true;
                }
                (c, Some(_)) => reader.text.push(c),
                ('"' | '\'', None) => {
                    quote = Some(c);
                    reader.begun = true;
                }
                (c, None) if c.is_whitespace() => reader.end(),
                (c, None) => {
                    reader.text.push(c);
                    reader.begun = true;
                }
            }
        }
        if quote.is_some() {
            return Err(BadTemplate::Quote);
        }
        reader.end();
        if reader.done.len() > MAX_WORDS { Err(BadTemplate::TooLong) } else { Ok(Self(reader.done)) }
    }

    /// The words with their values.
    ///
    /// # Errors
    /// The name that has no value.
    pub fn render(&self, values: &Values) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        for word in &self.0 {
            all.append(&mut expand(word, values)?);
        }
        Ok(all)
    }

    /// The names whose values it wants.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().filter_map(|piece| match piece {
            Piece::Value { name, .. } => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }
}

/// The words that one becomes: more than one where a value has more, and none where it is nothing but a value that has none.
fn expand(word: &Word, values: &Values) -> Result<Vec<String>, String> {
    let mut words = vec![String::new()];
    let mut is_there = word.is_empty();
    for piece in word {
        let (first, more) = match piece {
            Piece::Text(text) => (Some(text.clone()), &[][..]),
            Piece::Value { name, quoted } => {
                let value = values.get(name).ok_or_else(|| name.clone())?;
                match (quoted, &value[..]) {
                    (true, value) => (Some(value.join(" ")), &[][..]),
                    (false, []) => (None, &[][..]),
                    (false, [first, more @ ..]) => (Some(first.clone()), more),
                }
            }
        };
        is_there |= first.is_some();
        if let (Some(first), Some(last)) = (first, words.last_mut()) {
            last.push_str(&first);
        }
        words.extend_from_slice(more);
    }
    if is_there { Ok(words) } else { Ok(Vec::new()) }
}

struct Reader {
    done: Vec<Word>,
    word: Word,
    text: String,
    /// Whether there is a word, though it may be empty.
    begun: bool,
}

impl Reader {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.word.push(Piece::Text(std::mem::take(&mut self.text)));
        }
    }

    fn value(&mut self, name: &str, quoted: bool) {
        self.flush();
        self.word.push(Piece::Value { name: name.to_owned(), quoted });
        self.begun = true;
    }

    fn end(&mut self) {
        self.flush();
        if self.begun || !self.word.is_empty() {
            self.done.push(std::mem::take(&mut self.word));
        }
        self.begun = false;
    }

    /// Takes back the space before a `{{-`: between words there is none left to take.
    fn trim(&mut self) {
        let length = self.text.trim_end().len();
        self.text.truncate(length);
        if !self.begun
            && let Some(last) = self.done.pop()
        {
            self.word = last;
            self.begun = true;
        }
    }
}

/// The name within the braces, and whether space before and behind them is to be cut.
fn bare(inner: &str) -> Result<(&str, bool, bool), BadTemplate> {
    let bad = || BadTemplate::NotAName(inner.chars().take(60).collect());
    let (rest, before) = match inner.strip_prefix("- ") {
        Some(rest) => (rest, true),
        None => (inner, false),
    };
    let (rest, behind) = match rest.strip_suffix(" -") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let name = rest.trim().strip_prefix('.').ok_or_else(bad)?;
    let sound = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if sound { Ok((name, before, behind)) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        let one = |value: &str| vec![value.to_owned()];
        let tool = ["ipmitool", "-H", "10.0.9.1", "-P", "a b"].map(str::to_owned).to_vec();
        [
            ("ip_address", one("10.0.9.1")),
            ("pw", one("a b;$(reboot) 'x")),
            ("empty", one("")),
            ("tool", tool),
            ("none", Vec::new()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn words(text: &str) -> Vec<String> {
        Template::command(text).unwrap().render(&values()).unwrap()
    }

    #[test]
    fn words_are_split_before_values_are_put_in() {
        assert_eq!(words("ssh {{.ip_address}} -p {{ .pw }}"), ["ssh", "10.0.9.1", "-p", "a b;$(reboot) 'x"]);
        assert_eq!(
            words("curl  http://{{.ip_address}}/x?p={{.pw}} "),
            ["curl", "http://10.0.9.1/x?p=a b;$(reboot) 'x"]
        );
        assert_eq!(words("a {{.empty}} b"), ["a", "", "b"]);
        assert_eq!(words("a '' \"\" b\n"), ["a", "", "", "b"]);
        assert_eq!(words("sh -c 'echo \"{{.ip_address}}\" x'"), ["sh", "-c", "echo \"10.0.9.1\" x"]);
        assert_eq!(words(r#"a "b \" \x" c\ d"#), ["a", "b \" \\x", "c d"]);
        assert_eq!(words("a {{- .ip_address -}} b"), ["a10.0.9.1b"]);
    }

    /// pxe-pilot's own example keeps the beginning of every command in a variable.
    #[test]
    fn a_value_made_in_the_configuration_has_its_words_and_those_of_hosts_stay_whole() {
        assert_eq!(words("{{.tool}} status"), ["ipmitool", "-H", "10.0.9.1", "-P", "a b", "status"]);
        assert_eq!(words("x={{.tool}}=y {{.none}} z"), ["x=ipmitool", "-H", "10.0.9.1", "-P", "a b=y", "z"]);
        assert_eq!(words("sh -c \"{{.tool}} status\""), ["sh", "-c", "ipmitool -H 10.0.9.1 -P a b status"]);
        assert_eq!(words("a x{{.none}} \"{{.none}}\""), ["a", "x", ""]);
        let value = Template::value("curl {{.pw}} http://{{.ip_address}}:80").unwrap();
        assert_eq!(value.render(&values()).unwrap(), ["curl", "a b;$(reboot) 'x", "http://10.0.9.1:80"]);
        assert!(Template::value(" ").unwrap().render(&values()).unwrap().is_empty());
    }

    #[test]
    fn names_without_a_value_are_named() {
        let template = Template::command("x {{.nope}}").unwrap();
        assert_eq!(template.render(&values()), Err("nope".into()));
        assert_eq!(template.names().collect::<Vec<_>>(), ["nope"]);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, error) in [
            ("  ", BadTemplate::Empty),
            ("a {{.b", BadTemplate::Open),
            ("a {{if .b}}", BadTemplate::NotAName("if .b".into())),
            ("a {{.b.c}}", BadTemplate::NotAName(".b.c".into())),
            ("a {{}}", BadTemplate::NotAName(String::new())),
            ("a 'b", BadTemplate::Quote),
            ("a \\", BadTemplate::Quote),
            ("a \u{7} b", BadTemplate::Control),
        ] {
            assert_eq!(Template::command(text), Err(error), "{text}");
        }
        assert_eq!(Template::command(&"x".repeat(5000)), Err(BadTemplate::TooLong));
        assert_eq!(Template::command(&"x ".repeat(1000)), Err(BadTemplate::TooLong));
    }
}
