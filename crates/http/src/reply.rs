//! Heads and bodies of answers.

use std::fmt;

use hyper::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, LAST_MODIFIED, RETRY_AFTER,
};
use hyper::{Response, StatusCode};

use crate::body::Outgoing;
use crate::condition::Validators;
use crate::kind::TEXT;
use crate::{Refusal, Why};

/// Longest line of a refusal, characters.
const LINE: usize = 1000;

/// An answer that nobody may keep: everything but files.
pub(crate) fn fresh(status: StatusCode, body: Outgoing, len: u64) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    put(&mut response, CONTENT_TYPE, TEXT);
    put(&mut response, CONTENT_LENGTH, len);
    put(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// One line for people, whatever is in it.
pub(crate) fn line(status: StatusCode, message: &str) -> Response<Outgoing> {
    let mut text: String =
        message.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE).collect();
    text.push('\n');
    let len = text.len() as u64;
    fresh(status, Outgoing::text(text), len)
}

/// A refusal of the desk.
pub(crate) fn refused(refusal: &Refusal) -> Response<Outgoing> {
    let status = match refusal.why {
        Why::NotFound => StatusCode::NOT_FOUND,
        Why::Forbidden => StatusCode::FORBIDDEN,
        Why::Gone => StatusCode::GONE,
        Why::TemplateError => StatusCode::INTERNAL_SERVER_ERROR,
        Why::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = line(status, &refusal.message);
    if refusal.why == Why::Unavailable {
        // iPXE waits that long and tries again by itself.
        put(&mut response, RETRY_AFTER, "5");
    }
    response
}

/// 405.
pub(crate) fn not_allowed(allowed: &'static str) -> Response<Outgoing> {
    let mut response =
        line(StatusCode::METHOD_NOT_ALLOWED, &format!("this address takes {allowed} and nothing else"));
    put(&mut response, ALLOW, allowed);
    response
}

/// A file, or a part of it: the head that all such answers share.
pub(crate) fn file(status: StatusCode, validators: &Validators, body: Outgoing) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    put(&mut response, ACCEPT_RANGES, "bytes");
    put(&mut response, ETAG, &validators.etag);
    if let Some(modified) = validators.modified {
        put(&mut response, LAST_MODIFIED, httpdate::fmt_http_date(modified));
    }
    response
}

/// Adds what tells the length and type of the body.
pub(crate) fn describe(response: &mut Response<Outgoing>, kind: &'static str, len: u64) {
    put(response, CONTENT_TYPE, kind);
    put(response, CONTENT_LENGTH, len);
}

/// Adds which part of the file this is.
pub(crate) fn content_range(response: &mut Response<Outgoing>, range: fmt::Arguments<'_>, of: u64) {
    put(response, CONTENT_RANGE, format_args!("bytes {range}/{of}"));
}

fn put(response: &mut Response<Outgoing>, name: HeaderName, value: impl fmt::Display) {
    // Only an entity tag comes from elsewhere; if it cannot be written, the answer goes without.
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        response.headers_mut().insert(name, value);
    }
}
