use std::net::Ipv4Addr;

use nextboot_model::Mac;

use super::{ARP, BROADCAST, IPV4};

/// Whom a frame is for, when many machines share one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressee {
    /// The machine with this card.
    Card(Mac),
    /// The machine with this address: somebody asks by ARP who has it.
    Address(Ipv4Addr),
}

impl Addressee {
    /// Reads it from a frame; nothing for frames that mean no one machine. A DHCP server's broadcast means the machine whose
    /// card is written inside.
    #[must_use]
    pub fn of(frame: &[u8]) -> Option<Self> {
        let (header, body) = frame.split_first_chunk::<14>()?;
        let to = Mac(*header.first_chunk()?);
        if to != BROADCAST {
            return Some(Self::Card(to));
        }
        if header[12..] == ARP {
            return body.get(24..28)?.first_chunk().map(|target| Self::Address(Ipv4Addr::from(*target)));
        }
        let length = usize::from(body.first()? & 15) * 4;
        let udp = body.get(length..).filter(|_| header[12..] == IPV4 && body.get(9) == Some(&17))?;
        let to_clients = udp.get(2..4)? == crate::dhcp::CLIENT_PORT.to_be_bytes();
        // `chaddr`, behind eight bytes of UDP and 28 of BOOTP.
        let chaddr = udp.get(36..42).filter(|_| to_clients)?;
        chaddr.first_chunk().map(|mac| Self::Card(Mac(*mac)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Kind, Message};
    use crate::{Datagram, Link};

    #[test]
    fn a_frame_for_one_of_many_is_told_by_its_card_by_what_arp_asks_for_or_by_the_packet_inside() {
        let (server, machine) = (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]));
        let (there, here) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let mut link = Link::new(server);
        let offer = |to: Ipv4Addr, port| {
            Datagram::new((there, 67), (to, port), Message::new(machine).kind(Kind::OFFER).bytes())
        };
        let broadcast = link.send(offer(Ipv4Addr::BROADCAST, 68)).remove(0);
        assert_eq!(Addressee::of(&broadcast), Some(Addressee::Card(machine)));
        for length in 0..broadcast.len() {
            assert!(matches!(Addressee::of(&broadcast[..length]), None | Some(Addressee::Card(_))));
        }
        let other = link.send(offer(Ipv4Addr::BROADCAST, 67)).remove(0);
        assert_eq!(Addressee::of(&other), None);
        let question = link.send(offer(here, 68)).remove(0);
        assert_eq!(Addressee::of(&question), Some(Addressee::Address(here)));
        let answer = [&machine.0[..], &server.0, &IPV4].concat();
        assert_eq!(Addressee::of(&answer), Some(Addressee::Card(machine)));
    }
}
