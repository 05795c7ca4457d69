//! Neighbouring blocks that leave together, and their layout in one buffer.

use std::ops::Range;

use crate::packet::opcode;

/// Bytes of header before the content of each block.
pub(crate) const HEADER: usize = 4;

/// Most blocks in one run: what the kernel cuts out of one buffer (`UDP_MAX_SEGMENTS` of older Linux).
pub(crate) const MAX_RUN_BLOCKS: u64 = 64;

/// Neighbouring blocks to send now. Read [`Run::len`] bytes of the content at [`Run::offset`] and let [`Frames`] lay them out,
/// or go through [`Run::blocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub(crate) first: u64,
    pub(crate) count: u16,
    pub(crate) block_size: u16,
    pub(crate) size: u64,
}

/// One DATA packet of a [`Run`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The packet's first four bytes: operation code and block number, which goes to 0 behind 65535.
    pub header: [u8; 4],
    /// Which of the run's content bytes follow the header. Empty for the last block of a file that fills its blocks exactly.
    pub content: Range<usize>,
}

impl Run {
    /// Where the content starts in the file, bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        (self.first - 1).saturating_mul(self.block_size.into()).min(self.size)
    }

    /// How many bytes of content to read at [`offset`](Self::offset). All of them are inside the size that was promised.
    #[must_use]
    pub fn len(&self) -> usize {
        let full = u64::from(self.count) * u64::from(self.block_size);
        let len = full.min(self.size.saturating_sub(self.offset()));
        usize::try_from(len).unwrap_or(usize::MAX)
    }

    /// Whether the content ends in this run: it is the moment to make sure that all of it belongs together.
    #[must_use]
    pub fn reaches_end(&self) -> bool {
        self.offset() + self.len() as u64 == self.size
    }

    /// Whether there is no content to read: only the empty last block is due.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all packets together, headers included.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.len() + HEADER * usize::from(self.count)
    }

    /// Bytes of one packet, headers included; only the last packet of a run may be shorter. This is the segment size for UDP
    /// segmentation offload.
    #[must_use]
    pub fn segment_len(&self) -> usize {
        HEADER + usize::from(self.block_size)
    }

    /// The packets of this run, in order.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = Block> + use<> {
        let run = *self;
        let (len, size) = (run.len(), usize::from(run.block_size));
        (0..run.count).map(move |index| {
            let start = (usize::from(index) * size).min(len);
            Block { header: header(run.first + u64::from(index)), content: start..(start + size).min(len) }
        })
    }
}

fn header(block: u64) -> [u8; HEADER] {
    let [.., high, low] = block.to_be_bytes();
    let [zero, data] = opcode::DATA.to_be_bytes();
    [zero, data, high, low]
}

/// A reusable buffer that turns the content of a [`Run`] into packets: one read, and no allocation for the next runs of a
/// window.
///
/// ```
/// # use nextboot_tftp::{Frames, Limits, Output, PeerOptions, Transfer};
/// # let content = b"hello";
/// # let now = std::time::Instant::now();
/// # let mut transfer = Transfer::new(now, PeerOptions::default(), Limits::default(), 5);
/// let mut frames = Frames::default();
/// if let Some(Output::Blocks(run)) = transfer.poll(now) {
///     let offset = usize::try_from(run.offset()).unwrap();
///     frames.prepare(&run).copy_from_slice(&content[offset..offset + run.len()]);
///     let packets = frames.seal(&run);
///     // Hand `packets` and `run.segment_len()` to one sendmsg with UDP_SEGMENT, or send them one by one:
///     for packet in packets.chunks(run.segment_len()) {
///         assert_eq!(packet, b"\0\x03\0\x01hello");
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
}

impl Frames {
    /// The place for the run's content, exactly [`Run::len`] bytes. Fill all of it, then call [`seal`](Self::seal).
    ///
    /// Memory grows to the largest run so far, which is at most [`Limits::max_run`](crate::Limits::max_run) or one block.
    pub fn prepare(&mut self, run: &Run) -> &mut [u8] {
        // The content goes to the end of the buffer; sealing moves it forward, block by block, and never over bytes unread.
        self.buffer.resize(run.wire_len(), 0);
        let headers = HEADER * usize::from(run.count);
        self.buffer.get_mut(headers..).unwrap_or_default()
    }

    /// The run's packets behind each other, each but the last [`Run::segment_len`] bytes long. Call it once after
    /// [`prepare`](Self::prepare) with the same run.
    pub fn seal(&mut self, run: &Run) -> &[u8] {
        debug_assert_eq!(self.buffer.len(), run.wire_len(), "prepare comes first");
        self.buffer.resize(run.wire_len(), 0);
        let headers = HEADER * usize::from(run.count);
        let mut at = 0;
        for block in run.blocks() {
            let from = headers + block.content.start;
            let len = block.content.len();
            self.buffer.copy_within(from..from + len, at + HEADER);
            if let Some(place) = self.buffer.get_mut(at..at + HEADER) {
                place.copy_from_slice(&block.header);
            }
            at += HEADER + len;
        }
        &self.buffer
    }

    /// What [`seal`](Self::seal) returned last.
    #[must_use]
    pub fn sealed(&self) -> &[u8] {
        &self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(first: u64, count: u16, block_size: u16, size: u64) -> Run {
        Run { first, count, block_size, size }
    }

    #[test]
    fn block_numbers_go_to_zero_behind_65535() {
        let headers: Vec<_> = run(65535, 3, 8, 1 << 40).blocks().map(|block| block.header).collect();
        assert_eq!(headers, [[0, 3, 255, 255], [0, 3, 0, 0], [0, 3, 0, 1]]);
    }

    #[test]
    fn offsets_are_64_bit() {
        let far = run(1 << 32, 1, 65464, 1 << 62);
        assert_eq!(far.offset(), ((1 << 32) - 1) * 65464);
        assert_eq!(far.len(), 65464);
        assert!(!far.reaches_end());
    }

    #[test]
    fn exact_multiple_ends_with_an_empty_block() {
        let last = run(2, 2, 8, 16);
        assert_eq!((last.offset(), last.len(), last.wire_len()), (8, 8, 16));
        let contents: Vec<_> = last.blocks().map(|block| block.content).collect();
        assert_eq!(contents, [0..8, 8..8]);
        assert!(last.reaches_end() && run(3, 1, 8, 16).reaches_end() && !run(1, 1, 8, 16).reaches_end());
        assert!(run(3, 1, 8, 16).is_empty());
    }

    proptest! {
        #[test]
        fn sealed_packets_carry_the_content_in_order(blocks in 1u16..20, block_size in 8u16..40, short in 0u64..40) {
            let size = (u64::from(blocks) * u64::from(block_size)).saturating_sub(short % u64::from(block_size + 1));
            let run = run(1, blocks, block_size, size);
            let content: Vec<u8> = (0..run.len()).map(|i| (i % 251) as u8).collect();
            let mut frames = Frames::default();
            frames.prepare(&run).copy_from_slice(&content);
            let packets = frames.seal(&run);
            let mut seen = Vec::new();
            let mut number = 0u16;
            for packet in packets.chunks(run.segment_len()) {
                number += 1;
                prop_assert_eq!(&packet[..2], &[0, 3]);
                prop_assert_eq!(&packet[2..4], &number.to_be_bytes());
                seen.extend_from_slice(&packet[4..]);
            }
            prop_assert_eq!(number, blocks);
            prop_assert_eq!(seen, content);
        }
    }
}
