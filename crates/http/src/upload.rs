//! A log that a machine sends: the only body of a request that is read.

use std::future::poll_fn;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::admission::Place;
use crate::body::{BadBody, Framing};
use crate::connection::Connection;
use crate::form::{Form, boundary};
use crate::input::Input;
use crate::path::{Route, decode};
use crate::reply::Reply;
use crate::request::{Fields, Only, Request};
use crate::status::Status;
use crate::wire::Broken;
use crate::{Asker, Claim, Desk};

/// What a form has beside the file in it, bytes.
const AROUND: u64 = 256 * 1024;

/// The slowest that a body may come, bytes a second, after the time that a head may take.
const SLOWEST: u64 = 16 * 1024;

/// The field of the form that holds the file.
const FIELD: &str = "file";

/// The head of an upload.
pub(crate) struct Incoming {
    asker: Asker,
    token: Option<String>,
    by_browser: bool,
    /// Of which test run; nothing: of the one that the machine is at.
    run: Option<u64>,
    framing: Result<Framing, BadBody>,
    boundary: Option<String>,
    /// Whether the client waits to be told to send the body. curl does before it sends more than a MiB.
    waits: bool,
    minor: u8,
    stays: bool,
}

impl Incoming {
    /// What of an upload the head of a request tells, if it is one's.
    pub(crate) fn of(request: &Request<'_>, asker: &Asker, longest: usize) -> Option<Self> {
        if !matches!(request.method, "POST" | "PUT") {
            return None;
        }
        let path = decode(request.path?, longest).ok()?;
        let Route::Upload(run) = Route::of(&path) else { return None };
        let fields = request.fields;
        let kind = match fields.only("Content-Type") {
            Only::Value(kind) => boundary(kind),
            _ => None,
        };
        let Claim { token, by_browser } = Claim::of(fields);
        Some(Self {
            asker: asker.clone(),
            token: token.map(str::to_owned),
            by_browser,
            run,
            framing: Framing::of(fields),
            boundary: kind,
            waits: request.minor > 0 && expects(fields),
            minor: request.minor,
            stays: request.stays(),
        })
    }
}

fn expects(fields: Fields<'_>) -> bool {
    fields.all("Expect").any(|value| value.trim().eq_ignore_ascii_case("100-continue"))
}

/// How an upload ends early.
enum Ended {
    /// With an answer, after which the connection is of no use.
    Answered(Box<Reply>),
    Broken,
}

impl From<Reply> for Ended {
    fn from(reply: Reply) -> Self {
        Self::Answered(Box::new(reply))
    }
}

impl<D: Desk> Connection<D> {
    /// Takes an upload and answers it. True when the connection may have another request.
    pub(crate) async fn take_upload(
        &mut self,
        incoming: Incoming,
        client: Option<&Place>,
        input: &mut Input,
    ) -> Result<bool, Broken> {
        let (minor, stays) = (incoming.minor, incoming.stays);
        let (reply, stays) = match self.receive(incoming, input).await {
            Ok(reply) => (reply, stays && !self.is_crowded()),
            Err(Ended::Answered(reply)) => (*reply, false),
            Err(Ended::Broken) => return Err(Broken),
        };
        tracing::debug!(from = %self.from, status = reply.status.code(), "answered an upload");
        self.send(reply, client, minor, stays).await?;
        Ok(stays)
    }

    async fn receive(&mut self, incoming: Incoming, input: &mut Input) -> Result<Reply, Ended> {
        let Incoming { asker, token, by_browser, run, framing, boundary, waits, .. } = incoming;
        let claim = Claim { token: token.as_deref(), by_browser };
        let desk = self.desk.clone();
        let mut upload = desk.upload(&asker, claim, run).await.map_err(|refusal| Reply::refused(&refusal))?;
        let bad = |why: &str| Reply::line(Status::BadRequest, why);
        let mut framing = framing.map_err(bad)?;
        let most = self.limits.upload.saturating_add(AROUND);
        if framing.length().is_some_and(|length| length > most) {
            return Err(self.too_large().into());
        }
        if waits && !framing.is_done() && input.pending().is_empty() {
            self.wire.write(b"HTTP/1.1 100 Continue\r\n\r\n", &[]).await.map_err(|Broken| Ended::Broken)?;
        }
        let mut form = boundary.as_deref().map(|boundary| Form::new(boundary, FIELD));
        let (began, mut came) = (Instant::now(), 0_u64);
        let (mut body, mut file) = (Vec::new(), Vec::new());
        while !framing.is_done() {
            if input.pending().is_empty() {
                let end = began + self.limits.header_time + Duration::from_secs(came / SLOWEST);
                self.fill(input, end).await?;
            }
            body.clear();
            file.clear();
            let taken = framing.take(input.pending(), &mut body).map_err(bad)?;
            input.consume(taken);
            came = came.saturating_add(taken as u64);
            if came > most {
                return Err(self.too_large().into());
            }
            if let Some(form) = &mut form {
                form.feed(&body, &mut file).map_err(bad)?;
                upload.write(&file).await.map_err(|refusal| Reply::refused(&refusal))?;
            }
        }
        let found = match form {
            Some(form) => form.finish().map_err(bad)?,
            None => false,
        };
        if !found {
            let refusal = upload.without_file().await;
            return Ok(Reply::refused(&refusal));
        }
        match upload.finish().await {
            Ok(text) => Ok(Reply::text(Status::Ok, text)),
            Err(refusal) => Ok(Reply::refused(&refusal)),
        }
    }

    /// Takes more of a body, before `end`.
    async fn fill(&mut self, input: &mut Input, end: Instant) -> Result<(), Ended> {
        let read = poll_fn(|cx| self.wire.poll_read(cx, input.room()));
        match timeout_at(end, read).await {
            Ok(Ok(0)) => {
                self.wire.breaks("the client closed the connection");
                Err(Ended::Broken)
            }
            Ok(Ok(read)) => {
                input.came(read);
                Ok(())
            }
            Ok(Err(Broken)) => Err(Ended::Broken),
            Err(_) => Err(Reply::line(Status::RequestTimeout, "the log came too slowly").into()),
        }
    }

    fn too_large(&self) -> Reply {
        let message = format!("a log may have {} bytes", self.limits.upload);
        Reply::line(Status::ContentTooLarge, &message)
    }
}
