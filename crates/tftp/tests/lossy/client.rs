//! A TFTP client written from the RFCs, without a look at the server's code.

use crate::network::Micros;

const SECOND: Micros = 1_000_000;

/// What the client does with a block it does not expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnGap {
    /// Acknowledges the last good block, once until the next good one (RFC 7440 section 4).
    AckOnce,
    /// Acknowledges the last good block each time.
    AckAlways,
    /// Waits for its own timeout.
    Wait,
}

/// What the client asks for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wishes {
    pub(crate) blksize: Option<u32>,
    pub(crate) windowsize: Option<u32>,
    pub(crate) tsize: bool,
    pub(crate) timeout: Option<u32>,
}

impl Wishes {
    pub(crate) fn request(&self) -> Vec<u8> {
        let mut text = String::from("\0\u{1}boot/file\0octet\0");
        let mut option = |name: &str, value: Option<u32>| {
            if let Some(value) = value {
                text.push_str(&format!("{name}\0{value}\0"));
            }
        };
        option("blksize", self.blksize);
        option("tsize", self.tsize.then_some(0));
        option("windowsize", self.windowsize);
        option("timeout", self.timeout);
        text.into_bytes()
    }

    fn none(&self) -> bool {
        self.blksize.is_none() && self.windowsize.is_none() && !self.tsize && self.timeout.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Waiting for the first answer.
    Asking,
    Receiving,
    /// Has the whole file; still acknowledges the last block when it comes again.
    Done,
    GaveUp,
}

pub(crate) struct Client {
    wishes: Wishes,
    on_gap: OnGap,
    pub(crate) state: State,
    pub(crate) content: Vec<u8>,
    /// The size that the server announced.
    pub(crate) tsize: Option<u64>,
    block_size: usize,
    window: u32,
    good: u64,
    unacked: u32,
    complained: bool,
    silent_for: u32,
    deadline: Micros,
}

impl Client {
    pub(crate) fn new(now: Micros, wishes: Wishes, on_gap: OnGap) -> Self {
        Self {
            wishes,
            on_gap,
            state: State::Asking,
            content: Vec::new(),
            tsize: None,
            block_size: 512,
            window: 1,
            good: 0,
            unacked: 0,
            complained: false,
            silent_for: 0,
            deadline: now + SECOND,
        }
    }

    pub(crate) fn over(&self) -> bool {
        matches!(self.state, State::Done | State::GaveUp)
    }

    pub(crate) fn deadline(&self) -> Option<Micros> {
        (!self.over()).then_some(self.deadline)
    }

    pub(crate) fn timeout(&mut self, now: Micros) -> Option<Vec<u8>> {
        if self.over() || now < self.deadline {
            return None;
        }
        self.silent_for += 1;
        self.deadline = now + SECOND;
        if self.silent_for > 20 {
            self.state = State::GaveUp;
            return None;
        }
        (self.state == State::Receiving).then(|| self.ack())
    }

    pub(crate) fn receive(&mut self, now: Micros, datagram: &[u8]) -> Option<Vec<u8>> {
        match datagram {
            [0, 6, options @ ..] => self.oack(now, options),
            [0, 3, high, low, data @ ..] => self.data(now, u16::from_be_bytes([*high, *low]), data),
            [0, 5, ..] => {
                self.state = State::GaveUp;
                None
            }
            other => panic!("a server never sends {other:?}"),
        }
    }

    fn oack(&mut self, now: Micros, options: &[u8]) -> Option<Vec<u8>> {
        assert!(!self.wishes.none(), "an OACK that nobody asked for");
        if self.good > 0 || self.over() {
            return None;
        }
        let text = std::str::from_utf8(options).expect("OACKs are ASCII");
        let fields: Vec<_> = text.strip_suffix('\0').expect("a last NUL").split('\0').collect();
        for pair in fields.chunks(2) {
            let [name, value] = pair else { panic!("an option without a value in {text:?}") };
            let value: u64 = value.parse().expect("a number");
            let at_most = |wish: Option<u32>| {
                let wish = wish.unwrap_or_else(|| panic!("{name} was not asked for"));
                assert!(value <= wish.into(), "{name} is larger than asked for");
                u32::try_from(value).expect("a small number")
            };
            match *name {
                "blksize" => self.block_size = at_most(self.wishes.blksize) as usize,
                "windowsize" => self.window = at_most(self.wishes.windowsize),
                "timeout" => assert_eq!(Some(at_most(self.wishes.timeout)), self.wishes.timeout),
                "tsize" => self.tsize = Some(value),
                other => panic!("{other} was not asked for"),
            }
        }
        self.state = State::Receiving;
        self.heard(now);
        Some(self.ack())
    }

    fn data(&mut self, now: Micros, block: u16, data: &[u8]) -> Option<Vec<u8>> {
        if self.state == State::GaveUp || (self.state == State::Asking && !self.wishes.none()) {
            return None;
        }
        if self.state == State::Done {
            return (block == self.good as u16).then(|| self.ack());
        }
        self.state = State::Receiving;
        if block != (self.good + 1) as u16 {
            let complain = match self.on_gap {
                OnGap::AckOnce => !self.complained,
                OnGap::AckAlways => true,
                OnGap::Wait => false,
            };
            self.complained = true;
            return complain.then(|| self.ack());
        }
        assert!(data.len() <= self.block_size, "a block larger than agreed");
        self.content.extend_from_slice(data);
        self.good += 1;
        self.unacked += 1;
        self.complained = false;
        self.heard(now);
        if data.len() < self.block_size {
            self.state = State::Done;
            return Some(self.ack());
        }
        (self.unacked == self.window).then(|| self.ack())
    }

    fn heard(&mut self, now: Micros) {
        self.silent_for = 0;
        self.deadline = now + SECOND;
    }

    fn ack(&mut self) -> Vec<u8> {
        self.unacked = 0;
        let [.., high, low] = self.good.to_be_bytes();
        vec![0, 4, high, low]
    }
}
