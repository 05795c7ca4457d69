//! A TCP connection (RFC 9293) as boot firmware makes it: opened by the machine, one request, and then the answer until the
//! other end closes.

mod segment;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

use crate::random::Random;
use crate::retry::{Due, Retry};
use segment::{Flags, MSS};

pub use segment::Segment;

/// RFC 9293 section 3.8.1: a second, then twice as long each time.
const WAITS: &[u64] = &[1000, 2000, 4000, 8000, 16_000, 32_000];
/// So long nothing may come while an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// RFC 9293 section 3.8.6.3: an acknowledgement may wait for a second segment, but not for long.
const DELAY: Duration = Duration::from_millis(20);
/// What it takes in at a time, as iPXE does, and the shift that it is told with.
const WINDOW: usize = 256 * 1024;
const SCALE: u8 = 3;
/// As many segments that came before their time are kept: a window full.
const MOST_EARLY: usize = WINDOW / MSS as usize;

/// The connection.
#[derive(Debug)]
pub(crate) struct Connection {
    own: SocketAddrV4,
    peer: SocketAddrV4,
    state: State,
    /// What was said and is not acknowledged, and the number of its first byte.
    unsure: Vec<u8>,
    sent: u32,
    /// The next byte that is expected, and what came before its time.
    expected: u32,
    early: BTreeMap<u32, Vec<u8>>,
    scaled: bool,
    retry: Retry,
    heard: Duration,
    /// Segments that are not acknowledged yet, and until when they may wait.
    owed: u32,
    owed_until: Option<Duration>,
    repeats: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Opening,
    Open,
    /// The other end has said all.
    Closed,
    Failed(&'static str),
}

impl Connection {
    /// Opens it; `request` goes out as soon as it is open.
    pub(crate) fn open(
        own: SocketAddrV4,
        peer: SocketAddrV4,
        request: Vec<u8>,
        random: &mut Random,
        now: Duration,
        out: &mut Vec<Segment>,
    ) -> Self {
        let connection = Self {
            own,
            peer,
            state: State::Opening,
            unsure: request,
            sent: random.xid(),
            expected: 0,
            early: BTreeMap::new(),
            scaled: false,
            retry: Retry::new(WAITS, now),
            heard: now,
            owed: 0,
            owed_until: None,
            repeats: 0,
        };
        connection.say(out);
        connection
    }

    /// Why there is no connection any more.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        match self.state {
            State::Failed(why) => Some(why),
            _ => None,
        }
    }

    /// The other end has said all that it wanted to.
    pub(crate) fn closed(&self) -> bool {
        self.state == State::Closed
    }

    /// How many segments were sent again because no answer came.
    pub(crate) fn repeats(&self) -> u64 {
        self.repeats
    }

    /// When it wants to be called again at the latest.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let patience = match self.state {
            State::Opening => None,
            State::Open => Some(self.heard + PATIENCE),
            State::Closed | State::Failed(_) => return None,
        };
        [self.retry.deadline(), self.owed_until, patience].into_iter().flatten().min()
    }

    /// The time of [`Connection::deadline`] has come.
    pub(crate) fn due(&mut self, now: Duration, out: &mut Vec<Segment>) {
        match self.retry.due(now) {
            Due::NotYet => {}
            Due::Again(_) => {
                self.repeats += 1;
                self.say(out);
            }
            Due::Over => self.state = State::Failed("Connection timed out"),
        }
        if self.state == State::Open && now >= self.heard + PATIENCE {
            self.state = State::Failed("Connection timed out");
        }
        if self.owed_until.is_some_and(|until| now >= until) {
            self.acknowledge(Flags::ACK, out);
        }
    }

    /// A segment came. What it carries, and what waited for it, goes to `read`.
    pub(crate) fn receive(
        &mut self,
        now: Duration,
        segment: Segment,
        out: &mut Vec<Segment>,
        read: &mut impl FnMut(&[u8]),
    ) {
        if segment.from != self.peer || segment.to != self.own {
            return;
        }
        match self.state {
            State::Opening => self.opened(now, &segment, out),
            State::Open => self.heard(now, segment, out, read),
            State::Closed | State::Failed(_) => {}
        }
    }

    fn opened(&mut self, now: Duration, segment: &Segment, out: &mut Vec<Segment>) {
        if !segment.flags.has(Flags::ACK) {
            return;
        }
        if segment.acknowledges != self.sent.wrapping_add(1) {
            // The other end remembers an older connection from this port. RFC 9293 section 3.10.7.3: that one ends, and the
            // next SYN begins this one.
            if !segment.flags.has(Flags::RST) {
                out.push(self.segment(segment.acknowledges, Flags::RST));
            }
            return;
        }
        if segment.flags.has(Flags::RST) {
            self.state = State::Failed("Connection refused");
        } else if segment.flags.has(Flags::SYN) {
            self.state = State::Open;
            self.sent = self.sent.wrapping_add(1);
            self.expected = segment.sequence.wrapping_add(1);
            self.scaled = segment.scale.is_some();
            self.heard = now;
            self.retry = Retry::new(WAITS, now);
            self.say(out);
        }
    }

    fn heard(
        &mut self,
        now: Duration,
        segment: Segment,
        out: &mut Vec<Segment>,
        read: &mut impl FnMut(&[u8]),
    ) {
        // Of a segment's bytes the first ones may be known already.
        let known = self.expected.wrapping_sub(segment.sequence) as usize;
        let ahead = segment.sequence.wrapping_sub(self.expected) as usize;
        let in_window = known <= WINDOW || ahead <= WINDOW;
        if segment.flags.has(Flags::RST) {
            if in_window {
                self.state = State::Failed("Connection reset");
            }
            return;
        }
        if !in_window {
            self.acknowledge(Flags::ACK, out);
            return;
        }
        self.heard = now;
        self.acknowledged(now, &segment);
        let end = segment.sequence.wrapping_add(segment.payload.len() as u32);
        // What came twice is said at once too: the other end missed that we have it.
        let urgent = known > 0 || segment.flags.has(Flags::PSH) || segment.flags.has(Flags::FIN);
        if known > WINDOW {
            // A gap: said at once, so that the other end need not wait for its timer.
            if self.early.len() < MOST_EARLY {
                self.early.insert(segment.sequence, segment.payload);
            }
            self.acknowledge(Flags::ACK, out);
            return;
        }
        if !segment.payload.is_empty() {
            self.take(&segment.payload, known, read);
            self.take_early(read);
            self.owed += 1;
            self.owed_until.get_or_insert(now + DELAY);
        }
        if segment.flags.has(Flags::FIN) && self.expected == end {
            self.expected = self.expected.wrapping_add(1);
            self.acknowledge(Flags::ACK.and(Flags::FIN), out);
            self.state = State::Closed;
        } else if self.owed >= 2 || (self.owed > 0 && urgent) || segment.flags.has(Flags::FIN) {
            self.acknowledge(Flags::ACK, out);
        }
    }

    fn take(&mut self, payload: &[u8], known: usize, read: &mut impl FnMut(&[u8])) {
        let Some(new) = payload.get(known..).filter(|new| !new.is_empty()) else { return };
        self.expected = self.expected.wrapping_add(new.len() as u32);
        read(new);
    }

    /// What came too early, as far as its time is now.
    fn take_early(&mut self, read: &mut impl FnMut(&[u8])) {
        loop {
            let known = |at: &u32| self.expected.wrapping_sub(*at) as usize;
            let Some(at) = self.early.keys().find(|at| known(at) <= WINDOW).copied() else { return };
            let known = known(&at);
            if let Some(payload) = self.early.remove(&at) {
                self.take(&payload, known, read);
            }
        }
    }

    fn acknowledged(&mut self, now: Duration, segment: &Segment) {
        let count = segment.acknowledges.wrapping_sub(self.sent) as usize;
        if segment.flags.has(Flags::ACK) && count > 0 && count <= self.unsure.len() {
            self.unsure.drain(..count);
            self.sent = segment.acknowledges;
            self.retry = if self.unsure.is_empty() { Retry::off() } else { Retry::new(WAITS, now) };
        }
    }

    /// Says what is not acknowledged. A request is small, so all of it goes out at once.
    fn say(&self, out: &mut Vec<Segment>) {
        if self.state == State::Opening {
            out.push(Segment { scale: Some(SCALE), window: u16::MAX, ..self.segment(self.sent, Flags::SYN) });
            return;
        }
        let mut at = self.sent;
        for part in self.unsure.chunks(usize::from(MSS)) {
            let flags = Flags::ACK.and(Flags::PSH);
            out.push(Segment { payload: part.to_vec(), ..self.segment(at, flags) });
            at = at.wrapping_add(part.len() as u32);
        }
    }

    fn acknowledge(&mut self, flags: Flags, out: &mut Vec<Segment>) {
        self.owed = 0;
        self.owed_until = None;
        let at = self.sent.wrapping_add(self.unsure.len() as u32);
        out.push(self.segment(at, flags));
    }

    fn segment(&self, sequence: u32, flags: Flags) -> Segment {
        let window = if self.scaled { WINDOW >> SCALE } else { WINDOW };
        Segment {
            from: self.own,
            to: self.peer,
            sequence,
            acknowledges: if flags.has(Flags::ACK) { self.expected } else { 0 },
            flags,
            window: u16::try_from(window).unwrap_or(u16::MAX),
            scale: None,
            payload: Vec::new(),
        }
    }
}
