use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nextboot_files::{Content, ReadError};
use nextboot_model::{EventKind, Via};
use nextboot_tftp::{
    Ahead, Because, ErrorCode, Frames, Limits, Outcome, Output, Pace, Run, Transfer, TransferId,
};

use super::{
    open::{HEADERS, Order},
    port::Port,
    ready::Ready,
};
use crate::{
    appliance::Mutex,
    desk::{End, Ended, Found, Receipt},
};

/// How soon to try again when the kernel has no room for what is to be sent.
const NO_ROOM: Duration = Duration::from_millis(1);
/// How often to look whether the file is still the same.
const LOOK: Duration = Duration::from_secs(1);
/// How long a disk may take.
const DISK: Duration = Duration::from_secs(60);

/// One transfer under way, on a worker's thread.
pub(super) struct Live {
    pub(super) id: TransferId,
    pub(super) peer: SocketAddr,
    pub(super) port: Port,
    pub(super) content: Content,
    /// When the worker's timer for it goes off, if one is set.
    pub(super) timer: Option<Instant>,
    /// Whether the listener knows that the client has answered.
    pub(super) heard: bool,
    transfer: Transfer,
    receipt: Receipt,
    pace: Option<Arc<Mutex<Pace>>>,
    waits: Waits,
    ahead: Ahead,
    ready: Ready,
    started: Instant,
    looked: Instant,
    mtu: Option<u32>,
    told_mtu: bool,
    stopped: Arc<AtomicBool>,
}

/// What it waits for, besides its client.
#[derive(Debug, Clone, Copy)]
enum Waits {
    Nothing,
    /// For its share of the client's rate.
    Pace(Instant),
    /// For room to send the rest of these blocks.
    Room {
        run: Run,
        sent: usize,
        until: Instant,
    },
    /// For content that has to come from the disk.
    Disk {
        run: Run,
        since: Instant,
    },
}

/// What the worker has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing until something arrives or the time comes.
    Wait,
    /// Read this part on a thread that may wait.
    Read { offset: u64, len: usize },
    /// It has ended.
    Over(Outcome),
}

impl Live {
    pub(super) fn new(order: Order, port: Port, found: Found, limits: Limits, mtu: Option<u32>) -> Self {
        let now = Instant::now();
        let mut transfer = Transfer::new(now, order.request.options, limits, found.content.len());
        if let Some(round_trip) = order.round_trip {
            transfer.expect(round_trip);
        }
        Self {
            id: order.id,
            peer: order.peer,
            port,
            transfer,
            content: found.content,
            receipt: found.receipt,
            pace: order.pace,
            waits: Waits::Nothing,
            ahead: Ahead::default(),
            ready: Ready::default(),
            timer: None,
            heard: false,
            started: now,
            looked: now,
            mtu,
            told_mtu: false,
            stopped: order.stopped,
        }
    }

    /// Whether it was replaced on its way here.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// A datagram from its client. Returns whether that is the first.
    pub(super) fn handle(&mut self, now: Instant, datagram: &[u8]) -> bool {
        self.transfer.handle(now, datagram);
        !std::mem::replace(&mut self.heard, self.transfer.heard()) && self.heard
    }

    /// Nobody listens at the client's port.
    pub(super) fn unreachable(&mut self) {
        self.transfer.unreachable();
    }

    /// Another transfer takes its place.
    pub(super) fn replaced(&mut self, because: Because) {
        match because {
            Because::SameFile => self.transfer.replaced(false),
            Because::OtherFile => self.transfer.replaced(true),
            Because::Silent => self.transfer.evicted(),
        }
    }

    /// The client's usual time to answer.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.transfer.round_trip()
    }

    /// Makes the next window ready while the answer to this one is awaited.
    pub(super) fn prepare(&mut self) {
        if self.transfer.terms().window > 1 && matches!(self.waits, Waits::Nothing) {
            self.ready.prepare(&self.content, &self.transfer);
        }
    }

    /// When it wants [`Live::due`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.waits {
            Waits::Nothing => self.transfer.next_deadline(),
            Waits::Pace(until) | Waits::Room { until, .. } => Some(until),
            Waits::Disk { since, .. } => Some(since + DISK),
        }
    }

    /// Its time has come.
    pub(super) fn due(&mut self, now: Instant) {
        match self.waits {
            Waits::Nothing => self.transfer.timeout(now),
            Waits::Disk { .. } => {
                self.waits = Waits::Nothing;
                self.transfer.cancel(ErrorCode::NotDefined, "the file cannot be read");
            }
            Waits::Pace(_) | Waits::Room { .. } => {}
        }
    }

    /// A file that was changed in place is not sent any further, though its bytes go on being readable.
    pub(super) fn look(&mut self, now: Instant) {
        if now.saturating_duration_since(self.looked) >= LOOK {
            self.looked = now;
            if let Err(error) = self.content.check_unchanged() {
                self.give_up(&error);
            }
        }
    }

    /// The content that it waited for.
    pub(super) fn read(&mut self, now: Instant, bytes: Result<Vec<u8>, ReadError>, frames: &mut Frames) {
        let Waits::Disk { run, .. } = self.waits else { return };
        self.waits = Waits::Nothing;
        let place = frames.prepare(&run);
        match bytes {
            Ok(bytes) if bytes.len() == place.len() => {
                place.copy_from_slice(&bytes);
                self.send(now, &run, 0, frames);
                self.transfer.left(now);
            }
            Ok(_) => self.give_up(&ReadError::Changed),
            Err(error) => self.give_up(&error),
        }
    }

    /// Does all that can be done now.
    pub(super) fn go(&mut self, now: Instant, frames: &mut Frames) -> Next {
        loop {
            match self.waits {
                Waits::Nothing => {}
                Waits::Pace(until) if until <= now => self.waits = Waits::Nothing,
                Waits::Room { run, sent, until } if until <= now => {
                    self.waits = Waits::Nothing;
                    if let Some(read) = self.deliver(now, &run, sent, frames) {
                        return read;
                    }
                    self.transfer.left(now);
                    continue;
                }
                _ if self.transfer.is_over() => self.waits = Waits::Nothing,
                Waits::Pace(_) | Waits::Room { .. } | Waits::Disk { .. } => return Next::Wait,
            }
            if let Some(until) = self.pace.as_ref().and_then(|pace| pace.lock().wait(now))
                && !self.transfer.is_over()
            {
                self.waits = Waits::Pace(until);
                return Next::Wait;
            }
            match self.transfer.poll(now) {
                None => return Next::Wait,
                Some(Output::Packet(bytes)) => {
                    if let Err(error) = self.port.send(&bytes, bytes.len(), self.peer) {
                        tracing::debug!(%error, peer = %self.peer, "sending TFTP");
                    }
                }
                Some(Output::Blocks(run)) => {
                    if let Some(read) = self.deliver(now, &run, 0, frames) {
                        return read;
                    }
                }
                Some(Output::Done(outcome)) => return Next::Over(outcome),
            }
        }
    }

    /// Reads and sends these blocks, without the bytes on the wire that were sent already.
    fn deliver(&mut self, now: Instant, run: &Run, sent: usize, frames: &mut Frames) -> Option<Next> {
        let Self { content, ahead, ready, port, peer, .. } = self;
        // A file of one block has nothing behind it.
        let alone = self.transfer.terms().window == 1 && content.len() > run.len() as u64;
        let at_hand = if alone {
            ahead.packet(run, |offset, place| content.read_at_hand(offset, place))
        } else {
            Ok(ready.packets(run))
        };
        let read = match at_hand {
            Ok(Some(packets)) => {
                let left = leave(port, *peer, content, run, packets.get(sent..).unwrap_or_default());
                self.has_left(now, run, sent, left);
                return None;
            }
            Ok(None) => self.content.read_at_hand(run.offset(), frames.prepare(run)),
            Err(error) => Err(error),
        };
        match read {
            Ok(read) if read == run.len() => self.send(now, run, sent, frames),
            Ok(_) => {
                // What was sent of it already is sent once more then: windows can live with that, and single blocks leave
                // whole or not at all.
                self.waits = Waits::Disk { run: *run, since: now };
                return Some(Next::Read { offset: run.offset(), len: run.len() });
            }
            Err(error) => self.give_up(&error),
        }
        None
    }

    /// Sends the blocks whose content is in `frames`.
    fn send(&mut self, now: Instant, run: &Run, sent: usize, frames: &mut Frames) {
        let packets = frames.seal(run).get(sent..).unwrap_or_default();
        let left = leave(&self.port, self.peer, &self.content, run, packets);
        self.has_left(now, run, sent, left);
    }

    /// So many bytes behind the first `sent` have left.
    fn has_left(&mut self, now: Instant, run: &Run, sent: usize, left: Result<usize, ReadError>) {
        let left = match left {
            Ok(left) => left,
            Err(error) => return self.give_up(&error),
        };
        if sent + left < run.wire_len() {
            self.waits = Waits::Room { run: *run, sent: sent + left, until: now + NO_ROOM };
        }
        if let Some(pace) = &self.pace {
            pace.lock().spend(now, left);
        }
    }

    fn give_up(&mut self, error: &ReadError) {
        let text = match error {
            ReadError::Changed => "the file changed while it was being sent",
            ReadError::Failed(_) => "the file cannot be read",
        };
        tracing::debug!(%error, peer = %self.peer, "{text}");
        self.transfer.cancel(ErrorCode::NotDefined, text);
    }

    /// What to tell, once, when large packets do not arrive.
    pub(super) fn doubts(&mut self) -> Option<(&Receipt, EventKind)> {
        if self.told_mtu || !self.transfer.large_blocks_vanish() {
            return None;
        }
        self.told_mtu = true;
        let block = u32::from(self.transfer.terms().block_size);
        let name = self.receipt.name().unwrap_or_default().to_owned();
        let kind = EventKind::LargeBlocksVanish { name, block, packet: block + HEADERS, mtu: self.mtu };
        Some((&self.receipt, kind))
    }

    /// What there is to tell of it now that it has ended.
    pub(super) fn ended(self, outcome: &Outcome) -> Ended {
        let end = match outcome {
            outcome if outcome.is_delivered() => End::Whole,
            outcome if outcome.is_probe() => End::Probe,
            outcome => End::Cut { sent: self.transfer.acked_bytes(), reason: reason(outcome) },
        };
        Ended {
            from: self.peer.ip().to_canonical(),
            receipt: self.receipt,
            bytes: self.transfer.size(),
            millis: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            via: Via::Tftp,
            end,
            resent: self.transfer.blocks_resent(),
        }
    }
}

/// Sends packets as far as there is room; returns how many bytes left.
fn leave(
    port: &Port,
    peer: SocketAddr,
    content: &Content,
    run: &Run,
    packets: &[u8],
) -> Result<usize, ReadError> {
    // All was read while nothing had changed: only then may the client get the end, and take it for a whole file.
    if run.reaches_end() {
        content.check_unchanged()?;
    }
    Ok(match port.send(packets, run.segment_len(), peer) {
        Ok(left) => left,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => {
            // As good as lost on the way.
            tracing::debug!(%error, %peer, "sending TFTP");
            packets.len()
        }
    })
}

fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Complete | Outcome::Unconfirmed => "done".into(),
        Outcome::Aborted { code, text, .. } => format!("the machine ended it: error {code} {text:?}"),
        Outcome::TimedOut { heard: true } => "the machine does not answer any more".into(),
        Outcome::TimedOut { heard: false } => "the machine never answered".into(),
        Outcome::Replaced => "the machine asked anew from the same port".into(),
        Outcome::Unreachable => "the machine's port is closed".into(),
        Outcome::Cancelled => "the file changed, or cannot be read".into(),
    }
}
