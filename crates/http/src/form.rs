//! A form with files in it, as `curl -F` sends it: multipart/form-data, RFC 7578 and RFC 2046 section 5.1.

/// Most bytes in the head of one part. Names of files are in it, and are not looked at.
const HEAD: usize = 4096;
/// Most parts of a form.
const PARTS: usize = 16;
/// Longest boundary (RFC 2046 section 5.1.1).
const BOUNDARY: usize = 70;

/// Why something is no form, in words for the one who sent it.
pub(crate) type BadForm = &'static str;

/// Reads a form piece by piece in a bounded piece of memory, and gives out what one field holds.
#[derive(Debug)]
pub(crate) struct Form {
    /// What begins every part but the first: a line break, two dashes and the boundary.
    delimiter: Vec<u8>,
    wanted: &'static str,
    /// What came and is not understood yet.
    held: Vec<u8>,
    state: State,
    parts: usize,
    found: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first part.
    Before,
    /// Behind a boundary.
    Boundary,
    /// In the head of a part.
    Head,
    /// In the content of a part, which is the wanted one or not.
    Content(bool),
    /// Behind the last part.
    After,
}

impl Form {
    /// A form of this boundary, of which the field `wanted` is wanted.
    pub(crate) fn new(boundary: &str, wanted: &'static str) -> Self {
        Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            wanted,
            // The first part has no line break before its boundary.
            held: b"\r\n".to_vec(),
            state: State::Before,
            parts: 0,
            found: false,
        }
    }

    /// Takes what comes next, and adds to `out` what of it is the field's content.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), BadForm> {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let held = self.held.get(at..).unwrap_or_default();
            let step = match self.state {
                State::Before | State::Content(_) => match find(held, &self.delimiter) {
                    Some(end) => {
                        self.take(at..at + end, out);
                        self.state = State::Boundary;
                        Some(end + self.delimiter.len())
                    }
                    None => {
                        // All but what may be the beginning of a boundary.
                        let end = held.len().saturating_sub(self.delimiter.len() - 1);
                        self.take(at..at + end, out);
                        at += end;
                        None
                    }
                },
                State::Boundary => match held {
                    [b'-', b'-', ..] => {
                        self.state = State::After;
                        Some(2)
                    }
                    [b'\r', b'\n', ..] => {
                        self.begin_part()?;
                        // The empty line that ends a head may follow at once.
                        Some(0)
                    }
                    [] | [b'-' | b'\r'] => None,
                    [b' ' | b'\t', ..] => Some(1),
                    _ => return Err("a boundary is not at the end of its line"),
                },
                State::Head => match find(held, b"\r\n\r\n") {
                    Some(end) if end <= HEAD => {
                        let is_wanted =
                            names(held.get(..end).unwrap_or_default(), self.wanted) && !self.found;
                        self.found |= is_wanted;
                        self.state = State::Content(is_wanted);
                        Some(end + 4)
                    }
                    None if held.len() <= HEAD => None,
                    _ => return Err("the head of a part is too long"),
                },
                State::After => Some(held.len()).filter(|len| *len > 0),
            };
            match step {
                Some(step) => at += step,
                None => break,
            }
            if self.state == State::After && at >= self.held.len() {
                break;
            }
        }
        self.held.drain(..at.min(self.held.len()));
        Ok(())
    }

    fn begin_part(&mut self) -> Result<(), BadForm> {
        self.parts += 1;
        self.state = State::Head;
        if self.parts > PARTS { Err("the form has too many parts") } else { Ok(()) }
    }

    fn take(&self, part: std::ops::Range<usize>, out: &mut Vec<u8>) {
        if self.state == State::Content(true) {
            out.extend_from_slice(self.held.get(part).unwrap_or_default());
        }
    }

    /// Nothing more comes. Whether the field was there.
    pub(crate) fn finish(self) -> Result<bool, BadForm> {
        if self.state == State::After { Ok(self.found) } else { Err("the form is not at its end") }
    }
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = within.get(from..)?.iter().position(|byte| *byte == first) {
        if within.get(from + at..)?.starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// Whether the head of a part says that it is the field of this name.
fn names(head: &[u8], wanted: &str) -> bool {
    let head = String::from_utf8_lossy(head);
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let mut dispositions = lines
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .map(|(_, value)| value);
    dispositions.next().is_some_and(|value| parameter(value, "name").is_some_and(|name| name == wanted))
}

/// The boundary that a `Content-Type` names, if it is that of such a form.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let kind = content_type.split(';').next()?.trim();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(content_type, "boundary")?;
    let sound =
        (1..=BOUNDARY).contains(&boundary.len()) && boundary.bytes().all(|b| (b' '..=b'~').contains(&b));
    (sound && !boundary.ends_with(' ')).then_some(boundary)
}

/// A parameter of a field's value, out of its quotes. What is within the quotes of another parameter is none.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value;
    loop {
        rest = rest.get(end_of_parameter(rest)? + 1..)?.trim_start();
        let (name, after) = rest.split_once('=')?;
        if name.contains(';') {
            continue;
        }
        if name.trim().eq_ignore_ascii_case(wanted) {
            let end = end_of_parameter(after).unwrap_or(after.len());
            let text = after.get(..end)?.trim();
            let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            return Some(quoted.map_or_else(|| text.to_owned(), unquoted));
        }
    }
}

/// Where the semicolon is that ends what is before it.
fn end_of_parameter(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => return Some(at),
            _ => {}
        }
        None
    })
}

fn unquoted(text: &str) -> String {
    let mut escaped = false;
    text.chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], piece: usize) -> Result<(bool, Vec<u8>), BadForm> {
        let (mut form, mut out) = (Form::new("XX", "file"), Vec::new());
        for piece in bytes.chunks(piece.max(1)) {
            form.feed(piece, &mut out)?;
            assert!(form.held.len() <= HEAD + piece.len() + 80, "{}", form.held.len());
        }
        Ok((form.finish()?, out))
    }

    fn all(bytes: &[u8]) -> Result<(bool, Vec<u8>), BadForm> {
        let whole = read(bytes, bytes.len());
        for piece in [1, 2, 3, 5, 7, 64] {
            assert_eq!(read(bytes, piece), whole, "in pieces of {piece}");
        }
        whole
    }

    const HEAD_OF_FILE: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"../../etc/passwd\"\r\nContent-Type: text/plain\r\n";

    #[test]
    fn the_content_of_the_field_comes_out_to_the_byte() {
        for content in
            ["", "a", "V: 1\nE: x\n", "\r\n", "\r\n--X", "\r\n--XY", "--XX", "\r\n\r\n", "\0\u{ff}", "-"]
        {
            let form = format!("--XX\r\n{HEAD_OF_FILE}\r\n{content}\r\n--XX--\r\n");
            assert_eq!(all(form.as_bytes()), Ok((true, content.into())), "{content:?}");
        }
    }

    #[test]
    fn other_fields_and_what_is_around_them_do_not_count() {
        let other = "--XX\r\ncontent-disposition: form-data; name=\"x\"; filename=\"; name=\\\"file\\\"\"\r\n\r\nno\r\n";
        let bare = "--XX\r\n\r\nno\r\n";
        let form = format!(
            "before\r\n{other}{bare}--XX \t\r\n{HEAD_OF_FILE}\r\nyes\r\n{other}--XX\r\n{HEAD_OF_FILE}\r\ntwice\r\n--XX--after--XX"
        );
        assert_eq!(all(form.as_bytes()), Ok((true, b"yes".to_vec())));
        assert_eq!(all(format!("{other}--XX--").as_bytes()), Ok((false, Vec::new())));
        assert_eq!(all(b"--XX--"), Ok((false, Vec::new())));
        let unquoted = "--XX\r\nContent-Disposition: form-data; name=file\r\n\r\nyes\r\n--XX--";
        assert_eq!(all(unquoted.as_bytes()), Ok((true, b"yes".to_vec())));
    }

    #[test]
    fn what_is_no_form_is_told_so() {
        let whole = format!("--XX\r\n{HEAD_OF_FILE}\r\nabc\r\n--XX--");
        for end in 0..whole.len() {
            assert!(all(&whole.as_bytes()[..end]).is_err(), "{end}");
        }
        assert!(all(b"--YY\r\n\r\n\r\n--YY--").is_err(), "another boundary");
        assert!(all(b"--XXY\r\n\r\n\r\n--XX--").is_err());
        assert!(all(format!("--XX\r\nX: {}\r\n\r\n\r\n--XX--", "y".repeat(HEAD)).as_bytes()).is_err());
        let many = format!("{}--XX--", "--XX\r\n\r\n\r\n".repeat(PARTS + 1));
        assert_eq!(all(many.as_bytes()), Err("the form has too many parts"));
    }

    #[test]
    fn a_boundary_is_what_the_type_names() {
        for (kind, expected) in [
            ("multipart/form-data; boundary=----abc", Some("----abc")),
            ("Multipart/Form-Data;charset=utf-8; Boundary=\"a b;c\"", Some("a b;c")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=\"a \"", None),
            ("multipart/mixed; boundary=a", None),
            ("application/x-www-form-urlencoded", None),
            ("", None),
        ] {
            assert_eq!(boundary(kind).as_deref(), expected, "{kind}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
    }

    proptest! {
        #[test]
        fn no_form_is_too_strange(
            text in "(--XX|\r\n|\r\n\r\n|--|Content-Disposition: form-data; name=\"file\"|[ -~]{0,9}){0,20}", piece in 1usize..20,
        ) {
            prop_assert_eq!(read(text.as_bytes(), piece), read(text.as_bytes(), text.len()));
        }

        #[test]
        fn no_field_is_too_strange(text in "[a-z;=\" \\\\/]{0,60}") {
            let _ = boundary(&text);
            let _ = names(text.as_bytes(), "file");
        }
    }
}
