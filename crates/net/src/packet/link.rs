//! Link-layer socket addresses (`sockaddr_ll`, packet(7)) and options. The one place with `unsafe`: no safe crate builds this
//! address, and tokio has no type for these sockets.
#![allow(unsafe_code)]

use std::io::{self, IoSliceMut};
use std::mem::size_of;
use std::os::fd::AsRawFd;

use nix::libc::{self, packet_mreq, sockaddr_ll, socklen_t};
use nix::sys::socket::{LinkAddr, MsgFlags, recvmsg};
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};
use tokio::io::unix::AsyncFd;

use super::OpenError;
use crate::HardwareAddr;

/// What the kernel tells about an arriving packet, beside its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// The packet's length; larger than the buffer when it did not fit.
    pub(super) len: usize,
    pub(super) interface: u32,
    pub(super) source: Option<HardwareAddr>,
    pub(super) broadcast: bool,
}

/// Hands the socket to the runtime, to learn when it is ready.
pub(crate) fn register(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: the `AsyncFd` owns the `Socket`, which gives the same open descriptor until it is dropped, and nothing here
    // takes the socket out, replaces it or closes its descriptor.
    Ok(unsafe { AsyncFd::register(socket) }?)
}

/// Starts hearing IPv4 on all interfaces.
pub(super) fn bind(socket: &Socket) -> io::Result<()> {
    socket.bind(&address(0, None)?)
}

/// A socket for ARP on one interface, and the hardware address that we have there.
pub(crate) fn arp_socket(interface: u32) -> Result<(Socket, HardwareAddr), OpenError> {
    let socket = Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), Some(Protocol::from(0)));
    let socket = socket.map_err(OpenError::of)?;
    socket.bind(&arp_address(interface, None)?)?;
    let own = socket.local_addr()?;
    // nix takes no address of a packet socket whose length is that of an Ethernet address.
    // SAFETY: what stands behind the pointer is a whole `sockaddr_storage`, larger than `sockaddr_ll` and no less aligned, and
    // the kernel wrote this socket's own address into it; all bit patterns are valid.
    let own: sockaddr_ll = unsafe { own.as_ptr().cast::<sockaddr_ll>().read() };
    let ethernet =
        own.sll_hatype == libc::ARPHRD_ETHER && usize::from(own.sll_halen) == size_of::<HardwareAddr>();
    let address = own.sll_addr.first_chunk().filter(|_| ethernet).copied();
    let none = || io::Error::new(io::ErrorKind::Unsupported, "the interface has no Ethernet address");
    Ok((socket, address.ok_or_else(none)?))
}

/// An address for ARP packets on an interface: for binding, or of one station there.
pub(crate) fn arp_address(interface: u32, station: Option<HardwareAddr>) -> io::Result<SockAddr> {
    address_for(libc::ETH_P_ARP, interface, station)
}

/// An address for IPv4 packets on an interface: for binding, or of one station there.
pub(super) fn address(interface: u32, station: Option<HardwareAddr>) -> io::Result<SockAddr> {
    address_for(libc::ETH_P_IP, interface, station)
}

/// An address for all frames on an interface, for binding.
pub(super) fn any_address(interface: u32) -> io::Result<SockAddr> {
    address_for(libc::ETH_P_ALL, interface, None)
}

fn address_for(protocol: i32, interface: u32, station: Option<HardwareAddr>) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is a socket address of plain integers, smaller than the storage and no stricter in alignment;
    // all its bit patterns, so the zeroed one too, are valid.
    let link = unsafe { storage.view_as::<sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as u16;
    link.sll_protocol = (protocol as u16).to_be();
    link.sll_ifindex = i32::try_from(interface)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "no such interface index"))?;
    if let Some(station) = station {
        link.sll_halen = station.len() as u8;
        link.sll_addr[..station.len()].copy_from_slice(&station);
    }
    // SAFETY: the storage holds an initialised `sockaddr_ll` with its family, and the length is that of the type.
    Ok(unsafe { SockAddr::new(storage, size_of::<sockaddr_ll>() as socklen_t) })
}

/// Receives one packet, IP header first.
pub(super) fn recv(socket: &Socket, buffer: &mut [u8]) -> io::Result<Arrival> {
    let mut iov = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
    let message = recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut iov, None, flags)?;
    let link = message.address;
    Ok(Arrival {
        len: message.bytes,
        interface: link.and_then(|link| u32::try_from(link.ifindex()).ok()).unwrap_or(0),
        source: link.filter(|link| link.halen() == 6).and_then(|link| link.addr()),
        broadcast: link.is_some_and(|link| link.pkttype() == libc::PACKET_BROADCAST),
    })
}

/// Promiscuous mode, which the kernel ends with the socket.
pub(super) fn listen_to_all(socket: &Socket, interface: u32) -> io::Result<()> {
    let membership = packet_mreq {
        mr_ifindex: i32::try_from(interface).unwrap_or(0),
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    // SAFETY: the pointer and the length are those of a whole `packet_mreq` that lives until the call returns, and the kernel
    // only reads it.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_ADD_MEMBERSHIP,
            (&raw const membership).cast(),
            size_of::<packet_mreq>() as socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_interface_protocol_and_station() {
        let mut address = address(3, Some([2, 0, 0, 0, 0, 9])).unwrap();
        assert_eq!(address.len(), 20);
        assert_eq!(i32::from(address.family()), libc::AF_PACKET);
        address = super::address(3, None).unwrap();
        assert_eq!(address.len(), 20);
        assert!(super::address(u32::MAX, None).is_err());
    }
}
