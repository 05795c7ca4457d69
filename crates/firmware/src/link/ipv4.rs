//! The headers of IPv4 (RFC 791) and UDP (RFC 768).

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::Datagram;
use crate::tcp::Segment;

const UDP: u8 = 17;
const TCP: u8 = 6;

/// What an IPv4 packet carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    protocol: u8,
    from: Ipv4Addr,
    pub(super) to: Ipv4Addr,
    payload: Vec<u8>,
}

/// What an IPv4 packet turned out to carry.
#[derive(Debug)]
pub(super) enum Heard {
    Datagram(Datagram),
    Segment(Segment),
}

impl From<Datagram> for Packet {
    fn from(datagram: Datagram) -> Self {
        let length = size(8 + datagram.bytes.len());
        let (from, to) = (*datagram.from.ip(), *datagram.to.ip());
        let mut payload = datagram.from.port().to_be_bytes().to_vec();
        payload.extend(datagram.to.port().to_be_bytes());
        payload.extend(length);
        payload.extend([0, 0]);
        payload.extend(&datagram.bytes);
        let sum = match checksum(&[&pseudo_header(from, to, UDP, length), &payload]) {
            [0, 0] => [0xff, 0xff],
            sum => sum,
        };
        payload[6..8].copy_from_slice(&sum);
        Self { protocol: UDP, from, to, payload }
    }
}

impl From<Segment> for Packet {
    fn from(segment: Segment) -> Self {
        let (from, to) = (*segment.from.ip(), *segment.to.ip());
        let mut payload = segment.bytes();
        let sum = checksum(&[&pseudo_header(from, to, TCP, size(payload.len())), &payload]);
        payload[16..18].copy_from_slice(&sum);
        Self { protocol: TCP, from, to, payload }
    }
}

impl Packet {
    /// The bytes behind the Ethernet header.
    pub(super) fn bytes(&self, identification: u16) -> Vec<u8> {
        let mut ip = vec![0x45, 0];
        ip.extend(size(20 + self.payload.len()));
        ip.extend(identification.to_be_bytes());
        ip.extend([0, 0, 64, self.protocol, 0, 0]);
        ip.extend(self.from.octets());
        ip.extend(self.to.octets());
        let sum = checksum(&[&ip]);
        ip[10..12].copy_from_slice(&sum);
        ip.extend(&self.payload);
        ip
    }
}

fn pseudo_header(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, length: [u8; 2]) -> [u8; 12] {
    let ([a, b, c, d], [e, f, g, h]) = (from.octets(), to.octets());
    [a, b, c, d, e, f, g, h, 0, protocol, length[0], length[1]]
}

fn size(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

/// RFC 1071. All parts but the last have an even length.
pub(super) fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let mut sum = 0_u32;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]);
        sum += u32::from(word);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// The datagram or segment of an IPv4 packet. Checksums are not looked at: the kernel leaves them to cards that are not
/// there.
pub(super) fn read(packet: &[u8]) -> Option<Heard> {
    let header = packet.first_chunk::<20>()?;
    let length = usize::from(header[0] & 15) * 4;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    if header[0] >> 4 != 4 || length < 20 || fragment {
        return None;
    }
    let ip = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    let payload = packet.get(length..total)?;
    match header[9] {
        UDP => datagram(ip(12), ip(16), payload).map(Heard::Datagram),
        TCP => Segment::read(ip(12), ip(16), payload).map(Heard::Segment),
        _ => None,
    }
}

fn datagram(from: Ipv4Addr, to: Ipv4Addr, bytes: &[u8]) -> Option<Datagram> {
    let (udp, payload) = bytes.split_first_chunk::<8>()?;
    let number = |at: usize| u16::from_be_bytes([udp[at], udp[at + 1]]);
    let payload = payload.get(..usize::from(number(4)).checked_sub(8)?)?;
    Some(Datagram {
        from: SocketAddrV4::new(from, number(0)),
        to: SocketAddrV4::new(to, number(2)),
        bytes: payload.to_vec(),
    })
}
