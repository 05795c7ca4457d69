//! Whatever arrives.

use super::*;
use proptest::prelude::*;

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
