use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
};

use anyhow::Context as _;
use nextboot_config::Mode;
use nextboot_dhcp::{Arrival, Heard, Load, Port};
use nextboot_net::{BindOptions, Datagram, Hear, OpenError, PacketSocket, RawSocket, UdpSocket};

use super::{
    Asked,
    pile::{Pile, TOGETHER},
    watch::watch,
};
use tokio::sync::Semaphore;

use crate::{appliance::Appliance, links::Links, stop::Stop};

/// Room for requests that wait while a rack's machines all ask in the same second.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// What DHCP hears and speaks through.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// Hears port 67 and sends from it; only a server binds it.
    pub(super) server: Option<UdpSocket>,
    /// Hears port 67 without binding it, beside whatever server this machine runs.
    pub(super) proxy: Option<PacketSocket>,
    /// Port 4011.
    pub(super) pxe: Option<UdpSocket>,
    /// Reaches clients that have no address yet.
    pub(super) raw: Option<PacketSocket>,
    /// Hears what other servers say.
    pub(super) watch: Option<PacketSocket>,
    /// Reaches relays from port 67, which a proxy does not hold.
    pub(super) routed: Option<RawSocket>,
    /// Room to ask whether somebody uses an address.
    pub(super) probes: Semaphore,
}

impl Sockets {
    /// Binds what the mode needs.
    pub(crate) fn bind(mode: Mode, links: &Links) -> anyhow::Result<Self> {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let options =
            BindOptions { broadcast: true, receive_buffer: Some(RECEIVE_BUFFER), ..BindOptions::default() };
        let probes = Semaphore::new(super::probe::AT_A_TIME);
        let mut sockets =
            Self { server: None, proxy: None, pxe: None, raw: None, watch: None, routed: None, probes };
        match mode {
            Mode::Server => {
                let bound = UdpSocket::bind(any, 67, &options).context(
                    "the DHCP server needs UDP port 67; stop the other DHCP server, or use [dhcp] mode = \"proxy\" beside it",
                )?;
                sockets.server = Some(bound);
            }
            Mode::Proxy => {
                sockets.proxy = Some(PacketSocket::listen(Hear::To(67), &links.indexes())?);
                sockets.routed = Some(RawSocket::open()?);
            }
            Mode::Off => return Ok(sockets),
        }
        // Relays ask from port 67, too.
        let replies = Hear::From([67, 4011], Heard::OP);
        sockets.watch = Some(PacketSocket::listen(replies, &links.indexes())?);
        sockets.raw = Some(PacketSocket::send_only()?);
        match UdpSocket::bind(any, 4011, &options) {
            Ok(bound) => sockets.pxe = Some(bound),
            // dnsmasq and others hold it when they serve PXE on this very machine; port 67 still works without it.
            Err(error) => {
                tracing::warn!(
                    %error,
                    "port 4011 is not served; every offer carries the boot file instead, which some UEFI firmware ignores"
                )
            }
        }
        Ok(sockets)
    }

    /// Hears on the interfaces that there are now.
    pub(crate) fn follow(&self, links: &Links) -> Result<(), OpenError> {
        self.proxy.iter().chain(&self.watch).try_for_each(|socket| socket.hear_on(&links.indexes()))
    }

    /// True when port 4011 is ours.
    pub(crate) fn serves_pxe(&self) -> bool {
        self.pxe.is_some()
    }
}

/// Serves DHCP until told to stop.
pub(crate) async fn run(app: Arc<Appliance>, sockets: Arc<Sockets>, stop: Stop) {
    tokio::join!(
        udp(Port::Dhcp, |sockets| sockets.server.as_ref(), &app, &sockets, stop.clone()),
        udp(Port::Pxe, |sockets| sockets.pxe.as_ref(), &app, &sockets, stop.clone()),
        packets(&app, &sockets, stop.clone()),
        watch(&app, &sockets, stop),
    );
}

async fn udp(
    port: Port,
    socket: impl Fn(&Sockets) -> Option<&UdpSocket>,
    app: &Arc<Appliance>,
    sockets: &Arc<Sockets>,
    mut stop: Stop,
) {
    let Some(socket) = socket(sockets) else { return };
    // One byte more than is read, or a longer datagram would look like one that fits.
    let mut buffer = vec![0; nextboot_dhcp::MAX_PACKET + 1];
    let mut pile = Pile::new(socket.receive_room().ok());
    loop {
        let mut received = tokio::select! {
            received = socket.recv(&mut buffer) => received.map(Some),
            () = stop.wait() => return,
        };
        let (mut taken, mut waiting) = (0, Vec::new());
        loop {
            match received {
                Ok(Some(datagram)) => {
                    let bytes = buffer.get(..datagram.len).unwrap_or_default();
                    waiting.extend(asked(app, port, &datagram, bytes));
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "receiving DHCP");
                    break;
                }
            }
            taken += 1;
            if taken == pile.at_once() {
                break;
            }
            received = socket.try_recv(&mut buffer);
        }
        let load = pile.took(taken);
        let mut waiting = waiting.into_iter().peekable();
        while waiting.peek().is_some() {
            super::handle(app, sockets, load, waiting.by_ref().take(TOGETHER).collect());
            // While more wait, what was decided has to get a turn to be sent.
            tokio::task::yield_now().await;
        }
    }
}

fn asked(app: &Appliance, port: Port, datagram: &Datagram, bytes: &[u8]) -> Option<Asked> {
    let (SocketAddr::V4(from), IpAddr::V4(to)) = (datagram.from, datagram.to) else { return None };
    Asked::read(app, arrival(app, port, datagram.interface, from, to)?, bytes)
}

async fn packets(app: &Arc<Appliance>, sockets: &Arc<Sockets>, mut stop: Stop) {
    let Some(socket) = &sockets.proxy else { return };
    let mut buffer = vec![0; 65_536];
    loop {
        let received = tokio::select! {
            received = socket.recv(&mut buffer) => received,
            () = stop.wait() => return,
        };
        match received {
            Ok(heard) => {
                let arrival = arrival(app, Port::Dhcp, heard.interface, heard.from, *heard.to.ip());
                let asked = arrival.and_then(|arrival| Asked::read(app, arrival, heard.payload));
                // One by one, it does not show whether others wait.
                super::handle(app, sockets, Load::Heavy, asked.into_iter().collect());
            }
            Err(error) => {
                tracing::debug!(%error, "hearing DHCP");
                tokio::task::yield_now().await;
            }
        }
    }
}

/// How a packet came in; nothing for one on an interface that we do not serve, or that has no address.
fn arrival(app: &Appliance, port: Port, interface: u32, from: SocketAddrV4, to: Ipv4Addr) -> Option<Arrival> {
    if !app.links.serves(interface) {
        return None;
    }
    let settings = app.settings.load();
    let subnets = &settings.config.dhcp.server.subnets;
    let served = |address| subnets.iter().any(|subnet| subnet.network.contains(&address));
    let local = app.links.local(interface, to, served)?;
    let broadcast = to == Ipv4Addr::BROADCAST || to == local.broadcast();
    Some(Arrival { interface, local, source: from, port, broadcast })
}
