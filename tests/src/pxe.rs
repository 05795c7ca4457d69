//! Network boot firmware on the wire: its packets as the PXE specification and captures have them. It shares no code with
//! the server.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::namespace::Namespace;

/// RFC 2131 section 3: what the options begin with.
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Bytes before the cookie.
const HEADER: usize = 236;

/// A boot ROM's client port in a namespace.
#[derive(Debug)]
pub struct Rom {
    socket: UdpSocket,
    mac: [u8; 6],
    arch: u8,
    transaction: u32,
}

/// A reply that a ROM got.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Who sent it.
    pub from: SocketAddrV4,
    /// `yiaddr`.
    pub address: Ipv4Addr,
    /// `siaddr`.
    pub next_server: Ipv4Addr,
    /// The `file` field, to its first zero.
    pub file: String,
    /// The options, by code.
    pub options: BTreeMap<u8, Vec<u8>>,
}

impl Reply {
    /// Option 53.
    #[must_use]
    pub fn kind(&self) -> Option<u8> {
        self.options.get(&53)?.first().copied()
    }

    /// Option 54.
    #[must_use]
    pub fn server(&self) -> Option<Ipv4Addr> {
        <[u8; 4]>::try_from(self.options.get(&54)?.as_slice()).ok().map(Ipv4Addr::from)
    }

    /// True for a proxy's offer: no address, but the PXE class.
    #[must_use]
    pub fn is_proxy_offer(&self) -> bool {
        self.kind() == Some(2)
            && self.address.is_unspecified()
            && self.options.get(&60).is_some_and(|class| class.starts_with(b"PXEClient"))
    }
}

impl Rom {
    /// A ROM behind the interface of that name. `arch` is option 93: 0 for a BIOS, 7 for x86-64 UEFI.
    ///
    /// # Errors
    /// When port 68 is taken there.
    pub fn new(namespace: &Namespace, interface: &str, mac: [u8; 6], arch: u8) -> Result<Self> {
        namespace.ip(&["route", "replace", "255.255.255.255", "dev", interface])?;
        let socket = namespace.enter(|| Ok(UdpSocket::bind("0.0.0.0:68")?))?;
        socket.set_broadcast(true)?;
        Ok(Self { socket, mac, arch, transaction: 0 })
    }

    /// Broadcasts a DISCOVER and returns the replies to it, until `enough` likes what there is or `limit` is over.
    ///
    /// # Errors
    /// When the network cannot be used; silence is no error.
    pub fn discover(&mut self, limit: Duration, enough: impl Fn(&[Reply]) -> bool) -> Result<Vec<Reply>> {
        let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
        self.ask(1, [0; 4], &[], to, limit, enough)
    }

    /// Sends a DISCOVER to `to` as a relay with the address `giaddr` passes it on; the reply comes to port 67 of that relay.
    ///
    /// # Errors
    /// When the network cannot be used or port 67 is taken.
    pub fn discover_by_relay(
        &mut self,
        relay: &Namespace,
        giaddr: Ipv4Addr,
        to: Ipv4Addr,
        limit: Duration,
    ) -> Result<Vec<Reply>> {
        let port = relay.enter(|| Ok(UdpSocket::bind((giaddr, 67))?))?;
        let own = std::mem::replace(&mut self.socket, port);
        let replies =
            self.ask(1, giaddr.octets(), &[], SocketAddrV4::new(to, 67), limit, |got| !got.is_empty());
        self.socket = own;
        replies
    }

    /// Asks the boot server port, with an address of its own; `item` is a choice from a boot menu.
    ///
    /// # Errors
    /// When the network cannot be used; silence is no error.
    pub fn ask_boot_server(
        &mut self,
        server: Ipv4Addr,
        item: Option<u16>,
        limit: Duration,
    ) -> Result<Option<Reply>> {
        let item = item.map(|item| {
            let [high, low] = item.to_be_bytes();
            vec![43, 7, 71, 4, high, low, 0, 0, 255]
        });
        let to = SocketAddrV4::new(server, 4011);
        let replies = self.ask(3, [0; 4], &item.unwrap_or_default(), to, limit, |got| !got.is_empty())?;
        Ok(replies.into_iter().next())
    }

    fn ask(
        &mut self,
        kind: u8,
        giaddr: [u8; 4],
        more: &[u8],
        to: SocketAddrV4,
        limit: Duration,
        enough: impl Fn(&[Reply]) -> bool,
    ) -> Result<Vec<Reply>> {
        self.transaction = self.transaction.wrapping_add(1);
        let id = (self.transaction ^ u32::from_be_bytes([0x70, self.mac[3], self.mac[4], self.mac[5]]))
            .to_be_bytes();
        let mut packet = vec![0; HEADER];
        packet[..3].copy_from_slice(&[1, 1, 6]);
        packet[4..8].copy_from_slice(&id);
        packet[10] = 0x80;
        packet[24..28].copy_from_slice(&giaddr);
        packet[28..34].copy_from_slice(&self.mac);
        packet.extend(COOKIE);
        packet.extend([53, 1, kind, 57, 2, 5, 0xc0]);
        packet.extend(more);
        packet.extend([55, 7, 1, 3, 43, 54, 60, 66, 67, 93, 2, 0, self.arch, 94, 3, 1, 2, 1, 60, 32]);
        packet.extend(format!("PXEClient:Arch:{:05}:UNDI:002001", self.arch).bytes());
        packet.push(255);
        self.socket.send_to(&packet, SocketAddr::V4(to))?;
        let deadline = Instant::now() + limit;
        let mut replies = Vec::new();
        let mut buffer = [0; 1500];
        while !enough(&replies) {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                break;
            };
            self.socket.set_read_timeout(Some(left))?;
            let Ok((length, SocketAddr::V4(from))) = self.socket.recv_from(&mut buffer) else { continue };
            let packet = buffer.get(..length).unwrap_or_default();
            if packet.first() == Some(&2) && packet.get(4..8) == Some(&id) {
                replies.push(read(packet, from).context("a reply that is none")?);
            }
        }
        Ok(replies)
    }
}

fn read(packet: &[u8], from: SocketAddrV4) -> Option<Reply> {
    let address = |at: usize| <[u8; 4]>::try_from(packet.get(at..at + 4)?).ok().map(Ipv4Addr::from);
    let file = packet.get(108..HEADER)?.split(|byte| *byte == 0).next()?;
    let mut options = BTreeMap::new();
    let mut rest = packet.get(HEADER..)?.strip_prefix(&COOKIE)?;
    while let [code, more @ ..] = rest {
        rest = more;
        match code {
            0 => {}
            255 => break,
            _ => {
                let (&length, more) = more.split_first()?;
                let (value, more) = more.split_at_checked(usize::from(length))?;
                options.entry(*code).or_insert_with(Vec::new).extend(value);
                rest = more;
            }
        }
    }
    let file = String::from_utf8_lossy(file).into_owned();
    Some(Reply { from, address: address(16)?, next_server: address(20)?, file, options })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_offer_is_read_as_it_was_written() {
        let mut packet = vec![0; HEADER];
        packet[20..24].copy_from_slice(&[10, 0, 0, 1]);
        packet[108..112].copy_from_slice(b"file");
        packet.extend(COOKIE);
        packet.extend([53, 1, 2, 54, 4, 10, 0, 0, 1, 60, 9]);
        packet.extend(b"PXEClient\xff");
        let reply = read(&packet, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 67)).unwrap();
        assert!(reply.is_proxy_offer());
        assert_eq!((reply.server(), reply.next_server), (Some([10, 0, 0, 1].into()), [10, 0, 0, 1].into()));
        assert_eq!(reply.file, "file");
        assert!(read(&packet[..HEADER + 6], reply.from).is_none());
    }
}
