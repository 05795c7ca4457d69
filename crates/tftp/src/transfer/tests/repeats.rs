//! What an ACK that is repeated, old or partial means: a loss, or an echo.

use super::*;

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
fn the_echo_of_a_look_is_no_call_for_help() {
    let (mut bench, _) = Bench::windowed(4, 100);
    bench.sleep();
    assert_eq!(bench.sent(), [4]);
    assert_eq!(bench.ack(4), [5, 6, 7, 8], "it was only slow");
    assert_eq!(bench.ack(4), [0u64; 0], "block 4 came twice, says EDK2");
    assert_eq!(bench.ack(8), [9, 10, 11, 12]);
}
