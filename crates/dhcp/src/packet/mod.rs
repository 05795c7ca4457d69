//! What came in: a reader that takes every packet that a machine in the field sends, and trusts none of it.

#[cfg(test)]
mod differential;
mod heard;
mod options;
mod relay;
mod values;

use std::net::Ipv4Addr;

use nextboot_model::Mac;

pub use heard::Heard;
pub use options::Options;
pub(crate) use relay::RelayInfo;
pub use values::BootItem;
pub(crate) use values::is_usable;

/// Longest datagram that is read, in bytes. Clients send 300 to 600; a relay may add some.
pub const MAX_PACKET: usize = 4096;

const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const HEADER: usize = 236;

/// A BOOTP or DHCP message from a client: its header, checked, and its options, raw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Relays passed so far.
    pub hops: u8,
    /// Transaction number.
    pub xid: u32,
    /// Seconds since the client began. Never used for a decision: iPXE uses it as a bit field, EDK2 swaps its bytes on
    /// port 4011.
    pub secs: u16,
    /// The flags as sent; the top bit asks for a broadcast reply.
    pub flags: u16,
    /// The address that the client already uses, or 0.0.0.0.
    pub ciaddr: Ipv4Addr,
    /// The relay agent that passed this on, or 0.0.0.0.
    pub giaddr: Ipv4Addr,
    /// The hardware address field, all 16 bytes as sent.
    pub chaddr: [u8; 16],
    /// The Ethernet address in it.
    pub mac: Mac,
    /// The options.
    pub options: Options,
    /// True if the options began with the DHCP magic cookie; plain BOOTP may lack it.
    pub cookie: bool,
}

/// Why a datagram is no message from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Garbage {
    /// Shorter than a BOOTP header.
    #[error("{0} bytes are too short for BOOTP")]
    TooShort(usize),
    /// Longer than [`MAX_PACKET`].
    #[error("{0} bytes are too long")]
    TooLong(usize),
    /// `op` is not the wanted one: a reply where a request was expected, or neither.
    #[error("operation {0} is not the one expected here")]
    Operation(u8),
    /// Not Ethernet.
    #[error("hardware type {kind} with {len} address bytes is not Ethernet")]
    Hardware {
        /// `htype`
        kind: u8,
        /// `hlen`
        len: u8,
    },
    /// A hardware address that no machine has: zero, or a group address.
    #[error("{0} is not a machine's address")]
    Mac(Mac),
    /// More relays than RFC 1542 allows.
    #[error("{0} relays passed")]
    Hops(u8),
}

/// The fixed part, for both directions.
struct Header {
    hops: u8,
    xid: u32,
    secs: u16,
    flags: u16,
    ciaddr: Ipv4Addr,
    yiaddr: Ipv4Addr,
    siaddr: Ipv4Addr,
    giaddr: Ipv4Addr,
    chaddr: [u8; 16],
    mac: Mac,
    sname: [u8; 64],
    file: [u8; 128],
}

/// The next `N` bytes; zeros where there are none, which the check of the length rules out.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    rest.split_first_chunk::<N>().map_or([0; N], |(head, tail)| {
        *rest = tail;
        *head
    })
}

impl Header {
    fn read(bytes: &[u8], op: u8) -> Result<(Self, &[u8]), Garbage> {
        if bytes.len() < HEADER {
            return Err(Garbage::TooShort(bytes.len()));
        }
        if bytes.len() > MAX_PACKET {
            return Err(Garbage::TooLong(bytes.len()));
        }
        let mut rest = bytes;
        let [seen_op, kind, len, hops] = take(&mut rest);
        if seen_op != op {
            return Err(Garbage::Operation(seen_op));
        }
        if (kind, len) != (1, 6) {
            return Err(Garbage::Hardware { kind, len });
        }
        if hops > 16 {
            return Err(Garbage::Hops(hops));
        }
        let xid = u32::from_be_bytes(take(&mut rest));
        let secs = u16::from_be_bytes(take(&mut rest));
        let flags = u16::from_be_bytes(take(&mut rest));
        let [ciaddr, yiaddr, siaddr, giaddr] = std::array::from_fn(|_| Ipv4Addr::from(take::<4>(&mut rest)));
        let chaddr: [u8; 16] = take(&mut rest);
        let mac = Mac(take(&mut chaddr.as_slice()));
        if !mac.is_machine() {
            return Err(Garbage::Mac(mac));
        }
        let sname = take(&mut rest);
        let file = take(&mut rest);
        Ok((Self { hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, chaddr, mac, sname, file }, rest))
    }
}

impl Packet {
    /// Reads a datagram that came in on port 67 or 4011.
    ///
    /// # Errors
    /// [`Garbage`] if it is no request of an Ethernet client. Replies of other servers are [`Garbage::Operation`]: they
    /// are never answered, so two servers cannot talk to each other; read them with [`Heard::read`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Garbage> {
        let (header, rest) = Header::read(bytes, 1)?;
        let area = rest.strip_prefix(&COOKIE);
        let options =
            area.map(|area| Options::read_message(area, &header.file, &header.sname)).unwrap_or_default();
        let Header { hops, xid, secs, flags, ciaddr, giaddr, chaddr, mac, .. } = header;
        Ok(Self { hops, xid, secs, flags, ciaddr, giaddr, chaddr, mac, options, cookie: area.is_some() })
    }

    /// True if the client wants its reply by broadcast, as all EDK2 firmware does.
    #[must_use]
    pub fn wants_broadcast(&self) -> bool {
        self.flags & 0x8000 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        if let [op, kind, hlen, ..] = bytes.as_mut_slice() {
            (*op, *kind, *hlen) = (1, 1, 6);
        }
        if let Some(last) = bytes.get_mut(33) {
            *last = 9;
        }
        bytes
    }

    #[test]
    fn every_length_up_to_the_header_is_too_short() {
        for len in 0..HEADER {
            assert_eq!(Packet::parse(&plain(len)), Err(Garbage::TooShort(len)));
        }
        for len in HEADER..HEADER + 8 {
            let packet = Packet::parse(&plain(len)).unwrap();
            assert!(!packet.cookie && packet.is_bootp());
        }
        assert_eq!(Packet::parse(&plain(MAX_PACKET + 1)), Err(Garbage::TooLong(MAX_PACKET + 1)));
    }

    #[test]
    fn replies_and_foreign_hardware_are_refused() {
        for op in [0, 2, 3, 255] {
            let mut bytes = plain(300);
            bytes[0] = op;
            assert_eq!(Packet::parse(&bytes), Err(Garbage::Operation(op)));
        }
        for (kind, len) in [(0, 6), (6, 6), (32, 0), (1, 0), (1, 5), (1, 7), (1, 16), (1, 17), (1, 255)] {
            let mut bytes = plain(300);
            (bytes[1], bytes[2]) = (kind, len);
            assert_eq!(Packet::parse(&bytes), Err(Garbage::Hardware { kind, len }));
        }
        let mut bytes = plain(300);
        bytes[28] = 1;
        assert!(matches!(Packet::parse(&bytes), Err(Garbage::Mac(_))));
        let mut bytes = plain(300);
        bytes[3] = 17;
        assert_eq!(Packet::parse(&bytes), Err(Garbage::Hops(17)));
    }

    #[test]
    fn a_wrong_cookie_is_plain_bootp() {
        let mut bytes = plain(300);
        bytes[236..243].copy_from_slice(&[0x63, 0x82, 0x53, 0x62, 53, 1, 1]);
        assert!(Packet::parse(&bytes).unwrap().is_bootp());
        bytes[239] = 0x63;
        assert!(!Packet::parse(&bytes).unwrap().is_bootp());
    }
}
