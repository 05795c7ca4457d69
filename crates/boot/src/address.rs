use std::fmt::Write as _;

/// A name beneath the roots as part of a URL, with a slash before it.
pub(crate) fn path(name: &str) -> String {
    let mut path = String::from("/");
    for byte in name.trim_start_matches("::").trim_start_matches('/').bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'/'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'+'
            | b':'
            | b'@'
            | b',' => path.push(char::from(byte)),
            other => {
                let _ = write!(path, "%{other:02X}");
            }
        }
    }
    path
}
