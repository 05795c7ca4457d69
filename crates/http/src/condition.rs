//! Whether what the client has, or wants to go on with, is still the same file: RFC 9110 section 13.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::request::{Fields, Only};

const IF_MATCH: &str = "If-Match";
const IF_NONE_MATCH: &str = "If-None-Match";

/// What a client may know a file by.
#[derive(Debug, Clone)]
pub(crate) struct Validators {
    /// A strong entity tag with its quotes.
    pub(crate) etag: Arc<str>,
    /// When it last changed, in whole seconds, and not later than now.
    pub(crate) modified: Option<SystemTime>,
    now: SystemTime,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it.
    Go,
    /// 304: the client has it.
    NotModified,
    /// 412: it is not what the client means.
    Failed,
}

impl Validators {
    pub(crate) fn new(etag: Arc<str>, modified: Option<SystemTime>, now: SystemTime) -> Self {
        // What lies before 1970 or far ahead cannot be written in HTTP, and means only that a clock is wrong.
        let seconds =
            modified.and_then(|at| at.min(now).duration_since(UNIX_EPOCH).ok()).map(|at| at.as_secs());
        let modified = seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        Self { etag, modified, now }
    }

    /// In the order of RFC 9110 section 13.2.2.
    pub(crate) fn judge(&self, fields: Fields<'_>) -> Verdict {
        if fields.has(IF_MATCH) {
            if !lists(fields, IF_MATCH, |tag| tag == &*self.etag) {
                return Verdict::Failed;
            }
        } else if let (Some(modified), Some(since)) = (self.modified, date(fields, "If-Unmodified-Since"))
            && modified > since
        {
            return Verdict::Failed;
        }
        if fields.has(IF_NONE_MATCH) {
            let weakly = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag) == &*self.etag;
            if lists(fields, IF_NONE_MATCH, weakly) {
                return Verdict::NotModified;
            }
        } else if let (Some(modified), Some(since)) = (self.modified, date(fields, "If-Modified-Since"))
            && modified <= since
        {
            return Verdict::NotModified;
        }
        Verdict::Go
    }

    /// Whether a `Range` holds: there is no `If-Range`, or it names this very file.
    pub(crate) fn allows_range(&self, fields: Fields<'_>) -> bool {
        match fields.only("If-Range") {
            Only::Absent => true,
            Only::Value(tag) if tag.starts_with('"') => tag == &*self.etag,
            // A date is good enough only when the file cannot have changed twice in that second.
            Only::Value(date) => self.modified.is_some_and(|modified| {
                httpdate::parse_http_date(date).is_ok_and(|date| date == modified)
                    && self.now.duration_since(modified).is_ok_and(|age| age >= Duration::from_secs(2))
            }),
            Only::Unclear => false,
        }
    }
}

fn lists(fields: Fields<'_>, field: &'static str, same: impl Fn(&str) -> bool) -> bool {
    fields.all(field).flat_map(|value| value.split(',')).map(str::trim).any(|tag| tag == "*" || same(tag))
}

fn date(fields: Fields<'_>, field: &'static str) -> Option<SystemTime> {
    httpdate::parse_http_date(fields.all(field).next()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "Fri, 01 Jan 2021 00:00:00 GMT";
    const BEFORE: &str = "Thu, 31 Dec 2020 23:59:59 GMT";
    const AFTER: &str = "Fri, 01 Jan 2021 00:00:01 GMT";

    fn file() -> Validators {
        let at = httpdate::parse_http_date(AT).unwrap();
        Validators::new("\"1-a\"".into(), Some(at + Duration::from_millis(900)), at + Duration::from_secs(60))
    }

    fn headers(fields: &[(&'static str, &'static str)]) -> Vec<httparse::Header<'static>> {
        fields.iter().map(|&(name, value)| httparse::Header { name, value: value.as_bytes() }).collect()
    }

    #[test]
    fn conditions_come_to_what_the_rfc_says() {
        use Verdict::{Failed, Go, NotModified};
        for (fields, verdict) in [
            (&[][..], Go),
            (&[("if-none-match", "\"1-a\"")], NotModified),
            (&[("if-none-match", "W/\"1-a\"")], NotModified),
            (&[("if-none-match", "\"x\", \"1-a\"")], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", "\"x\"")], Go),
            (&[("if-none-match", "\"x\""), ("if-modified-since", AFTER)], Go),
            (&[("if-modified-since", AT)], NotModified),
            (&[("if-modified-since", AFTER)], NotModified),
            (&[("if-modified-since", BEFORE)], Go),
            (&[("if-modified-since", "yesterday")], Go),
            (&[("if-match", "\"1-a\"")], Go),
            (&[("if-match", "*")], Go),
            (&[("if-match", "W/\"1-a\"")], Failed),
            (&[("if-match", "\"x\"")], Failed),
            (&[("if-match", "\"1-a\""), ("if-unmodified-since", BEFORE)], Go),
            (&[("if-unmodified-since", BEFORE)], Failed),
            (&[("if-unmodified-since", AT)], Go),
            (&[("if-match", "\"x\""), ("if-none-match", "\"1-a\"")], Failed),
        ] {
            assert_eq!(file().judge(Fields(&headers(fields))), verdict, "{fields:?}");
        }
    }

    #[test]
    fn a_range_holds_only_for_the_same_file() {
        for (fields, holds) in [
            (&[][..], true),
            (&[("if-range", "\"1-a\"")], true),
            (&[("if-range", "W/\"1-a\"")], false),
            (&[("if-range", "\"x\"")], false),
            (&[("if-range", AT)], true),
            (&[("if-range", BEFORE)], false),
            (&[("if-range", AFTER)], false),
            (&[("if-range", "x")], false),
        ] {
            assert_eq!(file().allows_range(Fields(&headers(fields))), holds, "{fields:?}");
        }
        let fresh = Validators { now: httpdate::parse_http_date(AFTER).unwrap(), ..file() };
        assert!(!fresh.allows_range(Fields(&headers(&[("if-range", AT)]))));
    }

    #[test]
    fn times_that_http_cannot_write_are_left_out() {
        let now = UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(
            Validators::new("".into(), UNIX_EPOCH.checked_sub(Duration::from_secs(1)), now).modified,
            None
        );
        assert_eq!(
            Validators::new("".into(), Some(now + Duration::from_secs(1 << 40)), now).modified,
            Some(now)
        );
    }
}
