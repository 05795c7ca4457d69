//! Blocks in lockstep, whose content is read some at a time.

use crate::run::{HEADER, Run};

/// How much of a file a transfer in lockstep holds, bytes: a read costs a system call, however little it brings.
const AHEAD: usize = 16 * 1024;

/// The part of a file around the block of a transfer in lockstep. Each packet is made in place, its header over the end of the
/// block before, which the client has: so a block is neither read nor copied by itself.
#[derive(Debug, Default)]
pub struct Ahead {
    /// Room for a header, then the content from `at` on.
    buffer: Vec<u8>,
    at: u64,
    /// From here on the content is as it was read.
    intact: u64,
}

impl Ahead {
    /// The packet of a run of one block; nothing when its content is not at hand, or too large to hold more than that. `read` puts
    /// what is at hand of the content from an offset on into its place, and says how many bytes that were.
    ///
    /// # Errors
    /// Whatever `read` says.
    pub fn packet<E>(
        &mut self,
        run: &Run,
        read: impl FnOnce(u64, &mut [u8]) -> Result<usize, E>,
    ) -> Result<Option<&[u8]>, E> {
        let Some(block) = run.blocks().next().filter(|_| run.segment_len() <= AHEAD / 2) else {
            return Ok(None);
        };
        let (offset, len) = (run.offset(), run.len());
        if self.place(offset, len).is_none() {
            self.fill(run, read)?;
        }
        let Some(place) = self.place(offset, len) else { return Ok(None) };
        self.intact = offset;
        let packet = self.buffer.get_mut(place..place + HEADER + len).unwrap_or_default();
        if let Some(header) = packet.get_mut(..HEADER) {
            header.copy_from_slice(&block.header);
        }
        Ok(Some(packet))
    }

    /// Where in the buffer the packet with this content begins, if it is there.
    fn place(&self, offset: u64, len: usize) -> Option<usize> {
        let place = usize::try_from(offset.checked_sub(self.at)?).ok()?;
        let end = place.checked_add(HEADER + len)?;
        (offset >= self.intact && end <= self.buffer.len()).then_some(place)
    }

    fn fill<E>(&mut self, run: &Run, read: impl FnOnce(u64, &mut [u8]) -> Result<usize, E>) -> Result<(), E> {
        let offset = run.offset();
        let rest = usize::try_from(run.size.saturating_sub(offset)).unwrap_or(AHEAD);
        (self.at, self.intact) = (offset, offset);
        self.buffer.resize(HEADER + rest.min(AHEAD), 0);
        let read = read(offset, self.buffer.get_mut(HEADER..).unwrap_or_default());
        self.buffer.truncate(read.as_ref().map_or(0, |read| HEADER + read));
        read.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Instant;

    use super::*;
    use crate::{Frames, Limits, Output, PeerOptions, Transfer};

    fn content(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    /// The packet, when all of the content is at hand.
    fn packet(ahead: &mut Ahead, content: &[u8], run: &Run) -> Option<Vec<u8>> {
        let read = |offset: u64, place: &mut [u8]| {
            let from = usize::try_from(offset).unwrap();
            place.copy_from_slice(&content[from..from + place.len()]);
            Ok::<_, Infallible>(place.len())
        };
        ahead.packet(run, read).unwrap().map(<[u8]>::to_vec)
    }

    fn transfer(size: u64, block: u16, window: u16) -> (Instant, Transfer) {
        let now = Instant::now();
        let options =
            PeerOptions { blksize: Some(block), windowsize: Some(window), ..PeerOptions::default() };
        let limits = Limits { max_block: u16::MAX, ..Limits::default() };
        let mut transfer = Transfer::new(now, options, limits, size);
        transfer.poll(now);
        transfer.handle(now, &[0, 4, 0, 0]);
        (now, transfer)
    }

    fn next(now: Instant, transfer: &mut Transfer) -> Run {
        match transfer.poll(now) {
            Some(Output::Blocks(run)) => run,
            other => panic!("blocks, not {other:?}"),
        }
    }

    #[test]
    fn packets_made_in_place_are_those_of_the_file() {
        for (len, block) in
            [(100_000, 1468), (AHEAD, 512), (AHEAD * 3, 8192 - 4), (1, 512), (0, 512), (1024, 512)]
        {
            let bytes = content(len);
            let (now, mut transfer) = transfer(len as u64, block, 1);
            let (mut ahead, mut frames) = (Ahead::default(), Frames::default());
            while !transfer.is_over() {
                let run = next(now, &mut transfer);
                let start = usize::try_from(run.offset()).unwrap();
                frames.prepare(&run).copy_from_slice(&bytes[start..start + run.len()]);
                let expected = frames.seal(&run).to_vec();
                for again in [false, true] {
                    let packet = packet(&mut ahead, &bytes, &run);
                    assert_eq!(packet.as_ref(), Some(&expected), "{len} {block} {again}");
                }
                transfer.handle(now, &[0, 4, expected[2], expected[3]]);
            }
            assert!(ahead.buffer.capacity() <= AHEAD + HEADER);
        }
    }

    #[test]
    fn a_block_that_comes_again_late_is_read_again() {
        let content = content(10_000);
        let (now, mut transfer) = transfer(10_000, 512, 1);
        let first = next(now, &mut transfer);
        transfer.handle(now, &[0, 4, 0, 1]);
        let second = next(now, &mut transfer);
        let mut ahead = Ahead::default();
        let expected = packet(&mut ahead, &content, &first);
        packet(&mut ahead, &content, &second);
        assert_eq!(packet(&mut ahead, &content, &first), expected);
    }

    #[test]
    fn blocks_too_large_to_hold_several_are_left_to_others() {
        let content = content(100_000);
        let (now, mut transfer) = transfer(100_000, 9000, 1);
        let run = next(now, &mut transfer);
        assert_eq!(packet(&mut Ahead::default(), &content, &run), None);
    }

    #[test]
    fn what_is_not_at_hand_is_left_to_others_until_it_is() {
        let content = content(10_000);
        let (now, mut transfer) = transfer(10_000, 512, 1);
        let run = next(now, &mut transfer);
        let mut ahead = Ahead::default();
        for at_hand in [0, 511] {
            assert_eq!(ahead.packet(&run, |_, _| Ok::<_, Infallible>(at_hand)), Ok(None));
        }
        assert_eq!(ahead.packet(&run, |_, _| Err("the disk")), Err("the disk"));
        let whole = packet(&mut ahead, &content, &run);
        assert_eq!(whole.as_deref().map(|packet| &packet[HEADER..]), Some(&content[..512]));
    }
}
