//! The reader against dhcproto's, on packets that both understand.

use dhcproto::{
    Decodable, Decoder, Encodable,
    v4::{DhcpOption, Flags, Message, OptionCode, UnknownOption},
};
use proptest::prelude::*;

use super::*;
use crate::testkit::{captured::*, hex};

fn agree(bytes: &[u8]) {
    let theirs = Message::decode(&mut Decoder::new(bytes)).unwrap();
    let ours = Packet::parse(bytes).unwrap();
    assert_eq!((ours.xid, ours.secs, ours.hops), (theirs.xid(), theirs.secs(), theirs.hops()));
    assert_eq!((ours.ciaddr, ours.giaddr), (theirs.ciaddr(), theirs.giaddr()));
    assert_eq!(ours.mac.0, theirs.chaddr());
    assert_eq!(ours.wants_broadcast(), theirs.flags().broadcast());
    assert_eq!(ours.message_type(), theirs.opts().msg_type());
    let codes: Vec<u8> = ours.options.iter().map(|(code, _)| code).collect();
    let decoded: Vec<u8> = theirs.opts().iter().map(|(code, _)| u8::from(*code)).collect();
    assert_eq!(codes, decoded);
    for (code, option) in theirs.opts().iter() {
        let encoded = Options::read(&option.to_vec().unwrap());
        let code = u8::from(*code);
        assert_eq!(ours.options.get(code), encoded.get(code), "{code}");
    }
}

#[test]
fn captured_packets_read_the_same() {
    for packet in [
        OVMF_DISCOVER,
        OVMF_REQUEST,
        OVMF_4011,
        OVMF_HTTP_DISCOVER,
        OVMF_HTTP_REQUEST,
        IPXE_DISCOVER,
        IPXE_REQUEST,
        IPXE_4011,
        IPXE_4011_MENU,
    ] {
        agree(&hex(packet));
    }
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from_bits)
}

fn option() -> impl Strategy<Value = DhcpOption> {
    prop_oneof![
        (0u8..20).prop_map(|kind| DhcpOption::MessageType(kind.into())),
        address().prop_map(DhcpOption::RequestedIpAddress),
        address().prop_map(DhcpOption::ServerIdentifier),
        prop::collection::vec(address(), 1..5).prop_map(DhcpOption::Router),
        "[a-z0-9.-]{1,80}".prop_map(DhcpOption::Hostname),
        any::<u16>().prop_map(DhcpOption::MaxMessageSize),
        prop::collection::vec(1u8..250, 1..40).prop_map(|codes| DhcpOption::ParameterRequestList(
            codes.into_iter().map(OptionCode::from).collect()
        )),
        prop::collection::vec(any::<u8>(), 1..100).prop_map(DhcpOption::ClassIdentifier),
        prop::collection::vec(any::<u8>(), 2..100).prop_map(DhcpOption::ClientIdentifier),
        prop::collection::vec(any::<u8>(), 1..100).prop_map(DhcpOption::VendorExtensions),
        (160u8..250, prop::collection::vec(any::<u8>(), 1..400))
            .prop_map(|(code, value)| DhcpOption::Unknown(UnknownOption::new(code.into(), value))),
    ]
}

proptest! {
    #[test]
    fn well_formed_packets_read_the_same(
        addresses: [u32; 2],
        mac: [u8; 5],
        xid: u32,
        broadcast: bool,
        options in prop::collection::vec(option(), 1..12),
    ) {
        let [a, b, c, d, e] = mac;
        let zero = Ipv4Addr::UNSPECIFIED;
        let [ciaddr, giaddr] = addresses.map(Ipv4Addr::from_bits);
        let mut message = Message::new_with_id(xid, ciaddr, zero, zero, giaddr, &[2, a, b, c, d, e]);
        if broadcast {
            message.set_flags(Flags::default().set_broadcast());
        }
        for option in options {
            message.opts_mut().insert(option);
        }
        agree(&message.to_vec().unwrap());
    }
}
