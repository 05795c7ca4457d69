//! Whether somebody has an address: asked by ARP on the link, or by an ICMP echo wherever it is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::packet::{self, OpenError};
use crate::{BROADCAST, HardwareAddr};

/// Longest packet that is read; the answers are far shorter.
const ROOM: usize = 1500;

/// Asks by ICMP echo (RFC 792), and ends when the address answers. It never ends where nobody does: give it a limit of time.
///
/// # Errors
/// [`OpenError::Denied`] without `CAP_NET_RAW`; no route; and whatever else the kernel says.
pub async fn answers_ping(address: Ipv4Addr) -> Result<(), OpenError> {
    let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking(), Some(Protocol::ICMPV4));
    let socket = socket.map_err(OpenError::of)?;
    // Then it hears this address alone.
    socket.connect(&SocketAddr::V4(SocketAddrV4::new(address, 0)).into())?;
    let io = packet::register(socket)?;
    io.async_io(Interest::WRITABLE, |socket| socket.send(&echo_request())).await?;
    read_until(&io, is_echo_reply).await
}

/// Asks by an ARP probe (RFC 5227 section 2.1.1) on this interface, and ends when the address answers. It never ends where
/// nobody does: give it a limit of time. Nobody's cache learns anything from it.
///
/// # Errors
/// [`OpenError::Denied`] without `CAP_NET_RAW`; a link without Ethernet addresses; and whatever else the kernel says.
pub async fn answers_arp(interface: u32, address: Ipv4Addr) -> Result<(), OpenError> {
    let (socket, own) = packet::arp_socket(interface)?;
    let io = packet::register(socket)?;
    let target = packet::arp_address(interface, Some(BROADCAST))?;
    let request = arp_probe(own, address);
    io.async_io(Interest::WRITABLE, |socket| socket.send_to(&request, &target)).await?;
    read_until(&io, |bytes| is_arp_of(bytes, address)).await
}

async fn read_until(io: &AsyncFd<Socket>, wanted: impl Fn(&[u8]) -> bool) -> Result<(), OpenError> {
    let mut buffer = [0; ROOM];
    loop {
        let read = |socket: &Socket| io::Read::read(&mut &*socket, &mut buffer);
        let len = io.async_io(Interest::READABLE, read).await?;
        if buffer.get(..len).is_some_and(&wanted) {
            return Ok(());
        }
    }
}

/// Type 8 with the mark "nb", whose checksum is thus always the same.
fn echo_request() -> [u8; 8] {
    let mut bytes = [8, 0, 0, 0, b'n', b'b', 0, 1];
    let [high, low] = (!packet::sum(&bytes)).to_be_bytes();
    (bytes[2], bytes[3]) = (high, low);
    bytes
}

/// A raw socket reads the IP header too.
fn is_echo_reply(bytes: &[u8]) -> bool {
    let header = bytes.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    header >= 20 && bytes.get(header..header + 8).is_some_and(|icmp| icmp.starts_with(&[0, 0]))
}

/// An ARP request (RFC 826) whose sender has no address.
fn arp_probe(own: HardwareAddr, address: Ipv4Addr) -> [u8; 28] {
    let mut bytes = [0; 28];
    bytes[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
    bytes[8..14].copy_from_slice(&own);
    bytes[24..].copy_from_slice(&address.octets());
    bytes
}

/// True for an ARP packet, request or reply, whose sender has the address.
fn is_arp_of(bytes: &[u8], address: Ipv4Addr) -> bool {
    bytes.starts_with(&[0, 1, 8, 0, 6, 4, 0]) && bytes.get(14..18) == Some(&address.octets())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn packets_are_built_and_read_to_the_byte() {
        assert_eq!(echo_request(), [8, 0, 0x89, 0x9c, b'n', b'b', 0, 1]);
        let address = Ipv4Addr::new(10, 0, 0, 7);
        let probe = arp_probe([2, 0, 0, 0, 0, 9], address);
        let sent = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 7];
        assert_eq!(probe, sent);
        assert!(!is_arp_of(&probe, address), "who asks for it has it not");
        let mut reply = sent;
        reply[7] = 2;
        reply[14..18].copy_from_slice(&address.octets());
        assert!(is_arp_of(&reply, address) && !is_arp_of(&reply, Ipv4Addr::new(10, 0, 0, 8)));
        assert!(!is_arp_of(&reply[..17], address));
        let ip = [&[0x45][..], &[0; 19], &[0, 0, 1, 2, b'n', b'b', 0, 1]].concat();
        assert!(is_echo_reply(&ip) && !is_echo_reply(&ip[..27]) && !is_echo_reply(&[0x40; 28]));
        assert!(!is_echo_reply(&[]) && !is_echo_reply(&[0x45; 8]));
    }

    #[tokio::test]
    async fn an_address_of_this_machine_answers_a_ping_or_we_may_not_ask() {
        let asked = tokio::time::timeout(Duration::from_secs(60), answers_ping(Ipv4Addr::LOCALHOST)).await;
        assert!(matches!(asked, Ok(Ok(()) | Err(OpenError::Denied))), "{asked:?}");
    }
}
