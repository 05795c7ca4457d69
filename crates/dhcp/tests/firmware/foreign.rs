//! What other servers say in the captures, as a person is told it.

use std::net::Ipv4Addr;

use nextboot_dhcp::{Garbage, Heard, MessageType, Packet};

use crate::pcap;
use crate::world::{CLIENT, PROXY, SERVER};

/// The replies of a capture to its first machine on port 67, in short: who, what, which file, and whether it could boot a PXE
/// client.
fn heard(name: &str) -> Vec<Heard> {
    let captures = pcap::all();
    let capture = captures.iter().find(|capture| capture.name == name).unwrap();
    capture.replies().map(|datagram| Heard::read(&datagram.payload).unwrap()).collect()
}

#[test]
fn every_foreign_reply_is_read_and_none_is_taken_for_a_request() {
    for capture in pcap::all() {
        for datagram in capture.replies() {
            assert_eq!(
                Packet::parse(&datagram.payload),
                Err(Garbage::Operation(2)),
                "two servers never talk"
            );
            let heard = Heard::read(&datagram.payload).unwrap();
            // The responder sent everything from one address where it answered port 4011.
            let from = *datagram.from.ip();
            assert!(
                heard.server_id == Some(from) || datagram.from.port() == 4011,
                "{} {heard:?}",
                capture.name
            );
            let gives = matches!(heard.message, Some(MessageType::Offer | MessageType::Ack));
            assert!(gives && heard.giaddr.is_unspecified(), "{} {heard:?}", capture.name);
            let address = if heard.server_id == Some(SERVER) && datagram.from.port() == 67 {
                CLIENT
            } else {
                Ipv4Addr::UNSPECIFIED
            };
            assert_eq!(heard.yiaddr, address, "{} {heard:?}", capture.name);
        }
    }
}

#[test]
fn rule_23_a_rival_that_could_boot_our_machines_is_known_by_its_offer() {
    // Server, proxy, whether it offers a boot, discovery control, file; of each capture the first two offers.
    let offers = |name: &str| {
        heard(name)
            .iter()
            .filter(|heard| heard.message == Some(MessageType::Offer))
            .map(|heard| {
                let who = heard.server_id.unwrap();
                (who, heard.is_proxy(), heard.offers_boot(), heard.discovery_control, heard.file.clone())
            })
            .collect::<Vec<_>>()
    };
    let file = |name: &str| Some(name.to_owned());
    let plain = (SERVER, false, false, None, None);
    assert_eq!(offers("binl"), [(PROXY, true, true, None, file("nbp.efi")), plain.clone()]);
    assert_eq!(offers("pxe10"), [(PROXY, true, true, Some(8), file("nbp.efi")), plain.clone()]);
    assert_eq!(offers("latedhcp"), [plain.clone(), (PROXY, true, true, Some(8), file("nbp.efi"))]);
    assert_eq!(offers("menu"), [(PROXY, true, true, Some(3), None), plain]);
    let rivals =
        [(PROXY, true, true, Some(8), file("nbp.efi")), (SERVER, false, true, None, file("fromdhcp.efi"))];
    assert_eq!(offers("both"), rivals, "both could boot the machine; EDK2 takes the proxy");
    // Firmware takes no boot from a proxy without a class; whoever looks for the reason of a wrong boot should see the file.
    assert_eq!(
        offers("no60"),
        [(PROXY, false, true, None, file("proxy.efi")), (SERVER, false, true, None, file("nbp.efi"))]
    );
    assert_eq!(offers("dhcpbinl"), [(SERVER, false, true, None, file("nbp.efi"))]);
}

#[test]
fn where_field_and_option_name_two_files_the_option_is_told() {
    for heard in heard("conflict") {
        assert_eq!(heard.file.as_deref(), Some("from_opt67.efi"));
    }
    for heard in heard("o6667") {
        assert_eq!((heard.file.as_deref(), heard.next_server), (Some("nbp.efi"), Ipv4Addr::UNSPECIFIED));
    }
}

#[test]
fn an_http_proxy_is_one_too() {
    let http: Vec<_> = heard("http_proxy")
        .into_iter()
        .filter(|heard| heard.vendor_class.as_deref() == Some("HTTPClient"))
        .collect();
    let [offer] = http.as_slice() else { panic!("{http:?}") };
    assert!(offer.is_proxy() && offer.offers_boot());
    assert_eq!(offer.file.as_deref(), Some("http://192.168.77.2/nbp.efi"));
}
