//! The reader of packets that no kernel has checked: any bytes, any damage, any checksum.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddrV4};

use nextboot_net::packet::{HEADERS, Malformed, build, parse};
use proptest::prelude::*;

/// One's complement arithmetic is arithmetic modulo 65535: the sum of all 16-bit words, another way than the reader's.
fn remainder(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u64::from(pair[0]) * 256 + u64::from(*pair.get(1).unwrap_or(&0)));
    u16::try_from(words.sum::<u64>() % 65_535).unwrap()
}

/// The pseudo-header of RFC 768 for a packet without IP options.
fn pseudo_header(packet: &[u8]) -> Vec<u8> {
    [&packet[12..20], &[0, 17], &packet[24..26]].concat()
}

/// Makes the checksum of the IP header right again.
fn seal(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let length = usize::from(packet[0] & 15) * 4;
    let checksum = 65_535 - remainder(&packet[..length.min(packet.len())]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

fn packet() -> impl Strategy<Value = Vec<u8>> {
    let ends = (any::<u32>(), any::<u16>(), any::<u32>(), any::<u16>());
    (ends, prop::collection::vec(any::<u8>(), 0..700)).prop_map(|((from, sport, to, dport), payload)| {
        let from = SocketAddrV4::new(Ipv4Addr::from_bits(from), sport);
        build(from, SocketAddrV4::new(Ipv4Addr::from_bits(to), dport), &payload).unwrap()
    })
}

/// Whatever was read lies inside the packet and is what the headers say.
fn sound(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(udp) = parse(bytes) else { return Ok(()) };
    prop_assert!(HEADERS <= udp.range.start && udp.range.start <= udp.range.end);
    prop_assert!(udp.range.end <= bytes.len());
    let header = usize::from(bytes[0] & 15) * 4;
    prop_assert_eq!(udp.range.start, header + 8);
    prop_assert_eq!(remainder(&bytes[..header]), 0, "the header's checksum");
    prop_assert_eq!(&udp.from.ip().octets()[..], &bytes[12..16]);
    prop_assert_eq!(&udp.to.ip().octets()[..], &bytes[16..20]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        sound(&bytes)?;
    }

    /// Damage behind a header whose checksum was made right again gets past the first gate.
    #[test]
    fn any_damage_is_survived(
        mut bytes in packet(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        header in prop::collection::vec((0usize..28, any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        sealed: bool,
    ) {
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for (at, byte) in header {
            bytes[at] = byte;
        }
        if sealed {
            seal(&mut bytes);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        sound(&bytes)?;
    }

    #[test]
    fn no_part_of_a_packet_is_one(bytes in packet(), cut: prop::sample::Index) {
        prop_assert!(parse(&bytes[..cut.index(bytes.len())]).is_err());
    }

    /// Absent, right, or that of the pseudo-header alone; nothing else.
    #[test]
    fn the_checksum_is_one_of_three(mut bytes in packet(), other: u16) {
        let right = [bytes[26], bytes[27]];
        let pseudo = remainder(&pseudo_header(&bytes)).to_be_bytes();
        for good in [right, pseudo, [0, 0]] {
            bytes[26..28].copy_from_slice(&good);
            prop_assert!(parse(&bytes).is_ok(), "{:02x?}", good);
        }
        bytes[26..28].copy_from_slice(&other.to_be_bytes());
        let whole = [pseudo_header(&bytes), bytes[20..].to_vec()].concat();
        let fine = other == 0 || other.to_be_bytes() == pseudo || remainder(&whole) == 0;
        prop_assert_eq!(parse(&bytes).err(), (!fine).then_some(Malformed::UdpChecksum));
    }

    #[test]
    fn no_fragment_is_a_packet(mut bytes in packet(), place in 1u16..0x4000) {
        bytes[6..8].copy_from_slice(&place.to_be_bytes());
        seal(&mut bytes);
        prop_assert_eq!(parse(&bytes), Err(Malformed::Fragment));
    }
}
