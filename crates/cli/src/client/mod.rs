//! HTTP/1.1 to the server, by its unix socket or by TCP. One connection per request: commands make few.

mod place;
mod sse;

use std::{path::Path, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::{args::Global, failure::Failure};
pub(crate) use place::Place;
pub(crate) use sse::Sse;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take; a reload reads files, a long list is a few megabytes.
const ANSWER: Duration = Duration::from_secs(60);
/// How long it may take to send a log.
const UPLOAD: Duration = Duration::from_secs(600);
/// What a refusal without words says for a status of 404.
pub(crate) const NO_SUCH_THING: &str = "there is no such thing";
/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// A server that commands are sent to.
#[derive(Debug)]
pub(crate) struct Client {
    place: Place,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let place = match &global.server {
            Some(url) => Place::parse(url)?,
            None => Place::Socket(global.socket.clone()),
        };
        Self::at(place, global.token.as_deref(), global.token_file.as_deref())
    }

    /// The server at `place`; a token in a file goes before one that is given.
    pub(crate) fn at(place: Place, token: Option<&str>, file: Option<&Path>) -> Result<Self, Failure> {
        let token = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| Failure::TokenFile { path: path.to_owned(), error })?;
                Some(text.trim().to_owned())
            }
            None => token.map(str::to_owned),
        };
        Ok(Self { place, token })
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    /// Sends a request and reads the answer; `null` for one without content.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        self.call_within(ANSWER, method, path, body).await
    }

    /// The same, with the time that the answer may take.
    pub(crate) async fn call_within(
        &self,
        limit: Duration,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let exchange = async {
            let response = self.send(method, path, body, &[]).await?;
            self.json(response).await
        };
        match timeout(limit, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Slow { place: self.place.to_string(), seconds: limit.as_secs() }),
        }
    }

    /// The text at a path that has one.
    pub(crate) async fn text(&self, path: &str) -> Result<String, Failure> {
        let exchange = async {
            let response = self.send(Method::GET, path, None, &[("accept", "text/plain")]).await?;
            let (status, body) = self.whole(response).await?;
            if !status.is_success() {
                return Err(self.refusal(status, &body));
            }
            String::from_utf8(body.into()).map_err(|error| self.strange(error))
        };
        match timeout(ANSWER, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Slow { place: self.place.to_string(), seconds: ANSWER.as_secs() }),
        }
    }

    /// Puts a text there as it is; the answer is read.
    pub(crate) async fn put_bytes(&self, path: &str, bytes: Bytes) -> Result<Value, Failure> {
        let exchange = async {
            let response = self.send_bytes(Method::PUT, path, Some(("text/plain", bytes)), &[]).await?;
            self.json(response).await
        };
        match timeout(UPLOAD, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Slow { place: self.place.to_string(), seconds: UPLOAD.as_secs() }),
        }
    }

    /// The bytes at a path, as they come.
    pub(crate) async fn bytes(&self, path: &str) -> Result<Incoming, Failure> {
        let open = async {
            let response = self.send(Method::GET, path, None, &[("accept", "text/plain")]).await?;
            if response.status().is_success() {
                return Ok(response.into_body());
            }
            let (status, body) = self.whole(response).await?;
            Err(self.refusal(status, &body))
        };
        match timeout(ANSWER, open).await {
            Ok(body) => body,
            Err(_) => Err(Failure::Slow { place: self.place.to_string(), seconds: ANSWER.as_secs() }),
        }
    }

    /// Opens the live stream of events at `path`. `last` is the newest event that is known already.
    pub(crate) async fn stream(&self, path: &str, last: u64) -> Result<Incoming, Failure> {
        let headers = [("accept", "text/event-stream"), ("last-event-id", &last.to_string())];
        let open = async {
            let response = self.send(Method::GET, path, None, &headers).await?;
            if response.status().is_success() {
                return Ok(response.into_body());
            }
            match self.json(response).await {
                Ok(_) => Err(self.strange("it redirects")),
                Err(failure) => Err(failure),
            }
        };
        match timeout(ANSWER, open).await {
            Ok(stream) => stream,
            Err(_) => Err(Failure::Slow { place: self.place.to_string(), seconds: ANSWER.as_secs() }),
        }
    }

    pub(crate) fn strange(&self, why: impl ToString) -> Failure {
        Failure::Strange { place: self.place.to_string(), why: why.to_string() }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Response<Incoming>, Failure> {
        let body = body.map(|body| ("application/json", Bytes::from(body.to_string())));
        self.send_bytes(method, path, body, headers).await
    }

    async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
        headers: &[(&str, &str)],
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.place.authority());
        if headers.is_empty() {
            request = request.header(ACCEPT, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some((kind, body)) => {
                request = request.header(CONTENT_TYPE, kind);
                body
            }
            None => Bytes::new(),
        };
        let request = request
            .body(Full::new(body))
            .map_err(|_| Failure::Usage("the token has characters that no token has".into()))?;
        match &self.place {
            Place::Socket(path) => {
                let connected = timeout(CONNECT, UnixStream::connect(path)).await;
                self.exchange(self.place.connected(connected, CONNECT)?, request).await
            }
            Place::Server { host, port } => {
                let connected = timeout(CONNECT, TcpStream::connect((host.as_str(), *port))).await;
                self.exchange(self.place.connected(connected, CONNECT)?, request).await
            }
        }
    }

    async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.strange(error))?;
        // Ends with the response's body, or with the runtime.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(|error| self.strange(error))
    }

    async fn whole(&self, response: Response<Incoming>) -> Result<(StatusCode, Bytes), Failure> {
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        Ok((status, body.map_err(|error| self.strange(error))?.to_bytes()))
    }

    async fn json(&self, response: Response<Incoming>) -> Result<Value, Failure> {
        let (status, body) = self.whole(response).await?;
        if status.is_success() {
            if body.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&body).map_err(|error| self.strange(error));
        }
        Err(self.refusal(status, &body))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Failure {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        // The routes that pxe-pilot has speak as pxe-pilot does; some of their refusals have no words at all.
        let message =
            ["/error/message", "/message", "/Message"].iter().find_map(|at| answer.pointer(at)?.as_str());
        let Some(message) = message else {
            return match status {
                StatusCode::NOT_FOUND => Failure::Refused(NO_SUCH_THING.into()),
                StatusCode::CONFLICT => Failure::Refused("it cannot be done".into()),
                status => self.strange(format!("it says {status}")),
            };
        };
        let message = crate::output::plain_lines(message);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::NotAllowed {
                message,
                remedy: match (&self.place, &self.token) {
                    (Place::Socket(_), _) => "\nRun this as root or as the server's own user.",
                    (_, Some(_)) => "\nIs the token the one in the server's token file?",
                    (_, None) => {
                        "\nGive the token with --token-file FILE or in NEXTBOOT_TOKEN; pxemngr reads NEXTBOOT_TOKEN_FILE=FILE."
                    }
                },
            },
            _ => Failure::Refused(message),
        }
    }
}
