//! Whole transfers between this crate and an independent client, over a network in virtual time.

mod client;
mod network;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use client::{Client, OnGap, State, Wishes};
use network::{Micros, Network, To, Weather};
use nextboot_tftp::{Frames, Limits, Outcome, Output, Request, Transfer};
use proptest::prelude::*;

/// What happened.
#[derive(Debug)]
struct Report {
    client: State,
    outcome: Outcome,
    /// DATA packets that the server sent.
    sent: u64,
    /// DATA packets that the file needs.
    needed: u64,
    /// Datagrams that the network lost and doubled.
    lost: u64,
    doubled: u64,
    took: Micros,
    /// Datagrams of both sides.
    datagrams: u64,
}

/// The largest file that is made here.
const LARGEST: usize = 1 << 20;

fn content(size: usize) -> &'static [u8] {
    static ALL: OnceLock<Vec<u8>> = OnceLock::new();
    let byte = |at: u64| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
    &ALL.get_or_init(|| (0..LARGEST as u64).map(byte).collect())[..size]
}

fn transfer(size: usize, wishes: Wishes, on_gap: OnGap, weather: Weather, seed: u64) -> Report {
    let limits = Limits { max_block: 65464, ..Limits::default() };
    let content = content(size);
    let start = Instant::now();
    let instant = |at: Micros| start + Duration::from_micros(at);
    let mut now = 0;

    let request = Request::parse(&wishes.request()).expect("a good request");
    let mut server = Transfer::new(instant(now), request.options, limits, size as u64);
    let needed = size as u64 / u64::from(server.terms().block_size) + 1;
    let mut client = Client::new(now, wishes, on_gap);
    let mut network = Network::new(weather, seed);
    let mut frames = Frames::default();
    let mut sent = 0;
    let mut outcome = None;

    loop {
        while let Some(output) = server.poll(instant(now)) {
            match output {
                Output::Packet(bytes) => network.send(now, To::Client, bytes),
                Output::Blocks(run) => {
                    let from = usize::try_from(run.offset()).expect("a small file");
                    frames.prepare(&run).copy_from_slice(&content[from..from + run.len()]);
                    for packet in frames.seal(&run).chunks(run.segment_len()) {
                        sent += 1;
                        network.send(now, To::Client, packet.to_vec());
                    }
                }
                Output::Done(end) => outcome = Some(end),
            }
        }
        if outcome.is_some() && client.over() {
            break;
        }
        // Rounded up: the clock of this network must not stop just before a deadline.
        let deadline = server.next_deadline().map(|at| {
            Micros::try_from(at.duration_since(start).as_nanos().div_ceil(1000)).expect("a short time")
        });
        let next = [network.next(), deadline, client.deadline()];
        now = next.into_iter().flatten().min().expect("somebody waits").max(now);
        assert!(now <= (needed + 1) * 61_000_000, "a minute without a new block");
        assert!(sent < 1_000_000, "a storm");
        if let Some((to, datagram)) = network.arrived(now) {
            match to {
                To::Server => server.handle(instant(now), &datagram),
                To::Client => {
                    if let Some(reply) = client.receive(now, &datagram) {
                        network.send(now, To::Server, reply);
                    }
                }
            }
        } else {
            server.timeout(instant(now));
            if let Some(again) = client.timeout(now) {
                network.send(now, To::Server, again);
            }
        }
    }

    let outcome = outcome.expect("the loop ends with one");
    assert!(content.starts_with(&client.content), "the client has other bytes");
    if client.state == State::Done {
        assert_eq!(client.content.len(), size, "the client has too few bytes");
    }
    if outcome == Outcome::Complete {
        assert_eq!(client.state, State::Done);
    }
    if let Some(told) = client.tsize {
        assert_eq!(told, size as u64);
    }
    Report {
        client: client.state,
        outcome,
        sent,
        needed,
        lost: network.lost,
        doubled: network.doubled,
        took: now,
        datagrams: network.sent,
    }
}

fn wishes() -> impl Strategy<Value = Wishes> {
    (
        prop_oneof![Just(None), (8u32..3000).prop_map(Some), Just(Some(1468)), Just(Some(65535))],
        prop_oneof![Just(None), (1u32..100).prop_map(Some), Just(Some(4)), Just(Some(65535))],
        any::<bool>(),
        prop_oneof![3 => Just(None), 1 => (1u32..4).prop_map(Some)],
    )
        .prop_map(|(blksize, windowsize, tsize, timeout)| Wishes { blksize, windowsize, tsize, timeout })
}

fn on_gap() -> impl Strategy<Value = OnGap> {
    prop_oneof![Just(OnGap::AckOnce), Just(OnGap::AckAlways), Just(OnGap::Wait)]
}

/// Sizes around the multiples of block sizes, and others.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        0usize..3,
        0usize..20_000,
        (1usize..40, 0usize..3).prop_map(|(blocks, off)| (blocks * 512 + off).saturating_sub(1)),
        (1usize..40, 0usize..3).prop_map(|(blocks, off)| (blocks * 1468 + off).saturating_sub(1)),
    ]
}

fn window(wishes: Wishes) -> u64 {
    wishes.windowsize.unwrap_or(1).min(64).into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn fine_weather_delivers_everything_and_sends_nothing_twice(
        size in size(), wishes in wishes(), on_gap in on_gap(), delay in 0u64..50_000,
    ) {
        let weather = Weather { delay, ..Weather::FINE };
        let report = transfer(size, wishes, on_gap, weather, 0);
        prop_assert_eq!(report.client, State::Done);
        prop_assert_eq!(&report.outcome, &Outcome::Complete);
        prop_assert_eq!(report.sent, report.needed, "{:?}", report);
    }

    #[test]
    fn doubled_acks_never_double_the_traffic(
        size in size(), wishes in wishes(), on_gap in on_gap(), doubled_acks in 0u64..=1000, seed in any::<u64>(),
    ) {
        let weather = Weather { doubled_acks, ..Weather::FINE };
        let report = transfer(size, wishes, on_gap, weather, seed);
        prop_assert_eq!(report.client, State::Done);
        prop_assert_eq!(report.sent, report.needed, "{:?}", report);
    }

    #[test]
    fn doubled_blocks_double_the_traffic_at_most(
        size in size(), wishes in wishes(), on_gap in on_gap(), doubled in 0u64..=1000, seed in any::<u64>(),
    ) {
        let weather = Weather { doubled, ..Weather::FINE };
        let report = transfer(size, wishes, on_gap, weather, seed);
        prop_assert_eq!(report.client, State::Done);
        if window(wishes) == 1 {
            prop_assert_eq!(report.sent, report.needed, "{:?}", report);
        } else {
            let extra = report.sent - report.needed;
            prop_assert!(extra <= report.needed + 4 * window(wishes), "{:?}", report);
            prop_assert!(extra <= report.doubled * window(wishes), "{:?}", report);
        }
    }

    #[test]
    fn losses_cost_at_most_four_windows_each(
        size in size(), wishes in wishes(), on_gap in on_gap(), lost in 0u64..150, seed in any::<u64>(),
    ) {
        let weather = Weather { lost, ..Weather::FINE };
        let report = transfer(size, wishes, on_gap, weather, seed);
        if report.client == State::Done {
            prop_assert!(report.outcome.is_delivered() || report.needed == 1, "{:?}", report);
        }
        // A block to look into it, then two windows soon, and two because the timers of both sides may run out for the same
        // loss. Behind the end, the last window is sent again until a loader that stopped listening is given up.
        let farewell = if report.outcome == Outcome::Complete { 0 } else { 1 + 8 * window(wishes) };
        let bound = report.needed + report.lost * (1 + 4 * window(wishes)) + farewell;
        prop_assert!(report.sent <= bound, "{} packets, at most {}: {:?}", report.sent, bound, report);
    }

    #[test]
    fn reordering_alone_never_fails_a_transfer(
        size in size(), wishes in wishes(), always in any::<bool>(), jitter in 0u64..5000, doubled in 0u64..200, seed in any::<u64>(),
    ) {
        // A client that never complains cannot live with this: our timer always runs out just before its own.
        let on_gap = if always { OnGap::AckAlways } else { OnGap::AckOnce };
        let weather = Weather { jitter, doubled, ..Weather::FINE };
        let report = transfer(size, wishes, on_gap, weather, seed);
        prop_assert_eq!(report.client, State::Done, "{:?}", report);
    }

    #[test]
    fn any_weather_ends_in_bounded_time_with_the_right_bytes(
        size in size(), wishes in wishes(), on_gap in on_gap(), lost in 0u64..=1000, doubled in 0u64..500,
        delay in 0u64..500_000, jitter in 0u64..3_000_000, seed in any::<u64>(),
    ) {
        let weather = Weather { lost, doubled, delay, jitter, ..Weather::FINE };
        transfer(size, wishes, on_gap, weather, seed);
    }
}

fn megabyte_at(window: u32, lost: u64, on_gap: OnGap) -> Report {
    let wishes = Wishes { blksize: Some(1468), windowsize: Some(window), ..Wishes::default() };
    let weather = Weather { lost, ..Weather::FINE };
    transfer(1 << 20, wishes, on_gap, weather, 7)
}

#[test]
fn windows_recover_from_losses_mostly_without_waiting() {
    let report = megabyte_at(16, 10, OnGap::AckOnce);
    assert_eq!(report.outcome, Outcome::Complete);
    assert!(report.lost >= 5, "{report:?}");
    // A wait costs a second; every loss a wait would cost as many seconds.
    assert!(report.took < report.lost * 1_000_000 / 2, "{report:?}");
}

/// OACK and its ACK, before which no round trip is known.
const GREETING: u64 = 2;

#[test]
fn any_single_loss_in_windows_costs_a_round_trip_and_a_guard_and_no_timeout() {
    // Twice the usual round trip and 5 ms. A client that answers to nothing has only its own timer.
    let guard = 10_000;
    for on_gap in [OnGap::AckOnce, OnGap::AckAlways] {
        for window in [2, 4, 16, 64] {
            let wishes = Wishes { blksize: Some(1468), windowsize: Some(window), ..Wishes::default() };
            let with = |lost_one| transfer(100_000, wishes, on_gap, Weather { lost_one, ..Weather::FINE }, 1);
            let fine = with(None);
            for lost in GREETING..fine.datagrams {
                let report = with(Some(lost));
                assert_eq!((report.client, report.lost), (State::Done, 1));
                let cost = report.took - fine.took;
                assert!(cost <= guard, "{on_gap:?}, window {window}, datagram {lost}: {cost} us, {report:?}");
            }
        }
    }
}

#[test]
fn one_loss_in_a_hundred_leaves_most_of_the_throughput() {
    for (on_gap, delay) in
        [(OnGap::AckOnce, 100), (OnGap::AckAlways, 100), (OnGap::AckOnce, 500), (OnGap::AckAlways, 500)]
    {
        let wishes = Wishes { blksize: Some(1468), windowsize: Some(16), ..Wishes::default() };
        let took = |lost, seed| {
            let report = transfer(1 << 20, wishes, on_gap, Weather { lost, delay, ..Weather::FINE }, seed);
            assert_eq!(report.outcome, Outcome::Complete);
            report.took
        };
        // The greeting has no round trip to go by: a run that loses it says nothing about throughput.
        let mut times: Vec<_> = (0..9).map(|seed| took(10, seed)).collect();
        times.sort_unstable();
        let (fine, median) = (took(0, 0), times[times.len() / 2]);
        assert!(fine * 100 >= median * 60, "{on_gap:?}, {delay} us: {fine} us became {times:?}");
    }
}

#[test]
fn more_than_65535_blocks_arrive() {
    for windowsize in [None, Some(64)] {
        let wishes = Wishes { blksize: Some(8), windowsize, ..Wishes::default() };
        let weather = Weather { lost: 1, ..Weather::FINE };
        let report = transfer(8 * 70_000, wishes, OnGap::AckOnce, weather, 3);
        assert_eq!(report.outcome, Outcome::Complete, "{report:?}");
        assert_eq!(report.needed, 70_001);
    }
}
