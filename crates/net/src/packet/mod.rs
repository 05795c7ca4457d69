//! UDP without a UDP socket: hearing a port that another program holds, and reaching a client that has no address yet.

mod filter;
mod frames;
mod headers;
mod link;

use std::io;
use std::net::SocketAddrV4;
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub(crate) use headers::sum;
pub(crate) use link::{arp_address, arp_socket, register};

pub use frames::{FrameSocket, MAX_FRAME};
pub use headers::{HEADERS, MAX_PAYLOAD, Malformed, Udp, build, parse};

use crate::{HardwareAddr, udp::receive_buffer};

/// Room for packets that wait to be read, in bytes.
const RECEIVE_BUFFER: usize = 1 << 20;

/// One datagram that a [`PacketSocket`] heard; the payload lies in the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard<'b> {
    /// The UDP payload.
    pub payload: &'b [u8],
    /// Source address and port in the packet's headers. 0.0.0.0 for a client that has no address yet.
    pub from: SocketAddrV4,
    /// Destination address and port in the packet's headers.
    pub to: SocketAddrV4,
    /// Index of the interface it arrived on.
    pub interface: u32,
    /// The sender's hardware address on the link: the client's own, or the relay's or router's in between. `None` on
    /// links without Ethernet addresses.
    pub source: Option<HardwareAddr>,
    /// True when the frame was a broadcast on the link. This is about the frame; `to` may still be a unicast address.
    pub broadcast: bool,
}

/// Which UDP datagrams a packet socket hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hear {
    /// Those for this port that were sent to this machine, to all, or to a group.
    To(u16),
    /// Those from one of these ports that begin with this byte, to whomever, as far as the interface sees them.
    From([u16; 2], u8),
}

/// Why a packet socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The process may not.
    #[error("no permission to open a packet socket; it needs CAP_NET_RAW")]
    Denied,
    /// Too many interfaces to tell apart.
    #[error("a packet socket hears at most {} interfaces", filter::MAX_INTERFACES)]
    TooManyInterfaces,
    /// There is no interface of that name.
    #[error("there is no network interface {0}")]
    NoInterface(String),
    /// The interface is switched off.
    #[error("the network interface {0} is down; `ip link set {0} up` switches it on")]
    Down(String),
    /// Anything else.
    #[error("packet socket: {0}")]
    Failed(#[from] io::Error),
}

impl OpenError {
    pub(crate) fn of(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::PermissionDenied { Self::Denied } else { source.into() }
    }
}

/// Why a packet could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Larger than an IPv4 packet can be.
    #[error("{0} bytes do not fit into one UDP datagram")]
    TooLong(usize),
    /// The kernel refused: no such interface, link down, larger than its MTU.
    #[error("packet socket: {0}")]
    Failed(#[from] io::Error),
}

/// A packet socket for UDP over IPv4.
///
/// It hears what arrives for a port without binding that port: every datagram is seen by it *and* by the program that
/// holds the port. It never hears what this machine sends. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct PacketSocket {
    io: AsyncFd<Socket>,
    hear: Option<Hear>,
    malformed: AtomicU64,
}

impl PacketSocket {
    /// Hears datagrams on the interfaces with these indexes.
    ///
    /// # Errors
    /// [`OpenError::Denied`] without `CAP_NET_RAW`; and whatever else the kernel says.
    pub fn listen(hear: Hear, interfaces: &[u32]) -> Result<Self, OpenError> {
        let socket = Self::open()?;
        let program = filter::program(hear, interfaces).ok_or(OpenError::TooManyInterfaces)?;
        // First the filter, then the bind that opens the tap: nothing slips in unfiltered.
        socket.attach_filter(&program)?;
        // A rack that gets its power back asks in the same second.
        receive_buffer(&socket, RECEIVE_BUFFER)?;
        // On all interfaces, for the filter tells them apart and can be changed: a socket that is bound to one goes deaf for
        // good when that one is deleted.
        link::bind(&socket)?;
        Self::wrap(socket, Some(hear))
    }

    /// Hears on these interfaces from now on. Nothing is lost on those that it heard before.
    ///
    /// # Errors
    /// [`OpenError::TooManyInterfaces`]; and whatever else the kernel says.
    pub fn hear_on(&self, interfaces: &[u32]) -> Result<(), OpenError> {
        if let Some(hear) = self.hear {
            let program = filter::program(hear, interfaces).ok_or(OpenError::TooManyInterfaces)?;
            self.io.get_ref().attach_filter(&program)?;
        }
        Ok(())
    }

    /// A socket that only sends; the kernel hands it no packets.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn send_only() -> Result<Self, OpenError> {
        Self::wrap(Self::open()?, None)
    }

    /// Protocol 0: hears nothing before it is bound.
    fn open() -> Result<Socket, OpenError> {
        Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), Some(Protocol::from(0))).map_err(OpenError::of)
    }

    fn wrap(socket: Socket, hear: Option<Hear>) -> Result<Self, OpenError> {
        Ok(Self { io: register(socket)?, hear, malformed: AtomicU64::new(0) })
    }

    /// Waits for a datagram. `buffer` takes the whole IP packet, so give it 64 KiB, or the largest MTU; larger packets are
    /// dropped. Packets whose headers lie about their length or whose checksum is wrong are dropped and counted, for
    /// here the kernel checks nothing. Safe to cancel: nothing is lost.
    ///
    /// # Errors
    /// Whatever the kernel says: it tells once when the interface goes down (ENETDOWN); hearing goes on when it is back.
    pub async fn recv<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Heard<'b>> {
        let (udp, arrival) = loop {
            let arrival = self.io.async_io(Interest::READABLE, |socket| link::recv(socket, buffer)).await?;
            match buffer.get(..arrival.len).ok_or(Malformed::Truncated).and_then(parse) {
                Ok(udp) => break ((udp.from, udp.to, udp.range), arrival),
                Err(error) => {
                    self.malformed.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%error, interface = arrival.interface, "dropped a malformed packet");
                }
            }
        };
        let (from, to, range) = udp;
        Ok(Heard {
            payload: buffer.get(range).unwrap_or_default(),
            from,
            to,
            interface: arrival.interface,
            source: arrival.source,
            broadcast: arrival.broadcast,
        })
    }

    /// How many packets [`recv`](Self::recv) dropped because they were malformed.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// Sends one UDP datagram out of the interface with index `interface`, in a frame to the hardware address `to_link`.
    /// Neither routes nor ARP nor the address lists of this machine play a part: headers say what they are told to say.
    ///
    /// # Errors
    /// [`SendError`]; a datagram that does not fit the link's MTU is refused, not fragmented.
    pub async fn send_udp(
        &self,
        interface: u32,
        to_link: HardwareAddr,
        from: SocketAddrV4,
        to: SocketAddrV4,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let packet = build(from, to, payload).ok_or(SendError::TooLong(payload.len()))?;
        let target = link::address(interface, Some(to_link))?;
        let attempt = |socket: &Socket| socket.send_to(&packet, &target).map(drop);
        match attempt(self.io.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.io.async_io(Interest::WRITABLE, attempt).await?;
            }
            done => done?,
        }
        Ok(())
    }
}
