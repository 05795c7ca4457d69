//! A DHCP client that plays many machines from one socket. It shares no code with the server.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::namespace::Namespace;

/// RFC 2131 section 3: what the options begin with.
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Bytes before the cookie.
const HEADER: usize = 236;
/// How long one request waits for its answer before it counts as lost.
const ANSWER: Duration = Duration::from_millis(700);

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;

/// A namespace's DHCP client port. Its machines ask for broadcast answers, because the interface has none of their
/// addresses.
#[derive(Debug)]
pub struct Clients {
    socket: UdpSocket,
    transaction: u32,
}

/// An answer from a server, as far as the tests care.
#[derive(Debug)]
struct Answer {
    kind: u8,
    address: Ipv4Addr,
    server: Option<Ipv4Addr>,
}

impl Clients {
    /// Opens port 68 in a namespace that [`crate::Lab::join`] made with an address.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn new(namespace: &Namespace) -> Result<Self> {
        Self::on(namespace, "eth0")
    }

    /// The same behind another interface.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn on(namespace: &Namespace, interface: &str) -> Result<Self> {
        namespace.ip(&["route", "replace", "255.255.255.255", "dev", interface])?;
        let socket = namespace.enter(|| Ok(UdpSocket::bind("0.0.0.0:68")?))?;
        socket.set_broadcast(true)?;
        Ok(Self { socket, transaction: 0 })
    }

    /// DISCOVER, then REQUEST: the address that the server acknowledged, or nothing when an answer did not come.
    ///
    /// # Errors
    /// When the network cannot be used; silence and refusals are no errors.
    pub fn lease(&mut self, mac: [u8; 6]) -> Result<Option<Ipv4Addr>> {
        let Some(offer) = self.exchange(mac, DISCOVER, &[], OFFER)? else { return Ok(None) };
        let Some(server) = offer.server else { return Ok(None) };
        let mut options = vec![50, 4];
        options.extend(offer.address.octets());
        options.extend([54, 4]);
        options.extend(server.octets());
        Ok(self.exchange(mac, REQUEST, &options, ACK)?.map(|ack| ack.address))
    }

    fn exchange(&mut self, mac: [u8; 6], kind: u8, options: &[u8], wanted: u8) -> Result<Option<Answer>> {
        self.transaction = self.transaction.wrapping_add(1);
        let id = (self.transaction ^ 0x6e62_0000).to_be_bytes();
        let to = SocketAddr::from((Ipv4Addr::BROADCAST, 67));
        self.socket.send_to(&message(mac, id, kind, options), to)?;
        let deadline = Instant::now() + ANSWER;
        let mut buffer = [0; 1500];
        while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        {
            self.socket.set_read_timeout(Some(left))?;
            let Ok((length, _)) = self.socket.recv_from(&mut buffer) else { continue };
            let packet = buffer.get(..length).unwrap_or_default();
            if packet.get(4..8) == Some(&id) && packet.get(28..34) == Some(&mac) {
                return Ok(read(packet).filter(|answer| answer.kind == wanted));
            }
        }
        Ok(None)
    }
}

/// A BOOTREQUEST with the broadcast flag (RFC 2131 section 2, figure 1).
fn message(mac: [u8; 6], id: [u8; 4], kind: u8, options: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; HEADER];
    packet[..3].copy_from_slice(&[1, 1, 6]);
    packet[4..8].copy_from_slice(&id);
    packet[10] = 0x80;
    packet[28..34].copy_from_slice(&mac);
    packet.extend(COOKIE);
    packet.extend([53, 1, kind]);
    packet.extend(options);
    packet.extend([55, 3, 1, 3, 6, 255]);
    packet.resize(300, 0);
    packet
}

fn read(packet: &[u8]) -> Option<Answer> {
    let address: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    let mut answer = Answer { kind: 0, address: address.into(), server: None };
    let mut rest = packet.get(HEADER..)?.strip_prefix(&COOKIE)?;
    while let [code, more @ ..] = rest {
        match code {
            0 => rest = more,
            255 => break,
            _ => {
                let (&length, more) = more.split_first()?;
                let (value, more) = more.split_at_checked(usize::from(length))?;
                match code {
                    53 => answer.kind = *value.first()?,
                    54 => answer.server = <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from),
                    _ => {}
                }
                rest = more;
            }
        }
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let mut packet = message([2; 6], [1, 2, 3, 4], ACK, &[54, 4, 10, 0, 0, 1]);
        packet[16..20].copy_from_slice(&[10, 0, 0, 9]);
        let answer = read(&packet).unwrap();
        assert_eq!(answer.kind, ACK);
        assert_eq!(answer.address, Ipv4Addr::new(10, 0, 0, 9));
        assert_eq!(answer.server, Some(Ipv4Addr::new(10, 0, 0, 1)));
        assert!(read(&packet[..HEADER + 6]).is_none());
    }
}
