//! The port of one transfer: a socket that costs as little as a socket can, since a rack's machines need a thousand of them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};
use socket2::Socket;

use super::bind::{self, BindError, BindOptions};
use super::message::Route;
use super::segmented::{self, Limit};

/// What may wait to be read, in bytes: a few dozen acknowledgements. The kernel counts some 800 bytes for each.
const RECEIVE_BUFFER: usize = 16 * 1024;

/// A UDP socket on one address of ours and one port, outside of the runtime: nothing here waits, and a
/// [`Poller`](crate::Poller) tells when there is something to receive. It is not connected, so that strangers who send to
/// the port can be told (RFC 1350 section 4).
#[derive(Debug)]
pub struct TransferSocket {
    socket: Socket,
    local: SocketAddr,
    limit: Limit,
}

impl TransferSocket {
    /// Binds `local:port`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`BindError`] says which step failed.
    pub fn bind(local: IpAddr, port: u16) -> Result<Self, BindError> {
        let options = BindOptions { receive_buffer: Some(RECEIVE_BUFFER), ..BindOptions::default() };
        let (socket, local) = bind::open_plain(SocketAddr::new(local, port), &options)?;
        Ok(Self { socket, local, limit: Limit::none() })
    }

    /// The address and port that were bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Puts the next datagram into `buffer` and says how long it is and who sent it; what does not fit is lost. `None` when
    /// nothing is there.
    ///
    /// # Errors
    /// Whatever the kernel says; it concerns one datagram.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
        match recvfrom(&self.socket, buffer, RecvFlags::DONTWAIT) {
            Ok((len, _, from)) => {
                let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                let from =
                    from.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no sender's address"))?;
                Ok(Some((len, from)))
            }
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends `bytes` as datagrams of `segment` bytes each (the last may be shorter), as far as there is room; returns how many
    /// bytes left.
    ///
    /// # Errors
    /// Whatever the kernel says; [`io::ErrorKind::WouldBlock`] when there is no room at all.
    pub fn try_send(&self, bytes: &[u8], segment: usize, to: SocketAddr) -> io::Result<usize> {
        if bytes.len() <= segment {
            return Ok(sendto(&self.socket, bytes, SendFlags::DONTWAIT, &to)?);
        }
        let route = Route { to, from: None, interface: None };
        segmented::send(self.socket.as_fd(), &self.limit, bytes, segment, &route)
    }
}

impl AsFd for TransferSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn datagrams_come_and_go_with_their_sender() {
        let [server, client] = [(); 2].map(|()| TransferSocket::bind(ONE, 0).unwrap());
        let mut buffer = [0; 100];
        assert_eq!(server.try_recv(&mut buffer).unwrap(), None);
        assert_eq!(client.try_send(b"abcde", 2, server.local_addr()).unwrap(), 5);
        for part in [b"ab".as_slice(), b"cd", b"e"] {
            let (len, from) = server.try_recv(&mut buffer).unwrap().expect("it is there");
            assert_eq!((&buffer[..len], from), (part, client.local_addr()));
        }
        assert_eq!(client.try_send(&[7; 200], 200, server.local_addr()).unwrap(), 200);
        assert_eq!(server.try_recv(&mut buffer).unwrap(), Some((100, client.local_addr())));
    }

    #[test]
    fn a_flood_to_one_port_is_held_to_its_small_buffer() {
        let [server, client] = [(); 2].map(|()| TransferSocket::bind(ONE, 0).unwrap());
        for _ in 0..1000 {
            client.try_send(&[0, 4, 0, 0], 4, server.local_addr()).unwrap();
        }
        let mut buffer = [0; 100];
        let waiting = std::iter::from_fn(|| server.try_recv(&mut buffer).unwrap()).count();
        assert!((10..200).contains(&waiting), "{waiting}");
    }
}
