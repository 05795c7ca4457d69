//! One system call each: recvmsg and sendmsg with their control messages.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};

use nix::libc;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg};

use super::Datagram;

/// Room for one packet information message of either family, whose header is at most 24 bytes with its padding.
const CONTROL: usize = 32 + size_of::<libc::in6_pktinfo>();

/// Where a datagram goes and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) to: SocketAddr,
    pub(super) from: Option<IpAddr>,
    pub(super) interface: Option<u32>,
}

pub(super) fn recv(socket: impl AsFd, local: SocketAddr, buffer: &mut [u8]) -> io::Result<Datagram> {
    let mut iov = [IoSliceMut::new(buffer)];
    let mut control = [0u8; CONTROL];
    let message = recvmsg::<SockaddrStorage>(
        socket.as_fd().as_raw_fd(),
        &mut iov,
        Some(&mut control),
        MsgFlags::MSG_DONTWAIT,
    )?;
    let from =
        message.address.as_ref().and_then(socket_addr).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "a datagram without a sender's address")
        })?;
    let mut datagram = Datagram {
        len: message.bytes,
        truncated: message.flags.contains(MsgFlags::MSG_TRUNC),
        from,
        to: local.ip(),
        local: Some(local.ip()).filter(|ip| !ip.is_unspecified()),
        interface: 0,
    };
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                datagram.to = Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes()).into();
                let ours = Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes());
                datagram.local = (!ours.is_unspecified()).then_some(ours.into());
                datagram.interface = u32::try_from(info.ipi_ifindex).unwrap_or(0);
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let to = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                datagram.to = to.into();
                datagram.local = (!to.is_multicast()).then_some(to.into());
                datagram.interface = info.ipi6_ifindex;
            }
            _ => {}
        }
    }
    Ok(datagram)
}

/// Sends `bytes` along `route`; with `segment`, the kernel cuts them into datagrams of that many bytes.
pub(super) fn send(socket: impl AsFd, bytes: &[u8], route: &Route, segment: Option<u16>) -> io::Result<()> {
    let interface = route.interface.unwrap_or(0);
    let (v4, v6);
    let mut control: [Option<ControlMessage<'_>>; 2] = [None, None];
    if route.from.is_some() || route.interface.is_some() {
        control[0] = Some(match route.to {
            SocketAddr::V4(_) => {
                v4 = v4_info(route.from, interface)?;
                ControlMessage::Ipv4PacketInfo(&v4)
            }
            SocketAddr::V6(_) => {
                v6 = v6_info(route.from, interface)?;
                ControlMessage::Ipv6PacketInfo(&v6)
            }
        });
    }
    control[1] = segment.as_ref().map(ControlMessage::UdpGsoSegments);
    let to = SockaddrStorage::from(route.to);
    let iov = [IoSlice::new(bytes)];
    let fd = socket.as_fd().as_raw_fd();
    let flags = MsgFlags::MSG_DONTWAIT;
    match control {
        [None, None] => sendmsg(fd, &iov, &[], flags, Some(&to))?,
        [Some(one), None] | [None, Some(one)] => sendmsg(fd, &iov, &[one], flags, Some(&to))?,
        [Some(one), Some(two)] => sendmsg(fd, &iov, &[one, two], flags, Some(&to))?,
    };
    Ok(())
}

fn v4_info(from: Option<IpAddr>, interface: u32) -> io::Result<libc::in_pktinfo> {
    let from = match from {
        Some(IpAddr::V4(ip)) => ip,
        Some(IpAddr::V6(_)) => return Err(mixed_families()),
        None => Ipv4Addr::UNSPECIFIED,
    };
    Ok(libc::in_pktinfo {
        ipi_ifindex: i32::try_from(interface).map_err(|_| no_interface())?,
        ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(from.octets()) },
        ipi_addr: libc::in_addr { s_addr: 0 },
    })
}

fn v6_info(from: Option<IpAddr>, interface: u32) -> io::Result<libc::in6_pktinfo> {
    let from = match from {
        Some(IpAddr::V6(ip)) => ip,
        Some(IpAddr::V4(_)) => return Err(mixed_families()),
        None => Ipv6Addr::UNSPECIFIED,
    };
    Ok(libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: from.octets() }, ipi6_ifindex: interface })
}

fn mixed_families() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "source and destination are of different IP versions")
}

fn no_interface() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "no such interface index")
}

fn socket_addr(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some((*v4).into());
    }
    storage.as_sockaddr_in6().map(|v6| (*v6).into())
}
