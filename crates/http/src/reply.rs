//! Heads and bodies of answers.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use nextboot_files::Content;

use crate::buffer::Buffer;
use crate::condition::Validators;
use crate::kind::TEXT;
use crate::status::Status;
use crate::{Refusal, Sent, Why};

/// Longest line of a refusal, characters.
const LINE: usize = 1000;

/// How long a cache may give a file to others without a look at ours (RFC 9111 section 5.2.2): long enough that a rack which is
/// switched on together is one request, and so short that nobody who puts a kernel in place meets the old one.
const KEPT: &str = "max-age=5, must-revalidate";

/// Room for the fields of an answer, bytes.
const FIELDS: usize = 512;

/// What a page may load, run or talk to: nothing but its own style; a form may go back to where the page came from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: Status,
    /// The lines of its fields.
    fields: String,
    pub(crate) body: Option<Body>,
}

/// What goes out behind a head.
pub(crate) struct Body {
    pub(crate) content: Content,
    pub(crate) part: Range<u64>,
    /// Of which somebody wants to know whether it arrived.
    pub(crate) sent: Option<Sent>,
}

impl Reply {
    fn new(status: Status, body: Option<Body>) -> Self {
        Self { status, fields: String::with_capacity(FIELDS), body }
    }

    /// An answer that nobody may keep: everything but files.
    pub(crate) fn fresh(status: Status, body: Option<Body>, len: u64) -> Self {
        Self::fresh_of(TEXT, status, body, len)
    }

    fn fresh_of(kind: &'static str, status: Status, body: Option<Body>, len: u64) -> Self {
        let mut reply = Self::new(status, body);
        reply.describe(kind, len);
        reply.put("Cache-Control", "no-store");
        reply
    }

    /// A page for people's browsers, or what a page shows: it must do nothing there but be read.
    pub(crate) fn page(kind: &'static str, body: Option<Body>, len: u64) -> Self {
        let mut reply = Self::fresh_of(kind, Status::Ok, body, len);
        reply.put("Content-Security-Policy", POLICY);
        reply.put("X-Content-Type-Options", "nosniff");
        reply.put("Referrer-Policy", "no-referrer");
        reply
    }

    /// A text, of which nobody wants to know whether it arrived.
    pub(crate) fn text(status: Status, text: String) -> Self {
        let len = text.len() as u64;
        let body = Body { content: Content::from_bytes(text), part: 0..len, sent: None };
        Self::fresh(status, Some(body), len)
    }

    /// One line for people, whatever is in it.
    pub(crate) fn line(status: Status, message: &str) -> Self {
        let mut text: String =
            message.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE).collect();
        text.push('\n');
        Self::text(status, text)
    }

    /// A refusal of the desk.
    pub(crate) fn refused(refusal: &Refusal) -> Self {
        let status = match refusal.why {
            Why::NotFound => Status::NotFound,
            Why::Forbidden => Status::Forbidden,
            Why::Gone => Status::Gone,
            Why::TemplateError => Status::InternalServerError,
            Why::Misunderstood => Status::BadRequest,
            Why::TooLarge => Status::ContentTooLarge,
            Why::Unavailable => Status::ServiceUnavailable,
        };
        let mut reply = Self::line(status, &refusal.message);
        if refusal.why == Why::Unavailable {
            // iPXE waits that long and tries again by itself.
            reply.put("Retry-After", "5");
        }
        reply
    }

    /// 503 for a client that a proxy brings too many requests of.
    pub(crate) fn crowded() -> Self {
        let mut reply = Self::line(Status::ServiceUnavailable, "too many requests from you");
        reply.put("Retry-After", "5");
        reply
    }

    /// 405.
    pub(crate) fn not_allowed(allowed: &'static str) -> Self {
        let message = format!("this address takes {allowed} and nothing else");
        let mut reply = Self::line(Status::MethodNotAllowed, &message);
        reply.put("Allow", allowed);
        reply
    }

    /// A file, or a part of it: the head that all such answers share. `kept` says whether a cache may give it to others.
    pub(crate) fn file(status: Status, validators: &Validators, kept: bool, body: Option<Body>) -> Self {
        let mut reply = Self::new(status, body);
        reply.put("Cache-Control", if kept { KEPT } else { "no-store" });
        reply.put("Accept-Ranges", "bytes");
        reply.put("ETag", &validators.etag);
        if let Some(modified) = validators.modified {
            reply.fields.push_str("Last-Modified: ");
            MODIFIED.with_borrow_mut(|date| reply.fields.push_str(date.of(modified)));
            reply.fields.push_str("\r\n");
        }
        reply
    }

    /// Adds what tells the length and type of the body.
    pub(crate) fn describe(&mut self, kind: &'static str, len: u64) {
        self.put("Content-Type", kind);
        // A string takes whatever is written.
        let _ = write!(self.fields, "Content-Length: {len}\r\n");
    }

    /// Adds which part of the file this is.
    pub(crate) fn content_range(&mut self, range: fmt::Arguments<'_>, of: u64) {
        let _ = write!(self.fields, "Content-Range: bytes {range}/{of}\r\n");
    }

    /// Names as every other server writes them: some firmware compares bytes. No value comes from outside.
    fn put(&mut self, name: &'static str, value: &str) {
        for part in [name, ": ", value, "\r\n"] {
            self.fields.push_str(part);
        }
    }

    /// Puts in the bytes of the head, for a client that speaks this minor version of HTTP/1.
    pub(crate) fn head(&self, minor: u8, stays: bool, out: &mut Buffer) {
        let connection = match (minor, stays) {
            (0, true) => "Connection: keep-alive\r\n",
            (0, false) | (_, true) => "",
            (_, false) => "Connection: close\r\n",
        };
        for part in [
            "HTTP/1.",
            if minor == 0 { "0 " } else { "1 " },
            self.status.line(),
            "\r\n",
            &self.fields,
            connection,
        ] {
            out.push(part.as_bytes());
        }
        out.push(b"Date: ");
        NOW.with_borrow_mut(|date| out.push(date.of(SystemTime::now()).as_bytes()));
        out.push(b"\r\n\r\n");
    }
}

thread_local! {
    /// What time it is (RFC 9110 section 6.6.1).
    static NOW: RefCell<Date> = const { RefCell::new(Date { second: 0, text: String::new() }) };
    /// When a file changed: who reads from an image asks for a part of the same one again and again.
    static MODIFIED: RefCell<Date> = const { RefCell::new(Date { second: 0, text: String::new() }) };
}

/// A date as it was written last: that takes as long as all other lines together.
struct Date {
    second: u64,
    text: String,
}

impl Date {
    fn of(&mut self, at: SystemTime) -> &str {
        let second = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.second != second || self.text.is_empty() {
            self.second = second;
            self.text = httpdate::fmt_http_date(at);
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_its_version_time_and_whether_the_connection_stays() {
        let reply = Reply::line(Status::NotFound, "no\nsuch thing ");
        for (minor, stays, start, connection) in [
            (1, true, "HTTP/1.1 404 Not Found\r\n", None),
            (1, false, "HTTP/1.1 404 Not Found\r\n", Some("Connection: close")),
            (0, false, "HTTP/1.0 404 Not Found\r\n", None),
            (0, true, "HTTP/1.0 404 Not Found\r\n", Some("Connection: keep-alive")),
        ] {
            let mut out = Buffer::take();
            reply.head(minor, stays, &mut out);
            let head = std::str::from_utf8(out.filled()).unwrap();
            assert!(head.starts_with(start) && head.ends_with("\r\n\r\n"), "{head}");
            assert_eq!(head.lines().find(|line| line.starts_with("Connection")), connection, "{head}");
            assert!(head.contains("Content-Length: 14\r\n") && head.contains("\r\nDate: "), "{head}");
        }
    }
}
