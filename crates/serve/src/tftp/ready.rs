use nextboot_files::Content;
use nextboot_tftp::{Frames, Run, Transfer};

/// The most runs of blocks that are made ready: those of a window of 64 blocks of 1468 bytes.
const READY: usize = 3;

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
