//! What is about to be sent. Buffers are used again by whichever connection is next on the same thread: one of this size costs
//! more to get than to fill, and connections that wait hold none.

use std::cell::RefCell;

/// The head of an answer and a piece of its body, bytes; a longer head makes it grow.
const USUAL: usize = 1024 + crate::connection::COPY;

/// How many are kept for each thread.
const SPARE: usize = 4;

thread_local! {
    static SPARES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) struct Buffer {
    /// Its first `len` bytes are used.
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// An empty one.
    pub(crate) fn take() -> Self {
        let spare = SPARES.with_borrow_mut(Vec::pop);
        Self { bytes: spare.unwrap_or_else(|| vec![0; USUAL]), len: 0 }
    }

    /// What was put in.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
    }

    /// Puts in so many bytes, which are whatever they were.
    pub(crate) fn room(&mut self, len: usize) -> &mut [u8] {
        let (from, to) = (self.len, self.len.saturating_add(len));
        if to > self.bytes.len() {
            self.bytes.resize(to, 0);
        }
        self.len = to;
        self.bytes.get_mut(from..to).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        SPARES.with_borrow_mut(|spares| {
            if spares.len() < SPARE && bytes.len() == USUAL {
                spares.push(bytes);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_begins_empty_and_holds_what_was_put_in() {
        for _ in 0..3 {
            let mut buffer = Buffer::take();
            assert!(buffer.filled().is_empty());
            buffer.push(b"head");
            buffer.room(2).copy_from_slice(b"xy");
            assert_eq!(buffer.filled(), b"headxy");
            buffer.clear();
            buffer.push(&[7; 2 * USUAL]);
            assert_eq!(buffer.filled(), [7; 2 * USUAL]);
        }
    }

    #[test]
    fn few_are_kept_and_none_that_grew() {
        let mut large = Buffer::take();
        large.room(USUAL + 1);
        drop(large);
        let many: Vec<Buffer> = (0..2 * SPARE).map(|_| Buffer::take()).collect();
        drop(many);
        SPARES.with_borrow(|spares| {
            assert_eq!(spares.len(), SPARE);
            assert!(spares.iter().all(|spare| spare.len() == USUAL));
        });
    }
}
