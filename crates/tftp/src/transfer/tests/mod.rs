//! The rules of one transfer, one test each. Whole transfers over a lossy network are in `tests/lossy.rs`.

mod beginnings;
mod blocks;
mod endings;
mod hostile;
mod repeats;
mod silence;

use std::time::Duration;

use super::*;

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
