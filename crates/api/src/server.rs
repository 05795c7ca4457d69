use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use nextboot_http::proxies::{self, Unclear};
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
    error::ApiError,
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
    control: Arc<dyn Control>,
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
            control: Arc::clone(&app.control),
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
        let is_proxy =
            |address: &IpAddr| self.control.proxies().iter().any(|network| network.contains(address));
        let place = match peer.address().filter(|address| !is_proxy(address)) {
            Some(address) => Some(self.place(address)?),
            None => None,
        };
        Some(Seat { _place: place, _permit: permit })
    }

    /// One more connection of this address, or one request that a proxy brings for it; nothing when it has enough.
    fn place(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut seats = self.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = seats.entry(address).or_default();
        if *taken >= self.limits.per_address {
            return None;
        }
        *taken += 1;
        Some(Place { reception: Arc::clone(self), address })
    }

    /// Answers one request, which a proxy may have brought for somebody else.
    async fn serve(
        self: Arc<Self>,
        peer: Peer,
        router: Router,
        mut request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let (client, place) = match through(&self.control.proxies(), peer, request.headers()) {
            Ok(None) => (peer, None),
            Ok(Some(client)) => match self.place(client.ip()) {
                Some(place) => (Peer::Tcp(client), Some(place)),
                None => return Ok(ApiError::crowded().into_response()),
            },
            Err(unclear) => return Ok(ApiError::bad_request(unclear.to_string()).into_response()),
        };
        request.extensions_mut().insert(client);
        let response = router.oneshot(request.map(Body::new)).await?;
        Ok(match place {
            // As long as something is sent, the place is taken.
            Some(place) => response.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    let _ = &place;
                    frame
                }))
            }),
            None => response,
        })
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
        let (reception, router) = (Arc::clone(self), self.router.clone());
        let limits = Arc::clone(&self.limits);
        let mut stopping = self.stopping.clone();
        Some(Box::pin(async move {
            let _seat = seat;
            let service = service_fn(move |request: Request<Incoming>| {
                Arc::clone(&reception).serve(peer, router.clone(), request)
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
    /// A proxy has none: its clients have.
    _place: Option<Place>,
    _permit: OwnedSemaphorePermit,
}

/// What one address has. Given back when it is dropped.
struct Place {
    reception: Arc<Reception>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut seats = self.reception.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = seats.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.address);
            }
        }
    }
}

/// Whom a proxy asks for; nothing where nobody stands in between.
fn through(proxies: &[IpNet], peer: Peer, headers: &HeaderMap) -> Result<Option<SocketAddr>, Unclear> {
    let Peer::Tcp(from) = peer else { return Ok(None) };
    let values = |name: &str| headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let client = proxies::client(proxies, from.ip(), values("forwarded"), values("x-forwarded-for"))?;
    Ok(client.map(|client| SocketAddr::new(client, from.port())))
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
