use std::net::Ipv4Addr;

use nextboot_model::Mac;
use proptest::prelude::*;

use super::*;

const MAC: Mac = Mac([2, 0, 0, 0, 0, 7]);

fn read(message: &Message) -> Received {
    Received::read(&message.bytes()).unwrap()
}

#[test]
fn every_field_is_at_its_place_on_the_wire() {
    let message = Message::new(MAC).set(|header| {
        header.op = 2;
        header.htype = 6;
        header.hlen = 16;
        header.hops = 3;
        header.xid = 0x0102_0304;
        header.secs = 0x0506;
        header.flags = 0x8001;
        header.ciaddr = Ipv4Addr::new(10, 0, 0, 1);
        header.yiaddr = Ipv4Addr::new(10, 0, 0, 2);
        header.siaddr = Ipv4Addr::new(10, 0, 0, 3);
        header.giaddr = Ipv4Addr::new(10, 0, 0, 4);
        header.chaddr[15] = 0xee;
        header.set_sname("server");
        header.set_file("file");
    });
    let bytes = message.bytes();
    assert_eq!(&bytes[..12], [2, 6, 16, 3, 1, 2, 3, 4, 5, 6, 0x80, 1]);
    assert_eq!(&bytes[12..28], [10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 3, 10, 0, 0, 4]);
    assert_eq!(&bytes[28..34], MAC.0);
    assert_eq!(bytes[43], 0xee);
    assert_eq!(&bytes[44..51], b"server\0");
    assert_eq!(&bytes[108..113], b"file\0");
    assert_eq!(&bytes[236..], [99, 130, 83, 99, 255]);
    assert_eq!(read(&message).header, message.header);
}

#[test]
fn a_long_value_is_split_and_joined_again() {
    let value: Vec<u8> = (0..600).map(|at| (at % 251) as u8).collect();
    let packet = read(&Message::new(MAC).option(code::VENDOR, &value).option(code::MESSAGE_TYPE, [5]));
    assert_eq!(packet.options.iter().map(|one| one.value.len()).collect::<Vec<_>>(), [255, 255, 90, 1]);
    assert_eq!(packet.value(code::VENDOR), Some(value.as_slice()));
    assert_eq!(packet.codes(), [code::VENDOR, code::MESSAGE_TYPE]);
}

/// RFC 3396 section 5: also parts that are not neighbours belong together.
#[test]
fn parts_are_joined_in_the_order_options_file_sname() {
    let message = Message::new(MAC)
        .option(code::DOMAIN, "a")
        .option(code::OVERLOAD, [3])
        .option(code::DOMAIN, "b")
        .in_sname(&[(code::DOMAIN, b"d")])
        .in_file(&[(code::DOMAIN, b"c"), (code::HOST_NAME, b"host")]);
    let packet = read(&message);
    assert_eq!(packet.text(code::DOMAIN).as_deref(), Some("abcd"));
    assert_eq!(packet.options[3].place, Place::File);
    assert_eq!(packet.options[5].place, Place::Sname);
}

#[test]
fn without_option_52_the_names_are_no_options() {
    let packet = read(&Message::new(MAC).in_file(&[(code::DOMAIN, b"x")]));
    assert_eq!(packet.value(code::DOMAIN), None);
}

#[test]
fn what_is_wrong_is_written_and_what_can_be_read_of_it_is() {
    let cut = read(&Message::new(MAC).kind(Kind::OFFER).raw([12, 40, b'x']).without_end());
    assert_eq!(cut.kind(), Some(Kind::OFFER));
    assert_eq!((cut.end, cut.tail.as_slice()), (false, &[12, 40, b'x'][..]));

    let tail = read(&Message::new(MAC).kind(Kind::OFFER).tail([1, 2, 3]).at_least(300));
    assert_eq!((tail.bytes.len(), tail.end, tail.tail.len()), (300, true, 300 - 244));

    let cookie = read(&Message::new(MAC).kind(Kind::OFFER).cookie([1, 2, 3, 4]));
    assert_eq!((cookie.cookie, cookie.kind()), (false, None));

    let bootp = Message::new(MAC).cookie([]).without_end();
    assert_eq!(bootp.bytes().len(), HEADER_SIZE);
    assert_eq!(Received::read(&bootp.bytes()[1..]), Err(Unreadable(HEADER_SIZE - 1)));

    let empty = read(&Message::new(MAC).option(code::HOST_NAME, []));
    assert_eq!(empty.value(code::HOST_NAME), Some(&[][..]));
}

#[test]
fn values_are_read_only_when_they_have_the_right_length() {
    let packet = read(
        &Message::new(MAC)
            .option(code::LEASE_TIME, 3600_u32.to_be_bytes())
            .option(code::RENEWAL_TIME, [1, 2, 3])
            .option(code::DNS, [10, 0, 0, 1, 10, 0, 0, 2])
            .option(code::ROUTER, [10, 0, 0, 1, 10])
            .option(code::ARCH, [0, 7])
            .option(code::BOOT_FILE, b"loader\0"),
    );
    assert_eq!(packet.u32(code::LEASE_TIME), Some(3600));
    assert_eq!(packet.u32(code::RENEWAL_TIME), None);
    assert_eq!(packet.addresses(code::DNS).map(|all| all.len()), Some(2));
    assert_eq!(packet.addresses(code::ROUTER), None);
    assert_eq!(packet.u16(code::ARCH), Some(7));
    assert_eq!(packet.text(code::BOOT_FILE).as_deref(), Some("loader"));
}

#[test]
fn sub_options_are_read_up_to_their_own_end() {
    let packet = read(&Message::new(MAC).encapsulated(
        code::VENDOR,
        &[(code::pxe::DISCOVERY_CONTROL, &[8]), (code::pxe::BOOT_ITEM, &[0, 1, 0, 0])],
        true,
    ));
    let inside = packet.encapsulated(code::VENDOR).unwrap();
    assert!(inside.end);
    assert_eq!(inside.value(code::pxe::DISCOVERY_CONTROL), Some(&[8][..]));
    assert_eq!(packet.value(code::VENDOR), Some(&[6, 1, 8, 71, 4, 0, 1, 0, 0, 255][..]));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..700), overload in 0..4_u8) {
        let _ = Received::read(&bytes);
        let mut packet = Message::new(MAC).option(code::OVERLOAD, [overload]).raw(&bytes).without_end().bytes();
        let noise: Vec<u8> = bytes.iter().copied().chain([0; 192]).take(192).collect();
        packet[44..236].copy_from_slice(&noise);
        let read = Received::read(&packet).unwrap();
        prop_assert!(read.cookie);
    }
}
