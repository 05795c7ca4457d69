//! A network card: Ethernet frames and ARP, for whoever drives a machine over a packet socket.

mod addressee;
mod ipv4;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use nextboot_model::Mac;

use crate::Datagram;
use crate::tcp::Segment;
use ipv4::{Heard, Packet};

pub use addressee::Addressee;

const BROADCAST: Mac = Mac([0xff; 6]);
const IPV4: [u8; 2] = [8, 0];
const ARP: [u8; 2] = [8, 6];
/// As many packets wait for one neighbour's answer.
const MOST_WAITING: usize = 16;
/// As many questions about one neighbour without an answer are a time-out.
const QUESTIONS: u32 = 4;

/// The card. It takes in what was sent to its MAC or to all, whatever the address of the packet: a server may send to an
/// address that the machine does not have yet.
#[derive(Debug)]
pub struct Link {
    mac: Mac,
    address: Option<Ipv4Addr>,
    mask: u32,
    router: Option<Ipv4Addr>,
    neighbours: BTreeMap<Ipv4Addr, Mac>,
    waiting: Vec<(Ipv4Addr, Packet)>,
    questions: BTreeMap<Ipv4Addr, u32>,
    identification: u16,
}

/// What came of a frame.
#[derive(Debug, Default)]
pub struct Arrived {
    /// A datagram for the machine.
    pub datagram: Option<Datagram>,
    /// A part of a TCP connection.
    pub segment: Option<Segment>,
    /// Frames to be sent: answers to ARP, and what waited for one.
    pub frames: Vec<Vec<u8>>,
}

impl Link {
    /// A card without an IP address.
    #[must_use]
    pub fn new(mac: Mac) -> Self {
        Self {
            mac,
            address: None,
            mask: 0,
            router: None,
            neighbours: BTreeMap::new(),
            waiting: Vec::new(),
            questions: BTreeMap::new(),
            identification: 0,
        }
    }

    /// Sets or takes away the address. Returns the frame that tells everybody.
    pub fn configure(
        &mut self,
        address: Option<Ipv4Addr>,
        mask: Option<Ipv4Addr>,
        router: Option<Ipv4Addr>,
    ) -> Option<Vec<u8>> {
        let new = address != self.address;
        self.address = address;
        self.mask = mask.map_or(0, Ipv4Addr::to_bits);
        self.router = router;
        address.filter(|_| new).map(|address| self.arp(1, BROADCAST, Mac([0; 6]), address, address))
    }

    /// The frames that carry a datagram, or that ask who its receiver is.
    pub fn send(&mut self, datagram: Datagram) -> Vec<Vec<u8>> {
        self.put(datagram.into())
    }

    /// The same for a part of a TCP connection.
    pub fn send_segment(&mut self, segment: Segment) -> Vec<Vec<u8>> {
        self.put(segment.into())
    }

    fn put(&mut self, packet: Packet) -> Vec<Vec<u8>> {
        let to = packet.to;
        if to.is_broadcast() {
            return vec![self.frame(BROADCAST, &packet)];
        }
        let hop = self.next_hop(to);
        if let Some(mac) = self.neighbours.get(&hop).copied() {
            return vec![self.frame(mac, &packet)];
        }
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push((hop, packet));
        }
        *self.questions.entry(hop).or_default() += 1;
        let own = self.address.unwrap_or(Ipv4Addr::UNSPECIFIED);
        vec![self.arp(1, BROADCAST, Mac([0; 6]), own, hop)]
    }

    /// A neighbour that was asked for again and again and did not answer.
    #[must_use]
    pub fn silent_neighbour(&self) -> Option<Ipv4Addr> {
        self.questions.iter().find(|(_, count)| **count >= QUESTIONS).map(|(address, _)| *address)
    }

    /// Takes a frame in.
    pub fn receive(&mut self, frame: &[u8]) -> Arrived {
        let Some((header, body)) = frame.split_first_chunk::<14>() else { return Arrived::default() };
        let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, kind @ ..] = *header;
        let (to, from) = (Mac([d0, d1, d2, d3, d4, d5]), Mac([s0, s1, s2, s3, s4, s5]));
        if from == self.mac || (to != self.mac && to != BROADCAST) {
            return Arrived::default();
        }
        match kind {
            ARP => Arrived { frames: self.heard_arp(body), ..Arrived::default() },
            IPV4 => match ipv4::read(body) {
                Some(Heard::Datagram(datagram)) => Arrived { datagram: Some(datagram), ..Arrived::default() },
                Some(Heard::Segment(segment)) => Arrived { segment: Some(segment), ..Arrived::default() },
                None => Arrived::default(),
            },
            _ => Arrived::default(),
        }
    }

    fn next_hop(&self, to: Ipv4Addr) -> Ipv4Addr {
        let own = self.address.unwrap_or(Ipv4Addr::UNSPECIFIED).to_bits();
        match self.router {
            Some(router) if (own ^ to.to_bits()) & self.mask != 0 => router,
            _ => to,
        }
    }

    fn heard_arp(&mut self, body: &[u8]) -> Vec<Vec<u8>> {
        let Some(body) = body.first_chunk::<28>() else { return Vec::new() };
        let mac =
            |at: usize| Mac([body[at], body[at + 1], body[at + 2], body[at + 3], body[at + 4], body[at + 5]]);
        let ip = |at: usize| Ipv4Addr::new(body[at], body[at + 1], body[at + 2], body[at + 3]);
        if body[..6] != [0, 1, 8, 0, 6, 4] {
            return Vec::new();
        }
        let (sender, sender_ip, target_ip) = (mac(8), ip(14), ip(24));
        let mut frames = Vec::new();
        if body[7] == 1 && Some(target_ip) == self.address {
            frames.push(self.arp(2, sender, sender, target_ip, sender_ip));
        }
        let asked = self.questions.remove(&sender_ip).is_some();
        if asked || self.neighbours.contains_key(&sender_ip) {
            self.neighbours.insert(sender_ip, sender);
            let (ready, waiting) =
                std::mem::take(&mut self.waiting).into_iter().partition(|(hop, _)| *hop == sender_ip);
            self.waiting = waiting;
            let ready: Vec<(Ipv4Addr, Packet)> = ready;
            frames.extend(ready.iter().map(|(_, packet)| self.frame(sender, packet)));
        }
        frames
    }

    fn arp(&self, operation: u8, to: Mac, target: Mac, own: Ipv4Addr, target_ip: Ipv4Addr) -> Vec<u8> {
        let mut frame = self.ethernet(to, ARP);
        frame.extend([0, 1, 8, 0, 6, 4, 0, operation]);
        frame.extend(self.mac.0);
        frame.extend(own.octets());
        frame.extend(target.0);
        frame.extend(target_ip.octets());
        frame
    }

    fn ethernet(&self, to: Mac, kind: [u8; 2]) -> Vec<u8> {
        [&to.0[..], &self.mac.0, &kind].concat()
    }

    fn frame(&mut self, to: Mac, packet: &Packet) -> Vec<u8> {
        self.identification = self.identification.wrapping_add(1);
        let mut frame = self.ethernet(to, IPV4);
        frame.extend(packet.bytes(self.identification));
        frame
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
    const THERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn pair() -> (Link, Link) {
        let mut links = (Link::new(Mac([2, 0, 0, 0, 0, 1])), Link::new(Mac([2, 0, 0, 0, 0, 2])));
        let mask = Some(Ipv4Addr::new(255, 255, 255, 0));
        assert!(links.0.configure(Some(HERE), mask, Some(THERE)).is_some());
        links.1.configure(Some(THERE), mask, None);
        links
    }

    #[test]
    fn a_datagram_waits_for_its_neighbour_and_arrives_whole() {
        let (mut here, mut there) = pair();
        let datagram = Datagram::new((HERE, 68), (THERE, 69), b"odd".to_vec());
        let question = here.send(datagram.clone());
        let answer = there.receive(&question[0]).frames;
        let frames = here.receive(&answer[0]).frames;
        assert_eq!(there.receive(&frames[0]).datagram, Some(datagram.clone()));
        // From now on it is known.
        assert_eq!(there.receive(&here.send(datagram.clone())[0]).datagram, Some(datagram.clone()));
        // Both checksums of the frame are right: the sum over what they cover is zero.
        let frame = &frames[0][14..];
        assert_eq!(ipv4::checksum(&[&frame[..20]]), [0, 0]);
        let pseudo = [&frame[12..20], &[0, 17], &frame[24..26]].concat();
        assert_eq!(ipv4::checksum(&[&pseudo, &frame[20..]]), [0, 0]);
        // Another subnet is behind the router.
        let far = Datagram::new((HERE, 68), (Ipv4Addr::new(192, 0, 2, 1), 69), Vec::new());
        assert_eq!(there.receive(&here.send(far.clone())[0]).datagram, Some(far));
    }

    #[test]
    fn a_neighbour_that_never_answers_is_noticed() {
        let (mut here, _) = pair();
        for _ in 0..4 {
            assert_eq!(here.silent_neighbour(), None);
            here.send(Datagram::new((HERE, 1), (THERE, 69), Vec::new()));
        }
        assert_eq!(here.silent_neighbour(), Some(THERE));
    }

    proptest! {
        #[test]
        fn any_frame_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..80), kind in prop::sample::select(vec![ARP, IPV4])) {
            let (mut here, _) = pair();
            let mut frame = here.mac.0.to_vec();
            frame.extend([2, 0, 0, 0, 0, 2]);
            frame.extend(kind);
            frame.extend(&bytes);
            here.receive(&frame);
            here.receive(&bytes);
        }
    }
}
