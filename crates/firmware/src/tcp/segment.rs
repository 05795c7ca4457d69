use std::net::{Ipv4Addr, SocketAddrV4};

/// The largest payload in an Ethernet frame behind headers without options.
pub(super) const MSS: u16 = 1460;

/// A TCP segment (RFC 9293 section 3.1), in or out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Who sent it.
    pub from: SocketAddrV4,
    /// Who gets it.
    pub to: SocketAddrV4,
    pub(super) sequence: u32,
    pub(super) acknowledges: u32,
    pub(super) flags: Flags,
    /// As it stands in the header, so unscaled.
    pub(super) window: u16,
    /// The shift of RFC 7323, in a segment with [`Flags::SYN`]; the largest segment is told with it.
    pub(super) scale: Option<u8>,
    pub(super) payload: Vec<u8>,
}

/// The control bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const FIN: Self = Self(1);
    pub(super) const SYN: Self = Self(2);
    pub(super) const RST: Self = Self(4);
    pub(super) const PSH: Self = Self(8);
    pub(super) const ACK: Self = Self(16);

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

const HEADER: usize = 20;

impl Segment {
    /// The bytes behind the IP header; the checksum is left to whoever knows that header.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let options = match self.scale {
            Some(scale) => {
                let [high, low] = MSS.to_be_bytes();
                vec![2, 4, high, low, 3, 3, scale, 1]
            }
            None => Vec::new(),
        };
        let words = (HEADER + options.len()) / 4;
        let mut bytes = Vec::with_capacity(words * 4 + self.payload.len());
        bytes.extend(self.from.port().to_be_bytes());
        bytes.extend(self.to.port().to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.acknowledges.to_be_bytes());
        bytes.extend([(words as u8) << 4, self.flags.0]);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(options);
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads what stands behind an IP header.
    pub(crate) fn read(from: Ipv4Addr, to: Ipv4Addr, bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER>()?;
        let length = usize::from(header[12] >> 4) * 4;
        let options = bytes.get(HEADER..length)?;
        let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let number =
            |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        Some(Self {
            from: SocketAddrV4::new(from, port(0)),
            to: SocketAddrV4::new(to, port(2)),
            sequence: number(4),
            acknowledges: number(8),
            flags: Flags(header[13]),
            window: port(14),
            scale: scale(options),
            payload: bytes.get(length..)?.to_vec(),
        })
    }
}

/// Option 3 among the others.
fn scale(mut options: &[u8]) -> Option<u8> {
    loop {
        match options {
            [] | [0, ..] => return None,
            [1, rest @ ..] => options = rest,
            [3, 3, scale, ..] => return Some(*scale),
            [_, length, ..] if *length >= 2 => options = options.get(usize::from(*length)..)?,
            _ => return None,
        }
    }
}
