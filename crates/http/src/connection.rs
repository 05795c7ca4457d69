//! One connection, from its first request to its end.

use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use nextboot_files::{Content, ReadError};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::admission::Place;
use crate::alarm::Alarm;
use crate::buffer::Buffer;
use crate::input::Input;
use crate::pace::Pace;
use crate::reply::{Body, Reply};
use crate::request::{Parsed, Request, no_lines, parse, too_long};
use crate::service::Exchange;
use crate::status::Status;
use crate::upload::Incoming;
use crate::wire::{Broken, Wire};
use crate::{Asker, Desk, Limits, cookie, proxies};

/// How much of a body is copied on its way, in one go, bytes: all connections together hold that much memory each at most.
pub(crate) const COPY: usize = 16 * 1024;

/// So many bytes in memory are copied behind their head, which costs less than to hand over two things.
const FEW: usize = 4 * 1024;

/// So many bytes in memory are handed over in one go: of a delivery that ends early, what was handed over is known as exactly.
const PIECE: usize = 64 * 1024;

/// The kernel sends larger bodies out of its page cache, without a copy, but for their first and last bytes.
const DIRECT: u64 = 64 * 1024;

/// How many bytes at the end of a large body are copied: all that a client may leave unacknowledged for a moment, because it
/// waits for another segment to come, and the bytes that are held back until the rest has arrived.
const END: u64 = 48 * 1024;

/// Connections stay open for more requests while one seat in so many is free.
const SPARE: usize = 8;

pub(crate) struct Connection<D: Desk> {
    pub(crate) desk: Arc<D>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) wire: Wire<D>,
    pub(crate) from: SocketAddr,
    /// Our end.
    pub(crate) to: IpAddr,
    pub(crate) place: Place,
    pub(crate) pace: Pace,
    /// The file that was asked for last stays open: who reads from an image asks for its next part, on this connection.
    pub(crate) recent: Option<Content>,
    /// Seats that no connection has.
    pub(crate) seats: Arc<Semaphore>,
}

impl<D: Desk> Connection<D> {
    /// Answers requests until either side has enough.
    pub(crate) async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut input = Input::new(self.limits.head.max(8192));
        let mut patience = Alarm::default();
        let is_stopped = stopped.clone();
        let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
        let mut stays = true;
        while stays {
            let mut lines = no_lines();
            let (len, answered) = match parse(input.pending(), &mut lines) {
                Parsed::Whole(request, len) => match self.client(&request) {
                    Err(refused) => {
                        (len, Ok(self.send(*refused, None, request.minor, false).await.map(|()| false)))
                    }
                    Ok(client) => {
                        let asker = self.asker(&request, client.as_ref());
                        match Incoming::of(&request, &asker, self.limits.path) {
                            Some(incoming) => (len, Err((incoming, client))),
                            None => (len, Ok(self.answer(&request, asker, client, &is_stopped).await)),
                        }
                    }
                },
                Parsed::Bad(status) => {
                    let _ = self.send(Reply::line(status, "this is no HTTP request"), None, 1, false).await;
                    break;
                }
                Parsed::Begun => {
                    let mut more = pin!(self.more(&mut input, &mut patience));
                    let more = poll_fn(|cx| match stop.as_mut().poll(cx) {
                        Poll::Ready(_) => Poll::Ready(false),
                        Poll::Pending => more.as_mut().poll(cx),
                    });
                    stays = more.await;
                    continue;
                }
            };
            input.consume(len);
            let answered = match answered {
                Ok(answered) => answered,
                // On the heap: it is large, and seldom.
                Err((incoming, client)) => {
                    Box::pin(self.take_upload(incoming, client.as_ref(), &mut input)).await
                }
            };
            stays = answered.unwrap_or(false) && !*is_stopped.borrow();
        }
        self.wire.close().await;
    }

    /// Takes more of a request. False when there is none.
    async fn more(&mut self, input: &mut Input, patience: &mut Alarm) -> bool {
        if input.room().is_empty() {
            let status = too_long(input.pending());
            let _ = self.send(Reply::line(status, "the request is too long"), None, 1, false).await;
            return false;
        }
        let end = self.wire.idle_since() + self.limits.header_time;
        if patience.at().is_none() {
            patience.set(end);
        }
        let read = poll_fn(|cx| match self.wire.poll_read(cx, input.room()) {
            Poll::Pending => {
                // It is set for an earlier request, mostly.
                while patience.poll(cx).is_ready() {
                    if Instant::now() >= end {
                        return Poll::Ready(Ok(0));
                    }
                    patience.set(end);
                }
                Poll::Pending
            }
            read => read,
        });
        let read = read.await.unwrap_or(0);
        input.came(read);
        read > 0
    }

    /// Who asks: the client of a proxy, else the other end.
    fn asker(&self, request: &Request<'_>, client: Option<&Place>) -> Asker {
        let from = client.map_or_else(|| self.from.ip(), Place::address);
        Asker {
            from: SocketAddr::new(from, self.from.port()),
            proxied: client.is_some(),
            to: self.to,
            mac_hint: cookie::mac_hint(request.fields),
        }
    }

    /// Answers one request. True when the connection may have another.
    async fn answer(
        &mut self,
        request: &Request<'_>,
        asker: Asker,
        client: Option<Place>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<bool, Broken> {
        let began = Instant::now();
        let (desk, limits) = (Arc::clone(&self.desk), Arc::clone(&self.limits));
        let exchange = Exchange {
            desk: &*desk,
            limits: &limits,
            asker: &asker,
            method: request.method,
            fields: request.fields,
        };
        let mut reply = exchange.answer(request.path).await;
        tracing::debug!(from = %asker.from, method = request.method, path = request.path,
            status = reply.status.code(), "answered");
        // A body is not read: call-backs have nothing to say but their token.
        let stays = request.stays() && !request.has_body() && !*stopped.borrow() && !self.is_crowded();
        match &mut reply.body {
            Some(_) if request.method == "HEAD" => reply.body = None,
            Some(body) => {
                if let Some(sent) = body.sent.take() {
                    self.wire.ledger.begins(asker, sent, body.part.end, began);
                }
            }
            None => {}
        }
        self.send(reply, client.as_ref(), request.minor, stays).await?;
        Ok(stays)
    }

    /// The place of the client that a proxy asks for; nothing where the other end is the client. Otherwise what the other end
    /// is told.
    fn client(&self, request: &Request<'_>) -> Result<Option<Place>, Box<Reply>> {
        let fields = request.fields;
        let (forwarded, plain) = (fields.values("Forwarded"), fields.values("X-Forwarded-For"));
        match proxies::client(&self.desk.proxies(), self.from.ip(), forwarded, plain) {
            Ok(None) => Ok(None),
            Ok(Some(address)) if address == self.from.ip() => Ok(None),
            Ok(Some(address)) => match self.place.addresses().admit(address) {
                Some(place) => Ok(Some(place)),
                None => Err(Box::new(Reply::crowded())),
            },
            Err(unclear) => {
                tracing::debug!(from = %self.from, "{unclear}");
                Err(Box::new(Reply::line(Status::BadRequest, &unclear.to_string())))
            }
        }
    }

    /// Whether idle connections would soon keep others out.
    pub(crate) fn is_crowded(&self) -> bool {
        self.seats.available_permits() < self.limits.connections.div_ceil(SPARE)
    }

    /// Sends an answer; `client` is whom a proxy asks for.
    pub(crate) async fn send(
        &mut self,
        reply: Reply,
        client: Option<&Place>,
        minor: u8,
        stays: bool,
    ) -> Result<(), Broken> {
        self.wire.counters.answered(reply.status);
        let place = client.unwrap_or(&self.place);
        self.pace.keep(self.wire.stream(), place);
        let mut out = Buffer::take();
        reply.head(minor, stays, &mut out);
        match reply.body {
            Some(body) => self.send_with(out, body, client).await,
            None => self.wire.write(out.filled(), &[]).await,
        }
    }

    /// Sends a head and a body.
    ///
    /// What the kernel sends out of its page cache is read when it leaves, or leaves again after it was lost. So of a large
    /// body the last bytes are held back until all others have arrived: only then it is known that they belong together.
    async fn send_with(&mut self, mut out: Buffer, body: Body, client: Option<&Place>) -> Result<(), Broken> {
        let Body { content, part, .. } = body;
        if let Some(bytes) = content.as_bytes() {
            self.recent = None;
            let bytes = within(bytes, &part).ok_or_else(|| self.breaks(&ReadError::Changed))?;
            if bytes.len() <= FEW {
                self.wire.ledger.hands(bytes.len() as u64);
                out.push(bytes);
                return self.wire.write(out.filled(), &[]).await;
            }
            let mut head = out.filled();
            for piece in bytes.chunks(PIECE) {
                self.wire.ledger.hands(piece.len() as u64);
                self.wire.write(std::mem::take(&mut head), piece).await?;
            }
            return Ok(());
        }
        self.recent = Some(content.clone());
        let (mut at, end) = (part.start, part.end);
        let mut direct = end.saturating_sub(at) > DIRECT;
        let mut waits = false;
        loop {
            let piece = piece(&(at..end));
            let is_last = at + piece as u64 >= end;
            if is_last && waits {
                self.wire.arrives(END - COPY as u64).await?;
            }
            let read = content.read_at(at, out.room(piece)).await.map_err(|error| self.breaks(&error))?;
            if read != piece {
                return Err(self.breaks(&ReadError::Changed));
            }
            if is_last {
                content.check_unchanged().map_err(|error| self.breaks(&error))?;
            }
            self.wire.ledger.hands(piece as u64);
            self.wire.write(out.filled(), &[]).await?;
            out.clear();
            at += piece as u64;
            if is_last {
                return Ok(());
            }
            if std::mem::take(&mut direct) {
                waits = true;
                at = Box::pin(self.send_direct(&content, at..end - END, client)).await?;
            }
        }
    }

    /// Has the kernel send a part of a file out of its page cache. Returns how far it came, which is not the end when the
    /// file system cannot do that.
    async fn send_direct(
        &mut self,
        content: &Content,
        part: Range<u64>,
        client: Option<&Place>,
    ) -> Result<u64, Broken> {
        let Range { start: mut at, end } = part;
        while at < end {
            let chunk = at..end.min(at.saturating_add(self.limits.chunk.max(1) as u64));
            self.pace.keep(self.wire.stream(), client.unwrap_or(&self.place));
            // A change is seen before the whole file was sent in vain.
            content.check_unchanged().map_err(|error| self.breaks(&error))?;
            content.warm(chunk.clone()).await.map_err(|error| self.breaks(&error))?;
            while at < chunk.end {
                let len = usize::try_from(chunk.end - at).unwrap_or(usize::MAX);
                match self.wire.send_file(content, at, len).await? {
                    None => return Ok(at),
                    Some(0) => return Err(self.breaks(&ReadError::Changed)),
                    Some(sent) => {
                        at += sent as u64;
                        self.wire.ledger.hands(sent as u64);
                    }
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(at)
    }

    fn breaks(&mut self, error: &ReadError) -> Broken {
        self.wire.breaks(&error.to_string())
    }
}

/// How much of a part is copied in one go.
fn piece(part: &Range<u64>) -> usize {
    usize::try_from(part.end.saturating_sub(part.start)).unwrap_or(usize::MAX).min(COPY)
}

fn within<'b>(bytes: &'b [u8], part: &Range<u64>) -> Option<&'b [u8]> {
    bytes.get(usize::try_from(part.start).ok()?..usize::try_from(part.end).ok()?)
}
