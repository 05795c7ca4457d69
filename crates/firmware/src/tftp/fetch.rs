use std::time::Duration;

const RRQ: u16 = 1;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OACK: u16 = 6;

/// RFC 1350's block, without options.
const BLOCK: usize = 512;

/// What a [`Fetch`] asks for, and how patient it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Bytes in a block, 8 to 65464.
    pub block_size: u16,
    /// Blocks in a window; with 1 the option is not sent.
    pub window: u16,
    /// How long to wait for a packet before the last one of ours is sent again.
    pub patience: Duration,
    /// How often in a row that is done before it gives up.
    pub tries: u32,
}

/// What a packet had in it for us.
#[derive(Debug, PartialEq, Eq)]
pub struct Heard<'d> {
    /// The next bytes of the file, and their offset.
    pub content: Option<(u64, &'d [u8])>,
    /// Whether [`Fetch::packet`] is to be sent now.
    pub answer: bool,
}

/// How far a [`Fetch`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Not at the end.
    Running,
    /// The last block came.
    Whole,
    /// The server refused, broke the rules, or fell silent.
    Failed(String),
}

/// What a [`Fetch`] counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks that came in order.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blocks that came out of order or again.
    pub unwanted: u64,
    /// How often nothing came for as long as we were patient.
    pub silences: u64,
}

/// One file, for a load generator: any block size and window, and nothing is kept or allocated on the way. Which port the server
/// answers from is the caller's business.
#[derive(Debug)]
pub struct Fetch {
    wish: Wish,
    request: Vec<u8>,
    ack: [u8; 4],
    opened: bool,
    block_size: usize,
    window: u16,
    block: u16,
    in_window: u16,
    /// An ACK for a gap in this window went out already.
    gap: bool,
    /// The number of the last block that came, in order or not.
    latest: u16,
    deadline: Duration,
    in_a_row: u32,
    progress: Progress,
    counts: Counts,
}

impl Fetch {
    /// A transfer that begins when [`Fetch::packet`] is sent to port 69, which is to be done now.
    #[must_use]
    pub fn new(name: &str, wish: Wish, now: Duration) -> Self {
        let mut request = RRQ.to_be_bytes().to_vec();
        let block_size = wish.block_size.to_string();
        let window = wish.window.to_string();
        let mut fields = vec![name, "octet", "blksize", &block_size];
        if wish.window > 1 {
            fields.extend(["windowsize", &window]);
        }
        for field in fields {
            request.extend(field.as_bytes());
            request.push(0);
        }
        let [high, low] = ACK.to_be_bytes();
        Self {
            wish,
            request,
            ack: [high, low, 0, 0],
            opened: false,
            block_size: BLOCK,
            window: 1,
            block: 0,
            in_window: 0,
            gap: false,
            latest: 0,
            deadline: now + wish.patience,
            in_a_row: 0,
            progress: Progress::Running,
            counts: Counts::default(),
        }
    }

    /// The packet that is our turn: the request, or the last ACK.
    #[must_use]
    pub fn packet(&self) -> &[u8] {
        if self.opened { &self.ack } else { &self.request }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The block size and window that were agreed; RFC 1350's until the server has answered.
    #[must_use]
    pub fn terms(&self) -> (usize, u16) {
        (self.block_size, self.window)
    }

    /// Looks at the clock. True when [`Fetch::packet`] is to be sent again.
    pub fn due(&mut self, now: Duration) -> bool {
        if self.progress != Progress::Running || now < self.deadline {
            return false;
        }
        self.counts.silences += 1;
        self.in_a_row += 1;
        if self.in_a_row > self.wish.tries {
            self.progress = Progress::Failed("the server does not answer".into());
            return false;
        }
        self.in_window = 0;
        self.deadline = now + self.wish.patience;
        true
    }

    /// The caller has reason to give up.
    pub fn give_up(&mut self, why: &str) {
        if self.progress == Progress::Running {
            self.progress = Progress::Failed(why.into());
        }
    }

    /// A packet of the server came.
    pub fn receive<'d>(&mut self, now: Duration, packet: &'d [u8]) -> Heard<'d> {
        let nothing = Heard { content: None, answer: false };
        if self.progress != Progress::Running {
            return nothing;
        }
        let Some((opcode, rest)) = number(packet) else { return nothing };
        match opcode {
            DATA => self.data(now, rest),
            OACK if self.counts.blocks == 0 => {
                self.agreed(rest);
                self.heard(now);
                Heard { content: None, answer: true }
            }
            ERROR => {
                let text = rest.get(2..).unwrap_or_default().split(|byte| *byte == 0).next();
                let text = String::from_utf8_lossy(text.unwrap_or_default());
                self.progress = Progress::Failed(format!("the server refuses: {text}"));
                nothing
            }
            _ => nothing,
        }
    }

    fn data<'d>(&mut self, now: Duration, rest: &'d [u8]) -> Heard<'d> {
        let nothing = Heard { content: None, answer: false };
        let Some((block, bytes)) = number(rest) else { return nothing };
        self.opened = true;
        let new_burst = block.wrapping_sub(self.latest).wrapping_sub(1) >= 1 << 15;
        self.latest = block;
        if block != self.block.wrapping_add(1) {
            self.counts.unwanted += 1;
            // RFC 1123 section 4.2.3.1: in lockstep an old block is never answered. RFC 7440 section 4: a gap is, once; and
            // again when numbers begin anew: then the server did not hear it.
            let answer = self.window > 1 && (!self.gap || new_burst);
            if answer {
                self.gap = true;
                self.in_window = 0;
                self.deadline = now + self.wish.patience;
            }
            return Heard { content: None, answer };
        }
        if bytes.len() > self.block_size {
            self.progress = Progress::Failed("a block is larger than was agreed".into());
            return nothing;
        }
        self.heard(now);
        self.block = block;
        let [high, low] = block.to_be_bytes();
        (self.ack[2], self.ack[3]) = (high, low);
        self.in_window += 1;
        let offset = self.counts.bytes;
        self.counts.blocks += 1;
        self.counts.bytes += bytes.len() as u64;
        let last = bytes.len() < self.block_size;
        if last {
            self.progress = Progress::Whole;
        }
        let answer = last || self.in_window >= self.window;
        if answer {
            self.in_window = 0;
        }
        Heard { content: Some((offset, bytes)), answer }
    }

    fn heard(&mut self, now: Duration) {
        self.opened = true;
        self.gap = false;
        self.in_a_row = 0;
        self.deadline = now + self.wish.patience;
    }

    fn agreed(&mut self, options: &[u8]) {
        let mut texts = options.split(|byte| *byte == 0);
        while let (Some(key), Some(value)) = (texts.next(), texts.next()) {
            let value = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u16>().ok());
            match (key.to_ascii_lowercase().as_slice(), value) {
                (b"blksize", Some(size)) if (8..=self.wish.block_size).contains(&size) => {
                    self.block_size = size.into();
                }
                (b"windowsize", Some(window)) if (1..=self.wish.window).contains(&window) => {
                    self.window = window;
                }
                _ => {}
            }
        }
    }
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    bytes.split_first_chunk::<2>().map(|(number, rest)| (u16::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn fetch(window: u16) -> Fetch {
        let wish = Wish { block_size: 8, window, patience: Duration::from_secs(5), tries: 2 };
        Fetch::new("f", wish, NOW)
    }

    fn block(number: u16, bytes: &[u8]) -> Vec<u8> {
        [&DATA.to_be_bytes()[..], &number.to_be_bytes(), bytes].concat()
    }

    #[test]
    fn a_window_is_acknowledged_at_its_end_and_the_last_block_at_once() {
        let mut fetch = fetch(2);
        assert_eq!(fetch.packet(), b"\0\x01f\0octet\0blksize\x008\0windowsize\x002\0");
        assert!(fetch.receive(NOW, b"\0\x06blksize\x008\0windowsize\x002\0").answer);
        assert_eq!(fetch.packet(), [0, 4, 0, 0]);
        let first = block(1, &[1; 8]);
        assert_eq!(fetch.receive(NOW, &first), Heard { content: Some((0, &[1; 8])), answer: false });
        assert!(fetch.receive(NOW, &block(2, &[2; 8])).answer);
        assert_eq!(fetch.packet(), [0, 4, 0, 2]);
        let last = block(3, b"end");
        assert_eq!(fetch.receive(NOW, &last), Heard { content: Some((16, b"end")), answer: true });
        assert_eq!(fetch.progress(), &Progress::Whole);
        assert_eq!((fetch.counts().blocks, fetch.counts().bytes), (3, 19));
    }

    #[test]
    fn a_gap_is_told_once_in_a_burst_and_in_lockstep_never() {
        let mut windowed = fetch(4);
        windowed.receive(NOW, b"\0\x06windowsize\x004\0blksize\x008\0");
        assert!(windowed.receive(NOW, &block(2, &[0; 8])).answer);
        assert_eq!(windowed.packet(), [0, 4, 0, 0]);
        assert!(!windowed.receive(NOW, &block(3, &[0; 8])).answer);
        assert!(windowed.receive(NOW, &block(2, &[0; 8])).answer);
        let mut lockstep = fetch(1);
        lockstep.receive(NOW, b"\0\x06blksize\x008\0");
        assert!(!lockstep.receive(NOW, &block(2, &[0; 8])).answer);
        assert_eq!(lockstep.counts().unwanted, 1);
    }

    #[test]
    fn silence_is_counted_and_ends() {
        let mut fetch = fetch(1);
        assert!(!fetch.due(NOW));
        assert!(fetch.due(NOW + Duration::from_secs(5)));
        assert!(fetch.due(NOW + Duration::from_secs(10)));
        assert!(!fetch.due(NOW + Duration::from_secs(15)));
        assert!(matches!(fetch.progress(), Progress::Failed(_)));
        assert_eq!(fetch.counts().silences, 3);
    }

    #[test]
    fn without_an_oack_it_is_rfc_1350() {
        let mut fetch = fetch(4);
        assert!(fetch.receive(NOW, &block(1, &[0; 512])).answer);
        assert!(fetch.receive(NOW, &block(2, &[])).answer);
        assert_eq!(fetch.progress(), &Progress::Whole);
    }
}
