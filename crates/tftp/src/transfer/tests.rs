//! The rules of one transfer, one test each. Whole transfers over a lossy network are in `tests/lossy.rs`.

use std::time::Duration;

use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn options(blksize: Option<u16>, tsize: bool, timeout: Option<u8>, windowsize: Option<u16>) -> PeerOptions {
    PeerOptions { blksize, tsize, timeout, windowsize }
}

fn ack(block: u64) -> [u8; 4] {
    let [.., high, low] = block.to_be_bytes();
    [0, 4, high, low]
}

/// A transfer and the time on its clock.
struct Bench {
    now: Instant,
    transfer: Transfer,
}

impl Bench {
    fn new(options: PeerOptions, size: u64) -> Self {
        let now = Instant::now();
        Self { now, transfer: Transfer::new(now, options, Limits::default(), size) }
    }

    /// Behind the OACK and its ACK, which took 1 ms; the first window has been sent.
    fn windowed(window: u16, blocks: u64) -> (Self, Vec<u64>) {
        let mut bench = Self::new(options(Some(512), false, None, Some(window)), blocks * 512 - 1);
        assert!(matches!(bench.poll(), Some(Output::Packet(_))));
        let first = bench.ack(0);
        (bench, first)
    }

    fn poll(&mut self) -> Option<Output> {
        self.transfer.poll(self.now)
    }

    /// The blocks that leave now.
    fn sent(&mut self) -> Vec<u64> {
        let mut blocks = Vec::new();
        while let Some(output) = self.poll() {
            match output {
                Output::Blocks(run) => blocks.extend(run.first..run.first + u64::from(run.count)),
                other => panic!("blocks, not {other:?}"),
            }
        }
        blocks
    }

    /// 1 ms later this ACK arrives; the blocks that leave then.
    fn ack(&mut self, block: u64) -> Vec<u64> {
        self.now += MS;
        self.hear(&ack(block));
        self.sent()
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.transfer.handle(self.now, bytes);
    }

    /// Lets the deadline pass.
    fn sleep(&mut self) {
        self.now = self.transfer.next_deadline().expect("a deadline");
        self.transfer.timeout(self.now);
    }

    fn outcome(&mut self) -> Outcome {
        match self.poll() {
            Some(Output::Done(outcome)) => {
                assert_eq!(self.poll(), None, "the outcome is the last output");
                assert_eq!(self.transfer.next_deadline(), None);
                outcome
            }
            other => panic!("the outcome, not {other:?}"),
        }
    }

    /// The outcome, when nobody answers any more.
    fn silence(&mut self) -> Outcome {
        for _ in 0..100 {
            if self.transfer.is_over() {
                return self.outcome();
            }
            while self.poll().is_some() {}
            self.sleep();
        }
        panic!("a transfer that never ends");
    }
}

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
fn empty_file_is_one_empty_block() {
    let mut bench = Bench::new(PeerOptions::default(), 0);
    let Some(Output::Blocks(run)) = bench.poll() else {
        panic!("a block");
    };
    assert!(run.is_empty());
    assert_eq!(run.wire_len(), 4);
    bench.hear(&ack(1));
    assert_eq!(bench.outcome(), Outcome::Complete);
}

#[test]
fn exact_multiple_ends_with_an_empty_block() {
    let mut bench = Bench::new(PeerOptions::default(), 1024);
    bench.sent();
    assert_eq!(bench.ack(1), [2]);
    bench.now += MS;
    bench.hear(&ack(2));
    let Some(Output::Blocks(last)) = bench.poll() else {
        panic!("the empty block");
    };
    assert_eq!((last.first, last.len()), (3, 0));
    bench.hear(&ack(3));
    assert_eq!(bench.outcome(), Outcome::Complete);
}

#[test]
fn duplicate_acks_in_lockstep_cause_nothing() {
    let mut bench = Bench::new(PeerOptions::default(), 100_000);
    bench.sent();
    assert_eq!(bench.ack(1), [2]);
    for _ in 0..50 {
        assert_eq!(bench.ack(1), [0u64; 0]);
    }
    assert_eq!(bench.ack(2), [3]);
}

#[test]
fn old_and_future_acks_cause_nothing() {
    let (mut bench, first) = Bench::windowed(4, 100);
    assert_eq!(first, [1, 2, 3, 4]);
    assert_eq!(bench.ack(4), [5, 6, 7, 8]);
    for wrong in [3, 0, 9, 60_000] {
        assert_eq!(bench.ack(wrong), [0u64; 0], "{wrong}");
    }
}

#[test]
fn partial_ack_starts_again_right_behind_it() {
    let (mut bench, _) = Bench::windowed(8, 100);
    assert_eq!(bench.ack(3), [4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(bench.transfer.acked_bytes(), 3 * 512);
}

#[test]
fn client_that_had_all_of_what_was_sent_again_just_gets_the_next_blocks() {
    let (mut bench, _) = Bench::windowed(4, 100);
    // 2 and 3 changed places on the way: EDK2 complains, though nothing is lost. It then has 1 to 4, gets 2 again, complains again.
    assert_eq!(bench.ack(1), [2, 3, 4, 5]);
    assert_eq!(bench.ack(4), [6, 7, 8]);
    assert_eq!(bench.ack(8), [9, 10, 11, 12]);
}

#[test]
fn first_block_of_a_window_lost_restarts_without_waiting() {
    let (mut bench, _) = Bench::windowed(4, 100);
    assert_eq!(bench.ack(4), [5, 6, 7, 8]);
    assert_eq!(bench.ack(4), [5, 6, 7, 8], "at once");
    assert_eq!(bench.ack(4), [0u64; 0], "once");
}

#[test]
fn first_block_of_the_first_window_lost_restarts_without_waiting() {
    let (mut bench, first) = Bench::windowed(4, 100);
    assert_eq!(first, [1, 2, 3, 4]);
    assert_eq!(bench.ack(0), [1, 2, 3, 4]);
    assert_eq!(bench.ack(0), [0u64; 0]);
}

#[test]
fn duplicates_of_the_network_do_not_restart_a_window() {
    let (mut bench, _) = Bench::windowed(4, 100);
    assert_eq!(bench.ack(4), [5, 6, 7, 8]);
    bench.hear(&ack(4));
    assert_eq!(bench.sent(), [0u64; 0]);
}

#[test]
fn windows_behind_a_restarted_one_do_not_believe_echoes() {
    let (mut bench, _) = Bench::windowed(4, 100);
    bench.ack(4);
    assert_eq!(bench.ack(4), [5, 6, 7, 8]);
    assert_eq!(bench.ack(8), [9, 10, 11, 12]);
    assert_eq!(bench.ack(8), [0u64; 0], "the client got 5 to 8 twice and says so");
    assert_eq!(bench.ack(12), [13, 14, 15, 16]);
    assert_eq!(bench.ack(12), [0u64; 0], "it, or the network, may say everything twice");
    assert_eq!(bench.ack(12), [13, 14, 15, 16], "no: block 13 is lost");
}

#[test]
fn where_every_ack_comes_twice_nearly_nothing_is_sent_twice() {
    let (mut bench, mut all) = Bench::windowed(4, 400);
    for block in (4..400).step_by(4) {
        all.extend(bench.ack(block));
        all.extend(bench.ack(block));
    }
    assert!(all.len() <= 400 + 4, "{} blocks", all.len());
    assert_eq!(bench.ack(396), [397, 398, 399, 400], "the third is a complaint: 397 is lost");
}

#[test]
fn one_ack_that_came_twice_is_soon_forgotten() {
    let (mut bench, _) = Bench::windowed(4, 400);
    assert_eq!(bench.ack(0), [1, 2, 3, 4]);
    bench.ack(4);
    bench.ack(4);
    for block in (8..20).step_by(4) {
        bench.ack(block);
    }
    assert_eq!(bench.ack(16), [17, 18, 19, 20], "block 17 is lost, and at once sent again");
}

#[test]
fn client_that_acknowledges_every_block_is_not_flooded() {
    let (mut bench, mut all) = Bench::windowed(4, 40);
    all.extend(bench.ack(4));
    for block in 5..40 {
        // The ACKs of one window arrive together.
        bench.now += if block % 4 == 1 { 10 * MS } else { MS / 100 };
        bench.hear(&ack(block));
        all.extend(bench.sent());
    }
    let again = all.len() - 40;
    assert!(again <= 40, "{again} of 40 blocks were sent again");
}

#[test]
fn window_of_64_leaves_as_few_runs_and_a_short_one_first() {
    let mut bench = Bench::new(options(Some(1468), false, None, Some(64)), 1 << 20);
    bench.poll();
    bench.hear(&ack(0));
    let mut runs = Vec::new();
    while let Some(Output::Blocks(run)) = bench.poll() {
        assert!(run.wire_len() <= Limits::default().max_run);
        runs.push(run.count);
    }
    assert_eq!(runs, [12, 26, 26]);
}

#[test]
fn block_larger_than_a_run_still_leaves() {
    let limits = Limits { max_block: 65464, max_run: 100, ..Limits::default() };
    let now = Instant::now();
    let mut transfer = Transfer::new(now, options(Some(65464), false, None, Some(2)), limits, 1 << 20);
    transfer.poll(now);
    transfer.handle(now, &ack(0));
    let Some(Output::Blocks(run)) = transfer.poll(now) else {
        panic!("a block");
    };
    assert_eq!((run.count, run.len()), (1, 65464));
}

#[test]
fn block_numbers_roll_over_more_than_once() {
    for window in [1u16, 7, 64] {
        let size = 8 * 200_000;
        let mut bench = Bench::new(options(Some(8), false, None, Some(window)), size);
        bench.poll();
        let mut last = bench.ack(0);
        let mut expected = 1;
        while let Some(&end) = last.last() {
            assert_eq!(last[0], expected);
            expected = end + 1;
            if end == 200_001 {
                bench.hear(&ack(end));
                break;
            }
            last = bench.ack(end);
        }
        assert_eq!(bench.outcome(), Outcome::Complete, "window {window}");
    }
}

#[test]
fn restart_and_partial_ack_work_across_the_roll_over() {
    let (mut bench, _) = Bench::windowed(4, 70_000);
    for end in (4..=65_532).step_by(4) {
        bench.ack(end);
    }
    assert_eq!(bench.ack(65_532), [65_533, 65_534, 65_535, 65_536]);
    assert_eq!(bench.ack(65_535), [65_536, 65_537, 65_538, 65_539]);
    assert_eq!(bench.ack(65_537), [65_538, 65_539, 65_540, 65_541]);
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
fn client_that_goes_on_to_another_file_has_this_one_when_only_its_last_ack_is_missing() {
    let end = |acks: &[u64], silences: u64, other_file: bool| {
        let mut bench = Bench::new(options(Some(512), false, None, Some(1)), 5 * 512 - 1);
        bench.poll();
        for block in acks {
            bench.ack(*block);
        }
        for _ in 0..silences {
            bench.sleep();
            bench.sent();
        }
        bench.transfer.replaced(other_file);
        bench.outcome()
    };
    assert_eq!(end(&[0, 1, 2, 3, 4], 0, true), Outcome::Unconfirmed);
    assert_eq!(end(&[0, 1, 2, 3, 4], 0, false), Outcome::Replaced, "it asks for the same again");
    assert_eq!(end(&[0, 1, 2, 3, 4], 1, true), Outcome::Replaced, "it may have been reset");
    assert_eq!(end(&[0, 1, 2, 3], 0, true), Outcome::Replaced, "two blocks are missing");
    assert_eq!(end(&[], 0, true), Outcome::Replaced, "it never answered");
    let (mut bench, _) = Bench::windowed(4, 6);
    bench.ack(4);
    bench.transfer.replaced(true);
    assert_eq!(bench.outcome(), Outcome::Replaced, "two blocks of the last window may be missing");
    bench.transfer.replaced(true);
    assert_eq!(bench.poll(), None);
}

#[test]
fn whoever_never_answered_and_loses_its_place_is_as_good_as_timed_out() {
    let mut bench = Bench::new(PeerOptions::default(), 100);
    bench.sent();
    bench.transfer.evicted();
    assert_eq!(bench.outcome(), Outcome::TimedOut { heard: false });
}

#[test]
fn what_comes_next_is_known_before_its_turn() {
    let (mut bench, _) = Bench::windowed(64, 150);
    for _ in 0..2 {
        let mut foreseen = Vec::new();
        while let Some(run) = bench.transfer.upcoming(foreseen.len() as u64) {
            foreseen.extend(run.first..run.first + u64::from(run.count));
        }
        let acked = bench.transfer.sent;
        assert_eq!(bench.ack(acked), foreseen);
    }
    assert_eq!(bench.transfer.upcoming(0), None, "nothing follows");
    let (mut bench, _) = Bench::windowed(4, 150);
    bench.sleep();
    bench.sleep();
    bench.transfer.rewind();
    assert_eq!(bench.transfer.upcoming(0), None, "first some are sent again");
}

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
fn the_echo_of_a_look_is_no_call_for_help() {
    let (mut bench, _) = Bench::windowed(4, 100);
    bench.sleep();
    assert_eq!(bench.sent(), [4]);
    assert_eq!(bench.ack(4), [5, 6, 7, 8], "it was only slow");
    assert_eq!(bench.ack(4), [0u64; 0], "block 4 came twice, says EDK2");
    assert_eq!(bench.ack(8), [9, 10, 11, 12]);
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

#[test]
fn missing_last_ack_is_unconfirmed_and_delivered() {
    let (mut bench, _) = Bench::windowed(4, 6);
    assert_eq!(bench.ack(4), [5, 6]);
    let outcome = bench.silence();
    assert_eq!(outcome, Outcome::Unconfirmed);
    assert!(outcome.is_delivered());
}

#[test]
fn small_file_to_a_silent_client_is_not_delivered() {
    let mut bench = Bench::new(PeerOptions::default(), 100);
    assert_eq!(bench.silence(), Outcome::TimedOut { heard: false });
}

#[test]
fn closed_port_ends_it_at_once() {
    let (mut bench, _) = Bench::windowed(4, 100);
    bench.transfer.unreachable();
    assert_eq!(bench.outcome(), Outcome::Unreachable);

    let (mut bench, _) = Bench::windowed(4, 3);
    bench.transfer.unreachable();
    assert_eq!(bench.outcome(), Outcome::Unconfirmed);
}

#[test]
fn cancel_tells_the_client_and_ends() {
    let (mut bench, _) = Bench::windowed(4, 100);
    bench.transfer.cancel(ErrorCode::NotDefined, "the file cannot be read");
    bench.transfer.cancel(ErrorCode::NotDefined, "again");
    let expected = error_packet(ErrorCode::NotDefined, "the file cannot be read");
    assert_eq!(bench.poll(), Some(Output::Packet(expected)));
    assert_eq!(bench.outcome(), Outcome::Cancelled);
    bench.hear(&ack(4));
    assert_eq!(bench.poll(), None);
}

#[test]
fn largest_sizes_do_not_overflow() {
    for size in [u64::MAX, u64::MAX - 1, 1 << 63] {
        let mut bench = Bench::new(options(Some(8), true, None, Some(64)), size);
        bench.poll();
        assert_eq!(bench.ack(0).len(), 64);
        assert_eq!(bench.ack(64).len(), 64);
    }
}

#[test]
fn transfer_is_small() {
    assert!(size_of::<Transfer>() <= 512, "{}", size_of::<Transfer>());
}

proptest! {
    /// Whatever arrives, at whatever times: no panic, no block outside the file, at most one window for each datagram heard and
    /// each deadline passed, and nothing after the end.
    #[test]
    fn random_datagrams_never_panic_and_never_amplify(
        size in prop_oneof![0u64..5000, Just(u64::MAX), 0u64..(1 << 33)],
        blksize in prop::option::of(8u16..2000),
        tsize in any::<bool>(),
        timeout in prop::option::of(1u8..=255),
        windowsize in prop::option::of(1u16..=u16::MAX),
        steps in prop::collection::vec(
            (prop_oneof![
                (0u16..200).prop_map(|block| ack(block.into()).to_vec()),
                any::<u16>().prop_map(|block| ack(block.into()).to_vec()),
                prop::collection::vec(any::<u8>(), 0..40),
            ], 0u64..3000, any::<bool>()),
            0..150,
        ),
    ) {
        let mut bench = Bench::new(options(blksize, tsize, timeout, windowsize), size);
        let window = u64::from(bench.transfer.terms().window);
        let mut over = false;
        for (datagram, pause, sleeps) in steps {
            bench.now += MS * u32::try_from(pause).unwrap_or(0);
            if sleeps {
                bench.transfer.timeout(bench.now);
            }
            bench.hear(&datagram);
            let (mut blocks, mut packets) = (0, 0);
            while let Some(output) = bench.poll() {
                prop_assert!(!over, "output behind the end");
                match output {
                    Output::Blocks(run) => {
                        blocks += u64::from(run.count);
                        let end = run.offset().checked_add(run.len() as u64);
                        prop_assert!(end.is_some_and(|end| end <= size));
                        prop_assert!(run.wire_len() <= Limits::default().max_run);
                    }
                    Output::Packet(bytes) => {
                        packets += 1;
                        prop_assert!(bytes.len() <= 140);
                    }
                    Output::Done(_) => over = true,
                }
            }
            prop_assert!(blocks <= window && packets <= 1);
            prop_assert!(bench.transfer.acked_bytes() <= size);
        }
        if !over {
            bench.silence();
        }
    }
}
