//! UDP from a port that is not ours, over the kernel's own routes and neighbours.

use std::io;
use std::net::{SocketAddr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::packet::{self, OpenError, SendError};

/// A raw IP socket that only sends: whole packets whose headers say what they are told to say, routed by the kernel as any
/// other. So a datagram can leave from a port that another program on this machine holds.
#[derive(Debug)]
pub struct RawSocket {
    io: AsyncFd<Socket>,
}

impl RawSocket {
    /// Opens it.
    ///
    /// # Errors
    /// [`OpenError::Denied`] without `CAP_NET_RAW`; and whatever else the kernel says.
    pub fn open() -> Result<Self, OpenError> {
        // IPPROTO_RAW: we write the IP header, and nothing is received.
        let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking(), Some(Protocol::from(255)));
        Ok(Self { io: packet::register(socket.map_err(OpenError::of)?)? })
    }

    /// Sends one UDP datagram.
    ///
    /// # Errors
    /// [`SendError`]: no route, or larger than the link's MTU.
    pub async fn send_udp(
        &self,
        from: SocketAddrV4,
        to: SocketAddrV4,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let bytes = packet::build(from, to, payload).ok_or(SendError::TooLong(payload.len()))?;
        let target = SocketAddr::V4(SocketAddrV4::new(*to.ip(), 0)).into();
        let attempt = |socket: &Socket| socket.send_to(&bytes, &target).map(drop);
        match attempt(self.io.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.io.async_io(Interest::WRITABLE, attempt).await?;
            }
            done => done?,
        }
        Ok(())
    }
}
