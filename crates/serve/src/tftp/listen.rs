use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use nextboot_model::EventKind;
use nextboot_net::{BindOptions, Datagram, UdpSocket};
use nextboot_tftp::{Admission, Caps, Registry, Request, TransferId};
use tokio::{sync::mpsc, task::AbortHandle};

use super::transfer::{Order, serve};
use crate::{appliance::Appliance, metrics::Service, stop::Stop};

/// Room for requests that wait while a rack's machines all ask in the same second.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// Longer than any request that makes sense.
const MAX_REQUEST: usize = 2048;

/// What a transfer tells the listener.
enum News {
    /// Its client has answered.
    Heard,
    /// It has ended, with this client.
    Over(SocketAddr),
}

/// Binds the well-known port.
pub(crate) fn bind(port: u16) -> anyhow::Result<UdpSocket> {
    let options = BindOptions { receive_buffer: Some(RECEIVE_BUFFER), ..BindOptions::default() };
    UdpSocket::bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port, &options).with_context(|| {
        format!("TFTP needs UDP port {port}; stop the other TFTP server (tftpd-hpa, atftpd, dnsmasq), or set [tftp] port")
    })
}

/// Takes requests until told to stop. Transfers under way then end with it.
pub(crate) async fn run(app: Arc<Appliance>, socket: UdpSocket, mut stop: Stop) {
    let socket = Arc::new(socket);
    let mut registry = Registry::new(caps(&app));
    let mut running: HashMap<TransferId, AbortHandle> = HashMap::new();
    let (tell_us, mut told) = mpsc::unbounded_channel();
    let mut buffer = vec![0; MAX_REQUEST];
    loop {
        let received = tokio::select! {
            biased;
            () = stop.wait() => break,
            Some((id, news)) = told.recv() => {
                match news {
                    News::Heard => registry.heard(id),
                    News::Over(peer) => {
                        registry.release(peer, id);
                        running.remove(&id);
                    }
                }
                continue;
            }
            received = socket.recv(&mut buffer) => received,
        };
        let datagram = match received {
            Ok(datagram) => datagram,
            Err(error) => {
                tracing::debug!(%error, "receiving TFTP");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let Some((bytes, local)) = ours(&app, &buffer, &datagram) else { continue };
        let peer = datagram.from;
        let request = match Request::parse(bytes) {
            Ok(request) => request,
            Err(reject) => {
                tell(&app, peer, &reject);
                if let Some(reply) = reject.reply() {
                    refuse(&socket, &reply, peer, local, datagram.interface).await;
                }
                continue;
            }
        };
        registry.set_caps(caps(&app));
        let id = match registry.admit(Instant::now(), peer, &request) {
            Ok(Admission::Start { id, replaces }) => {
                if let Some(task) = replaces.and_then(|old| running.remove(&old)) {
                    task.abort();
                }
                id
            }
            Ok(Admission::Duplicate(_)) => continue,
            Err(busy) => {
                app.metrics.over_limit(Service::Tftp);
                app.note_once_in_a_while(
                    None,
                    None,
                    EventKind::Trouble { what: format!("a TFTP request was turned away: {busy}") },
                );
                refuse(&socket, &busy.reply(), peer, local, datagram.interface).await;
                continue;
            }
        };
        if request.repaired {
            tracing::debug!(%peer, name = request.name, "the TFTP request's name was repaired");
        }
        let order = Order { peer, local, interface: datagram.interface, request };
        let (app, tell_us) = (Arc::clone(&app), tell_us.clone());
        let task = tokio::spawn(async move {
            // The receiver is gone only when everything ends.
            let heard = || drop(tell_us.send((id, News::Heard)));
            serve(&app, order, heard).await;
            let _ = tell_us.send((id, News::Over(peer)));
        });
        running.insert(id, task.abort_handle());
    }
    for task in running.values() {
        task.abort();
    }
}

fn caps(app: &Appliance) -> Caps {
    let tftp = app.settings.load().config.tftp;
    let many = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Caps { total: many(tftp.max_transfers), per_client: many(tftp.max_per_client) }
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

fn tell(app: &Appliance, peer: SocketAddr, reject: &nextboot_tftp::Reject) {
    if app.may_tell((peer.ip(), reject.to_string())) {
        tracing::info!(%peer, "TFTP request refused: {reject}");
    }
}

async fn refuse(socket: &UdpSocket, reply: &[u8], peer: SocketAddr, local: IpAddr, interface: u32) {
    let interface = (!local.is_loopback()).then_some(interface);
    if let Err(error) = socket.send(reply, peer, Some(local), interface).await {
        tracing::debug!(%error, %peer, "cannot send a TFTP error");
    }
}
