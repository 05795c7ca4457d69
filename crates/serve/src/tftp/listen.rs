use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nextboot_config::Tftp;
use nextboot_model::EventKind;
use nextboot_net::{BindOptions, Datagram, UdpSocket};
use nextboot_tftp::{Admission, Because, Caps, Registry, Request, RoundTrips, TransferId};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    open::{Order, open},
    port::{Ports, many},
    rates::Rates,
    worker::{Inbox, Message, Worker},
};
use crate::{appliance::Appliance, metrics::Service, stop::Stop};

/// Room for requests that wait while a rack's machines all ask in the same second.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// Longer than any request that makes sense.
const MAX_REQUEST: usize = 2048;
/// More cores than this are for everything else.
const MAX_WORKERS: usize = 16;
/// How many datagrams are taken in a row before anything else gets its turn.
const IN_A_ROW: usize = 64;

/// What is told to the listener about a transfer.
#[derive(Debug)]
pub(super) enum News {
    /// Its client has answered.
    Heard,
    /// It has ended.
    Over {
        /// Its client.
        peer: SocketAddr,
        /// The client's usual time to answer, if it did.
        round_trip: Option<Duration>,
    },
}

/// Binds the well-known port.
pub(crate) fn bind(port: u16) -> anyhow::Result<UdpSocket> {
    let options = BindOptions {
        receive_buffer: Some(RECEIVE_BUFFER),
        send_buffer: Some(RECEIVE_BUFFER),
        ..BindOptions::default()
    };
    UdpSocket::bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port, &options).with_context(|| {
        format!("TFTP needs UDP port {port}; stop the other TFTP server (tftpd-hpa, atftpd, dnsmasq), or set [tftp] port")
    })
}

/// Takes requests until told to stop. Transfers under way then end with it.
pub(crate) async fn run(app: Arc<Appliance>, socket: UdpSocket, mut stop: Stop) {
    let (tell_us, mut told) = mpsc::unbounded_channel();
    let mut threads = JoinSet::new();
    let mut workers = Vec::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..cores.min(MAX_WORKERS) {
        let worker = match Worker::new(Arc::clone(&app), tell_us.clone()) {
            Ok(worker) => worker,
            Err(error) => {
                tracing::error!(%error, "cannot start a thread for TFTP");
                return;
            }
        };
        workers.push(Hand { inbox: worker.inbox(), transfers: 0 });
        threads.spawn_blocking(move || worker.run());
    }
    let mut listener = Listener {
        registry: Registry::new(caps(&app.settings.load().config.tftp)),
        app,
        socket: Arc::new(socket),
        workers,
        running: HashMap::new(),
        ports: Arc::default(),
        rates: Rates::default(),
        round_trips: RoundTrips::new(Instant::now()),
        tell_us,
    };
    let mut buffer = vec![0; MAX_REQUEST];
    loop {
        tokio::select! {
            biased;
            () = stop.wait() => break,
            // A worker that ends by itself takes the server with it.
            _ = threads.join_next() => break,
            Some((id, news)) = told.recv() => listener.hear(id, &news),
            received = listener.socket.recv(&mut buffer) => match received {
                Ok(datagram) => listener.take_all(&mut buffer, datagram).await,
                Err(error) => {
                    tracing::debug!(%error, "receiving TFTP");
                    tokio::task::yield_now().await;
                }
            },
        }
    }
    drop(listener);
    while threads.join_next().await.is_some() {}
}

/// A worker as the listener knows it. Tells it to end when dropped.
struct Hand {
    inbox: Arc<Inbox>,
    transfers: usize,
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.inbox.push(Message::End);
    }
}

/// A transfer as the listener knows it.
struct Running {
    worker: usize,
    opening: AbortHandle,
    stopped: Arc<AtomicBool>,
}

struct Listener {
    app: Arc<Appliance>,
    socket: Arc<UdpSocket>,
    registry: Registry,
    workers: Vec<Hand>,
    running: HashMap<TransferId, Running>,
    ports: Arc<Ports>,
    rates: Rates,
    round_trips: RoundTrips,
    tell_us: mpsc::UnboundedSender<(TransferId, News)>,
}

impl Listener {
    fn hear(&mut self, id: TransferId, news: &News) {
        match news {
            News::Heard => self.registry.heard(id),
            News::Over { peer, round_trip } => {
                if let Some(round_trip) = round_trip {
                    self.round_trips.note(Instant::now(), peer.ip(), *round_trip);
                }
                self.registry.release(*peer, id);
                self.forget(id);
            }
        }
    }

    fn forget(&mut self, id: TransferId) -> Option<Running> {
        let running = self.running.remove(&id)?;
        if let Some(worker) = self.workers.get_mut(running.worker) {
            worker.transfers = worker.transfers.saturating_sub(1);
        }
        Some(running)
    }

    /// Takes the datagram in the buffer, and those that wait behind it.
    async fn take_all(&mut self, buffer: &mut [u8], first: Datagram) {
        self.take(buffer, &first).await;
        for _ in 1..IN_A_ROW {
            let Ok(Some(datagram)) = self.socket.try_recv(buffer) else { break };
            self.take(buffer, &datagram).await;
        }
    }

    async fn take(&mut self, buffer: &[u8], datagram: &Datagram) {
        let app = Arc::clone(&self.app);
        let Some((bytes, local)) = ours(&app, buffer, datagram) else { return };
        let peer = datagram.from;
        let request = match Request::parse(bytes) {
            Ok(request) => request,
            Err(reject) => {
                // Where all transfers share this port, it may be the answer of a client.
                let running = self.registry.of(peer).and_then(|id| Some((id, self.running.get(&id)?)));
                if let (None, Some((id, running))) = (reject.reply(), running) {
                    if let Some(worker) = self.workers.get(running.worker) {
                        worker.inbox.push_datagram(id, bytes);
                    }
                    return;
                }
                if app.may_tell((peer.ip(), reject.to_string())) {
                    tracing::info!(%peer, "TFTP request refused: {reject}");
                }
                if let Some(reply) = reject.reply() {
                    refuse(&self.socket, &reply, peer, local, datagram.interface).await;
                }
                return;
            }
        };
        let tftp = app.settings.load().config.tftp.clone();
        self.registry.set_caps(caps(&tftp));
        let id = match self.registry.admit(Instant::now(), peer, &request) {
            Ok(Admission::Start { id, replaces }) => {
                if let Some((old, because)) = replaces {
                    self.stop(old, because);
                }
                id
            }
            Ok(Admission::Duplicate(_)) => return,
            Err(busy) => {
                app.metrics.over_limit(Service::Tftp);
                app.note_once_in_a_while(
                    None,
                    None,
                    EventKind::Trouble { what: format!("a TFTP request was turned away: {busy}") },
                );
                refuse(&self.socket, &busy.reply(), peer, local, datagram.interface).await;
                return;
            }
        };
        if request.repaired {
            tracing::debug!(%peer, name = request.name, "the TFTP request's name was repaired");
        }
        let pace =
            tftp.max_rate.map(|rate| self.rates.of(Instant::now(), peer.ip().to_canonical(), rate.get()));
        let stopped = Arc::new(AtomicBool::new(false));
        let order = Order {
            id,
            peer,
            local,
            interface: datagram.interface,
            request,
            socket: Arc::clone(&self.socket),
            ports: Arc::clone(&self.ports),
            tftp,
            pace,
            round_trip: self.round_trips.of(Instant::now(), peer.ip()),
            stopped: Arc::clone(&stopped),
        };
        self.start(order, stopped);
    }

    /// Finds the worker with the least to do, and opens what is asked for.
    fn start(&mut self, order: Order, stopped: Arc<AtomicBool>) {
        let idlest = self.workers.iter_mut().enumerate().min_by_key(|(_, worker)| worker.transfers);
        let Some((number, worker)) = idlest else { return };
        worker.transfers += 1;
        let (id, peer, inbox) = (order.id, order.peer, Arc::clone(&worker.inbox));
        let (app, tell_us) = (Arc::clone(&self.app), self.tell_us.clone());
        let task = tokio::spawn(async move {
            match open(&app, order).await {
                Some(live) => inbox.push(Message::Start(Box::new(live))),
                // The receiver is gone only when everything ends.
                None => drop(tell_us.send((id, News::Over { peer, round_trip: None }))),
            }
        });
        self.running.insert(id, Running { worker: number, opening: task.abort_handle(), stopped });
    }

    /// Ends a transfer without a word to its client, who has begun anew, or never answered while others need its place.
    fn stop(&mut self, id: TransferId, because: Because) {
        let Some(running) = self.forget(id) else { return };
        // It may just be on its way to the worker.
        running.stopped.store(true, Ordering::Release);
        running.opening.abort();
        if let Some(worker) = self.workers.get(running.worker) {
            worker.inbox.push(Message::Stop(id, because));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.opening.abort();
        }
    }
}

fn caps(tftp: &Tftp) -> Caps {
    let ports = tftp.ports.as_ref().filter(|_| !tftp.single_port).map_or(u32::MAX, many);
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Caps { total: size(tftp.max_transfers.min(ports)), per_client: size(tftp.max_per_client) }
}

/// The request's bytes and our address for answering; nothing for a request on an interface that we do not serve.
/// Loopback is served too: it is where administrators try things.
fn ours<'b>(app: &Appliance, buffer: &'b [u8], datagram: &Datagram) -> Option<(&'b [u8], IpAddr)> {
    let local = datagram.local?;
    if !local.is_loopback()
        && !app.links.serves(datagram.interface)
        && !app.links.all_addresses().iter().any(|own| *own == local)
    {
        return None;
    }
    Some((buffer.get(..datagram.len)?, local))
}

pub(super) async fn refuse(
    socket: &UdpSocket,
    reply: &[u8],
    peer: SocketAddr,
    local: IpAddr,
    interface: u32,
) {
    let interface = (!local.is_loopback()).then_some(interface);
    if let Err(error) = socket.send(reply, peer, Some(local), interface).await {
        tracing::debug!(%error, %peer, "cannot send a TFTP error");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_transfers_than_ports_for_them() {
        let tftp = Tftp { ports: Some(40_000..=40_099), ..Tftp::default() };
        assert_eq!(caps(&tftp), Caps { total: 100, per_client: 64 });
        assert_eq!(caps(&Tftp { single_port: true, ..tftp }).total, 4096);
        assert_eq!(caps(&Tftp::default()).total, 4096);
    }
}
