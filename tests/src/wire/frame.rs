//! Ethernet frames with UDP over IPv4 inside, sent and heard as they are on the cable.

use std::io::Read;
use std::net::SocketAddrV4;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nextboot_net::packet::{build, parse};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::LinkAddr;
use socket2::{Domain, Protocol, Socket, Type};

use crate::namespace::Namespace;

/// IPv4 inside Ethernet.
const ETHERTYPE: u16 = 0x0800;
/// Destination, source, type.
const HEADER: usize = 14;

/// One datagram as it was on the cable.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) to_link: [u8; 6],
    pub(super) from: SocketAddrV4,
    pub(super) to: SocketAddrV4,
    pub(super) payload: Vec<u8>,
}

/// Both ends of a cable: speaks with any hardware address and hears what is for any, on `eth0` of a namespace.
#[derive(Debug)]
pub(super) struct Cable {
    socket: Socket,
    /// The hardware address of the interface itself.
    pub(super) own: [u8; 6],
}

impl Cable {
    pub(super) fn new(namespace: &Namespace) -> Result<Self> {
        namespace.enter(|| {
            let interface = getifaddrs()?
                .filter(|found| found.interface_name == "eth0")
                .find_map(|found| found.address?.as_link_addr().copied())
                .context("no eth0")?;
            let own = interface.addr().context("eth0 has no hardware address")?;
            let protocol = Protocol::from(i32::from(ETHERTYPE.to_be()));
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
            nix::sys::socket::bind(socket.as_raw_fd(), &interface as &LinkAddr)?;
            Ok(Self { socket, own })
        })
    }

    pub(super) fn send(
        &self,
        link: ([u8; 6], [u8; 6]),
        from: SocketAddrV4,
        to: SocketAddrV4,
        payload: &[u8],
    ) -> Result<()> {
        let packet = build(from, to, payload).context("too long for a datagram")?;
        let mut frame = Vec::with_capacity(HEADER + packet.len());
        frame.extend(link.1);
        frame.extend(link.0);
        frame.extend(ETHERTYPE.to_be_bytes());
        frame.extend(packet);
        self.socket.send(&frame)?;
        Ok(())
    }

    /// The next datagram before `deadline`; frames with anything else inside are passed over.
    pub(super) fn hear(&self, deadline: Instant) -> Result<Option<Datagram>> {
        let mut frame = [0; 2048];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // Zero would mean for ever.
            self.socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            let length = match (&self.socket).read(&mut frame) {
                Ok(length) => length,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            let Some((header, packet)) = frame.get(..length).and_then(|frame| frame.split_at_checked(HEADER))
            else {
                continue;
            };
            let Ok(udp) = parse(packet) else { continue };
            let mut to_link = [0; 6];
            to_link.copy_from_slice(&header[..6]);
            let payload = packet.get(udp.range).unwrap_or_default().to_vec();
            return Ok(Some(Datagram { to_link, from: udp.from, to: udp.to, payload }));
        }
    }
}
