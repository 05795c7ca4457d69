//! HTTP/1.1 as boot firmware speaks it: one request on a connection, without following redirects.

mod answer;
mod fetch;

use answer::Answer;

pub(crate) use fetch::Fetch;

/// What to ask a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `HEAD`, `GET`, `PUT` or `POST`.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// What to send.
    pub body: Vec<u8>,
    /// How the program calls itself.
    pub agent: &'static str,
    /// Whether anybody here reads the body of the answer. Of a kernel only the size counts, and a thousand machines have no
    /// room for as many kernels.
    pub keep: bool,
}

/// What the web server said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpAnswer {
    /// 200 and so on.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Length`.
    pub content_length: Option<u64>,
    /// The body; empty for HEAD, and where it is not kept.
    pub body: Vec<u8>,
    /// How many bytes the body had.
    pub size: usize,
}

impl HttpRequest {
    pub(crate) fn get(url: impl Into<String>, agent: &'static str) -> Self {
        Self { method: "GET", url: url.into(), body: Vec::new(), agent, keep: true }
    }
}
