/// What to ask a web server. Whoever drives the machine does it, by HTTP/1.1 and without following redirects: firmware
/// does not.
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
    /// The body; empty for HEAD.
    pub body: Vec<u8>,
}

impl HttpRequest {
    pub(crate) fn get(url: impl Into<String>, agent: &'static str) -> Self {
        Self { method: "GET", url: url.into(), body: Vec::new(), agent }
    }
}
