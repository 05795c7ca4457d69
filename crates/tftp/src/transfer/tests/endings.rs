//! How a transfer ends, and what the client has then.

use super::*;

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
