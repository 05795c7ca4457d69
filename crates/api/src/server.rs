use std::{
    collections::HashMap,
    future::Future,
    io,
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinSet,
};
use tower::ServiceExt as _;

use crate::{
    Access, BoxFuture, Control, Limits, Peer,
    app::{App, Stopping},
    patient::Patient,
    router,
};

/// Wait after the kernel refuses a connection for want of something (descriptors, memory): it refuses the next one too.
const RECOVERY: Duration = Duration::from_millis(100);

/// Where the API is served.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Over TCP, for the network.
    pub tcp: Vec<TcpListener>,
    /// Over unix sockets, for this machine; see [`bind_socket`](crate::bind_socket).
    pub unix: Vec<UnixListener>,
}

/// Serves until `stop` is done, and then until the last connection has ended or [`Limits::grace`] is over.
///
/// Dropping the future ends everything at once.
pub async fn serve(
    listeners: Listeners,
    control: Arc<dyn Control>,
    access: Access,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    let (stopper, stopping) = watch::channel(false);
    let app =
        App { control, access: Arc::new(access), limits: Arc::new(limits), stopping: Stopping(stopping) };
    let grace = app.limits.grace;
    let reception = Arc::new(Reception::new(&app));
    let (arriving, mut arrivals) = mpsc::channel(16);
    let mut accepting = JoinSet::new();
    for listener in listeners.tcp {
        accepting.spawn(accept_tcp(listener, Arc::clone(&reception), arriving.clone()));
    }
    for listener in listeners.unix {
        accepting.spawn(accept_unix(listener, Arc::clone(&reception), arriving.clone()));
    }
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = stop.as_mut() => break,
            Some(connection) = arrivals.recv() => { connections.spawn(connection); }
            Some(_) = connections.join_next() => {}
        }
    }
    accepting.shutdown().await;
    stopper.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(grace, ended).await;
}

/// A connection being served, until its end.
type Connection = BoxFuture<'static, ()>;

/// Lets connections in, up to the limits.
struct Reception {
    router: Router,
    limits: Arc<Limits>,
    stopping: Stopping,
    connections: Arc<Semaphore>,
    local_connections: Arc<Semaphore>,
    per_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Reception {
    fn new(app: &App) -> Self {
        Self {
            router: router::build(app.clone()),
            limits: Arc::clone(&app.limits),
            stopping: app.stopping.clone(),
            connections: Arc::new(Semaphore::new(app.limits.connections)),
            local_connections: Arc::new(Semaphore::new(app.limits.local_connections)),
            per_address: Mutex::default(),
        }
    }

    /// A place for one more connection; nothing when there is none.
    fn seat(self: &Arc<Self>, peer: Peer) -> Option<Seat> {
        let room = match peer {
            Peer::Tcp(_) => &self.connections,
            Peer::Unix { .. } => &self.local_connections,
        };
        let permit = Arc::clone(room).try_acquire_owned().ok()?;
        let address = peer.address();
        if let Some(address) = address {
            let mut seats = self.per_address.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = seats.entry(address).or_default();
            if *taken >= self.limits.per_address {
                return None;
            }
            *taken += 1;
        }
        Some(Seat { reception: Arc::clone(self), address, _permit: permit })
    }

    fn converse(
        self: &Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
    ) -> Option<Connection> {
        let Some(seat) = self.seat(peer) else {
            tracing::debug!(%peer, "too many connections; one more is closed");
            return None;
        };
        let router = self.router.clone();
        let limits = Arc::clone(&self.limits);
        let mut stopping = self.stopping.clone();
        Some(Box::pin(async move {
            let _seat = seat;
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                router.clone().oneshot(request.map(Body::new))
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.header_time)
                .max_header_size(limits.head)
                .max_headers(limits.headers)
                .serve_connection(TokioIo::new(Patient::new(stream, limits.write_idle)), service);
            let mut connection = pin!(connection);
            let outcome = tokio::select! {
                outcome = connection.as_mut() => outcome,
                () = stopping.wait() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = outcome {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
        }))
    }
}

/// One connection's place. Given back when it is dropped.
struct Seat {
    reception: Arc<Reception>,
    address: Option<IpAddr>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut seats = self.reception.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = seats.get_mut(&address) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&address);
            }
        }
    }
}

async fn accept_tcp(listener: TcpListener, reception: Arc<Reception>, arriving: mpsc::Sender<Connection>) {
    loop {
        match listener.accept().await {
            Ok((stream, mut from)) => {
                from.set_ip(from.ip().to_canonical());
                // An answer is one small write; waiting for more to send with it only delays it.
                let _ = stream.set_nodelay(true);
                if let Some(connection) = reception.converse(stream, Peer::Tcp(from)) {
                    let _ = arriving.send(connection).await;
                }
            }
            Err(error) => recover(error).await,
        }
    }
}

async fn accept_unix(listener: UnixListener, reception: Arc<Reception>, arriving: mpsc::Sender<Connection>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match stream.peer_cred() {
                Ok(credentials) => {
                    let peer = Peer::Unix { uid: credentials.uid() };
                    if let Some(connection) = reception.converse(stream, peer) {
                        let _ = arriving.send(connection).await;
                    }
                }
                Err(error) => tracing::debug!(%error, "nobody knows who opened the socket; closed"),
            },
            Err(error) => recover(error).await,
        }
    }
}

async fn recover(error: io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    // These are about one connection that is gone already.
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        return;
    }
    tracing::warn!(%error, "cannot accept connections for the moment");
    tokio::time::sleep(RECOVERY).await;
}
