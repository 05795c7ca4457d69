//! Frames put together by hand, so that they can be wrong.

/// Bytes of a fragment on a link of 1500 bytes, behind its header.
const PART: usize = 1480;

/// An Ethernet frame around an IPv4 packet; `from` and `to` are hardware addresses.
#[must_use]
pub fn ethernet(from: [u8; 6], to: [u8; 6], packet: &[u8]) -> Vec<u8> {
    [&to[..], &from, &[8, 0], packet].concat()
}

/// An IPv4 packet without options in as many parts as a link of 1500 bytes wants.
#[must_use]
pub fn fragments(packet: &[u8]) -> Vec<Vec<u8>> {
    let (header, body) = packet.split_at(20);
    if body.len() <= PART {
        return vec![packet.to_vec()];
    }
    let last = (body.len() - 1) / PART;
    body.chunks(PART).enumerate().map(|(nth, part)| fragment(header, nth * PART, nth < last, part)).collect()
}

/// One fragment, `at` bytes (a multiple of 8) behind the beginning; `header` is that of the whole packet,
/// with the identification by which its parts find together.
#[must_use]
pub fn fragment(header: &[u8], at: usize, more: bool, part: &[u8]) -> Vec<u8> {
    let mut fragment = [&header[..20], part].concat();
    let length = u16::try_from(fragment.len()).unwrap_or(u16::MAX);
    let place = u16::try_from(at / 8).unwrap_or_default() | if more { 0x2000 } else { 0 };
    fragment[2..4].copy_from_slice(&length.to_be_bytes());
    fragment[6..8].copy_from_slice(&place.to_be_bytes());
    seal(&mut fragment);
    fragment
}

/// Makes the checksum of an IPv4 header right again.
pub fn seal(packet: &mut [u8]) {
    let length = usize::from(packet[0] & 15) * 4;
    packet[10..12].fill(0);
    let checksum = !sum(&[&packet[..length.min(packet.len())]]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// The one's complement sum of RFC 1071, over parts that have an even number of bytes but for the last one.
#[must_use]
pub fn sum(parts: &[&[u8]]) -> u16 {
    let mut sum: u32 = 0;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        sum += (u32::from(pair[0]) << 8) + u32::from(pair.get(1).copied().unwrap_or_default());
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
