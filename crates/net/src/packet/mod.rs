//! UDP without a UDP socket: hearing a port that another program holds, and reaching a client that has no address yet.

mod filter;
mod headers;
mod link;

use std::io;
use std::net::SocketAddrV4;
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub use headers::{HEADERS, MAX_PAYLOAD, Malformed, Udp, build, parse};

use crate::HardwareAddr;

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

/// Why a packet socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The process may not.
    #[error("no permission to open a packet socket; it needs CAP_NET_RAW")]
    Denied,
    /// Too many interfaces to tell apart.
    #[error("a packet socket hears at most {} interfaces, or all", filter::MAX_INTERFACES)]
    TooManyInterfaces,
    /// Anything else.
    #[error("packet socket: {0}")]
    Failed(#[from] io::Error),
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
    malformed: AtomicU64,
}

impl PacketSocket {
    /// Hears datagrams for UDP port `port` on the interfaces with these indexes; on all when there is none.
    ///
    /// # Errors
    /// [`OpenError::Denied`] without `CAP_NET_RAW`; and whatever else the kernel says.
    pub fn listen(port: u16, interfaces: &[u32]) -> Result<Self, OpenError> {
        let socket = Self::open()?;
        let program = filter::program(port, interfaces).ok_or(OpenError::TooManyInterfaces)?;
        // First the filter, then the bind that opens the tap: nothing slips in unfiltered.
        socket.attach_filter(&program)?;
        let interface = if let [only] = interfaces { *only } else { 0 };
        // As far as the system's limit allows; a rack that gets its power back asks in the same second.
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        link::bind(&socket, interface)?;
        Self::wrap(socket)
    }

    /// A socket that only sends; the kernel hands it no packets.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn send_only() -> Result<Self, OpenError> {
        Self::wrap(Self::open()?)
    }

    /// Protocol 0: hears nothing before it is bound.
    fn open() -> Result<Socket, OpenError> {
        Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), Some(Protocol::from(0))).map_err(|source| {
            if source.kind() == io::ErrorKind::PermissionDenied { OpenError::Denied } else { source.into() }
        })
    }

    fn wrap(socket: Socket) -> Result<Self, OpenError> {
        Ok(Self { io: link::register(socket)?, malformed: AtomicU64::new(0) })
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
