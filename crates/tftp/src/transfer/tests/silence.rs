//! What follows from silence, and when.

use super::*;

#[test]
fn too_early_timeout_does_nothing() {
    let mut bench = Bench::new(PeerOptions::default(), 1000);
    bench.sent();
    bench.now += SECOND - MS;
    bench.transfer.timeout(bench.now);
    assert_eq!(bench.sent(), [0u64; 0]);
    bench.now += MS;
    bench.transfer.timeout(bench.now);
    assert_eq!(bench.sent(), [1]);
}

#[test]
fn a_silent_window_is_looked_into_soon_and_then_sent_again() {
    let (mut bench, first) = Bench::windowed(4, 100);
    let start = bench.now;
    bench.sleep();
    assert_eq!(bench.sent(), [4], "whoever misses it, or lost only an ACK, says so now");
    for _ in 0..2 {
        bench.sleep();
        assert_eq!(bench.sent(), first);
    }
    assert!(bench.now - start < 100 * MS, "{:?}", bench.now - start);
    let start = bench.now;
    bench.sleep();
    assert_eq!((bench.now - start, bench.sent()), (SECOND, first), "from here on as for anybody");
    assert_eq!(bench.transfer.blocks_resent(), 1 + 3 * 4);
}

#[test]
fn in_lockstep_nothing_is_looked_into_early() {
    let mut bench = Bench::new(options(Some(512), false, None, None), 10_000);
    bench.poll();
    assert_eq!(bench.ack(0), [1]);
    let start = bench.now;
    bench.sleep();
    assert_eq!((bench.now - start, bench.sent()), (SECOND, vec![1]));
}

/// Whether large blocks were doubted after so many silences, and at the end.
fn doubts(options: PeerOptions, size: u64, acks: &[u64]) -> Vec<bool> {
    let mut bench = Bench::new(options, size);
    assert!(matches!(bench.poll(), Some(Output::Packet(_))));
    for block in acks {
        bench.ack(*block);
    }
    let mut seen = Vec::new();
    while !bench.transfer.is_over() {
        bench.sleep();
        while bench.poll().is_some() {}
        seen.push(bench.transfer.large_blocks_vanish());
    }
    seen
}

#[test]
fn large_first_blocks_that_vanish_twice_again_are_doubted() {
    let large = options(Some(1468), true, None, None);
    assert_eq!(doubts(large, 1 << 20, &[0]), [false, false, true, true, true, true, true]);
    assert!(!doubts(large, 1 << 20, &[]).contains(&true), "not even the OACK was acknowledged");
    assert!(!doubts(large, 1 << 20, &[0, 1]).contains(&true), "one got through");
    assert!(!doubts(large, 512, &[0]).contains(&true), "it is a small block");
    let classic = options(None, true, None, None);
    assert!(!doubts(classic, 1 << 20, &[0]).contains(&true), "512 bytes pass everywhere");
}

#[test]
fn a_client_that_gives_up_on_large_blocks_is_understood_too() {
    let mut bench = Bench::new(options(Some(1468), false, None, None), 1 << 20);
    bench.poll();
    bench.ack(0);
    for _ in 0..2 {
        bench.sleep();
        bench.sent();
    }
    assert!(!bench.transfer.large_blocks_vanish());
    bench.hear(b"\0\x05\0\0timeout\0");
    assert!(bench.transfer.large_blocks_vanish());
}

#[test]
fn a_slow_disk_is_not_the_clients_silence() {
    let mut bench = Bench::new(options(Some(512), false, None, None), 10_000);
    bench.poll();
    assert_eq!(bench.ack(0), [1]);
    bench.now += 3 * SECOND;
    bench.transfer.left(bench.now);
    bench.transfer.timeout(bench.now);
    assert_eq!(bench.sent(), [0u64; 0]);
    assert_eq!(bench.ack(1), [2]);
}

#[test]
fn silence_in_the_middle_ends_in_bounded_time() {
    let (mut bench, _) = Bench::windowed(4, 100);
    bench.ack(4);
    let start = bench.now;
    assert_eq!(bench.silence(), Outcome::TimedOut { heard: true });
    assert!(bench.now - start <= 40 * SECOND);
}

#[test]
fn repeated_acks_do_not_keep_a_transfer_alive() {
    let (mut bench, _) = Bench::windowed(4, 100);
    bench.ack(4);
    let start = bench.now;
    while !bench.transfer.is_over() && bench.now - start < 1000 * SECOND {
        bench.now += 100 * MS;
        bench.hear(&ack(4));
        bench.transfer.timeout(bench.now);
        while let Some(Output::Blocks(_)) = bench.poll() {}
    }
    assert!(bench.now - start <= 60 * SECOND);
}
