use nextboot_files::{Content, ReadError};
use nextboot_tftp::{Frames, Run, Transfer};

/// How much of a file a transfer in lockstep holds, bytes: a read costs a system call, however little it brings.
const AHEAD: usize = 16 * 1024;
/// The bytes of a DATA packet before its content.
const HEADER: usize = 4;
/// The most runs of blocks that are made ready: those of a window of 64 blocks of 1468 bytes.
const READY: usize = 3;

/// The part of a file around the block of a transfer in lockstep. Each packet is made in place, its header over the end of the
/// block before, which the client has: so a block is neither read nor copied by itself.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Room for a header, then the content from `at` on.
    buffer: Vec<u8>,
    at: u64,
    /// From here on the content is as it was read.
    intact: u64,
}

impl Ahead {
    /// The packet of this one block; nothing when its content is not at hand, or too large to hold more than that.
    pub(super) fn packet(&mut self, content: &Content, run: &Run) -> Result<Option<&[u8]>, ReadError> {
        let Some(block) = run.blocks().next().filter(|_| run.segment_len() <= AHEAD / 2) else {
            return Ok(None);
        };
        let (offset, len) = (run.offset(), run.len());
        if self.place(offset, len).is_none() {
            self.read(content, offset)?;
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

    fn read(&mut self, content: &Content, offset: u64) -> Result<(), ReadError> {
        let rest = usize::try_from(content.len().saturating_sub(offset)).unwrap_or(AHEAD);
        (self.at, self.intact) = (offset, offset);
        self.buffer.resize(HEADER + rest.min(AHEAD), 0);
        let read = content.read_at_hand(offset, self.buffer.get_mut(HEADER..).unwrap_or_default());
        self.buffer.truncate(read.as_ref().map_or(0, |read| HEADER + read));
        read.map(drop)
    }
}

/// The packets of the next window, made while the answer to the last is awaited. So the answer is answered at once.
#[derive(Debug, Default)]
pub(super) struct Ready {
    runs: Vec<(Run, Frames)>,
    spare: Vec<Frames>,
}

impl Ready {
    /// Makes ready what is at hand of what comes next.
    pub(super) fn prepare(&mut self, content: &Content, transfer: &Transfer) {
        let upcoming = transfer.upcoming(0);
        if upcoming.is_some() && upcoming == self.runs.first().map(|(run, _)| *run) {
            return;
        }
        self.clear();
        let mut behind = 0;
        while self.runs.len() < READY
            && let Some(run) = transfer.upcoming(behind)
        {
            let mut frames = self.spare.pop().unwrap_or_default();
            match content.read_at_hand(run.offset(), frames.prepare(&run)) {
                Ok(read) if read == run.len() => {}
                // Whatever it is, it is found again when the turn comes.
                _ => break,
            }
            frames.seal(&run);
            behind += run.blocks().len() as u64;
            self.runs.push((run, frames));
        }
    }

    /// The packets of this run, if they were made.
    pub(super) fn packets(&self, run: &Run) -> Option<&[u8]> {
        self.runs.iter().find(|(ready, _)| ready == run).map(|(_, frames)| frames.sealed())
    }

    fn clear(&mut self) {
        // In this order each is of the right size again for the next window.
        self.spare.extend(self.runs.drain(..).rev().map(|(_, frames)| frames));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use nextboot_tftp::{Limits, Output, PeerOptions};

    use super::*;

    fn content(len: usize) -> (Vec<u8>, Content) {
        let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        (bytes.clone(), Content::from_bytes(bytes))
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
            let (bytes, content) = content(len);
            let (now, mut transfer) = transfer(len as u64, block, 1);
            let (mut ahead, mut frames) = (Ahead::default(), Frames::default());
            while !transfer.is_over() {
                let run = next(now, &mut transfer);
                let start = usize::try_from(run.offset()).unwrap();
                frames.prepare(&run).copy_from_slice(&bytes[start..start + run.len()]);
                let expected = frames.seal(&run).to_vec();
                for again in [false, true] {
                    let packet = ahead.packet(&content, &run).unwrap();
                    assert_eq!(packet, Some(expected.as_slice()), "{len} {block} {again}");
                }
                transfer.handle(now, &[0, 4, expected[2], expected[3]]);
            }
            assert!(ahead.buffer.capacity() <= AHEAD + HEADER);
        }
    }

    #[test]
    fn a_block_that_comes_again_late_is_read_again() {
        let (_, content) = content(10_000);
        let (now, mut transfer) = transfer(10_000, 512, 1);
        let first = next(now, &mut transfer);
        transfer.handle(now, &[0, 4, 0, 1]);
        let second = next(now, &mut transfer);
        let mut ahead = Ahead::default();
        let expected = ahead.packet(&content, &first).unwrap().map(<[u8]>::to_vec);
        ahead.packet(&content, &second).unwrap();
        assert_eq!(ahead.packet(&content, &first).unwrap().map(<[u8]>::to_vec), expected);
    }

    #[test]
    fn blocks_too_large_to_hold_several_are_left_to_others() {
        let (_, content) = content(100_000);
        let (now, mut transfer) = transfer(100_000, 9000, 1);
        let run = next(now, &mut transfer);
        assert_eq!(Ahead::default().packet(&content, &run).unwrap(), None);
    }

    #[test]
    fn a_window_that_was_made_ready_is_the_one_that_is_asked_for() {
        let (bytes, content) = content(300_000);
        let (now, mut transfer) = transfer(300_000, 1468, 64);
        let mut ready = Ready::default();
        let mut runs = 0;
        for window in 0..4u64 {
            let mut last = 0;
            while let Some(Output::Blocks(run)) = transfer.poll(now) {
                let start = usize::try_from(run.offset()).unwrap();
                let mut frames = Frames::default();
                frames.prepare(&run).copy_from_slice(&bytes[start..start + run.len()]);
                assert_eq!(ready.packets(&run), (window > 0).then(|| frames.seal(&run)));
                last = (run.offset() / 1468) as u16 + run.blocks().len() as u16;
                runs += 1;
            }
            ready.prepare(&content, &transfer);
            let [high, low] = last.to_be_bytes();
            transfer.handle(now, &[0, 4, high, low]);
        }
        assert_eq!(runs, 10, "three for each whole window, and the end");
        assert!(ready.runs.len() + ready.spare.len() <= READY);
    }
}
