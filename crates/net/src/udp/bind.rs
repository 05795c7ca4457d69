use std::io;
use std::net::SocketAddr;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo, RcvBufForce};
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// How to bind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BindOptions {
    /// Share the port with other sockets that ask for the same (`SO_REUSEADDR`): for UDP each of them then hears every
    /// broadcast, and one of them every unicast. That is how two DHCP servers on one machine get along.
    pub reuse: bool,
    /// Allow sending to broadcast addresses.
    pub broadcast: bool,
    /// Hear and send only on the interface with this name (`SO_BINDTODEVICE`).
    pub interface: Option<String>,
    /// Room for datagrams that wait to be read, in bytes; the kernel's default and its upper limit apply otherwise. A
    /// rack that gets its power back asks with all machines in the same second.
    pub receive_buffer: Option<usize>,
    /// Room for datagrams that wait to leave, in bytes, in the same way.
    pub send_buffer: Option<usize>,
}

/// Why a socket could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process holds the port.
    #[error("{addr} (UDP) is in use by another program")]
    InUse {
        /// The address wanted.
        addr: SocketAddr,
    },
    /// The process may not bind this port or interface.
    #[error("no permission to bind {addr} (UDP); ports below 1024 need CAP_NET_BIND_SERVICE")]
    Denied {
        /// The address wanted.
        addr: SocketAddr,
    },
    /// No interface has this address.
    #[error("{addr} (UDP): no interface of this machine has this address")]
    NoSuchAddress {
        /// The address wanted.
        addr: SocketAddr,
    },
    /// There is no interface of this name.
    #[error("there is no interface {name:?}")]
    NoSuchInterface {
        /// The name wanted.
        name: String,
    },
    /// Anything else.
    #[error("{addr} (UDP): {source}")]
    Failed {
        /// The address wanted.
        addr: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Opens, sets up and binds; returns the address with the real port.
pub(super) fn open(addr: SocketAddr, options: &BindOptions) -> Result<(Socket, SocketAddr), BindError> {
    let failed = |source| BindError::Failed { addr, source };
    let socket = prepare(addr, options).map_err(failed)?;
    tell_arrival(&socket, addr).map_err(failed)?;
    if let Some(name) = &options.interface {
        socket.bind_device(Some(name.as_bytes())).map_err(|source| match source.kind() {
            io::ErrorKind::PermissionDenied => BindError::Denied { addr },
            // ENODEV has no kind of its own; a name over 15 bytes is EINVAL.
            _ if matches!(source.raw_os_error(), Some(nix::libc::ENODEV | nix::libc::EINVAL)) => {
                BindError::NoSuchInterface { name: name.clone() }
            }
            _ => failed(source),
        })?;
    }
    bind(socket, addr)
}

/// As [`open`], without being told where datagrams arrive.
pub(super) fn open_plain(addr: SocketAddr, options: &BindOptions) -> Result<(Socket, SocketAddr), BindError> {
    bind(prepare(addr, options).map_err(|source| BindError::Failed { addr, source })?, addr)
}

fn bind(socket: Socket, addr: SocketAddr) -> Result<(Socket, SocketAddr), BindError> {
    let failed = |source| BindError::Failed { addr, source };
    socket.bind(&SockAddr::from(addr)).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { addr },
        io::ErrorKind::PermissionDenied => BindError::Denied { addr },
        io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress { addr },
        _ => failed(source),
    })?;
    let local = socket.local_addr().map_err(failed)?.as_socket().unwrap_or(addr);
    Ok((socket, local))
}

fn tell_arrival(socket: &Socket, addr: SocketAddr) -> io::Result<()> {
    if addr.is_ipv4() {
        setsockopt(socket, Ipv4PacketInfo, &true)?;
    } else {
        setsockopt(socket, Ipv6RecvPacketInfo, &true)?;
    }
    Ok(())
}

fn prepare(addr: SocketAddr, options: &BindOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if addr.is_ipv4() {
        set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::DONT)?;
    } else {
        socket.set_only_v6(true)?;
        set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::DONT)?;
    }
    if options.reuse {
        socket.set_reuse_address(true)?;
    }
    if options.broadcast {
        socket.set_broadcast(true)?;
    }
    if let Some(size) = options.receive_buffer {
        receive_buffer(&socket, size)?;
    }
    if let Some(size) = options.send_buffer {
        socket.set_send_buffer_size(size)?;
    }
    Ok(socket)
}

/// Room for packets that wait to be read, in bytes: as much as the system lets us have, which without CAP_NET_ADMIN is
/// `net.core.rmem_max`. 208 KiB is usual, and three hundred DHCP packets fill it.
pub(crate) fn receive_buffer(socket: &Socket, size: usize) -> io::Result<()> {
    match setsockopt(socket, RcvBufForce, &size) {
        Ok(()) => Ok(()),
        Err(_) => socket.set_recv_buffer_size(size),
    }
}
