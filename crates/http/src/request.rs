//! The head of a request: RFC 9112.

use std::mem::MaybeUninit;

use httparse::{Error, Header};

use crate::status::Status;

/// Most lines in the head of a request. Boot firmware sends five, a browser fifteen.
pub(crate) const LINES: usize = 64;

/// One request, as long as its bytes are there.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// The path of the target, still encoded and without its query; nothing where the target has none.
    pub(crate) path: Option<&'a str>,
    /// The minor version of HTTP/1.
    pub(crate) minor: u8,
    pub(crate) fields: Fields<'a>,
}

/// What the bytes that came so far are.
#[derive(Debug)]
pub(crate) enum Parsed<'a> {
    /// A head that has this many bytes.
    Whole(Request<'a>, usize),
    /// The beginning of one.
    Begun,
    /// None.
    Bad(Status),
}

/// Room for the lines of a head. Nothing is in it until a head is read.
pub(crate) type Lines<'a> = [MaybeUninit<Header<'a>>; LINES];

/// No lines yet.
pub(crate) const fn no_lines<'a>() -> Lines<'a> {
    [const { MaybeUninit::uninit() }; LINES]
}

/// Reads a head; `lines` is room for its lines.
pub(crate) fn parse<'a>(bytes: &'a [u8], lines: &'a mut Lines<'a>) -> Parsed<'a> {
    if bytes.is_empty() {
        return Parsed::Begun;
    }
    let mut head = httparse::Request::new(&mut []);
    let len = match head.parse_with_uninit_headers(bytes, lines) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Parsed::Begun,
        Err(Error::TooManyHeaders) => return Parsed::Bad(Status::HeadTooLarge),
        Err(_) => return Parsed::Bad(Status::BadRequest),
    };
    let (Some(method), Some(target), Some(minor)) = (head.method, head.path, head.version) else {
        return Parsed::Bad(Status::BadRequest);
    };
    Parsed::Whole(Request { method, path: path(target), minor, fields: Fields(head.headers) }, len)
}

/// What a head is that is too long to be read.
pub(crate) fn too_long(bytes: &[u8]) -> Status {
    if bytes.contains(&b'\n') { Status::HeadTooLarge } else { Status::UriTooLong }
}

impl Request<'_> {
    /// Whether the client means to send more requests on this connection (RFC 9112 section 9.3).
    pub(crate) fn stays(&self) -> bool {
        let says = |wanted: &str| {
            let values = self.fields.all("Connection").flat_map(|value| value.split(','));
            values.map(str::trim).any(|option| option.eq_ignore_ascii_case(wanted))
        };
        if self.minor == 0 { says("keep-alive") && !says("close") } else { !says("close") }
    }

    /// Whether a body follows, as far as the head tells.
    pub(crate) fn has_body(&self) -> bool {
        self.fields.has("Transfer-Encoding")
            || self.fields.values("Content-Length").any(|value| value.trim_ascii() != b"0")
    }
}

/// The path of a target (RFC 9112 section 3.2): as it is, or within a whole address, as a client sends it to a proxy.
fn path(target: &str) -> Option<&str> {
    let target = target.split(['?', '#']).next().unwrap_or_default();
    if target.starts_with('/') {
        return Some(target);
    }
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    Some(rest.find('/').map_or("/", |at| &rest[at..]))
}

/// The fields of a head. Names are compared without regard to case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [Header<'a>]);

impl<'a> Fields<'a> {
    pub(crate) fn values(self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// Whether there is such a field.
    pub(crate) fn has(self, name: &'static str) -> bool {
        self.values(name).next().is_some()
    }

    /// The values of all such fields that are text.
    pub(crate) fn all(self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.values(name).filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The value of the only such field.
    pub(crate) fn only(self, name: &'static str) -> Only<'a> {
        let mut values = self.values(name);
        match (values.next().map(std::str::from_utf8), values.next()) {
            (None, _) => Only::Absent,
            (Some(Ok(value)), None) => Only::Value(value.trim()),
            _ => Only::Unclear,
        }
    }
}

/// A field that makes sense only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Only<'a> {
    /// There is none.
    Absent,
    /// There is one.
    Value(&'a str),
    /// There are several, or it is no text.
    Unclear,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(bytes: &str, look: impl FnOnce(Parsed<'_>) -> T) -> T {
        look(parse(bytes.as_bytes(), &mut no_lines()))
    }

    #[test]
    fn a_target_leads_to_its_path() {
        for (target, expected) in [
            ("/a/b", Some("/a/b")),
            ("//a?b/c", Some("//a")),
            ("/a#b", Some("/a")),
            ("http://host/a/b?c", Some("/a/b")),
            ("HTTPS://host:1", Some("/")),
            ("http://host?x", Some("/")),
            ("ftp://host/a", None),
            ("*", None),
            ("host:80", None),
            ("a/b", None),
        ] {
            assert_eq!(path(target), expected, "{target}");
        }
    }

    #[test]
    fn a_head_is_whole_at_its_empty_line() {
        let head = "GET /x HTTP/1.1\r\nHost: y\r\n\r\n";
        for end in 0..head.len() {
            assert!(with(&head[..end], |parsed| matches!(parsed, Parsed::Begun)), "{end}");
        }
        for (bytes, len) in [(head.to_owned(), head.len()), (format!("{head}GET"), head.len())] {
            assert!(with(&bytes, |parsed| matches!(parsed, Parsed::Whole(_, at) if at == len)));
        }
        assert!(with("GET /x HTTP/1.0\n\n", |parsed| matches!(parsed, Parsed::Whole(..))), "bare line ends");
        assert!(with("\r\nGET /x HTTP/1.1\r\n\r\n", |parsed| matches!(parsed, Parsed::Whole(..))));
    }

    #[test]
    fn what_is_no_request_is_told_so() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(LINES + 1));
        for (bytes, status) in [
            ("\0\0\r\n\r\n", Status::BadRequest),
            ("GET\r\n\r\n", Status::BadRequest),
            ("GET / HTTP/2.0\r\n\r\n", Status::BadRequest),
            (&many, Status::HeadTooLarge),
        ] {
            assert!(
                with(bytes, |parsed| matches!(parsed, Parsed::Bad(found) if found == status)),
                "{bytes:?}"
            );
        }
        assert_eq!(too_long(b"GET /xxxx"), Status::UriTooLong);
        assert_eq!(too_long(b"GET / HTTP/1.1\r\nX: yyyy"), Status::HeadTooLarge);
    }

    #[test]
    fn a_connection_stays_and_a_body_follows_as_the_head_says() {
        for (head, stays, body) in [
            ("GET / HTTP/1.1\r\n\r\n", true, false),
            ("GET / HTTP/1.0\r\n\r\n", false, false),
            ("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", false, false),
            ("GET / HTTP/1.1\r\nconnection: te, close\r\n\r\n", false, false),
            ("GET / HTTP/1.0\r\nCONNECTION: Keep-Alive\r\n\r\n", true, false),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false, false),
            ("PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", true, false),
            ("PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", true, true),
            ("PUT / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\n", true, true),
            ("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", true, true),
        ] {
            let found = with(head, |parsed| match parsed {
                Parsed::Whole(request, _) => Some((request.stays(), request.has_body())),
                _ => None,
            });
            assert_eq!(found, Some((stays, body)), "{head:?}");
        }
    }

    #[test]
    fn a_field_that_comes_twice_is_unclear() {
        let found = |head| {
            with(head, |parsed| match parsed {
                Parsed::Whole(request, _) => format!("{:?}", request.fields.only("Range")),
                other => format!("{other:?}"),
            })
        };
        assert_eq!(found("GET / HTTP/1.1\r\n\r\n"), "Absent");
        assert_eq!(found("GET / HTTP/1.1\r\nrange:  a \r\n\r\n"), "Value(\"a\")");
        assert_eq!(found("GET / HTTP/1.1\r\nRange: a\r\nRange: b\r\n\r\n"), "Unclear");
        assert_eq!(found("GET / HTTP/1.1\r\nRange: \u{fffd}\r\n\r\n"), "Value(\"\u{fffd}\")");
    }
}
