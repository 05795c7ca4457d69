//! Which blocks leave, in what portions, up to the last: sizes, numbers and their roll-over.

use super::*;

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
