//! Text that a client may choose, made fit to be stored, printed and logged.

use std::fmt::Write as _;

/// At most `limit` bytes of printable ASCII; everything else is written `\xNN`. `None` if nothing is left.
pub(crate) fn printable(raw: &[u8], limit: usize) -> Option<String> {
    let raw = raw.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut text = String::with_capacity(raw.len().min(limit));
    for byte in raw {
        let before = text.len();
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => {
                // Writing to a String does not fail.
                let _ = write!(text, "\\x{other:02x}");
            }
        }
        if text.len() > limit {
            text.truncate(before);
            break;
        }
    }
    (!text.is_empty()).then_some(text)
}

/// A host name of letters, digits, dashes and dots, lower case, labels of at most 63 bytes, 253 in all. Other bytes are left
/// out (an underscore becomes a dash); `None` if nothing is left.
pub(crate) fn host_name(raw: &[u8]) -> Option<String> {
    let raw = raw.split(|byte| *byte == 0).next().unwrap_or_default();
    let kept: String = raw
        .iter()
        .filter_map(|byte| match byte {
            b'_' => Some('-'),
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.') => {
                Some(char::from(b.to_ascii_lowercase()))
            }
            _ => None,
        })
        .collect();
    let mut name = String::new();
    for label in kept.split('.') {
        let label: String = label.trim_matches('-').chars().take(63).collect();
        let label = label.trim_end_matches('-');
        if label.is_empty() {
            continue;
        }
        if name.len() + 1 + label.len() > 253 {
            break;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(label);
    }
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_lose_what_does_not_belong() {
        for (raw, name) in [
            (&b"Node_01.Example."[..], Some("node-01.example")),
            (b"???", None),
            (b".", None),
            (b"-", None),
            (b"", None),
            (b"a..b\0c", Some("a.b")),
            (b"\xff\xfez", Some("z")),
            (b"x\r\ny", Some("xy")),
        ] {
            assert_eq!(host_name(raw).as_deref(), name);
        }
        assert_eq!(host_name(&[b'a'; 300]).map(|name| name.len()), Some(63));
        assert!(host_name(&b"abcdefg.".repeat(60)).is_some_and(|name| name.len() <= 253));
    }

    #[test]
    fn texts_hide_what_terminals_would_obey() {
        assert_eq!(printable(b"PXEClient\x1b[2J", 64).as_deref(), Some("PXEClient\\x1b[2J"));
        assert_eq!(printable(b"\xff\xff\xff", 8).as_deref(), Some("\\xff\\xff"));
        assert_eq!(printable(b"\0abc", 8), None);
    }
}
