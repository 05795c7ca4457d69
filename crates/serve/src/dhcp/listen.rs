use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
};

use anyhow::Context as _;
use nextboot_config::Mode;
use nextboot_dhcp::{Arrival, Port};
use nextboot_net::{BindOptions, Hear, OpenError, PacketSocket, RawSocket, UdpSocket};

use super::watch::watch;
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
        sockets.watch = Some(PacketSocket::listen(Hear::From([67, 4011]), &links.indexes())?);
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
    loop {
        let received = tokio::select! {
            received = socket.recv(&mut buffer) => received,
            () = stop.wait() => return,
        };
        let datagram = match received {
            Ok(datagram) => datagram,
            Err(error) => {
                tracing::debug!(%error, "receiving DHCP");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let (SocketAddr::V4(from), IpAddr::V4(to)) = (datagram.from, datagram.to) else { continue };
        let arrived = arrival(app, port, datagram.interface, from, to);
        if let (Some(arrival), Some(bytes)) = (arrived, buffer.get(..datagram.len)) {
            super::handle(app, sockets, arrival, bytes);
        }
    }
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
                if let Some(arrival) = arrival(app, Port::Dhcp, heard.interface, heard.from, *heard.to.ip()) {
                    super::handle(app, sockets, arrival, heard.payload);
                }
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
