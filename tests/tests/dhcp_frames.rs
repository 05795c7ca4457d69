//! What the kernel checks for a UDP socket and nobody checks for a packet socket: headers that lie, checksums of all kinds,
//! fragments, tags. A DHCP server hears through the one, a proxy through the other.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nextboot_firmware::message::{Kind, Message, Received};
use nextboot_model::Mac;
use nextboot_net::packet::build;
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::wire::{Cable, ethernet, fragment, fragments, seal, server as our_address, sum};
use nextboot_tests::{Lab, PATIENCE};

const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
const ALL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
const EVERYBODY: [u8; 6] = [0xff; 6];
/// Where the UDP checksum is in a packet without IP options.
const CHECKSUM: std::ops::Range<usize> = 26..28;

/// Who is to answer a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hears {
    Both,
    Nobody,
    /// What the kernel puts together, or checks in hardware's stead, before a socket sees it.
    Server,
    /// What a packet socket must take though it looks wrong.
    Proxy,
}

/// One DISCOVER in one or several frames.
struct Odd {
    name: &'static str,
    mac: Mac,
    frames: Vec<Vec<u8>>,
    heard: Hears,
}

/// All of them, in the order of their hardware addresses.
#[derive(Default)]
struct All(Vec<Odd>);

impl All {
    fn mac(&self) -> Mac {
        Mac([2, 0xf0, 0, 0, 0, self.0.len() as u8])
    }

    /// The packet of the next machine's DISCOVER, at least so long.
    fn packet(&self, length: usize) -> Vec<u8> {
        let message = Message::new(self.mac()).broadcast().kind(Kind::DISCOVER);
        let message = message.option(60, "PXEClient:Arch:00000:UNDI:002001").option(93, [0, 0]);
        let mut packet = build(FROM, ALL, &message.at_least(length).bytes()).expect("it fits");
        // The parts of two packets are not to find together.
        packet[5] = self.mac().0[5];
        seal(&mut packet);
        packet
    }

    /// A frame around a packet to which something was done.
    fn packets(&mut self, name: &'static str, heard: Hears, change: impl FnOnce(&mut Vec<u8>)) {
        let mut packet = self.packet(300);
        change(&mut packet);
        self.parts(name, heard, &[packet]);
    }

    fn parts(&mut self, name: &'static str, heard: Hears, packets: &[Vec<u8>]) {
        let mac = self.mac();
        let frames = packets.iter().map(|packet| ethernet(mac.0, EVERYBODY, packet)).collect();
        self.0.push(Odd { name, mac, frames, heard });
    }

    /// The DISCOVER's frame with something done to it.
    fn frame(&mut self, name: &'static str, heard: Hears, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let mac = self.mac();
        let frame = change(ethernet(mac.0, EVERYBODY, &self.packet(300)));
        self.0.push(Odd { name, mac, frames: vec![frame], heard });
    }
}

/// The UDP checksum over the pseudo-header alone: what a virtual machine sends that leaves the rest to its network card.
fn offloaded(packet: &[u8]) -> u16 {
    sum(&[&packet[12..20], &[0, 17], &packet[24..26]])
}

fn all() -> All {
    let mut all = All::default();
    all.packets("as it should be", Hears::Both, |_| {});
    all.packets("no checksum", Hears::Both, |packet| packet[CHECKSUM].fill(0));
    // Over a real card or a virtual machine's, the kernel knows and lets it pass to the server, too.
    all.packets("a checksum left to the card", Hears::Proxy, |packet| {
        let checksum = offloaded(packet).to_be_bytes();
        packet[CHECKSUM].copy_from_slice(&checksum);
    });
    all.packets("a wrong checksum", Hears::Nobody, |packet| packet[26] ^= 0x55);
    all.packets("a changed byte", Hears::Nobody, |packet| packet[60] ^= 1);
    all.packets("a wrong IP checksum", Hears::Nobody, |packet| packet[10] ^= 0x55);
    for (name, length) in [
        ("a UDP length of 0", 0u16),
        ("a UDP length of 7", 7),
        ("a UDP length beyond the packet", 1400),
        ("a UDP length of 65535", 65_535),
    ] {
        all.packets(name, Hears::Nobody, |packet| {
            packet[24..26].copy_from_slice(&length.to_be_bytes());
            packet[CHECKSUM].fill(0);
        });
    }
    all.packets("a UDP length that leaves bytes over", Hears::Both, |packet| {
        packet.extend([0xa5; 40]);
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        seal(packet);
    });
    all.packets("an IP length beyond the frame", Hears::Nobody, |packet| {
        packet[2] = 0xff;
        seal(packet);
    });
    all.packets("an IP length of 20", Hears::Nobody, |packet| {
        packet[2..4].copy_from_slice(&[0, 20]);
        seal(packet);
    });
    all.packets("IP version 5", Hears::Nobody, |packet| {
        packet[0] = 0x55;
        seal(packet);
    });
    all.packets("a header of 16 bytes", Hears::Nobody, |packet| {
        packet[0] = 0x44;
        seal(packet);
    });
    all.packets("IP options", Hears::Both, |packet| {
        packet.splice(20..20, [1, 1, 1, 0]);
        packet[0] = 0x46;
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        seal(packet);
    });
    all.packets("padding behind the packet", Hears::Both, |packet| packet.extend([0xa5; 60]));
    all.packets("another protocol", Hears::Nobody, |packet| {
        packet[9] = 6;
        seal(packet);
    });

    let whole = all.packet(300);
    let (header, body) = whole.split_at(20);
    let halves = [fragment(header, 0, true, &body[..160]), fragment(header, 160, false, &body[160..])];
    all.parts("two fragments", Hears::Server, &halves);
    let whole = all.packet(300);
    let (header, body) = whole.split_at(20);
    all.parts("a first fragment alone", Hears::Nobody, &[fragment(header, 0, true, &body[..160])]);
    let whole = all.packet(300);
    let (header, body) = whole.split_at(20);
    let overlapping = [
        fragment(header, 0, true, &body[..160]),
        fragment(header, 80, true, &body[80..240]),
        fragment(header, 240, false, &body[240..]),
    ];
    all.parts("fragments that overlap", Hears::Nobody, &overlapping);
    let long = fragments(&all.packet(4000));
    all.parts("4000 bytes in fragments", Hears::Server, &long);

    // IEEE 802.1Q: 0 is a priority and no network; others are networks that this interface is not in.
    for (name, tag, heard) in
        [("a priority tag", 0u16, Hears::Both), ("a VLAN that is not ours", 5, Hears::Nobody)]
    {
        all.frame(name, heard, |mut frame| {
            let [high, low] = tag.to_be_bytes();
            frame.splice(12..12, [0x81, 0, high, low]);
            frame
        });
    }
    all.frame("a frame for another station", Hears::Nobody, |mut frame| {
        frame[..6].copy_from_slice(&[2, 0xee, 0, 0, 0, 1]);
        frame
    });
    all.frame("a frame cut in its IP header", Hears::Nobody, |frame| frame[..30].to_vec());
    all.frame("a frame cut in its payload", Hears::Nobody, |frame| frame[..150].to_vec());
    all
}

fn run(name: &str, dhcp: Dhcp, wanted: &[Hears]) {
    Lab::run(name, |lab| {
        let config = SmallInstaller::new(lab)?.config(dhcp, "");
        let config = config.replace("[boot]\n", "[boot]\nunknown = \"profile:local\"\n");
        let mut server = lab.server(&format!("log = \"trace\"\n{config}"))?;
        let home = lab.join("10.77.0.66/24")?;
        let cable = Cable::new(&home)?;
        for odd in all().0 {
            for frame in &odd.frames {
                cable.send_frame(frame)?;
            }
            let answered = answered(&cable, odd.mac)?;
            let expected = wanted.contains(&odd.heard);
            ensure!(answered == expected, "{}: answered: {answered}", odd.name);
        }
        // A link with large frames: as much as DHCP may have, and more than that.
        lab.namespace().run("sh", &["-c", "for link in /sys/class/net/v*; do echo 9000 >$link/mtu; done"])?;
        for link in ["br0", "eth0"] {
            let place = if link == "br0" { lab.namespace() } else { &home };
            place.ip(&["link", "set", link, "mtu", "9000"])?;
        }
        let mut jumbo = All::default();
        for (name, length, expected) in [("4000 bytes", 4000, true), ("8000 bytes", 8000, false)] {
            let packet = jumbo.packet(length);
            jumbo.parts(name, Hears::Both, &[packet]);
            let mut odd = jumbo.0.pop().context("just made")?;
            // As no machine before it.
            odd.mac = Mac([2, 0xf1, 0, 0, 0, 1]);
            odd.frames.iter_mut().for_each(|frame| {
                frame[14 + 28 + 28..14 + 28 + 34].copy_from_slice(&odd.mac.0);
                frame[14..][CHECKSUM].fill(0);
            });
            cable.send_frame(&odd.frames[0])?;
            ensure!(answered(&cable, odd.mac)? == expected, "{name} in one frame");
        }
        server.alive()?;
        let log = server.log().text();
        ensure!(!log.contains("panicked"), "see {}", lab.dir().display());
        Ok(())
    });
}

/// Whether this machine is answered, before another machine's question behind it is.
fn answered(cable: &Cable, mac: Mac) -> Result<bool> {
    let mut behind = mac;
    behind.0[1] ^= 0x01;
    behind.0[2] ^= 0x80;
    let question = Message::new(behind).broadcast().kind(Kind::DISCOVER);
    let question = question.option(60, "PXEClient:Arch:00000:UNDI:002001").option(93, [0, 0]);
    cable.send((behind.0, EVERYBODY), FROM, ALL, &question.bytes())?;
    let mut deadline = Instant::now() + PATIENCE;
    let (mut first, mut second) = (false, false);
    while let Some(datagram) = cable.hear(deadline)? {
        if *datagram.from.ip() != our_address() || datagram.from.port() != 67 {
            continue;
        }
        let reply = Received::read(&datagram.payload)?;
        first |= reply.header.mac() == mac;
        if reply.header.mac() == behind && !second {
            second = true;
            // Answers may overtake each other by a little.
            deadline = Instant::now() + Duration::from_millis(20);
        }
        if first && second {
            break;
        }
    }
    if !second {
        bail!("the machine behind it got no answer");
    }
    Ok(first)
}

#[test]
fn a_dhcp_server_hears_what_its_kernel_lets_through() {
    run("dhcp-frames-server", Dhcp::Server, &[Hears::Both, Hears::Server]);
}

#[test]
fn a_proxy_checks_what_its_kernel_does_not() {
    run("dhcp-frames-proxy", Dhcp::Proxy, &[Hears::Both, Hears::Proxy]);
}
