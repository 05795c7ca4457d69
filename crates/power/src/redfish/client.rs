//! HTTP to one controller: one connection for as long as it lasts, and every answer bounded.

use bytes::Bytes;
use data_encoding::BASE64;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use nextboot_model::Secret;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{Controller, tls};
use crate::PowerError;

/// Largest answer, in bytes. A system with all its properties has some tens of kilobytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// Longest path that is taken from an answer, in bytes.
const MAX_PATH: usize = 1024;

/// A path that an answer refers to: only on the same controller, and only what can be asked for.
pub(super) fn path(text: &str) -> Option<String> {
    let sound = (2..=MAX_PATH).contains(&text.len())
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    sound.then(|| text.to_owned())
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Value,
    pub(super) etag: Option<String>,
}

/// A connection to a controller.
pub(super) struct Client<'a> {
    controller: &'a Controller<'a>,
    sender: SendRequest<Full<Bytes>>,
    authority: String,
    status: StatusCode,
}

impl<'a> Client<'a> {
    pub(super) async fn connect(controller: &'a Controller<'a>) -> Result<Self, PowerError> {
        let url = controller.redfish.url.trim_end_matches('/');
        let (encrypted, authority) = match url.split_once("://") {
            Some(("http", authority)) => (false, authority),
            Some((_, authority)) => (true, authority),
            None => (true, url),
        };
        let unreachable = |why: String| PowerError::Unreachable { place: controller.place(), why };
        let uri: hyper::Uri = format!("http://{authority}/")
            .parse()
            .map_err(|_| unreachable("this is no address of a server".into()))?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| {
            unreachable(format!("{error}; is the address right, and is Redfish switched on there?"))
        })?;
        // Requests are small and wait for each other.
        let _ = stream.set_nodelay(true);
        let sender = if encrypted {
            let stream = tls::connect(controller, &host, stream).await.map_err(unreachable)?;
            handshake(stream).await
        } else {
            handshake(stream).await
        };
        let sender = sender.map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { controller, sender, authority: authority.to_owned(), status: StatusCode::OK })
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, PowerError> {
        self.ask("GET", path, None, None).await
    }

    /// `etag`: change it only if it is still as it was then.
    pub(super) async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
        etag: Option<&str>,
    ) -> Result<Answer, PowerError> {
        self.ask(method, path, Some(body), etag).await
    }

    /// True when the last answer was that the thing is not as it was any more.
    pub(super) fn outdated(&self) -> bool {
        matches!(self.status, StatusCode::PRECONDITION_FAILED | StatusCode::PRECONDITION_REQUIRED)
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> Result<Answer, PowerError> {
        let controller = self.controller;
        let failed = |why: String| PowerError::Refused { place: controller.place(), why };
        let request = self.request(method, path, body, etag).map_err(|error| failed(error.to_string()))?;
        if self.sender.ready().await.is_err() {
            // Some close the connection after every answer.
            *self = Self::connect(controller).await?;
        }
        let response = self.sender.send_request(request).await;
        let response: Response<Incoming> =
            response.map_err(|error| failed(format!("it gave no answer to {method} {path}: {error}")))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body =
            body.map_err(|error| failed(format!("its answer to {method} {path}: {error}")))?.to_bytes();
        self.status = head.status;
        if !head.status.is_success() {
            return Err(self.refusal(head.status, &body, method, path));
        }
        let etag = head.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body)
                .map_err(|error| failed(format!("its answer to {method} {path} is no JSON: {error}")))?
        };
        Ok(Answer { body, etag })
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let redfish = self.controller.redfish;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::ACCEPT, "application/json")
            .header("OData-Version", "4.0");
        if !redfish.user.is_empty() {
            let password = redfish.password.as_ref().map(Secret::reveal).unwrap_or_default();
            let both = BASE64.encode(format!("{}:{password}", redfish.user).as_bytes());
            let mut value = header::HeaderValue::try_from(format!("Basic {both}"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some(etag) = etag {
            request = request.header(header::IF_MATCH, etag);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        request.body(Full::new(body))
    }

    /// What a controller says that does not do it: DSP0266 section 8.6 has the message in an object `error`.
    fn refusal(&self, status: StatusCode, body: &[u8], method: &str, path: &str) -> PowerError {
        let place = self.controller.place();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return PowerError::NotAllowed { place, user: self.controller.redfish.user.clone() };
        }
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let message = answer
            .pointer("/error/@Message.ExtendedInfo/0/Message")
            .or_else(|| answer.pointer("/error/message"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let message: String = message.chars().filter(|c| !c.is_control()).take(300).collect();
        let colon = if message.is_empty() { "" } else { ": " };
        PowerError::Refused { place, why: format!("it answers {status} to {method} {path}{colon}{message}") }
    }
}

async fn handshake<S>(stream: S) -> hyper::Result<SendRequest<Full<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends when the sender is dropped.
    tokio::spawn(connection);
    Ok(sender)
}
