//! One transfer: from the agreed options to the last ACK.

mod echo;
#[cfg(test)]
mod tests;
mod timer;

use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::options::PeerOptions;
use crate::outcome::Outcome;
use crate::packet::{ErrorCode, FromClient, error_packet};
use crate::run::{MAX_RUN_BLOCKS, Run};
use crate::terms::{CLASSIC_BLOCK, Terms};
use echo::EchoGuard;
use timer::{Due, Timer};

/// How many blocks of a large window leave first. With windows of 64 this brought a fifth more than two runs of the largest size.
const HEAD: u64 = 12;

/// What a transfer wants from its caller: see [`Transfer::poll`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this datagram (an OACK or an ERROR) to the client.
    Packet(Vec<u8>),
    /// Read this part of the content and send these blocks.
    Blocks(Run),
    /// It is over: close the port. Comes once, last.
    Done(Outcome),
}

/// One read transfer. See the crate's page for how to drive it.
///
/// It keeps numbers only: content is asked for when it has to leave, also when it has to leave again.
#[derive(Debug)]
pub struct Transfer {
    size: u64,
    terms: Terms,
    max_run: usize,
    /// The last block, counted from 1 and never rolled over. It is shorter than the others, maybe empty.
    last: u64,
    /// All blocks up to here are acknowledged.
    acked: u64,
    /// The block to send next.
    next: u64,
    /// The highest block sent so far.
    sent: u64,
    /// What `sent` was when blocks were last sent again.
    resent_up_to: u64,
    /// The window's last block is to be sent again.
    probe: bool,
    /// How many blocks were sent more than once, each time counted.
    blocks_resent: u64,
    /// See [`large_blocks_vanish`](Self::large_blocks_vanish).
    vanish: bool,
    timer: Timer,
    echo: EchoGuard,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// An OACK was or will be sent; its ACK (of block 0) is awaited.
    Greeting { due: bool },
    /// Blocks flow.
    Blocks,
    /// It is over; these remain to be told.
    Over { farewell: Option<Vec<u8>>, outcome: Option<Outcome> },
}

impl Transfer {
    /// A transfer of `size` bytes to a client that asked for `options`. Its first packet is there at once: [`poll`](Self::poll).
    ///
    /// Make one only when the content is known to be there: firmware copes with an ERROR as the first answer, but some hang
    /// when an ERROR follows an OACK (PXELINUX does).
    #[must_use]
    pub fn new(now: Instant, options: PeerOptions, limits: Limits, size: u64) -> Self {
        let terms = Terms::agree(options, &limits);
        let phase = if terms.any_asked() { Phase::Greeting { due: true } } else { Phase::Blocks };
        Self {
            size,
            terms,
            max_run: limits.max_run,
            last: size / u64::from(terms.block_size) + 1,
            acked: 0,
            next: 1,
            sent: 0,
            resent_up_to: 0,
            probe: false,
            blocks_resent: 0,
            vanish: false,
            timer: Timer::new(now, &terms, limits),
            echo: EchoGuard::new(now, terms.window),
            phase,
        }
    }

    /// What was agreed on.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Size of the content, bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes the client has acknowledged.
    #[must_use]
    pub fn acked_bytes(&self) -> u64 {
        self.acked.saturating_mul(self.terms.block_size.into()).min(self.size)
    }

    /// Whether the client has answered at all: its address is not forged then.
    #[must_use]
    pub fn heard(&self) -> bool {
        self.timer.heard()
    }

    /// The client's usual time to answer, once it has answered: for [`expect`](Self::expect) of a later transfer to it.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.echo.seen()
    }

    /// The client's usual time to answer in an earlier transfer. With windows, silence about the OACK is then looked into as
    /// soon as silence about a window, once.
    pub fn expect(&mut self, round_trip: Duration) {
        self.echo.expect(round_trip);
    }

    /// How many blocks were sent again so far, each time counted.
    #[must_use]
    pub fn blocks_resent(&self) -> u64 {
        self.blocks_resent
    }

    /// Whether it looks as if some hop on the way loses packets of this size (its MTU is smaller than ours, or it loses
    /// fragments): the client acknowledged the OACK, a small packet, and then was silent about a large first block, which was
    /// sent three times. 512 bytes pass everywhere.
    #[must_use]
    pub fn large_blocks_vanish(&self) -> bool {
        self.vanish
    }

    /// Whether the transfer has ended. [`poll`](Self::poll) may still have the outcome to tell.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over { .. })
    }

    /// When [`timeout`](Self::timeout) wants to be called; `None` when it is over. Changes with every other call.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        (!self.is_over()).then(|| self.timer.deadline())
    }

    /// The next thing to do, or `None` when only a datagram or the deadline can change anything. Call it until `None` after
    /// every other call, `now` being the time at which the output leaves.
    pub fn poll(&mut self, now: Instant) -> Option<Output> {
        match &mut self.phase {
            Phase::Greeting { due } => {
                if !std::mem::take(due) {
                    return None;
                }
                self.timer.sent(now);
                self.echo.burst(now);
                if !self.echo.has_resent() {
                    self.watch(now);
                }
                Some(Output::Packet(self.terms.oack(self.size)))
            }
            Phase::Blocks => self.next_run(now).or_else(|| self.probe_run(now)).map(Output::Blocks),
            Phase::Over { farewell, outcome } => {
                farewell.take().map(Output::Packet).or_else(|| outcome.take().map(Output::Done))
            }
        }
    }

    /// The last [`Output::Blocks`] leave only now: the content, or the room to send it, had to be waited for. Without this the
    /// client's time to answer counts from the [`poll`](Self::poll).
    pub fn left(&mut self, now: Instant) {
        if !self.is_over() {
            self.timer.sent(now);
            self.echo.burst(now);
            self.watch(now);
        }
    }

    /// A datagram from the client. Datagrams from other senders must not come here: answer them with
    /// [`unknown_tid`](crate::unknown_tid). Anything that is no ACK and no ERROR is ignored.
    pub fn handle(&mut self, now: Instant, datagram: &[u8]) {
        match FromClient::parse(datagram) {
            FromClient::Ack(block) => self.ack(now, block),
            FromClient::Error { code, text } => {
                if matches!(self.phase, Phase::Greeting { due: false }) {
                    self.echo.answered(now);
                }
                let probe = self.acked == 0
                    && (self.terms.asked_size() || code == ErrorCode::OptionNegotiation as u16);
                self.end(None, Outcome::Aborted { code, text, probe });
            }
            FromClient::Noise => {}
        }
    }

    /// The deadline has passed. Called too early it does nothing.
    pub fn timeout(&mut self, now: Instant) {
        if self.is_over() {
            return;
        }
        let silences = self.timer.retries();
        match self.timer.due(now) {
            Due::Nothing => {}
            Due::Probe => {
                self.echo.probing();
                match self.phase {
                    Phase::Greeting { .. } => self.rewind(),
                    _ => self.probe = true,
                }
            }
            Due::Hurry => self.rewind(),
            Due::Retransmit => {
                self.doubt_large_blocks(silences);
                self.rewind();
            }
            Due::GiveUp => {
                let heard = self.timer.heard();
                self.end_without_answer(Outcome::TimedOut { heard });
            }
        }
    }

    /// The content cannot be delivered any more (it cannot be read, the server stops, the client asked anew): tells the client
    /// with an ERROR and ends with [`Outcome::Cancelled`].
    pub fn cancel(&mut self, code: ErrorCode, text: &str) {
        self.end(Some(error_packet(code, text)), Outcome::Cancelled);
    }

    /// The client has begun anew from the same port, for another file or for the same, so nothing more is sent.
    ///
    /// Whoever goes on to another file at once, having acknowledged all blocks but the last, has the last one too: some loaders
    /// never acknowledge it. At once is before the last block had to be sent again; a machine that was reset asks later.
    /// Whoever asks for the same file again does not have it.
    pub fn replaced(&mut self, other_file: bool) {
        let all_sent = self.timer.heard() && self.sent == self.last && self.acked + 1 == self.last;
        let has_it = other_file && all_sent && self.timer.retries() == 0;
        self.end(None, if has_it { Outcome::Unconfirmed } else { Outcome::Replaced });
    }

    /// Nothing was heard of the client, and somebody else needs its place.
    pub fn evicted(&mut self) {
        self.end(None, Outcome::TimedOut { heard: self.timer.heard() });
    }

    /// The client's host answered with ICMP port unreachable (`ECONNREFUSED` on a connected socket): nobody listens there, so
    /// nothing more is sent. Behind the last block this is a loader that closed its port early.
    pub fn unreachable(&mut self) {
        self.end_without_answer(Outcome::Unreachable);
    }

    fn ack(&mut self, now: Instant, block: u16) {
        self.probe = false;
        match self.phase {
            Phase::Greeting { due: false } if block == 0 => {
                self.timer.progress(now);
                self.echo.answered(now);
                self.echo.next_window();
                self.phase = Phase::Blocks;
            }
            Phase::Blocks => {
                // Only differences of block numbers count, so files of any size work: the number goes to 0 behind 65535.
                let [.., high, low] = self.acked.to_be_bytes();
                let ahead = u64::from(block.wrapping_sub(u16::from_be_bytes([high, low])));
                if ahead == 0 {
                    self.repeated_ack(now);
                } else if ahead <= self.sent - self.acked {
                    self.new_ack(now, self.acked + ahead);
                }
            }
            Phase::Greeting { .. } | Phase::Over { .. } => {}
        }
    }

    /// Large blocks are doubted when a large first block was sent again twice, and the client was silent both times.
    fn doubt_large_blocks(&mut self, silences: u8) {
        let first = self.size.min(self.terms.block_size.into());
        self.vanish |= silences >= 2
            && self.timer.heard()
            && self.acked == 0
            && matches!(self.phase, Phase::Blocks)
            && first > CLASSIC_BLOCK.into();
    }

    /// `block` and all before it have arrived.
    fn new_ack(&mut self, now: Instant, block: u64) {
        self.echo.earn(block - self.acked);
        self.acked = block;
        self.timer.progress(now);
        if block == self.last {
            self.end(None, Outcome::Complete);
        } else if block == self.sent {
            self.echo.answered(now);
            self.echo.next_window();
            self.next = block + 1;
        } else if block != self.resent_up_to && self.echo.may_resend(now, self.sent - block) {
            // RFC 7440 section 4: what follows was lost; begin a new window right behind it.
            self.echo.next_window();
            self.rewind();
        } else {
            // No call for help. Either the client had all of what we sent again and says so (EDK2 acknowledges what it has
            // whenever a block comes twice, and counts its window from there), or an ACK lagged behind the burst. What follows
            // is on its way, so the window just moves on.
            self.next = self.next.max(block + 1);
        }
    }

    /// The client acknowledges again what it had acknowledged before.
    fn repeated_ack(&mut self, now: Instant) {
        // In lockstep never answer (RFC 1123 section 4.2.3.1); the Raspberry Pi 4's loader hangs on a repeated block besides.
        // With windows it says that the first block was lost (RFC 7440 section 4).
        let waiting = self.sent - self.acked;
        if self.terms.window > 1 && waiting > 0 && self.echo.may_restart(now, waiting) {
            self.rewind();
        }
    }

    /// Sends again what waits for an answer.
    fn rewind(&mut self) {
        self.echo.resending();
        match &mut self.phase {
            Phase::Greeting { due } => *due = true,
            Phase::Blocks => {
                self.next = self.acked + 1;
                self.resent_up_to = self.sent;
            }
            Phase::Over { .. } => {}
        }
    }

    fn next_run(&mut self, now: Instant) -> Option<Run> {
        let window_end = self.last.min(self.acked + u64::from(self.terms.window));
        let first = self.next;
        let count = self.fitting(first, first == self.acked + 1, window_end)?;
        if first == self.acked + 1 {
            self.echo.burst(now);
        }
        self.next += count;
        self.blocks_resent += (self.sent + 1).min(self.next).saturating_sub(first);
        self.sent = self.sent.max(self.next - 1);
        self.timer.sent(now);
        self.watch(now);
        Some(self.run(first, count))
    }

    /// The blocks that come next when all that was sent arrives: worth preparing while the answer is awaited. They start a
    /// window; `behind` are those of that window which are prepared already.
    #[must_use]
    pub fn upcoming(&self, behind: u64) -> Option<Run> {
        if !matches!(self.phase, Phase::Blocks) || self.next != self.sent + 1 {
            return None;
        }
        let first = self.next + behind;
        let end = self.last.min(self.sent + u64::from(self.terms.window));
        let count = self.fitting(first, behind == 0, end)?;
        Some(self.run(first, count))
    }

    /// How many blocks one run holds from this one on, up to `end`. A large window begins with a short run: the client has
    /// work while the rest is on its way, and the rest is in equal parts.
    fn fitting(&self, first: u64, begins: bool, end: u64) -> Option<u64> {
        let segment = usize::from(self.terms.block_size) + 4;
        let fit = u64::try_from(self.max_run / segment).unwrap_or(MAX_RUN_BLOCKS).clamp(1, MAX_RUN_BLOCKS);
        let rest = (end + 1).saturating_sub(first);
        if rest == 0 {
            return None;
        }
        let even = rest.div_ceil(rest.div_ceil(fit));
        Some(if begins && rest > 2 * HEAD { HEAD.min(fit) } else { even })
    }

    fn probe_run(&mut self, now: Instant) -> Option<Run> {
        if !std::mem::take(&mut self.probe) || self.sent == self.acked {
            return None;
        }
        self.blocks_resent += 1;
        self.watch(now);
        Some(self.run(self.sent, 1))
    }

    /// With windows, silence is looked into early: a lost last block, ACK or OACK would cost a second otherwise. In lockstep it never
    /// is, since a block that comes twice hangs the Raspberry Pi 4's loader.
    fn watch(&mut self, now: Instant) {
        if self.terms.window > 1
            && let Some(round_trip) = self.echo.usual()
        {
            self.timer.watch(now, round_trip);
        }
    }

    fn run(&self, first: u64, count: u64) -> Run {
        Run {
            first,
            count: u16::try_from(count).unwrap_or(1),
            block_size: self.terms.block_size,
            size: self.size,
        }
    }

    /// Ends because the client does not answer; fine when all that is missing may be its last ACK.
    fn end_without_answer(&mut self, otherwise: Outcome) {
        let everything_sent = self.timer.heard() && self.sent == self.last;
        let outcome = if everything_sent { Outcome::Unconfirmed } else { otherwise };
        self.end(None, outcome);
    }

    fn end(&mut self, farewell: Option<Vec<u8>>, outcome: Outcome) {
        self.doubt_large_blocks(self.timer.retries());
        if !self.is_over() {
            self.phase = Phase::Over { farewell, outcome: Some(outcome) };
        }
    }
}
