use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    pin::Pin,
    sync::Arc,
};

use nextboot_dhcp::{Arrival, Destination, LeaseChange, Port, Sending};
use nextboot_model::{EventKind, Mac};
use nextboot_net::BROADCAST;
use nextboot_store::LeaseError;

use super::{Responder, listen::Sockets, probe};
use crate::appliance::Appliance;

const CLIENT_PORT: u16 = 68;

/// Leases on their way to the disk.
pub(super) type Written = Pin<Box<dyn Future<Output = Result<(), LeaseError>> + Send>>;

/// Queues what must be durable; nothing when there is no such thing.
pub(super) fn write(app: &Appliance, changes: &[LeaseChange]) -> Option<Written> {
    let (mut put, mut removed) = (Vec::new(), Vec::new());
    for change in changes.iter().filter(|change| change.must_be_durable()) {
        match change {
            LeaseChange::Put(lease) => put.push(lease.clone()),
            LeaseChange::Remove(address) => removed.push(*address),
        }
    }
    if put.is_empty() && removed.is_empty() {
        return None;
    }
    Some(Box::pin(app.store.put_leases(put, removed)))
}

/// What is left to do for a packet.
pub(super) struct Finish {
    /// Whose packet.
    pub(super) mac: Mac,
    pub(super) arrival: Arrival,
    /// What to send as soon as the leases are durable.
    pub(super) replies: Vec<Sending>,
    /// What changed in the table of leases.
    pub(super) lease_changes: Vec<LeaseChange>,
    /// The part of it that is on its way to the disk.
    pub(super) written: Option<Written>,
    /// The address that nobody may use, or nothing is sent.
    pub(super) probe: Option<Ipv4Addr>,
    /// What to tell as soon as all of that is so.
    pub(super) told: Vec<EventKind>,
}

impl Finish {
    /// Goes on without keeping the next packet waiting.
    pub(super) fn begin(self, app: &Arc<Appliance>, sockets: &Arc<Sockets>) {
        if self.replies.is_empty() && self.written.is_none() && self.told.is_empty() {
            return;
        }
        tokio::spawn(self.run(Arc::clone(app), Arc::clone(sockets)));
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
        if let Some(address) = self.probe {
            let relayed = self.replies.iter().any(|reply| matches!(reply.to, Destination::Relay(_)));
            if probe::is_in_use(&app, &sockets, self.arrival.interface, relayed, address).await {
                return probe::put_aside(&app, self.mac, address).await;
            }
        }
        for event in self.told {
            app.note(Some(self.mac), event);
        }
        let delay = app.settings.load().config.dhcp.reply_delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        for reply in &self.replies {
            if let Err(error) = send(&sockets, &self.arrival, reply).await {
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
