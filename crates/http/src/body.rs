//! What goes out behind a head.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use nextboot_files::{Content, ReadError};
use tokio::time::Instant;

use crate::budget::{Budget, Share};
use crate::ledger::Ledger;
use crate::{Asker, Sent};

/// The body of an answer.
pub(crate) struct Outgoing {
    source: Source,
    receipt: Option<Receipt>,
}

enum Source {
    Memory(Bytes),
    File(Reader),
}

impl Outgoing {
    /// A text, of which nobody wants to know whether it arrived.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Self { source: Source::Memory(text.into()), receipt: None }
    }

    /// A part of some content, with a receipt for it.
    pub(crate) fn content(content: Content, part: Range<u64>, budget: &Budget, receipt: Receipt) -> Self {
        let source = match content.as_bytes() {
            Some(bytes) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Source::Memory(bytes.slice(at(part.start)..at(part.end).max(at(part.start))))
            }
            None => Source::File(Reader::new(content, part, budget)),
        };
        Self { source, receipt: Some(receipt) }
    }

    fn left(&self) -> u64 {
        match &self.source {
            Source::Memory(bytes) => bytes.len() as u64,
            Source::File(reader) => reader.part.end.saturating_sub(reader.part.start),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = ReadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        let this = self.get_mut();
        if this.left() == 0 {
            return Poll::Ready(None);
        }
        let bytes = match &mut this.source {
            Source::Memory(bytes) => Ok(std::mem::take(bytes)),
            Source::File(reader) => ready!(reader.poll_chunk(cx)),
        };
        if let Some(receipt) = &mut this.receipt {
            match &bytes {
                Ok(bytes) => receipt.sent.end += bytes.len() as u64,
                Err(error) => receipt.ledger.breaks(&error.to_string()),
            }
        }
        Poll::Ready(Some(bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}

type Reading = Pin<Box<dyn Future<Output = (Result<usize, ReadError>, BytesMut)> + Send>>;

/// Reads a part of a file, chunk by chunk.
struct Reader {
    content: Content,
    /// What is still to be read.
    part: Range<u64>,
    chunk: usize,
    /// The memory for it.
    _share: Share,
    reading: Option<Reading>,
    /// The chunk that went out last: as soon as the connection let go of it, its memory is used again.
    last: Bytes,
}

impl Reader {
    fn new(content: Content, part: Range<u64>, budget: &Budget) -> Self {
        let (chunk, share) = budget.share(part.end.saturating_sub(part.start));
        Self { content, part, chunk, _share: share, reading: None, last: Bytes::new() }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, ReadError>> {
        let (result, mut buffer) = {
            let Self { content, part, chunk, reading, last, .. } = self;
            let reading = reading.get_or_insert_with(|| {
                let left = usize::try_from(part.end.saturating_sub(part.start)).unwrap_or(usize::MAX);
                let mut buffer = std::mem::take(last).try_into_mut().unwrap_or_default();
                buffer.resize(left.min(*chunk), 0);
                let (content, start) = (content.clone(), part.start);
                Box::pin(async move { (content.read_at(start, &mut buffer).await, buffer) })
            });
            ready!(reading.as_mut().poll(cx))
        };
        self.reading = None;
        let len = match result {
            Ok(0) => return Poll::Ready(Err(ReadError::Changed)),
            Ok(len) => len,
            Err(error) => return Poll::Ready(Err(error)),
        };
        self.part.start += len as u64;
        if self.part.is_empty() {
            // The last chunk makes the delivery whole, so it goes out only if the chunks belong together.
            self.content.check_unchanged()?;
        }
        buffer.truncate(len);
        let bytes = buffer.freeze();
        self.last = bytes.clone();
        Poll::Ready(Ok(bytes))
    }
}

/// Sees to it that the end of a delivery is told, whatever the end is.
pub(crate) struct Receipt {
    ledger: Arc<Ledger>,
    asker: Arc<Asker>,
    sent: Sent,
    end: u64,
    began: Instant,
}

impl Receipt {
    /// For the bytes from `sent.start` to `end`, asked for at `began`.
    pub(crate) fn new(
        ledger: &Arc<Ledger>,
        asker: &Arc<Asker>,
        sent: Sent,
        end: u64,
        began: Instant,
    ) -> Self {
        ledger.open();
        Self { ledger: Arc::clone(ledger), asker: Arc::clone(asker), sent, end, began }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let mut sent = self.sent.clone();
        sent.millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if sent.end == self.end {
            self.ledger.handed(&self.asker, sent);
        } else {
            self.ledger.cut(&self.asker, sent);
        }
    }
}
