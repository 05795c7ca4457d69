//! One line: comments, quotes, the option's name and what it is given.

/// What is in quotes has no meaning of its own: a comma divides nothing, and `"10.0.0.1"` is a text. It is kept apart by a
/// shift into characters that nobody writes.
const HIDDEN: u32 = 0xF_0000;

fn hide(c: char) -> char {
    if c.is_ascii() { char::from_u32(HIDDEN + u32::from(c)).unwrap_or(c) } else { c }
}

/// The text with what was in quotes as it was written.
pub(super) fn reveal(text: &str) -> String {
    let shown = |c: char| match u32::from(c).checked_sub(HIDDEN).and_then(|c| u8::try_from(c).ok()) {
        Some(byte) if byte.is_ascii() => char::from(byte),
        _ => c,
    };
    text.chars().map(shown).collect()
}

/// Takes comment, quotes and surrounding blanks away; nothing is left of an empty line. A comment begins with `#` behind a blank
/// or at the beginning.
pub(super) fn plain(line: &str) -> Result<Option<String>, &'static str> {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    let mut blank = true;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                loop {
                    let escape = |c: &char| "\"tnebr\\".contains(*c);
                    match chars.next() {
                        None => return Err("a quotation mark is missing at the end"),
                        Some('"') => break,
                        Some('\\') if chars.peek().is_some_and(escape) => {
                            let meant = match chars.next() {
                                Some('t') => '\t',
                                Some('n') => '\n',
                                Some('b') => '\u{8}',
                                Some('r') => '\r',
                                Some('e') => '\u{1b}',
                                Some(c) => c,
                                None => break,
                            };
                            text.push(hide(meant));
                        }
                        Some(c) => text.push(hide(c)),
                    }
                }
                blank = false;
            }
            '#' if blank => break,
            c if c.is_whitespace() => {
                text.push(' ');
                blank = true;
            }
            c => {
                text.push(c);
                blank = false;
            }
        }
    }
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The option's name and its argument.
pub(super) fn option(line: &str) -> (String, Option<String>) {
    match line.split_once('=') {
        Some((name, argument)) => (name.trim().to_owned(), Some(argument.trim().to_owned())),
        None => (line.to_owned(), None),
    }
}

/// The parts of an argument, between commas.
pub(super) fn parts(argument: &str) -> Vec<String> {
    argument.split(',').map(|part| part.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_quotes_and_blanks_are_taken_as_dnsmasq_takes_them() {
        for (line, meant) in [
            ("", None),
            ("  # all", None),
            ("#all", None),
            (" port = 0 # dns", Some("port = 0")),
            ("domain=a#b", Some("domain=a#b")),
            ("a\t\tb", Some("a  b")),
        ] {
            assert_eq!(plain(line).unwrap().as_deref(), meant, "{line}");
        }
        assert!(plain("a=\"b").is_err());
        let quoted = plain(r#"pxe-prompt="Press F8, # now \"x\"", 5"#).unwrap().unwrap();
        let (name, argument) = option(&quoted);
        assert_eq!(name, "pxe-prompt");
        let parts: Vec<String> = parts(&argument.unwrap()).iter().map(|part| reveal(part)).collect();
        assert_eq!(parts, ["Press F8, # now \"x\"", "5"]);
        assert!("10.0.0.1".parse::<std::net::Ipv4Addr>().is_ok());
        assert!(plain("\"10.0.0.1\"").unwrap().unwrap().parse::<std::net::Ipv4Addr>().is_err());
    }
}
