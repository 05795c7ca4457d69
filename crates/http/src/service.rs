//! From one request to its answer.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::RANGE;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::time::Instant;

use crate::body::{Outgoing, Receipt};
use crate::budget::Budget;
use crate::condition::{Validators, Verdict};
use crate::kind::content_type;
use crate::ledger::Ledger;
use crate::path::{BadPath, Route, decode};
use crate::range::Part;
use crate::{Asker, Delivery, Desk, Found, Limits, Refusal, Sent, What, cookie, reply};

/// Answers the requests of one connection.
pub(crate) struct Service<D> {
    pub(crate) desk: Arc<D>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) budget: Budget,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) from: SocketAddr,
    pub(crate) to: IpAddr,
}

impl<D: Desk> hyper::service::Service<Request<Incoming>> for Service<D> {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        // A body is not read: call-backs have nothing to say but their token.
        let (head, _) = request.into_parts();
        let asker = Asker { from: self.from, to: self.to, mac_hint: cookie::mac_hint(&head.headers) };
        let exchange = Exchange {
            desk: Arc::clone(&self.desk),
            limits: Arc::clone(&self.limits),
            budget: self.budget.clone(),
            ledger: Arc::clone(&self.ledger),
            asker: Arc::new(asker),
            method: head.method,
            headers: head.headers,
            began: Instant::now(),
        };
        Box::pin(async move {
            let response = exchange.answer(head.uri.path()).await;
            tracing::debug!(from = %exchange.asker.from, method = %exchange.method, path = head.uri.path(),
                status = response.status().as_u16(), "answered");
            Ok(response)
        })
    }
}

/// One request and what is needed to answer it.
struct Exchange<D> {
    desk: Arc<D>,
    limits: Arc<Limits>,
    budget: Budget,
    ledger: Arc<Ledger>,
    asker: Arc<Asker>,
    method: Method,
    headers: HeaderMap,
    began: Instant,
}

impl<D: Desk> Exchange<D> {
    async fn answer(&self, path: &str) -> Response<Outgoing> {
        let path = match decode(path, self.limits.path) {
            Ok(path) => path,
            Err(BadPath::TooLong) => return reply::line(StatusCode::URI_TOO_LONG, "the path is too long"),
            Err(BadPath::NoName) => {
                return reply::line(StatusCode::BAD_REQUEST, "the path is not the name of anything");
            }
        };
        let route = Route::of(&path);
        let reads = matches!(self.method, Method::GET | Method::HEAD);
        let result = match route {
            Route::CallBack(token) => return self.call_back(token).await,
            _ if !reads => return reply::not_allowed("GET, HEAD"),
            Route::Script(mac) => {
                self.desk.script(&self.asker, mac).await.map(|found| self.found(&path, &found))
            }
            Route::Seed { token, name } => {
                self.desk.seed(&self.asker, token, name).await.map(|found| self.found(name, &found))
            }
            Route::Name(name) => {
                self.desk.open(&self.asker, name).await.map(|found| self.found(name, &found))
            }
        };
        result.unwrap_or_else(|refusal| self.refused(&refusal))
    }

    /// A GET does it, too: that is what the one line of shell in an installer can say. HEAD is only a look.
    async fn call_back(&self, token: &str) -> Response<Outgoing> {
        match self.method {
            Method::HEAD => reply::fresh(StatusCode::OK, Outgoing::text(Bytes::new()), 0),
            Method::GET | Method::POST | Method::PUT => match self.desk.call_back(&self.asker, token).await {
                Ok(text) => reply::line(StatusCode::OK, &text),
                Err(refusal) => self.refused(&refusal),
            },
            _ => reply::not_allowed("GET, HEAD, POST, PUT"),
        }
    }

    fn refused(&self, refusal: &Refusal) -> Response<Outgoing> {
        tracing::debug!(from = %self.asker.from, why = ?refusal.why, message = refusal.message, "refused");
        reply::refused(refusal)
    }

    fn found(&self, name: &str, found: &Found) -> Response<Outgoing> {
        if found.what == What::File {
            return self.file(name, found);
        }
        let len = found.content.len();
        reply::fresh(StatusCode::OK, self.body(name, found, 0..len), len)
    }

    fn file(&self, name: &str, found: &Found) -> Response<Outgoing> {
        let content = &found.content;
        let validators = Validators::new(content.etag(), content.modified(), SystemTime::now());
        let of = content.len();
        match validators.judge(&self.headers) {
            Verdict::Go => {}
            Verdict::NotModified => {
                self.probed(name, found);
                return reply::file(StatusCode::NOT_MODIFIED, &validators, Outgoing::text(Bytes::new()));
            }
            Verdict::Failed => {
                return reply::line(StatusCode::PRECONDITION_FAILED, "the file is another one by now");
            }
        }
        let (status, part) = match self.part(&validators, of) {
            Part::Whole => (StatusCode::OK, 0..of),
            Part::Bytes(part) => (StatusCode::PARTIAL_CONTENT, part),
            Part::Unsatisfiable => {
                let text = format!("the file has {of} bytes\n");
                let len = text.len() as u64;
                let mut response = reply::fresh(StatusCode::RANGE_NOT_SATISFIABLE, Outgoing::text(text), len);
                reply::content_range(&mut response, format_args!("*"), of);
                return response;
            }
        };
        let mut response = reply::file(status, &validators, self.body(name, found, part.clone()));
        reply::describe(&mut response, content_type(name), part.end - part.start);
        if status == StatusCode::PARTIAL_CONTENT {
            // A part is never empty.
            reply::content_range(&mut response, format_args!("{}-{}", part.start, part.end - 1), of);
        }
        response
    }

    /// Only GET has ranges (RFC 9110 section 14.2), and two fields are as good as two ranges.
    fn part(&self, validators: &Validators, of: u64) -> Part {
        let mut values = self.headers.get_all(RANGE).iter();
        match (values.next().map(|value| value.to_str()), values.next()) {
            (Some(Ok(value)), None)
                if self.method == Method::GET && validators.allows_range(&self.headers) =>
            {
                Part::read(value, of)
            }
            _ => Part::Whole,
        }
    }

    /// The body, or for HEAD none.
    fn body(&self, name: &str, found: &Found, part: Range<u64>) -> Outgoing {
        if self.method == Method::HEAD {
            self.probed(name, found);
            return Outgoing::text(Bytes::new());
        }
        let sent = self.sent(name, found, part.start);
        let receipt = Receipt::new(&self.ledger, &self.asker, sent, part.end, self.began);
        Outgoing::content(found.content.clone(), part, &self.budget, receipt)
    }

    fn probed(&self, name: &str, found: &Found) {
        self.desk.sent(&self.asker, self.sent(name, found, 0));
    }

    /// A delivery of which nothing was handed over yet.
    fn sent(&self, name: &str, found: &Found, start: u64) -> Sent {
        Sent {
            name: name.to_owned(),
            what: found.what,
            ticket: found.ticket.clone(),
            start,
            end: start,
            of: found.content.len(),
            millis: 0,
            delivery: Delivery::Probed,
        }
    }
}
