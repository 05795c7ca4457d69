//! How a transfer begins: options, the OACK, and the size probe.

use super::*;

#[test]
fn plain_request_starts_with_block_1_in_lockstep() {
    let mut bench = Bench::new(PeerOptions::default(), 1000);
    assert_eq!(bench.sent(), [1]);
    assert_eq!(bench.ack(1), [2]);
    assert_eq!(bench.transfer.acked_bytes(), 512);
    bench.hear(&ack(2));
    assert_eq!(bench.outcome(), Outcome::Complete);
    assert_eq!(bench.transfer.acked_bytes(), 1000);
}

#[test]
fn oack_comes_first_and_its_ack_starts_the_blocks() {
    let mut bench = Bench::new(options(Some(1468), true, None, None), 3000);
    let Some(Output::Packet(oack)) = bench.poll() else {
        panic!("an OACK");
    };
    assert_eq!(oack, b"\0\x06tsize\x003000\0blksize\x001468\0");
    assert_eq!(bench.poll(), None, "nothing before the ACK");
    assert_eq!(bench.ack(1), [0u64; 0], "block 1 was not sent yet");
    assert_eq!(bench.ack(0), [1]);
}

#[test]
fn edk2_size_probe_ends_at_once_and_is_no_failure() {
    let mut bench = Bench::new(options(Some(1468), true, None, Some(4)), 955_656);
    bench.poll();
    bench.hear(b"\0\x05\0\x08User aborted the transfer\0");
    let outcome = bench.outcome();
    assert!(outcome.is_probe());
    assert_eq!(
        outcome,
        Outcome::Aborted { code: 8, text: "User aborted the transfer".to_owned(), probe: true }
    );
}

#[test]
fn abort_behind_the_first_block_is_no_probe() {
    let (mut bench, _) = Bench::windowed(4, 100);
    bench.ack(4);
    bench.hear(b"\0\x05\0\x08User aborted the transfer\0");
    assert!(!bench.outcome().is_probe());
}

#[test]
fn ack_with_trailing_bytes_counts() {
    let mut bench = Bench::new(PeerOptions::default(), 1000);
    bench.sent();
    bench.hear(b"\0\x04\0\x01\0\0\0\0\0\0\0\0");
    assert_eq!(bench.sent(), [2]);
}

#[test]
fn lost_oack_or_its_lost_ack_is_sent_again() {
    let mut bench = Bench::new(options(None, true, None, None), 1000);
    let first = bench.poll();
    bench.sleep();
    assert_eq!(bench.poll(), first);
    assert_eq!(bench.ack(0), [1]);
}

#[test]
fn oack_to_a_client_whose_round_trip_is_known_is_soon_sent_again_once() {
    for (window, soon) in [(4, 45 * MS), (1, SECOND)] {
        let mut bench = Bench::new(options(Some(512), false, None, Some(window)), 100_000);
        bench.transfer.expect(20 * MS);
        let (first, start) = (bench.poll(), bench.now);
        bench.sleep();
        assert_eq!((bench.now - start, bench.poll()), (soon, first.clone()));
        let start = bench.now;
        bench.sleep();
        assert!(bench.now - start >= SECOND, "not again so soon");
        assert_eq!(bench.poll(), first);
        assert_eq!(bench.ack(0).len(), usize::from(window));
        assert_eq!(bench.ack(0), [0u64; 0], "it answers both");
        assert_eq!(bench.transfer.round_trip(), None, "which of the two was answered?");
    }
}

#[test]
fn round_trip_of_a_size_probe_is_seen() {
    let mut bench = Bench::new(options(Some(1468), true, None, Some(4)), 955_656);
    bench.poll();
    bench.now += 20 * MS;
    bench.hear(b"\0\x05\0\x08User aborted the transfer\0");
    assert!(bench.outcome().is_probe());
    assert_eq!(bench.transfer.round_trip(), Some(20 * MS));
}

#[test]
fn own_round_trip_replaces_the_one_that_was_expected() {
    let mut bench = Bench::new(options(Some(512), false, None, Some(4)), 100_000);
    bench.transfer.expect(20 * MS);
    bench.poll();
    assert_eq!(bench.transfer.round_trip(), None, "nothing seen");
    bench.ack(0);
    assert_eq!(bench.transfer.round_trip(), Some(MS));
}

#[test]
fn forged_request_gets_four_packets_at_most() {
    for asked in [PeerOptions::default(), options(Some(1468), true, Some(255), Some(64))] {
        let mut bench = Bench::new(asked, 1 << 30);
        let start = bench.now;
        let mut packets = 0;
        while !bench.transfer.is_over() {
            while bench.poll().is_some() {
                packets += 1;
            }
            bench.sleep();
        }
        assert_eq!(bench.outcome(), Outcome::TimedOut { heard: false });
        assert_eq!(packets, 4);
        assert!(bench.now - start <= 20 * SECOND);
    }
}
