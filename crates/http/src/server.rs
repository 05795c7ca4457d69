//! Listening, and one task per connection.

use std::future::{Future, poll_fn};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::admission::{Addresses, Place};
use crate::budget::Budget;
use crate::ledger::Ledger;
use crate::service::Service;
use crate::wire::Wire;
use crate::{Desk, Limits};

/// How long to wait when the system has no file descriptor left for a client.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// What a client gets that has too many connections.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 29\r\n\
    Retry-After: 5\r\nConnection: close\r\n\r\ntoo many connections from you";

/// Serves until `stop` is done; then takes no new connection, lets answers that have begun come to their end, and returns
/// when all have, or when [`Limits::grace`] is over.
///
/// Dropping the future ends everything at once.
pub async fn serve<D: Desk>(
    listeners: Vec<TcpListener>,
    desk: Arc<D>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    let grace = limits.grace;
    let (stopping, stopped) = watch::channel(false);
    let server = Arc::new(Server {
        desk,
        permits: Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS))),
        addresses: Addresses::new(limits.per_address.max(1)),
        budget: Budget::new(limits.memory, limits.chunk),
        limits: Arc::new(limits),
    });
    let mut acceptors = JoinSet::new();
    for listener in listeners {
        acceptors.spawn(Arc::clone(&server).accept(listener, stopped.clone()));
    }
    stop.await;
    stopping.send_replace(true);
    if tokio::time::timeout(grace, async { while acceptors.join_next().await.is_some() {} }).await.is_err() {
        tracing::debug!("connections were ended before their end");
    }
}

/// What a connection holds while it is open.
type Permits = (OwnedSemaphorePermit, Place);

struct Server<D> {
    desk: Arc<D>,
    limits: Arc<Limits>,
    permits: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    budget: Budget,
}

impl<D: Desk> Server<D> {
    /// Accepts connections until it is time to stop, then waits for those that are open.
    async fn accept(self: Arc<Self>, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let next = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break,
                next = self.next(&listener) => next,
            };
            while connections.try_join_next().is_some() {}
            match next {
                Ok((stream, from, permits)) => {
                    connections.spawn(Arc::clone(&self).serve(stream, from, permits, stopped.clone()));
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot take a connection");
                    tokio::time::sleep(EXHAUSTED).await;
                }
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection that may be served.
    async fn next(&self, listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr, Permits)> {
        loop {
            let (stream, from) = listener.accept().await?;
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            if let Some(place) = self.addresses.admit(from.ip()) {
                // Meanwhile others wait in the kernel's queue.
                let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
                return Ok((stream, from, (permit, place)));
            }
            tracing::debug!(%from, "too many connections from this address");
            // A fresh socket has room for it, and if not, nobody waits.
            let _ = stream.into_std().and_then(|mut stream| stream.write(TOO_MANY));
        }
    }

    /// Serves one connection.
    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        from: SocketAddr,
        _permits: Permits,
        mut stopped: watch::Receiver<bool>,
    ) {
        // Without this, small answers wait for the client's delayed acknowledgement: 40 ms each.
        let _ = stream.set_nodelay(true);
        // The kernel would take megabytes for a client that takes nothing. What it needs for speed is on its way already and
        // does not count here.
        let unsent = u32::try_from(self.limits.chunk).unwrap_or(u32::MAX);
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(unsent);
        let Ok(to) = stream.local_addr() else { return };
        let (listener, socket) = (Arc::clone(&self.desk), Arc::clone(&self.desk));
        let ledger = Arc::new(Ledger::new(Box::new(move |asker, sent| listener.sent(asker, sent))));
        let unacknowledged = Box::new(move |fd: std::os::fd::BorrowedFd<'_>| socket.unacknowledged(fd));
        let wire = Wire::new(stream, Arc::clone(&ledger), unacknowledged, &self.limits);
        let service = Service {
            desk: Arc::clone(&self.desk),
            limits: Arc::clone(&self.limits),
            budget: self.budget.clone(),
            ledger,
            from,
            to: to.ip().to_canonical(),
        };
        let mut connection = self.http().serve_connection(TokioIo::new(wire), service);
        let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
        let mut stopping = false;
        let result = poll_fn(|cx| {
            if !stopping && stop.as_mut().poll(cx).is_ready() {
                stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            connection.poll_without_shutdown(cx)
        })
        .await;
        if let Err(error) = result {
            tracing::debug!(%from, %error, "connection failed");
        }
        connection.into_parts().io.into_inner().close().await;
    }

    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_time)
            .max_headers(self.limits.headers)
            // hyper takes no less than 8 KiB. It bounds what is buffered for sending, too: the next chunk is read when the
            // last one has left.
            .max_buf_size(self.limits.head.max(8192))
            // `nc -N` and busybox close their sending side behind the request.
            .half_close(true)
            // As every other server writes them: some firmware compares bytes.
            .title_case_headers(true);
        http
    }
}
