use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nextboot_firmware::message::{HEADER_SIZE, Kind, Message, Received, code};
use nextboot_model::Mac;
use nextboot_tests::Namespace;

use super::{RELAY, SERVER, cable};
use crate::arena::Arena;
use crate::load::Load;
use crate::stats::Latencies;

/// How long a client waits before it counts a question as dropped and gives its turn to the next.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// DHCP's port of servers and relays.
const PORT: u16 = 67;

/// Different clients. None comes again, so each gets a lease that was not there: a server may answer who comes again without
/// writing anything, and may think that he asks too often.
const CLIENTS: u32 = 60_000;

/// Where things are in the packets (RFC 2131 section 2, figure 1); the options begin with those that change.
const XID: usize = 4;
const CHADDR: usize = 28;
const OPTIONS: usize = HEADER_SIZE + 4;
const REQUESTED: usize = OPTIONS + 3 + 2;

/// What kind of clients they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// They want an address.
    Plain,
    /// UEFI firmware that boots by PXE.
    Pxe,
}

/// Clients of which so many ask at a time, each as soon as the one before it was answered: DISCOVER, OFFER, REQUEST, ACK. So
/// every server is asked as much as it can answer, and none is flooded.
#[derive(Debug)]
pub struct Rack {
    side: Namespace,
    says: Says,
    /// How many ask at a time. That many packets fit into the receive buffer that a socket has without asking for more.
    pub at_once: u16,
    /// For so long at most.
    pub limit: Duration,
}

/// One of those who ask now.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// The transaction: the turn, and whose it is.
    xid: u32,
    asked: Instant,
    /// What it waits for; nothing when nobody has this turn any more.
    waits: Option<Kind>,
}

impl Rack {
    /// On the arena's cable, which gets the network for it.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn new(arena: &Arena, says: Says, limit: Duration) -> Result<Self> {
        Ok(Self { side: cable(arena)?, says, at_once: 128, limit })
    }

    /// Runs them. A unit is an exchange with all its four packets; an error is a question without an answer within a second, of
    /// which `dropped` is the part.
    ///
    /// # Errors
    /// When the relay's socket cannot be used, or nothing is answered.
    pub fn run(&self) -> Result<Load> {
        let socket = self.side.enter(|| UdpSocket::bind((RELAY, PORT)).context("the relay's port"))?;
        socket.connect((SERVER, PORT))?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        Run::new(self, &socket).run()
    }

    /// A packet with everything in it but what differs from client to client.
    fn question(&self, kind: Kind) -> Vec<u8> {
        let mut message = Message::new(Mac([0; 6])).set(|header| header.giaddr = RELAY).kind(kind);
        if kind == Kind::REQUEST {
            message = message.address(code::REQUESTED, RELAY).address(code::SERVER_ID, SERVER);
        }
        message = message.option(code::PARAMETERS, [1, 28, 2, 3, 15, 6, 12]);
        if self.says == Says::Pxe {
            message = message
                .option(code::VENDOR_CLASS, b"PXEClient:Arch:00007:UNDI:003016")
                .option(code::ARCH, [0, 7])
                .option(code::UNDI, [1, 3, 16]);
        }
        message.at_least(300).bytes()
    }
}

/// A rack under way.
struct Run<'r> {
    rack: &'r Rack,
    socket: &'r UdpSocket,
    discover: Vec<u8>,
    request: Vec<u8>,
    turns: Vec<Turn>,
    started: Instant,
    begun: u32,
    questions: u64,
    dropped: u64,
    waits: Vec<Duration>,
    exchanges: u64,
    last: Duration,
}

impl<'r> Run<'r> {
    fn new(rack: &'r Rack, socket: &'r UdpSocket) -> Self {
        Self {
            rack,
            socket,
            discover: rack.question(Kind::DISCOVER),
            request: rack.question(Kind::REQUEST),
            turns: Vec::new(),
            started: Instant::now(),
            begun: 0,
            questions: 0,
            dropped: 0,
            waits: Vec::new(),
            exchanges: 0,
            last: Duration::ZERO,
        }
    }

    fn run(mut self) -> Result<Load> {
        for _ in 0..self.rack.at_once {
            self.turns.push(Turn { xid: 0, asked: self.started, waits: None });
        }
        for turn in 0..self.rack.at_once {
            self.begin(turn)?;
        }
        let (mut looked, mut packet) = (Instant::now(), [0; 1500]);
        while self.turns.iter().any(|turn| turn.waits.is_some()) {
            // Whoever still waits is asked for only now and then.
            loop {
                match self.socket.recv(&mut packet) {
                    Ok(length) => self.hear(packet.get(..length).unwrap_or_default())?,
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
                if looked.elapsed() > LOOK_EVERY {
                    break;
                }
            }
            looked = Instant::now();
            for turn in 0..self.rack.at_once {
                let waiting = self.turns.get(usize::from(turn)).filter(|turn| turn.waits.is_some());
                if waiting.is_some_and(|turn| turn.asked.elapsed() > PATIENCE) {
                    self.dropped += 1;
                    self.begin(turn)?;
                }
            }
        }
        ensure!(self.exchanges > 0, "nothing was answered");
        Ok(Load {
            latencies: Latencies::new(self.waits),
            errors: self.dropped,
            more: vec![("dropped", self.dropped as f64 / self.questions.max(1) as f64)],
            ..Load::of(self.exchanges, self.last)
        })
    }

    /// The next client gets this turn, if there is to be one.
    fn begin(&mut self, turn: u16) -> Result<()> {
        let over = self.begun >= CLIENTS || self.started.elapsed() > self.rack.limit;
        // Its own number is in the transaction, so that an answer that comes too late is nobody else's.
        let xid = self.begun << 8 | u32::from(turn);
        let place = self.turns.get_mut(usize::from(turn)).context("no such turn")?;
        if over {
            place.waits = None;
            return Ok(());
        }
        self.begun += 1;
        address(&mut self.discover, xid)?;
        *place = Turn { xid, asked: Instant::now(), waits: Some(Kind::OFFER) };
        self.questions += 1;
        self.socket.send(&self.discover)?;
        Ok(())
    }

    fn hear(&mut self, answer: &[u8]) -> Result<()> {
        let Ok(answer) = Received::read(answer) else { return Ok(()) };
        let xid = answer.header.xid;
        let turn = u16::try_from(xid & 0xff).unwrap_or_default();
        let Some(place) = self.turns.get_mut(usize::from(turn)) else { return Ok(()) };
        if place.xid != xid || place.waits.is_none() || place.waits != answer.kind() {
            return Ok(());
        }
        self.waits.push(place.asked.elapsed());
        if place.waits == Some(Kind::ACK) {
            self.exchanges += 1;
            self.last = self.started.elapsed();
            return self.begin(turn);
        }
        address(&mut self.request, xid)?;
        self.request
            .get_mut(REQUESTED..REQUESTED + 4)
            .context("no option 50")?
            .copy_from_slice(&answer.header.yiaddr.octets());
        *place = Turn { xid, asked: Instant::now(), waits: Some(Kind::ACK) };
        self.questions += 1;
        self.socket.send(&self.request)?;
        Ok(())
    }
}

/// Makes a question that of the client whose transaction this is.
fn address(question: &mut [u8], xid: u32) -> Result<()> {
    question.get_mut(XID..XID + 4).context("no transaction")?.copy_from_slice(&xid.to_be_bytes());
    let [_, a, b, c] = (xid >> 8).to_be_bytes();
    question.get_mut(CHADDR..CHADDR + 6).context("no address")?.copy_from_slice(&[2, 0x0d, 0, a, b, c]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_the_clients_whose_turn_it_is() {
        let mut request =
            Message::new(Mac([0; 6])).kind(Kind::REQUEST).address(code::REQUESTED, RELAY).bytes();
        assert_eq!(request.get(REQUESTED..REQUESTED + 4), Some(&RELAY.octets()[..]));
        address(&mut request, 0x0001_0207).unwrap();
        let read = Received::read(&request).unwrap();
        assert_eq!((read.header.xid, &read.header.chaddr[..6]), (0x0001_0207, &[2, 0x0d, 0, 0, 1, 2][..]));
    }
}
