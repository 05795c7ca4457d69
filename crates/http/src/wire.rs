//! One client's TCP connection: gives up on clients that take nothing, and sees what arrived.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Limits;
use crate::ledger::Ledger;

/// How many bytes a client has not acknowledged, if that can be told.
pub(crate) type Unacknowledged = Box<dyn Fn(BorrowedFd<'_>) -> Option<u32> + Send + Sync>;

/// The first and the longest pause between two looks at what arrived.
const LOOKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

pub(crate) struct Wire {
    stream: TcpStream,
    ledger: Arc<Ledger>,
    unacknowledged: Unacknowledged,
    write_idle: Duration,
    settle: Duration,
    /// How many bytes the kernel took from us, a FIN included.
    written: u64,
    /// Runs while the kernel takes nothing more.
    stalled: Alarm,
    /// Runs while it is not known whether all that was sent has arrived.
    look: Alarm,
    pause: Duration,
    /// The last time when the client acknowledged something, or got something new to acknowledge, and what was left then.
    progress: (Instant, u64),
}

impl Wire {
    pub(crate) fn new(
        stream: TcpStream,
        ledger: Arc<Ledger>,
        unacknowledged: Unacknowledged,
        limits: &Limits,
    ) -> Self {
        Self {
            stream,
            ledger,
            unacknowledged,
            write_idle: limits.write_idle,
            settle: limits.settle,
            written: 0,
            stalled: Alarm::default(),
            look: Alarm::default(),
            pause: LOOKS.0,
            progress: (Instant::now(), 0),
        }
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
            let patience = if waits { self.look.at.unwrap_or(end) } else { end };
            if !waits && (!open || Instant::now() >= end) {
                return;
            }
            tokio::select! {
                read = self.stream.read(&mut rest), if open => match read {
                    Ok(0) => open = false,
                    Ok(_) => {}
                    Err(error) => return self.fails(&error),
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
        self.look.at = None;
        if !self.ledger.waits() {
            return;
        }
        let now = Instant::now();
        let next = match (self.unacknowledged)(self.stream.as_fd()) {
            Some(left) => {
                let left = u64::from(left);
                self.ledger.arrived(self.written.saturating_sub(left));
                if left != self.progress.1 {
                    self.progress = (now, left);
                }
                if now.duration_since(self.progress.0) >= self.write_idle && self.ledger.waits() {
                    return self.ledger.breaks("the client acknowledged nothing for too long");
                }
                self.pause = (self.pause * 2).min(LOOKS.1);
                now + self.pause
            }
            None => match self.stream.take_error() {
                Ok(None) if now < self.progress.0 + self.settle => self.progress.0 + self.settle,
                Ok(None) => return self.ledger.arrived(u64::MAX),
                Ok(Some(error)) | Err(error) => return self.fails(&error),
            },
        };
        if self.ledger.waits() {
            self.look.set(next);
        }
    }

    /// The connection failed: what the client acknowledged before, it has. UEFI firmware resets every connection when it
    /// has what it wanted, so a reset alone says nothing.
    fn fails(&self, error: &io::Error) {
        if let Some(left) = (self.unacknowledged)(self.stream.as_fd()) {
            self.ledger.arrived(self.written.saturating_sub(u64::from(left)));
        }
        self.ledger.breaks(match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected => "the client closed the connection",
            io::ErrorKind::TimedOut => "the client took nothing for too long",
            _ => "the connection failed",
        });
    }

    fn wrote(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                self.stalled.at = None;
                self.written += *bytes as u64;
            }
            Poll::Ready(Err(error)) => self.fails(error),
            Poll::Pending => {
                if self.stalled.at.is_none() {
                    self.stalled.set(Instant::now() + self.write_idle);
                }
                if self.stalled.poll(cx).is_ready() {
                    let error = io::ErrorKind::TimedOut.into();
                    self.fails(&error);
                    return Poll::Ready(Err(error));
                }
            }
        }
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) if buf.filled().len() > before && this.ledger.waits() => {
                // Where acknowledgements cannot be seen: who asks again has got what came before.
                let left = (this.unacknowledged)(this.stream.as_fd()).unwrap_or(0);
                this.ledger.arrived(this.written.saturating_sub(left.into()));
            }
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => this.fails(error),
            Poll::Pending => {
                while this.look.poll(cx).is_ready() {
                    this.look();
                    if this.ledger.is_broken() {
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                }
            }
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.wrote(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.wrote(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes only what is empty: when it comes here, the kernel has everything.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ledger.flushed(this.written) {
            this.progress = (Instant::now(), this.progress.1);
            this.pause = LOOKS.0;
            this.look();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl Drop for Wire {
    /// A body that ends too early must not look like one that is whole: PXELINUX reads to the end of the connection and
    /// does not count. So whatever is broken ends with a reset.
    fn drop(&mut self) {
        if self.ledger.is_broken() {
            let _ = self.stream.set_zero_linger();
        }
    }
}

/// A timer that is kept when it is not needed, since most answers need it again.
#[derive(Default)]
struct Alarm {
    at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    fn set(&mut self, at: Instant) {
        self.at = Some(at);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Ready when it is set and its time has come; it must be set anew then.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match (self.at, &mut self.sleep) {
            (Some(_), Some(sleep)) => sleep.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}
