use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// How much may still be read: set anew before each step, so that a header which claims to be long, or a stream that swells as it
/// is unpacked, ends there.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Rc<Cell<u64>>);

impl Meter {
    pub(super) fn allow(&self, bytes: u64) {
        self.0.set(bytes);
    }
}

/// A reader that stops at its meter's end.
#[derive(Debug)]
pub(super) struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R> Metered<R> {
    pub(super) fn new(inner: R, meter: Meter) -> Self {
        Self { inner, meter }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.meter.0.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("a header is longer than it may be"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.meter.0.set(left.saturating_sub(read as u64));
        Ok(read)
    }
}
