use std::net::Ipv4Addr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::random::Random;
use crate::{Datagram, GaveUp};

const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const START: Duration = Duration::ZERO;

fn begin(style: Style) -> (Transfer, Datagram) {
    let mut transfer = Transfer::new(OWN, SERVER, "loader", style, &mut Random::new(1));
    let mut out = Vec::new();
    transfer.start(START, &mut out);
    (transfer, out.remove(0))
}

fn answer(transfer: &mut Transfer, to: &Datagram, port: u16, bytes: &[u8]) -> Vec<Datagram> {
    let reply = Datagram::new((SERVER, port), (OWN, to.from.port()), bytes.to_vec());
    let mut out = Vec::new();
    transfer.receive(START, &reply, &mut out);
    out
}

fn block(number: u16, bytes: &[u8]) -> Vec<u8> {
    [&[0, 3][..], &number.to_be_bytes(), bytes].concat()
}

#[test]
fn without_options_a_file_comes_in_blocks_of_512_bytes() {
    let (mut transfer, request) = begin(Style::Plain);
    assert_eq!(request.bytes, b"\0\x01loader\0octet\0");
    assert_eq!(request.to.port(), 69);
    assert_eq!(answer(&mut transfer, &request, 5000, &block(1, &[7; 512]))[0].bytes, [0, 4, 0, 1]);
    assert!(transfer.outcome().is_none());
    // The first block again: it was acknowledged already.
    assert!(answer(&mut transfer, &request, 5000, &block(1, &[7; 512])).is_empty());
    let last = answer(&mut transfer, &request, 5000, &block(2, b"end"));
    assert_eq!((last[0].bytes.as_slice(), last[0].to.port()), (&[0, 4, 0, 2][..], 5000));
    assert_eq!(transfer.outcome().unwrap().unwrap().len(), 515);
}

#[test]
fn a_rom_asks_for_the_size_hangs_up_and_fetches() {
    let (mut transfer, probe) = begin(Style::Rom);
    assert_eq!(probe.bytes, b"\0\x01loader\0octet\0tsize\x000\0");
    let out = answer(&mut transfer, &probe, 5000, b"\0\x06tsize\x003\0");
    assert_eq!(out[0].bytes, b"\0\x05\0\0TFTP Aborted\0");
    assert_eq!(out[1].bytes, b"\0\x01loader\0octet\0blksize\x001456\0");
    assert_eq!(answer(&mut transfer, &out[1], 5001, b"\0\x06blksize\x001456\0")[0].bytes, [0, 4, 0, 0]);
    answer(&mut transfer, &out[1], 5001, &block(1, b"abc"));
    assert_eq!(transfer.outcome().unwrap().unwrap(), b"abc");
}

#[test]
fn a_window_is_acknowledged_once_and_every_block_behind_a_gap_at_once() {
    let (mut transfer, probe) = begin(Style::Edk2);
    let out = answer(&mut transfer, &probe, 5000, b"\0\x06tsize\x003\0blksize\x001468\0windowsize\x004\0");
    let request = &out[1];
    answer(&mut transfer, request, 5001, b"\0\x06blksize\x008\0windowsize\x003\0");
    assert!(answer(&mut transfer, request, 5001, &block(1, &[1; 8])).is_empty());
    // Block 2 is lost.
    assert_eq!(answer(&mut transfer, request, 5001, &block(3, &[3; 8]))[0].bytes, [0, 4, 0, 1]);
    assert_eq!(answer(&mut transfer, request, 5001, &block(4, &[4; 8]))[0].bytes, [0, 4, 0, 1]);
    assert!(answer(&mut transfer, request, 5001, &block(2, &[2; 8])).is_empty());
    assert!(answer(&mut transfer, request, 5001, &block(3, &[3; 8])).is_empty());
    assert_eq!(answer(&mut transfer, request, 5001, &block(4, &[4; 8]))[0].bytes, [0, 4, 0, 4]);
    assert_eq!(answer(&mut transfer, request, 5001, &block(5, &[]))[0].bytes, [0, 4, 0, 5]);
    assert_eq!(transfer.outcome().unwrap().unwrap().len(), 32);
}

#[test]
fn strangers_and_other_servers_change_nothing() {
    let (mut transfer, request) = begin(Style::Plain);
    answer(&mut transfer, &request, 5000, &block(1, &[7; 512]));
    let out = answer(&mut transfer, &request, 6000, &block(2, b"evil"));
    assert_eq!((out[0].bytes[3], out[0].to.port()), (5, 6000));
    let other =
        Datagram::new((Ipv4Addr::new(10, 0, 0, 9), 5000), (OWN, request.from.port()), block(2, b"evil"));
    let mut out = Vec::new();
    transfer.receive(START, &other, &mut out);
    assert!(out.is_empty() && transfer.outcome().is_none());
}

#[test]
fn silence_and_refusal_are_told_in_the_firmwares_words() {
    let end = |style| {
        let (mut transfer, _) = begin(style);
        while let Some(deadline) = transfer.deadline() {
            transfer.due(deadline, &mut Vec::new());
        }
        transfer.outcome().unwrap().unwrap_err().code
    };
    assert_eq!(end(Style::Rom), "PXE-E32");
    assert_eq!(end(Style::Edk2), "PXE-E18");
    let refused = |style| {
        let (mut transfer, request) = begin(style);
        answer(&mut transfer, &request, 5000, b"\0\x05\0\x01no such file\0");
        transfer.outcome().unwrap().unwrap_err()
    };
    assert_eq!(refused(Style::Rom).code, "PXE-E3B");
    assert_eq!(
        refused(Style::Edk2),
        GaveUp::new("PXE-E23", "Client received TFTP error from server: no such file")
    );
}

#[test]
fn a_lost_packet_is_asked_for_again_and_the_file_is_whole() {
    let (mut transfer, request) = begin(Style::Pxelinux);
    let mut out = Vec::new();
    transfer.due(transfer.deadline().unwrap(), &mut out);
    assert_eq!(out[0].bytes, request.bytes);
    answer(&mut transfer, &request, 5000, b"\0\x06blksize\x001408\0");
    answer(&mut transfer, &request, 5000, &block(1, &[1; 1408]));
    let mut out = Vec::new();
    transfer.due(transfer.deadline().unwrap(), &mut out);
    assert_eq!(out[0].bytes, [0, 4, 0, 1]);
    answer(&mut transfer, &request, 5000, &block(2, &[]));
    assert_eq!(transfer.outcome().unwrap().unwrap().len(), 1408);
}

#[test]
fn block_numbers_wrap() {
    let (mut transfer, request) = begin(Style::Pxelinux);
    answer(&mut transfer, &request, 5000, b"\0\x06blksize\x008\0");
    for number in (1..=65535).chain(0..3) {
        answer(&mut transfer, &request, 5000, &block(number, &[1; 8]));
    }
    answer(&mut transfer, &request, 5000, &block(3, b""));
    assert_eq!(transfer.outcome().unwrap().unwrap().len(), 8 * (65535 + 3));
}

proptest! {
    #[test]
    fn any_bytes_as_answer_are_survived(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
        for style in [Style::Edk2, Style::Rom, Style::Plain] {
            let (mut transfer, request) = begin(style);
            for mut packet in packets.clone() {
                if packet.len() > 1 {
                    packet[0] = 0;
                    packet[1] %= 8;
                }
                answer(&mut transfer, &request, 5000, &packet);
            }
        }
    }
}
