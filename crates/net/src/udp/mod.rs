//! UDP with the arriving interface and address.

mod bind;
mod message;
mod segmented;
mod transfer;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket as Inner;

pub(crate) use bind::receive_buffer;
pub use bind::{BindError, BindOptions};
use message::Route;
use segmented::Limit;
pub use transfer::TransferSocket;

/// One datagram that [`UdpSocket::recv`] put into the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram {
    /// How many bytes of the buffer it fills.
    pub len: usize,
    /// True when the buffer was too small and the rest is lost.
    pub truncated: bool,
    /// Who sent it.
    pub from: SocketAddr,
    /// The destination address in its IP header: one of ours, or a broadcast or multicast address.
    pub to: IpAddr,
    /// The address of ours that an answer should come from: `to` itself, or for a broadcast the arriving interface's
    /// address. `None` when that interface has none.
    pub local: Option<IpAddr>,
    /// Index of the interface it arrived on.
    pub interface: u32,
}

/// A UDP socket that knows where a datagram arrived and can answer from there. Cheap to share behind an `Arc`: all
/// operations take `&self`.
#[derive(Debug)]
pub struct UdpSocket {
    io: Inner,
    local: SocketAddr,
    limit: Limit,
}

impl UdpSocket {
    /// Binds `addr:port`; port 0 takes a free one. An IPv6 socket carries IPv6 only.
    ///
    /// # Errors
    /// [`BindError`] says which step failed and for which address.
    pub fn bind(addr: IpAddr, port: u16, options: &BindOptions) -> Result<Self, BindError> {
        let local = SocketAddr::new(addr, port);
        let (socket, local) = bind::open(local, options)?;
        let failed = |source| BindError::Failed { addr: local, source };
        let io = Inner::from_std(socket.into()).map_err(failed)?;
        Ok(Self { io, local, limit: Limit::none() })
    }

    /// The address and port that were bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// How much memory datagrams that wait to be read may take, in bytes, the kernel's own per datagram included. Less than was
    /// asked for where the system has a limit and this program no right to go beyond it.
    ///
    /// # Errors
    /// Whatever the kernel says.
    pub fn receive_room(&self) -> io::Result<usize> {
        SockRef::from(&self.io).recv_buffer_size()
    }

    /// Waits for a datagram and puts it into `buffer`. Safe to cancel: nothing is lost.
    ///
    /// # Errors
    /// Whatever the kernel says; a receive error concerns one datagram, so a caller may go on after logging it.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<Datagram> {
        self.io.async_io(Interest::READABLE, || message::recv(&self.io, self.local, buffer)).await
    }

    /// As [`recv`](Self::recv), but does not wait: `None` when nothing is there. For emptying a queue after `recv`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Option<Datagram>> {
        match self.io.try_io(Interest::READABLE, || message::recv(&self.io, self.local, buffer)) {
            Ok(datagram) => Ok(Some(datagram)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends `bytes` as one datagram, from the source address `from` and out of the interface with that index, where given.
    ///
    /// A broadcast to 255.255.255.255 needs the interface (else the routing table picks one) and
    /// [`BindOptions::broadcast`].
    ///
    /// # Errors
    /// Whatever the kernel says: no route, not one of our addresses, larger than 65,507 bytes, refused by a packet filter.
    pub async fn send(
        &self,
        bytes: &[u8],
        to: SocketAddr,
        from: Option<IpAddr>,
        interface: Option<u32>,
    ) -> io::Result<()> {
        let route = Route { to, from, interface };
        self.when_writable(|| message::send(&self.io, bytes, &route, None)).await
    }

    /// Sends `bytes` as datagrams of `segment` bytes each (the last may be shorter) from the source address `from`, as far as
    /// there is room; returns how many bytes left. Where the kernel or the network card cannot cut, they are sent one by one.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`io::ErrorKind::WouldBlock`] when there is no room at all.
    pub fn try_send(&self, bytes: &[u8], segment: usize, to: SocketAddr, from: IpAddr) -> io::Result<usize> {
        let route = Route { to, from: Some(from), interface: None };
        segmented::send(self.io.as_fd(), &self.limit, bytes, segment, &route)
    }

    /// Tries at once, and waits for room in the send buffer only when there is none: a fresh socket's readiness is not yet
    /// known to the runtime, and a boot ROM should not wait for it.
    async fn when_writable(&self, mut attempt: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.io.async_io(Interest::WRITABLE, attempt).await
            }
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
    const ANY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

    fn free_port(local: IpAddr) -> Result<UdpSocket, BindError> {
        UdpSocket::bind(local, 0, &BindOptions::default())
    }

    #[tokio::test]
    async fn an_answer_leaves_from_the_address_that_was_asked() {
        let server = UdpSocket::bind(ANY, 0, &BindOptions::default()).unwrap();
        let client = free_port(ONE).unwrap();
        let asked = SocketAddr::new(TWO, server.local_addr().port());
        client.send(b"question", asked, None, None).await.unwrap();

        let mut buffer = [0; 100];
        let question = server.recv(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..question.len], b"question");
        assert_eq!((question.from, question.to, question.local), (client.local_addr(), TWO, Some(TWO)));
        assert!(question.interface > 0 && !question.truncated);

        server.send(b"answer", question.from, question.local, Some(question.interface)).await.unwrap();
        let answer = client.recv(&mut buffer).await.unwrap();
        assert_eq!(answer.from, asked);
        assert_eq!(client.try_recv(&mut buffer).unwrap(), None);

        assert_eq!(server.try_send(b"abc", 2, question.from, TWO).unwrap(), 3);
        for part in [b"ab".as_slice(), b"c"] {
            let datagram = client.recv(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..datagram.len], datagram.from), (part, asked));
        }
    }

    #[tokio::test]
    async fn the_room_for_what_waits_is_told() {
        let bind = |size| {
            let options = BindOptions { receive_buffer: Some(size), ..BindOptions::default() };
            UdpSocket::bind(ONE, 0, &options).unwrap().receive_room().unwrap()
        };
        // The kernel counts its own part, too, and doubles what it is asked for.
        assert_eq!((bind(16 << 10), bind(32 << 10)), (32 << 10, 64 << 10));
    }

    #[tokio::test]
    async fn ipv6_knows_the_same() {
        let loopback = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
        // Not every machine has IPv6.
        let Ok(server) =
            UdpSocket::bind(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), 0, &BindOptions::default())
        else {
            return;
        };
        let Ok(client) = free_port(loopback) else { return };
        let asked = SocketAddr::new(loopback, server.local_addr().port());
        client.send(b"question", asked, Some(loopback), None).await.unwrap();
        let mut buffer = [0; 100];
        let question = server.recv(&mut buffer).await.unwrap();
        assert_eq!((question.to, question.local), (loopback, Some(loopback)));
        assert!(question.interface > 0);
    }

    #[tokio::test]
    async fn a_datagram_larger_than_the_buffer_says_so() {
        let server = free_port(ONE).unwrap();
        server.send(&[7; 20], server.local_addr(), None, None).await.unwrap();
        let mut buffer = [0; 10];
        let datagram = server.recv(&mut buffer).await.unwrap();
        assert_eq!((datagram.len, datagram.truncated), (10, true));
    }

    #[tokio::test]
    async fn a_port_in_use_and_a_foreign_address_are_told_apart() {
        let held = free_port(ONE).unwrap().local_addr();
        let holder = UdpSocket::bind(ONE, held.port(), &BindOptions::default()).unwrap();
        let again = UdpSocket::bind(ONE, held.port(), &BindOptions::default());
        assert!(matches!(again, Err(BindError::InUse { addr }) if addr == holder.local_addr()));
        let foreign = UdpSocket::bind("192.0.2.1".parse().unwrap(), 0, &BindOptions::default());
        assert!(matches!(foreign, Err(BindError::NoSuchAddress { .. })));
    }

    #[tokio::test]
    async fn families_are_not_mixed() {
        let client = free_port(ONE).unwrap();
        let from = Some(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST));
        assert!(client.send(b"x", SocketAddr::new(ONE, 9), from, None).await.is_err());
    }
}
