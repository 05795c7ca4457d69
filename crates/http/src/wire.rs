//! One client's TCP connection: gives up on clients that take nothing, and sees what arrived.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nextboot_files::Content;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use crate::alarm::Alarm;
use crate::ledger::Ledger;
use crate::{Counters, Desk, Limits};

/// The first and the longest pause between two looks at what arrived. Who asks for more has told it by then.
const LOOKS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// The pause between two looks while an answer waits for what arrives.
const SOON: Duration = Duration::from_millis(1);

/// The connection is of no use any more; its ledger knows why.
#[derive(Debug)]
pub(crate) struct Broken;

pub(crate) struct Wire<D: Desk> {
    stream: TcpStream,
    desk: Arc<D>,
    pub(crate) ledger: Ledger<D>,
    pub(crate) counters: Arc<Counters>,
    write_idle: Duration,
    settle: Duration,
    /// How many bytes the kernel took from us, a FIN included.
    written: u64,
    /// Runs while the kernel takes nothing more.
    stalled: Alarm,
    /// Runs while it is not known whether all that was sent has arrived.
    look: Alarm,
    pause: Duration,
    /// Since when nobody writes.
    idle: Instant,
    /// The last time when the client acknowledged something, or got something new to acknowledge, and what was left then.
    progress: (Instant, u64),
}

impl<D: Desk> Wire<D> {
    pub(crate) fn new(stream: TcpStream, desk: Arc<D>, counters: Arc<Counters>, limits: &Limits) -> Self {
        counters.opened();
        Self {
            stream,
            ledger: Ledger::new(Arc::clone(&desk)),
            desk,
            counters,
            write_idle: limits.write_idle,
            settle: limits.settle,
            written: 0,
            stalled: Alarm::default(),
            look: Alarm::default(),
            pause: LOOKS.0,
            idle: Instant::now(),
            progress: (Instant::now(), 0),
        }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads what comes next, 0 bytes at the client's end, and meanwhile looks at what arrived.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Broken>> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => {
                let read = buffer.filled().len();
                if read > 0 && self.ledger.waits() {
                    // Where acknowledgements cannot be seen: who asks again has got what came before.
                    let left = self.desk.unacknowledged(self.stream.as_fd()).unwrap_or(0);
                    self.ledger.arrived(self.written.saturating_sub(left.into()));
                }
                Poll::Ready(Ok(read))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.fails(&error))),
            Poll::Pending => {
                while self.look.poll(cx).is_ready() {
                    self.look();
                    if self.ledger.is_broken() {
                        return Poll::Ready(Err(Broken));
                    }
                }
                Poll::Pending
            }
        }
    }

    /// Hands all of these bytes to the kernel, and then those.
    pub(crate) async fn write(&mut self, mut bytes: &[u8], mut then: &[u8]) -> Result<(), Broken> {
        loop {
            if bytes.is_empty() {
                (bytes, then) = (then, &[]);
            }
            if bytes.is_empty() {
                break;
            }
            let written = poll_fn(|cx| {
                let stream = Pin::new(&mut self.stream);
                let written = match then {
                    [] => stream.poll_write(cx, bytes),
                    _ => stream.poll_write_vectored(cx, &[IoSlice::new(bytes), IoSlice::new(then)]),
                };
                self.wrote(written, cx)
            });
            let written = written.await?;
            then = then.get(written.saturating_sub(bytes.len())..).unwrap_or_default();
            bytes = bytes.get(written..).unwrap_or_default();
        }
        self.idle = Instant::now();
        if self.ledger.flushed(self.written, self.idle) {
            self.progress.0 = self.idle;
            self.pause = LOOKS.0;
            // One that is set already does as well.
            if self.look.at().is_none() {
                self.look.set(self.idle + self.pause);
            }
        }
        Ok(())
    }

    /// Since when nobody writes.
    pub(crate) fn idle_since(&self) -> Instant {
        self.idle
    }

    /// Hands at most `len` bytes of a file to the kernel without a copy; how many. 0 where the file ends; nothing where its
    /// file system cannot do that.
    pub(crate) async fn send_file(
        &mut self,
        content: &Content,
        offset: u64,
        len: usize,
    ) -> Result<Option<usize>, Broken> {
        let mut able = true;
        let sent = poll_fn(|cx| {
            let sent = self.poll_send_file(cx, content, offset, len);
            if let Poll::Ready(Err(error)) = &sent
                && matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
            {
                able = false;
                return Poll::Ready(Ok(0));
            }
            self.wrote(sent, cx)
        })
        .await?;
        Ok(able.then_some(sent))
    }

    fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        content: &Content,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let send = || content.send_to(self.stream.as_fd(), offset, len);
            match self.stream.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    /// Waits until the client has all but the last `late` bytes of what was written so far.
    pub(crate) async fn arrives(&mut self, late: u64) -> Result<(), Broken> {
        let goal = self.written.saturating_sub(late);
        let mut progress = (Instant::now(), u32::MAX);
        while let Some(left) = self.desk.unacknowledged(self.stream.as_fd()) {
            if self.written.saturating_sub(left.into()) >= goal {
                break;
            }
            if let Ok(Some(error)) | Err(error) = self.stream.take_error() {
                return Err(self.fails(&error));
            }
            if left != progress.1 {
                progress = (Instant::now(), left);
            } else if progress.0.elapsed() >= self.write_idle {
                return Err(self.breaks("the client was silent for too long"));
            }
            tokio::time::sleep(SOON).await;
        }
        Ok(())
    }

    /// The connection is of no use any more, for this reason.
    pub(crate) fn breaks(&mut self, reason: &str) -> Broken {
        self.ledger.breaks(reason);
        Broken
    }

    /// Closes the connection so that nothing which is on its way gets lost: without it, request bytes that nobody read
    /// would turn the close into a reset, and a reset overtakes the answer. A broken connection is reset.
    pub(crate) async fn close(mut self) {
        if self.ledger.is_broken() {
            return;
        }
        if self.stream.shutdown().await.is_ok() {
            self.written += 1;
        }
        let end = Instant::now() + self.settle;
        let mut rest = [0; 4096];
        let mut open = true;
        loop {
            let waits = self.ledger.waits();
            let patience = if waits { self.look.at().unwrap_or(end) } else { end };
            if !waits && (!open || Instant::now() >= end) {
                return;
            }
            tokio::select! {
                read = self.stream.read(&mut rest), if open => match read {
                    Ok(0) => open = false,
                    Ok(_) => {}
                    Err(error) => {
                        self.fails(&error);
                        return;
                    }
                },
                () = sleep_until(patience) => self.look(),
            }
            if self.ledger.is_broken() {
                return;
            }
        }
    }

    /// Looks at what arrived since, and when to look again.
    fn look(&mut self) {
        self.look.stop();
        if !self.ledger.waits() {
            return;
        }
        let now = Instant::now();
        // It was set for an earlier answer, mostly.
        if now < self.progress.0 + LOOKS.0 {
            return self.look.set(self.progress.0 + LOOKS.0);
        }
        let next = match self.desk.unacknowledged(self.stream.as_fd()) {
            Some(left) => {
                let left = u64::from(left);
                self.ledger.arrived(self.written.saturating_sub(left));
                if left != self.progress.1 {
                    self.progress = (now, left);
                }
                if now.duration_since(self.progress.0) >= self.write_idle && self.ledger.waits() {
                    return self.ledger.breaks("the client was silent for too long");
                }
                self.pause = (self.pause * 2).min(LOOKS.1);
                now + self.pause
            }
            None => match self.stream.take_error() {
                Ok(None) if now < self.progress.0 + self.settle => self.progress.0 + self.settle,
                Ok(None) => return self.ledger.arrived(u64::MAX),
                Ok(Some(error)) | Err(error) => {
                    self.fails(&error);
                    return;
                }
            },
        };
        if self.ledger.waits() {
            self.look.set(next);
        }
    }

    /// The connection failed: what the client acknowledged before, it has. UEFI firmware resets every connection when it
    /// has what it wanted, so a reset alone says nothing.
    fn fails(&mut self, error: &io::Error) -> Broken {
        if let Some(left) = self.desk.unacknowledged(self.stream.as_fd()) {
            self.ledger.arrived(self.written.saturating_sub(u64::from(left)));
        }
        self.breaks(match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected => "the client closed the connection",
            io::ErrorKind::TimedOut => "the client took nothing for too long",
            _ => "the connection failed",
        })
    }

    fn wrote(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Broken>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.stalled.stop();
                self.counters.wrote(bytes);
                self.written += bytes as u64;
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.fails(&error))),
            Poll::Pending => {
                if self.stalled.at().is_none() {
                    self.stalled.set(Instant::now() + self.write_idle);
                }
                if self.stalled.poll(cx).is_ready() {
                    return Poll::Ready(Err(self.fails(&io::ErrorKind::TimedOut.into())));
                }
                Poll::Pending
            }
        }
    }
}

impl<D: Desk> Drop for Wire<D> {
    /// A body that ends too early must not look like one that is whole: PXELINUX reads to the end of the connection and
    /// does not count. So whatever is broken ends with a reset.
    fn drop(&mut self) {
        self.counters.closed();
        if self.ledger.is_broken() {
            let _ = self.stream.set_zero_linger();
        }
    }
}
