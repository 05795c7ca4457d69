use std::{
    collections::BTreeMap,
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    pin::Pin,
    sync::Arc,
};

use nextboot_dhcp::{Arrival, Destination, LeaseChange, Port, Sending};
use nextboot_model::{EventKind, Lease, Mac};
use nextboot_net::BROADCAST;
use nextboot_store::LeaseError;

use super::{Responder, listen::Sockets, probe};
use crate::appliance::Appliance;

const CLIENT_PORT: u16 = 68;

/// Leases on their way to the disk.
pub(super) type Written = Pin<Box<dyn Future<Output = Result<(), LeaseError>> + Send>>;

/// Queues what must be durable; nothing when there is no such thing.
pub(super) fn write<'a>(
    app: &Appliance,
    changes: impl IntoIterator<Item = &'a LeaseChange>,
) -> Option<Written> {
    // Of two changes of one address the later one holds.
    let mut last = BTreeMap::new();
    for change in changes.into_iter().filter(|change| change.must_be_durable()) {
        match change {
            LeaseChange::Put(lease) => last.insert(lease.address, Some(lease)),
            LeaseChange::Remove(address) => last.insert(*address, None),
        };
    }
    if last.is_empty() {
        return None;
    }
    let put = last.values().flatten().map(|lease| Lease::clone(lease)).collect();
    let removed = last.iter().filter(|(_, lease)| lease.is_none()).map(|(address, _)| *address).collect();
    Some(Box::pin(app.store.put_leases(put, removed)))
}

/// What one packet led to.
pub(super) struct Answer {
    /// Whose packet.
    pub(super) mac: Mac,
    pub(super) arrival: Arrival,
    pub(super) replies: Vec<Sending>,
    /// The address that nobody may use, or nothing is sent.
    pub(super) probe: Option<Ipv4Addr>,
    /// What to tell as soon as all of that is so.
    pub(super) told: Vec<EventKind>,
}

/// What is left to do for packets that came in together.
#[derive(Default)]
pub(super) struct Finish {
    /// What to send as soon as the leases are durable.
    pub(super) answers: Vec<Answer>,
    /// What changed in the table of leases.
    pub(super) lease_changes: Vec<LeaseChange>,
    /// The part of it that is on its way to the disk.
    pub(super) written: Option<Written>,
}

impl Finish {
    /// Goes on without keeping the next packets waiting.
    pub(super) fn begin(self, app: &Arc<Appliance>, sockets: &Arc<Sockets>) {
        let nothing = |answer: &Answer| answer.replies.is_empty() && answer.told.is_empty();
        if self.written.is_some() || !self.answers.iter().all(nothing) {
            tokio::spawn(self.run(Arc::clone(app), Arc::clone(sockets)));
        }
    }

    async fn run(self, app: Arc<Appliance>, sockets: Arc<Sockets>) {
        if let Some(written) = self.written {
            if let Err(error) = written.await {
                let what = format!("a lease cannot be written, so it is not given: {error}");
                app.note_once_in_a_while(None, None, EventKind::Trouble { what });
                return;
            }
            if let Responder::Server(server) = &mut *app.responder.lock() {
                server.written(&self.lease_changes);
            }
        }
        let (asking, ready): (Vec<_>, Vec<_>) =
            self.answers.into_iter().partition(|answer| answer.probe.is_some());
        for answer in asking {
            tokio::spawn(answer.ask_first(Arc::clone(&app), Arc::clone(&sockets)));
        }
        finish(&app, &sockets, ready).await;
    }
}

impl Answer {
    async fn ask_first(self, app: Arc<Appliance>, sockets: Arc<Sockets>) {
        if let Some(address) = self.probe {
            let relayed = self.replies.iter().any(|reply| matches!(reply.to, Destination::Relay(_)));
            if probe::is_in_use(&app, &sockets, self.arrival.interface, relayed, address).await {
                return probe::put_aside(&app, self.mac, address).await;
            }
        }
        finish(&app, &sockets, vec![self]).await;
    }
}

/// Nothing stands in the way of these any more.
async fn finish(app: &Appliance, sockets: &Sockets, mut answers: Vec<Answer>) {
    for answer in &mut answers {
        for event in std::mem::take(&mut answer.told) {
            app.note(Some(answer.mac), event);
        }
    }
    let delay = app.settings.load().config.dhcp.reply_delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    for answer in &answers {
        for reply in &answer.replies {
            if let Err(error) = send(sockets, &answer.arrival, reply).await {
                tracing::warn!(%error, to = ?reply.to, "cannot send a DHCP answer");
            }
        }
    }
}

async fn send(sockets: &Sockets, arrival: &Arrival, reply: &Sending) -> anyhow::Result<()> {
    let own = arrival.server_id();
    let from = SocketAddrV4::new(own, reply.from.number());
    let bound = match reply.from {
        Port::Dhcp => sockets.server.as_ref(),
        Port::Pxe => sockets.pxe.as_ref(),
    };
    let raw = || sockets.raw.as_ref().ok_or_else(|| anyhow::anyhow!("no packet socket"));
    match reply.to {
        Destination::Relay(to) | Destination::Unicast(to) => match bound {
            Some(socket) => {
                socket
                    .send(&reply.bytes, SocketAddr::V4(to), Some(IpAddr::V4(own)), Some(arrival.interface))
                    .await?;
            }
            None => {
                let routed = sockets.routed.as_ref().ok_or_else(|| anyhow::anyhow!("no raw socket"))?;
                routed.send_udp(from, to, &reply.bytes).await?;
            }
        },
        Destination::Broadcast => {
            let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT);
            raw()?.send_udp(arrival.interface, BROADCAST, from, to, &reply.bytes).await?;
        }
        Destination::Direct { ip, mac } => {
            let to = SocketAddrV4::new(ip, CLIENT_PORT);
            raw()?.send_udp(arrival.interface, mac.0, from, to, &reply.bytes).await?;
        }
    }
    Ok(())
}
