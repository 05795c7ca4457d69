//! Ethernet frames with UDP over IPv4 inside, sent and heard as they are on the cable.

use std::io::{ErrorKind, Read};
use std::net::SocketAddrV4;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nextboot_net::packet::{build, parse};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::LinkAddr;
use nix::sys::socket::sockopt::RcvBufForce;
use socket2::{Domain, Protocol, Socket, Type};

use crate::namespace::Namespace;

/// IPv4 inside Ethernet.
const ETHERTYPE: u16 = 0x0800;
/// Destination, source, type.
const HEADER: usize = 14;
/// Room for what was not heard yet, in bytes.
const QUEUE: usize = 16 << 20;

/// One datagram as it was on the cable.
#[derive(Debug)]
pub struct Datagram {
    /// The hardware address that the frame went to.
    pub to_link: [u8; 6],
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Destination address and port.
    pub to: SocketAddrV4,
    /// The UDP payload.
    pub payload: Vec<u8>,
}

/// Both ends of a cable: speaks with any hardware address and hears what is for any, on one interface.
#[derive(Debug)]
pub struct Cable {
    socket: Socket,
    /// The hardware address of the interface itself.
    pub(super) own: [u8; 6],
}

impl Cable {
    /// Opens `eth0` of a namespace.
    ///
    /// # Errors
    /// When there is none, or the kernel refuses.
    pub fn new(namespace: &Namespace) -> Result<Self> {
        Self::on(namespace, "eth0")
    }

    /// Opens an interface of a namespace.
    ///
    /// # Errors
    /// When there is none, or the kernel refuses.
    pub fn on(namespace: &Namespace, interface: &str) -> Result<Self> {
        namespace.enter(|| {
            let link = getifaddrs()?
                .filter(|found| found.interface_name == interface)
                .find_map(|found| found.address?.as_link_addr().copied())
                .with_context(|| format!("no interface {interface}"))?;
            let own = link.addr().context("no hardware address")?;
            let protocol = Protocol::from(i32::from(ETHERTYPE.to_be()));
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
            // Broadcasts of all machines wait here until somebody listens.
            nix::sys::socket::setsockopt(&socket, RcvBufForce, &QUEUE)?;
            nix::sys::socket::bind(socket.as_raw_fd(), &link as &LinkAddr)?;
            Ok(Self { socket, own })
        })
    }

    /// Sends a datagram; `link` are the hardware addresses that it comes from and goes to.
    ///
    /// # Errors
    /// When it is longer than the link carries.
    pub fn send(
        &self,
        link: ([u8; 6], [u8; 6]),
        from: SocketAddrV4,
        to: SocketAddrV4,
        payload: &[u8],
    ) -> Result<()> {
        let packet = build(from, to, payload).context("too long for a datagram")?;
        self.send_frame(&[&link.1[..], &link.0, &ETHERTYPE.to_be_bytes(), &packet].concat())
    }

    /// Sends a frame as it is.
    ///
    /// # Errors
    /// When it is longer than the link carries.
    pub fn send_frame(&self, frame: &[u8]) -> Result<()> {
        self.socket.send(frame)?;
        Ok(())
    }

    /// The next datagram before `deadline`; frames with anything else inside are passed over.
    ///
    /// # Errors
    /// Whatever the kernel says.
    pub fn hear(&self, deadline: Instant) -> Result<Option<Datagram>> {
        let mut frame = [0; 16_384];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // Zero would mean for ever.
            self.socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            let length = match (&self.socket).read(&mut frame) {
                Ok(length) => length,
                // Told once when the interface goes down; it may come back.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NetworkDown) => {
                    continue;
                }
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
