//! The captures in `tests/captures`: classic pcap files of Ethernet frames, as tcpdump writes them on little-endian machines.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

/// One UDP datagram of a capture.
#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddrV4,
    pub(crate) to: SocketAddrV4,
    pub(crate) payload: Vec<u8>,
}

impl Datagram {
    pub(crate) fn is_dhcp(&self) -> bool {
        [self.from.port(), self.to.port()].iter().any(|port| [67, 68, 4011].contains(port))
    }
}

/// One capture by its name, without `.pcap`.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) datagrams: Vec<Datagram>,
}

impl Capture {
    /// What the firmware sent.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Datagram> {
        self.datagrams.iter().filter(|datagram| datagram.is_dhcp() && datagram.payload.first() == Some(&1))
    }

    /// What the responder sent.
    pub(crate) fn replies(&self) -> impl Iterator<Item = &Datagram> {
        self.datagrams.iter().filter(|datagram| datagram.is_dhcp() && datagram.payload.first() == Some(&2))
    }
}

/// All captures, by name.
pub(crate) fn all() -> Vec<Capture> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut captures: Vec<Capture> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pcap"))
        .map(|path| Capture {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            datagrams: datagrams(&fs::read(&path).unwrap()),
        })
        .collect();
    captures.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(captures.len(), 18);
    captures
}

fn datagrams(file: &[u8]) -> Vec<Datagram> {
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((number(0), number(20)), (0xa1b2_c3d4, 1), "not a little-endian pcap file of Ethernet frames");
    let mut found = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let length = number(at + 8);
        found.extend(datagram(&file[at + 16..at + 16 + length]));
        at += 16 + length;
    }
    found
}

/// The UDP datagram in an Ethernet frame, if that is what it holds.
fn datagram(frame: &[u8]) -> Option<Datagram> {
    let packet = frame[12..].strip_prefix(&[8, 0])?;
    if packet[9] != 17 {
        return None;
    }
    let address = |at: usize| Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
    let udp = &packet[usize::from(packet[0] & 15) * 4..];
    let number = |at: usize| u16::from_be_bytes([udp[at], udp[at + 1]]);
    Some(Datagram {
        from: SocketAddrV4::new(address(12), number(0)),
        to: SocketAddrV4::new(address(16), number(2)),
        payload: udp[8..usize::from(number(4))].to_vec(),
    })
}
