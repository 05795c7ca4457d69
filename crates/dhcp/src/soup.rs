//! Hostile input: whatever comes in, nothing panics, nothing is aimed at strangers, and no reply exceeds its bounds.

use std::net::{Ipv4Addr, SocketAddrV4};

use ipnet::Ipv4Net;
use nextboot_model::{OfferWay, Timestamp};
use proptest::prelude::*;

use crate::{
    Arrival, Destination, Heard, Outcome, Packet, Parameters, PoolRange, Port, Proxy, ProxyConfig, Seen,
    Server, ServerConfig, SiteOption, Subnet, Ways,
    testkit::{boot, broadcast, captured::*, hex},
};

const PACKETS: [&str; 11] = [
    OVMF_DISCOVER,
    OVMF_REQUEST,
    OVMF_4011,
    OVMF_HTTP_DISCOVER,
    OVMF_HTTP_REQUEST,
    IPXE_DISCOVER,
    IPXE_REQUEST,
    IPXE_4011,
    IPXE_4011_MENU,
    PROXY_OFFER,
    SERVER_ACK,
];

fn net() -> Ipv4Net {
    "10.0.0.0/24".parse().unwrap()
}

fn server() -> Server {
    let pools = vec![PoolRange { first: Ipv4Addr::new(10, 0, 0, 10), last: Ipv4Addr::new(10, 0, 0, 20) }];
    let options = vec![
        (43, vec![1; 300]),
        (0, vec![1]),
        (255, vec![1]),
        (52, vec![3]),
        (12, Vec::new()),
        (82, vec![1]),
    ];
    let site = |(code, value)| SiteOption { code, value, always: true };
    let options = options.into_iter().map(site).collect();
    let parameters = Parameters { options, ..Parameters::default() };
    let subnet = Subnet { pools, parameters, ..Subnet::new(net()) };
    Server::new(
        ServerConfig { subnets: vec![subnet], authoritative: true, ..ServerConfig::default() },
        Vec::new(),
    )
}

fn sound(bytes: &[u8], arrival: &Arrival, out: &Outcome) {
    if bytes.first() != Some(&1) {
        assert!(out.replies.is_empty(), "replies are never answered");
    }
    assert!(out.replies.len() <= 1 && out.lease_changes.len() <= 8 && out.notes.len() <= 300);
    for sent in &out.replies {
        let request = Packet::parse(bytes).unwrap();
        assert!((300..=1472).contains(&sent.bytes.len()) && sent.bytes.len() <= request.reply_limit());
        let heard = Heard::read(&sent.bytes).unwrap();
        assert_eq!((heard.xid, heard.mac), (request.xid, request.mac));
        assert!(!heard.options.has(52));
        assert!(heard.options.iter().all(|(_, value)| !value.is_empty()));
        assert!(heard.yiaddr.is_unspecified() || net().contains(&heard.yiaddr));
        assert_eq!(sent.from, arrival.port);
        match sent.to {
            Destination::Relay(to) => {
                assert!(net().contains(to.ip()) && (to.port() == 67 || to.port() == arrival.source.port()));
            }
            Destination::Unicast(to) => assert!(net().contains(to.ip())),
            Destination::Direct { ip, mac } => assert!(net().contains(&ip) && mac == request.mac),
            Destination::Broadcast => {}
        }
    }
}

fn everywhere(bytes: &[u8], source: SocketAddrV4, file: &str) {
    let _ = Heard::read(bytes);
    let Ok(seen) = Seen::read(bytes) else { return };
    let answer = boot(file);
    for port in [Port::Dhcp, Port::Pxe] {
        for broadcasted in [true, false] {
            let arrival = Arrival { source, port, broadcast: broadcasted, ..broadcast() };
            let mut server = server();
            for _ in 0..2 {
                sound(bytes, &arrival, &server.handle(Timestamp(9), &arrival, &seen, &answer, &()));
            }
            for uefi in [OfferWay::BootServer, OfferWay::Direct] {
                let ways = Ways { uefi, ..Ways::default() };
                let mut proxy =
                    Proxy::new(ProxyConfig { ways, networks: vec![net()], ..ProxyConfig::default() });
                let out = proxy.handle(Timestamp(9), &arrival, &seen, &answer);
                assert!(out.lease_changes.is_empty());
                sound(bytes, &arrival, &out);
            }
        }
    }
}

fn source() -> impl Strategy<Value = SocketAddrV4> {
    let address = prop_oneof![
        Just(Ipv4Addr::UNSPECIFIED),
        Just(Ipv4Addr::new(10, 0, 0, 77)),
        any::<u32>().prop_map(Ipv4Addr::from_bits)
    ];
    (address, any::<u16>()).prop_map(|(address, port)| SocketAddrV4::new(address, port))
}

/// A small value that often means something, or noise.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        Just(vec![10, 0, 0, 12]),
        Just(vec![10, 0, 0, 1]),
        (0u8..20).prop_map(|kind| vec![kind]),
        Just(b"PXEClient:Arch:00007:UNDI:003000".to_vec()),
        Just(b"HTTPClient".to_vec()),
        Just(vec![71, 4, 0x80, 1, 0, 0, 255]),
        Just(vec![5, 4, 10, 0, 0, 9]),
        Just(vec![11, 4, 10, 0, 0, 2, 19, 0, 10, 1, 0x80]),
        prop::collection::vec(any::<u8>(), 0..256),
    ]
}

fn code() -> impl Strategy<Value = u8> {
    let known =
        prop::sample::select(&[12u8, 43, 50, 52, 53, 54, 55, 57, 60, 61, 77, 81, 82, 93, 97, 118, 175][..]);
    prop_oneof![4 => known, 1 => any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn noise_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000), source in source()) {
        everywhere(&bytes, source, "x");
    }

    #[test]
    fn damaged_packets_of_real_machines_are_survived(
        packet in prop::sample::select(&PACKETS[..]),
        cut in any::<prop::sample::Index>(),
        whole: bool,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        source in source(),
    ) {
        let mut bytes = hex(packet);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        everywhere(&bytes, source, "http://10.0.0.1/boot.ipxe");
    }

    #[test]
    fn option_soup_is_survived(
        kind in 0u8..20,
        header in any::<[u8; 4]>(),
        addresses in prop::array::uniform4(prop::option::of(0u32..256)),
        fields: bool,
        options in prop::collection::vec((code(), value()), 0..30),
        file in "[a-z:/.]{0,400}",
        source in source(),
    ) {
        let mut bytes = vec![1, 1, 6, 0];
        bytes.extend(header);
        bytes.extend([0, 0, header[0] & 0x80, 0]);
        for last in addresses {
            bytes.extend(last.map_or([0; 4], |last| (0x0a00_0000 | last).to_be_bytes()));
        }
        bytes.extend([2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(if fields { [53; 192] } else { [0; 192] });
        bytes.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind]);
        for (code, value) in options {
            bytes.extend([code, value.len().min(255) as u8]);
            bytes.extend(value.iter().take(255));
        }
        everywhere(&bytes, source, &file);
    }
}

#[test]
fn every_hardware_length_with_every_packet_length_is_survived() {
    let whole = hex(IPXE_DISCOVER);
    for len in (0..300).chain([whole.len()]) {
        for hlen in 0..=255 {
            let mut bytes = whole[..len].to_vec();
            if let Some(byte) = bytes.get_mut(2) {
                *byte = hlen;
            }
            assert_eq!(Seen::read(&bytes).is_ok(), hlen == 6 && len >= 236);
        }
    }
}
