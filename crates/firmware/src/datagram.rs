use std::net::{Ipv4Addr, SocketAddrV4};

/// A UDP datagram, in or out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddrV4,
    /// Who gets it; 255.255.255.255 is a broadcast.
    pub to: SocketAddrV4,
    /// Its payload.
    pub bytes: Vec<u8>,
}

impl Datagram {
    pub(crate) fn new(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), bytes: Vec<u8>) -> Self {
        Self { from: SocketAddrV4::new(from.0, from.1), to: SocketAddrV4::new(to.0, to.1), bytes }
    }
}
