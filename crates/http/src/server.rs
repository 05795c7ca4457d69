//! Listening, and one task per connection.

use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::admission::{Addresses, Place};
use crate::connection::Connection;
use crate::pace::Pace;
use crate::wire::Wire;
use crate::{Counters, Desk, Limits};

/// How long to wait when the system has no file descriptor left for a client.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// What a client gets that has too many connections.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 29\r\n\
    Retry-After: 5\r\nConnection: close\r\n\r\ntoo many connections from you";

/// Serves until `stop` is done; then takes no new connection, lets answers that have begun come to their end, and returns
/// when all have, or when [`Limits::grace`] is over.
///
/// `counters` tell what was served.
///
/// Dropping the future ends everything at once.
pub async fn serve<D: Desk>(
    listeners: Vec<TcpListener>,
    desk: Arc<D>,
    limits: Limits,
    counters: Arc<Counters>,
    stop: impl Future<Output = ()> + Send,
) {
    let grace = limits.grace;
    let (stopping, stopped) = watch::channel(false);
    let server = Arc::new(Server {
        desk,
        permits: Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS))),
        addresses: Addresses::new(limits.per_address.max(1)),
        limits: Arc::new(limits),
        counters,
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
    counters: Arc<Counters>,
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
            let is_proxy = self.desk.proxies().iter().any(|network| network.contains(&from.ip()));
            let place = match is_proxy {
                true => Some(self.addresses.admit_proxy(from.ip())),
                false => self.addresses.admit(from.ip()),
            };
            if let Some(place) = place {
                // Meanwhile others wait in the kernel's queue.
                let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
                return Ok((stream, from, (permit, place)));
            }
            self.counters.refuses();
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
        (_permit, place): Permits,
        stopped: watch::Receiver<bool>,
    ) {
        // Without this, small answers wait for the client's delayed acknowledgement: 40 ms each.
        let _ = stream.set_nodelay(true);
        let Ok(to) = stream.local_addr() else { return };
        let connection = Connection {
            wire: Wire::new(stream, Arc::clone(&self.desk), Arc::clone(&self.counters), &self.limits),
            desk: Arc::clone(&self.desk),
            limits: Arc::clone(&self.limits),
            from,
            to: to.ip().to_canonical(),
            place,
            pace: Pace::new(self.limits.rate),
            recent: None,
            seats: Arc::clone(&self.permits),
        };
        connection.run(stopped).await;
    }
}
