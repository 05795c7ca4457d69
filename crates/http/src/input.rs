//! What a client sent and nobody looked at yet.

/// Room for the head of an ordinary request, bytes.
const USUAL: usize = 2048;

/// Bytes that came, and room for more.
pub(crate) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    most: usize,
}

impl Input {
    /// For heads of at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { bytes: vec![0; USUAL.min(most)], start: 0, end: 0, most }
    }

    /// What came.
    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The first so many bytes were looked at.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Where the next bytes go; empty when there are as many already as a head may have.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.end == self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.bytes.len() {
            self.bytes.resize((self.end * 2).min(self.most), 0);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes of the room are used now.
    pub(crate) fn came(&mut self, bytes: usize) {
        self.end = self.end.saturating_add(bytes).min(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(input: &mut Input, bytes: &[u8]) {
        for byte in bytes {
            input.room()[0] = *byte;
            input.came(1);
        }
    }

    #[test]
    fn bytes_come_out_in_order_and_the_room_has_an_end() {
        let mut input = Input::new(5000);
        let all: Vec<u8> = (0..4000u32).map(|at| at as u8).collect();
        put(&mut input, &all);
        assert_eq!(input.pending(), all);
        input.consume(1500);
        assert_eq!(input.pending(), &all[1500..]);
        put(&mut input, &all[..2500]);
        assert_eq!(input.pending(), [&all[1500..], &all[..2500]].concat());
        assert!(input.room().is_empty(), "5000 bytes wait");
        input.consume(9999);
        assert!(input.pending().is_empty());
        assert_eq!(input.room().len(), 5000);
    }
}
