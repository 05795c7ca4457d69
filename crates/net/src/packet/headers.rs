//! The IPv4 header (RFC 791) and the UDP header (RFC 768), both ways.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;

/// Bytes of the headers that [`build`] writes: IPv4 without options, and UDP.
pub const HEADERS: usize = IP + UDP;

/// The largest UDP payload that IPv4 can carry in one packet, in bytes.
pub const MAX_PAYLOAD: usize = 65_535 - HEADERS;

const IP: usize = 20;
const UDP: usize = 8;
const PROTOCOL_UDP: u8 = 17;
const TTL: u8 = 64;

/// A parsed UDP datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Udp {
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Destination address and port.
    pub to: SocketAddrV4,
    /// Where in the packet the payload lies; always inside it.
    pub range: Range<usize>,
}

/// Why a packet is not a UDP datagram worth reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The packet ends before its headers, or before the lengths they give.
    #[error("the packet is shorter than its headers say")]
    Truncated,
    /// Not IP version 4, or a header length under 20 bytes.
    #[error("not an IPv4 header")]
    NotIpv4,
    /// Carries something else than UDP.
    #[error("not UDP")]
    NotUdp,
    /// A part of a larger packet.
    #[error("a fragment")]
    Fragment,
    /// The lengths of the two headers contradict each other.
    #[error("the UDP length contradicts the IP length")]
    Length,
    /// The IP header's checksum is wrong.
    #[error("wrong IP header checksum")]
    IpChecksum,
    /// The UDP checksum is wrong.
    #[error("wrong UDP checksum")]
    UdpChecksum,
}

/// Reads an IPv4 packet that carries UDP. Bytes behind the packet's own length are padding of the link and ignored.
///
/// The UDP checksum may be absent (0), right, or cover the pseudo-header only (see the crate's deviations).
///
/// # Errors
/// [`Malformed`] for anything that the kernel itself would not hand to a UDP socket.
pub fn parse(packet: &[u8]) -> Result<Udp, Malformed> {
    let first = *packet.first().ok_or(Malformed::Truncated)?;
    let header_len = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || header_len < IP {
        return Err(Malformed::NotIpv4);
    }
    let header = packet.get(..header_len).ok_or(Malformed::Truncated)?;
    if sum(header) != 0xffff {
        return Err(Malformed::IpChecksum);
    }
    let total = usize::from(u16_at(header, 2)?);
    let packet = packet.get(..total).ok_or(Malformed::Truncated)?;
    // Everything but "don't fragment" and the reserved bit: "more fragments" and the offset.
    if u16_at(header, 6)? & 0x3fff != 0 {
        return Err(Malformed::Fragment);
    }
    if header.get(9) != Some(&PROTOCOL_UDP) {
        return Err(Malformed::NotUdp);
    }
    let (source, destination) = (address_at(header, 12)?, address_at(header, 16)?);

    let body = packet.get(header_len..).ok_or(Malformed::Length)?;
    let udp_len = usize::from(u16_at(body, 4).map_err(|_| Malformed::Length)?);
    if udp_len < UDP {
        return Err(Malformed::Length);
    }
    let datagram = body.get(..udp_len).ok_or(Malformed::Length)?;
    let stored = u16_at(datagram, 6)?;
    let pseudo = pseudo_header(source, destination, udp_len);
    if stored != 0 && stored != fold(pseudo) && fold(pseudo + u32::from(sum(datagram))) != 0xffff {
        return Err(Malformed::UdpChecksum);
    }
    Ok(Udp {
        from: SocketAddrV4::new(source, u16_at(datagram, 0)?),
        to: SocketAddrV4::new(destination, u16_at(datagram, 2)?),
        range: header_len + UDP..header_len + udp_len,
    })
}

/// Writes an IPv4 packet that carries `payload` by UDP, both checksums filled in. `None` when the payload is longer than
/// [`MAX_PAYLOAD`]. "Don't fragment" is set, so that the identification may be 0 (RFC 6864 section 4.1).
#[must_use]
pub fn build(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Option<Vec<u8>> {
    let total = u16::try_from(HEADERS + payload.len()).ok()?;
    let udp_len = u16::try_from(UDP + payload.len()).ok()?;

    let mut packet = Vec::with_capacity(HEADERS + payload.len());
    packet.extend_from_slice(&[0x45, 0]);
    packet.extend_from_slice(&total.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0x40, 0, TTL, PROTOCOL_UDP, 0, 0]);
    packet.extend_from_slice(&from.ip().octets());
    packet.extend_from_slice(&to.ip().octets());
    let checksum = !sum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());

    packet.extend_from_slice(&from.port().to_be_bytes());
    packet.extend_from_slice(&to.port().to_be_bytes());
    packet.extend_from_slice(&udp_len.to_be_bytes());
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(payload);
    let pseudo = pseudo_header(*from.ip(), *to.ip(), usize::from(udp_len));
    let checksum = match !fold(pseudo + u32::from(sum(&packet[IP..]))) {
        // 0 would mean "no checksum"; all ones is the same number (RFC 768).
        0 => 0xffff,
        checksum => checksum,
    };
    packet[IP + 6..HEADERS].copy_from_slice(&checksum.to_be_bytes());
    Some(packet)
}

/// The one's complement sum (RFC 1071) of 16-bit words; an odd last byte counts as the high half of a word.
pub(crate) fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| match word {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    // 65,535 bytes are 32,768 words: the plain sum stays within 32 bits.
    fold(words.sum())
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn pseudo_header(source: Ipv4Addr, destination: Ipv4Addr, udp_len: usize) -> u32 {
    u32::from(sum(&source.octets()))
        + u32::from(sum(&destination.octets()))
        + u32::from(PROTOCOL_UDP)
        + (udp_len & 0xffff) as u32
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Malformed> {
    match bytes.get(at..at + 2) {
        Some([high, low]) => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(Malformed::Truncated),
    }
}

fn address_at(bytes: &[u8], at: usize) -> Result<Ipv4Addr, Malformed> {
    match bytes.get(at..at + 4) {
        Some([a, b, c, d]) => Ok(Ipv4Addr::new(*a, *b, *c, *d)),
        _ => Err(Malformed::Truncated),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);

    fn packet() -> Vec<u8> {
        build(CLIENT, SERVER, b"discover").unwrap()
    }

    /// Puts a new value into the IP header and makes its checksum right again.
    fn with_ip(at: usize, value: u8) -> Vec<u8> {
        let mut packet = packet();
        packet[at] = value;
        fix_ip_checksum(&mut packet);
        packet
    }

    fn fix_ip_checksum(packet: &mut [u8]) {
        packet[10..12].fill(0);
        let len = usize::from(packet[0] & 0x0f) * 4;
        let checksum = !sum(&packet[..len.min(packet.len())]);
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    }

    #[test]
    fn the_checksum_is_that_of_rfc_1071_section_3() {
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
        assert_eq!(sum(&[0x01]), 0x0100);
    }

    #[test]
    fn a_packet_is_built_to_the_byte() {
        // The sums were done by hand from RFC 768 and RFC 791.
        let from = SocketAddrV4::new(Ipv4Addr::new(192, 168, 0, 1), 67);
        let to = SocketAddrV4::new(Ipv4Addr::new(192, 168, 0, 199), 68);
        assert_eq!(
            build(from, to, &[1, 2, 3]).unwrap(),
            [
                0x45, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0xb5, 192, 168, 0, 1, 192,
                168, 0, 199, 0x00, 0x43, 0x00, 0x44, 0x00, 0x0b, 0x79, 0x36, 1, 2, 3
            ]
        );
    }

    #[test]
    fn padding_of_a_short_frame_is_not_payload() {
        let mut packet = packet();
        packet.extend_from_slice(&[0xaa; 18]);
        let udp = parse(&packet).unwrap();
        assert_eq!(&packet[udp.range], b"discover");
    }

    #[test]
    fn ip_options_are_skipped() {
        let mut packet = packet();
        packet.splice(20..20, [1, 1, 1, 0]);
        packet[0] = 0x46;
        packet[3] += 4;
        fix_ip_checksum(&mut packet);
        let udp = parse(&packet).unwrap();
        assert_eq!(&packet[udp.range], b"discover");
    }

    #[test]
    fn a_checksum_is_absent_right_or_left_to_the_card_and_never_wrong() {
        let mut packet = packet();
        let right = [packet[26], packet[27]];
        let offloaded = fold(pseudo_header(*CLIENT.ip(), *SERVER.ip(), 16)).to_be_bytes();
        for good in [right, [0, 0], offloaded] {
            packet[26..28].copy_from_slice(&good);
            assert!(parse(&packet).is_ok());
        }
        packet[26..28].copy_from_slice(&[right[0], right[1] ^ 1]);
        assert_eq!(parse(&packet), Err(Malformed::UdpChecksum));
    }

    #[test]
    fn a_checksum_that_comes_out_as_zero_is_sent_as_all_ones() {
        let found = (0..=u16::MAX).find_map(|word| {
            let packet = build(CLIENT, SERVER, &word.to_be_bytes()).unwrap();
            (packet[26..28] == [0xff, 0xff]).then_some(packet)
        });
        assert!(parse(&found.unwrap()).is_ok());
    }

    #[test]
    fn lies_are_refused() {
        assert_eq!(parse(&[]), Err(Malformed::Truncated));
        assert_eq!(parse(&packet()[..19]), Err(Malformed::Truncated));
        assert_eq!(parse(&packet()[..35]), Err(Malformed::Truncated));
        assert_eq!(parse(&with_ip(0, 0x65)), Err(Malformed::NotIpv4));
        assert_eq!(parse(&with_ip(0, 0x44)), Err(Malformed::NotIpv4));
        assert_eq!(parse(&with_ip(6, 0x20)), Err(Malformed::Fragment));
        assert_eq!(parse(&with_ip(7, 0x01)), Err(Malformed::Fragment));
        assert_eq!(parse(&with_ip(9, 6)), Err(Malformed::NotUdp));
        assert_eq!(parse(&with_ip(3, 19)), Err(Malformed::Length));
        assert_eq!(parse(&with_ip(3, 27)), Err(Malformed::Length));
        for udp_len in [0, 7, 17, 0xff] {
            let mut packet = packet();
            packet[25] = udp_len;
            assert_eq!(parse(&packet), Err(Malformed::Length));
        }
        let mut packet = packet();
        packet[8] ^= 1;
        assert_eq!(parse(&packet), Err(Malformed::IpChecksum));
    }

    #[test]
    fn a_header_longer_than_the_packet_is_refused() {
        let packet = with_ip(0, 0x4f);
        assert_eq!(parse(&packet), Err(Malformed::Truncated));
    }

    #[test]
    fn what_does_not_fit_is_not_built() {
        assert_eq!(build(CLIENT, SERVER, &vec![0; MAX_PAYLOAD]).map(|packet| packet.len()), Some(65_535));
        assert_eq!(build(CLIENT, SERVER, &vec![0; MAX_PAYLOAD + 1]), None);
    }

    proptest! {
        #[test]
        fn what_is_built_is_read_back(
            source: [u8; 4], destination: [u8; 4], ports: (u16, u16),
            payload in proptest::collection::vec(any::<u8>(), 0..1500),
        ) {
            let from = SocketAddrV4::new(source.into(), ports.0);
            let to = SocketAddrV4::new(destination.into(), ports.1);
            let packet = build(from, to, &payload).unwrap();
            let udp = parse(&packet).unwrap();
            prop_assert_eq!((udp.from, udp.to), (from, to));
            prop_assert_eq!(&packet[udp.range], &payload[..]);
        }

        #[test]
        fn any_bytes_give_an_error_or_a_range_inside(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), honest: bool) {
            if honest && bytes.len() >= 20 {
                bytes[0] = 0x45 + (bytes[0] & 1);
                bytes[2] = 0;
                bytes[6..8].fill(0);
                bytes[9] = 17;
                fix_ip_checksum(&mut bytes);
            }
            if let Ok(udp) = parse(&bytes) {
                prop_assert!(udp.range.start <= udp.range.end && udp.range.end <= bytes.len());
            }
        }

        #[test]
        fn one_flipped_bit_never_passes_for_another_payload(payload in proptest::collection::vec(any::<u8>(), 1..64), at: proptest::sample::Index, bit in 0u8..8) {
            let mut packet = build(CLIENT, SERVER, &payload).unwrap();
            let at = HEADERS + at.index(payload.len());
            packet[at] ^= 1 << bit;
            prop_assert_eq!(parse(&packet), Err(Malformed::UdpChecksum));
        }
    }
}
