//! Hearing what other servers say, and asking them to say it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddrV4},
    sync::Arc,
    time::Duration,
};

use nextboot_dhcp::{Heard, MessageType, News, Ourselves, Overheard};
use nextboot_model::{EventKind, Mac};
use nextboot_net::BROADCAST;

use super::{Responder, Sockets};
use crate::{appliance::Appliance, clock, stop::Stop};

/// How long answers to a probe are waited for. dnsmasq looks for three seconds whether somebody has the address.
const ANSWERS: Duration = Duration::from_secs(4);

/// Takes note of every reply of another server, until told to stop.
pub(super) async fn watch(app: &Arc<Appliance>, sockets: &Arc<Sockets>, mut stop: Stop) {
    let Some(socket) = &sockets.watch else { return };
    let mut buffer = vec![0; 65_536];
    loop {
        let received = tokio::select! {
            received = socket.recv(&mut buffer) => received,
            () = stop.wait() => return,
        };
        match received {
            Ok(packet) => {
                if let Ok(reply) = Heard::read(packet.payload) {
                    app.overheard(packet.interface, *packet.from.ip(), packet.source.map(Mac), &reply);
                }
            }
            Err(error) => {
                tracing::debug!(%error, "hearing other servers");
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Appliance {
    fn overheard(&self, interface: u32, from: Ipv4Addr, mac: Option<Mac>, reply: &Heard) {
        let Some(interface) = self.links.name(interface) else { return };
        let now = clock::now();
        let (gives_addresses, leases_to_client) = match &mut *self.responder.lock() {
            Responder::Server(server) => {
                let refused = reply.message == Some(MessageType::Nak);
                let mut leases = server.leases().of_mac(reply.mac);
                (true, refused && leases.any(|lease| lease.is_bound(now)))
            }
            Responder::Proxy(proxy) => {
                proxy.heard(reply);
                (false, false)
            }
            Responder::Off => (false, false),
        };
        let addresses = self.links.all_addresses();
        let us = Ourselves { addresses: &addresses, gives_addresses, leases_to_client };
        let overheard = Overheard { interface: &interface, from, mac, reply };
        let news = self.neighbours.lock().hear(now, &overheard, &us);
        self.tell_news(news);
    }

    /// In proxy mode, which server a machine takes the offer of: if it is one of our addresses, it is a program beside us.
    pub(super) fn taken_from(&self, server: Ipv4Addr) {
        if let Some(interface) = self.links.with_address(server)
            && !self.gives_addresses()
        {
            let news = self.neighbours.lock().beside_us(clock::now(), &interface, server);
            self.tell_news(news);
        }
    }

    fn tell_news(&self, news: Vec<News>) {
        for news in news {
            let event = match news {
                News::Found(found) => EventKind::NeighbourFound {
                    server: IpAddr::V4(found.server),
                    interface: found.interface,
                    hardware: found.mac,
                    proxy: found.is_proxy,
                },
                News::Conflict(found, conflict) => EventKind::NeighbourConflict {
                    server: IpAddr::V4(found.server),
                    interface: found.interface,
                    conflict,
                },
            };
            self.note(None, event);
        }
    }

    /// Asks on every interface who else serves, and waits for the answers. What was a conflict is looked at anew.
    pub(crate) async fn probe(&self) -> Result<(), String> {
        let raw = self.sockets.raw.as_ref().ok_or("[dhcp] mode is \"off\": other servers are not heard")?;
        let mut random = [0; 9];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let [a, b, c, d, e, xid @ ..] = random;
        // Locally administered: no machine was made with it.
        let packet = nextboot_dhcp::probe(u32::from_be_bytes(xid), Mac([2, a, b, c, d, e]));
        self.neighbours.lock().forget_conflicts();
        let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
        let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
        for interface in self.links.indexes() {
            if let Err(error) = raw.send_udp(interface, BROADCAST, from, to, &packet).await {
                tracing::debug!(%error, interface, "cannot ask for other servers");
            }
        }
        tokio::time::sleep(ANSWERS).await;
        Ok(())
    }
}
