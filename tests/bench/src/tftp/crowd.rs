//! Clients that all ask in the same moment.

use std::ops::Range;
use std::sync::Barrier;
use std::thread;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nextboot_firmware::tftp::{Counts, Fetch, Progress, Wish};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use crate::arena::Arena;
use crate::load::Load;
use crate::stats::Latencies;
use crate::tftp::line::{Drop, Line};

/// Where the servers answer. Clients have addresses of their own beside it, so that each is a machine of its own to a server.
const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 69);

/// How often somebody looks whose patience is at its end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Who is not at the end after this has lost its way.
const LIMIT: Duration = Duration::from_secs(60);

/// Clients that fetch the same file at the same time.
#[derive(Debug, Clone, Copy)]
pub struct Crowd<'f> {
    /// How many.
    pub clients: usize,
    /// How many addresses come before theirs: others make them others to a server.
    pub skip: usize,
    /// On how many threads.
    pub threads: usize,
    /// What each asks for, and how patient it is.
    pub wish: Wish,
    /// What is lost.
    pub drop: Drop,
    /// Whether everything said arrives twice.
    pub twice: bool,
    /// How long an answer takes beside what the machine needs.
    pub round_trip: Duration,
    /// The file's name.
    pub name: &'f str,
    /// Its content.
    pub file: &'f [u8],
}

impl<'f> Crowd<'f> {
    /// A value of its report: how often nothing came for as long as a client was patient.
    pub const SILENCES: &'static str = "silences";
    /// Blocks that came again or out of order, by those that were wanted.
    pub const UNWANTED: &'static str = "unwanted";
    /// The time of the slowest client by that of the fastest.
    pub const UNFAIR: &'static str = "slowest_by_fastest";

    /// 64 clients in lockstep with blocks of 1468 bytes, who wait a second, for a file of this name and content.
    #[must_use]
    pub fn new(name: &'f str, file: &'f [u8]) -> Self {
        let wish = Wish { block_size: 1468, window: 1, patience: Duration::from_secs(1), tries: 20 };
        Self {
            clients: 64,
            skip: 0,
            threads: 1,
            wish,
            twice: false,
            drop: Drop::Nothing,
            round_trip: Duration::ZERO,
            name,
            file,
        }
    }

    /// The same with windows of so many blocks.
    #[must_use]
    pub fn window(mut self, window: u16) -> Self {
        self.wish.window = window;
        self
    }

    /// Fetches in the arena's namespace; the first client compares every byte. Units are blocks, latencies each client's time
    /// to the end; errors are clients who did not get the file.
    ///
    /// # Errors
    /// When sockets fail, content is wrong, or nobody gets the file.
    pub fn run(&self, arena: &Arena) -> Result<Load> {
        let ready = Barrier::new(self.threads);
        let share = self.clients.div_ceil(self.threads);
        let parts = arena.lab.namespace().enter(|| {
            thread::scope(|scope| {
                let threads: Vec<_> = (0..self.threads)
                    .map(|part| {
                        let numbers = part * share..self.clients.min((part + 1) * share);
                        let ready = &ready;
                        scope.spawn(move || self.fetch(numbers, ready))
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect::<Result<Vec<_>>>()
            })
        })?;
        self.report(&parts.concat())
    }

    fn open(&self, numbers: Range<usize>) -> Result<(OwnedFd, Vec<Client<'f>>)> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let clients = numbers.map(|number| Client::new(self, &epoll, number)).collect::<Result<_>>()?;
        Ok((epoll, clients))
    }

    fn fetch(&self, numbers: Range<usize>, ready: &Barrier) -> Result<Vec<Ended>> {
        let first = numbers.start;
        let opened = self.open(numbers);
        // Whatever happened, the other threads wait here.
        ready.wait();
        let (epoll, mut clients) = opened?;
        let started = Instant::now();
        for client in &mut clients {
            client.say(started.elapsed())?;
        }
        let mut left = clients.len();
        let mut look_at = LOOK_EVERY;
        let mut events: Vec<Event> = Vec::with_capacity(256);
        let mut buffer = vec![0; 65536];
        while left > 0 {
            let now = started.elapsed();
            if now >= LIMIT {
                for client in &mut clients {
                    client.fetch.give_up("it is not at the end after a minute");
                    client.ends(now);
                }
                break;
            }
            epoll::wait(&epoll, spare_capacity(&mut events), Some(&self.wait(&clients, now, look_at)))?;
            let now = started.elapsed();
            for event in events.drain(..) {
                let Some(client) = clients.get_mut(event.data.u64() as usize - first) else { continue };
                left -= usize::from(client.readable(now, &mut buffer)?);
            }
            if !self.round_trip.is_zero() {
                for client in &mut clients {
                    left -= usize::from(client.late(now)?);
                }
            }
            if now >= look_at {
                look_at = now + LOOK_EVERY;
                for client in &mut clients {
                    left -= usize::from(client.look(now)?);
                }
            }
        }
        Ok(clients
            .into_iter()
            .map(|client| Ended {
                at: client.ended,
                counts: client.fetch.counts(),
                progress: client.fetch.progress().clone(),
            })
            .collect())
    }

    /// Until something is due. The kernel counts in milliseconds, so what is due sooner is looked at again and again: the
    /// clients' core has nothing else to do.
    fn wait(&self, clients: &[Client<'_>], now: Duration, look_at: Duration) -> Timespec {
        let due = if self.round_trip.is_zero() {
            None
        } else {
            clients.iter().filter_map(|client| client.line.due()).min()
        };
        let left = due.map_or(look_at, |due| due.min(look_at)).saturating_sub(now);
        let millis = i64::try_from(left.as_millis()).unwrap_or(0);
        Timespec { tv_sec: millis / 1000, tv_nsec: (millis % 1000) * 1_000_000 }
    }

    fn report(&self, clients: &[Ended]) -> Result<Load> {
        let (mut silences, mut unwanted, mut blocks) = (0, 0, 0);
        let mut finished = Vec::new();
        let mut why = None;
        for Ended { at, counts, progress } in clients {
            blocks += counts.blocks;
            silences += counts.silences;
            unwanted += counts.unwanted;
            match progress {
                Progress::Whole => {
                    ensure!(counts.bytes == self.file.len() as u64, "a file of {} bytes came", counts.bytes);
                    finished.push(*at);
                }
                Progress::Failed(reason) => why = Some(reason.clone()),
                Progress::Running => {}
            }
        }
        let errors = (clients.len() - finished.len()) as u64;
        if finished.is_empty() {
            bail!("no client got the file: {}", why.unwrap_or_default());
        }
        let latencies = Latencies::new(finished);
        let elapsed = clients.iter().map(|client| client.at).max().unwrap_or_default();
        let unfair = latencies
            .most()
            .zip(latencies.least())
            .map_or(1.0, |(most, least)| most.as_secs_f64() / least.as_secs_f64().max(1e-9));
        let more = vec![
            (Self::SILENCES, silences as f64),
            (Self::UNWANTED, unwanted as f64 / blocks.max(1) as f64),
            (Self::UNFAIR, unfair),
        ];
        Ok(Load { units: blocks, elapsed, latencies, errors, more })
    }
}

/// A client whose transfer is over, well or not.
#[derive(Debug, Clone)]
struct Ended {
    at: Duration,
    counts: Counts,
    progress: Progress,
}

struct Client<'f> {
    socket: UdpSocket,
    fetch: Fetch,
    line: Line,
    /// The server has answered, and the socket hears nobody else.
    connected: bool,
    ended: Duration,
    lockstep: bool,
    twice: bool,
    /// What to compare the content with.
    file: Option<&'f [u8]>,
}

impl<'f> Client<'f> {
    fn new(crowd: &Crowd<'f>, epoll: &OwnedFd, number: usize) -> Result<Self> {
        let [_, _, high, low] = u32::try_from(crowd.skip + number)?.to_be_bytes();
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 1, high, low), 0))?;
        socket.set_nonblocking(true)?;
        epoll::add(epoll, &socket, EventData::new_u64(number as u64), EventFlags::IN)?;
        Ok(Self {
            socket,
            fetch: Fetch::new(crowd.name, crowd.wish, Duration::ZERO),
            line: Line::new(crowd.drop, crowd.round_trip, number as u64),
            connected: false,
            ended: Duration::ZERO,
            lockstep: crowd.wish.window == 1,
            twice: crowd.twice,
            file: (number == 0).then_some(crowd.file),
        })
    }

    /// Sends the packet whose turn it is.
    fn say(&mut self, now: Duration) -> Result<()> {
        if !self.line.says() {
            return Ok(());
        }
        // A request that comes twice is another matter than an ACK that does.
        let times = if self.twice && self.connected { 2 } else { 1 };
        for _ in 0..times {
            let packet = self.fetch.packet();
            let sent =
                if self.connected { self.socket.send(packet) } else { self.socket.send_to(packet, SERVER) };
            match sent {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.refused(),
                Err(error) => return Err(error).with_context(|| format!("sending after {now:?}")),
            }
        }
        Ok(())
    }

    /// Takes what is there. True when that was the end.
    fn readable(&mut self, now: Duration, buffer: &mut [u8]) -> Result<bool> {
        loop {
            let length = match self.receive(buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    self.refused();
                    return Ok(self.ends(now));
                }
                Err(error) => return Err(error).with_context(|| format!("receiving after {now:?}")),
            };
            let packet = buffer.get(..length).unwrap_or_default();
            if !self.line.hears() {
                continue;
            }
            if self.line.is_slow() {
                self.line.hold(now, packet);
                continue;
            }
            let answered = self.hear(now, packet)?;
            if self.ends(now) {
                return Ok(true);
            }
            if answered && self.lockstep {
                // Nothing more can be there.
                return Ok(false);
            }
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.connected {
            return self.socket.recv(buffer);
        }
        let (length, from) = self.socket.recv_from(buffer)?;
        if from.ip() == SocketAddr::from(SERVER).ip() {
            self.socket.connect(from)?;
            self.connected = true;
        }
        Ok(length)
    }

    /// Takes what was held back and is due. True when that was the end.
    fn late(&mut self, now: Duration) -> Result<bool> {
        while let Some(packet) = self.line.release(now) {
            self.hear(now, &packet)?;
            if self.ends(now) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks at the clock. True when that was the end.
    fn look(&mut self, now: Duration) -> Result<bool> {
        if self.fetch.due(now) {
            self.say(now)?;
        }
        Ok(self.ends(now))
    }

    fn hear(&mut self, now: Duration, packet: &[u8]) -> Result<bool> {
        let heard = self.fetch.receive(now, packet);
        if let (Some((offset, bytes)), Some(file)) = (heard.content, self.file) {
            let offset = usize::try_from(offset)?;
            ensure!(
                file.get(offset..offset + bytes.len()) == Some(bytes),
                "wrong content at byte {offset}, {} bytes",
                bytes.len()
            );
        }
        if heard.answer {
            self.say(now)?;
        }
        Ok(heard.answer)
    }

    /// The server has closed its port, which it may when it has heard the last ACK.
    fn refused(&mut self) {
        self.fetch.give_up("the server closed its port");
    }

    fn over(&self) -> bool {
        *self.fetch.progress() != Progress::Running
    }

    /// True once, when it is over.
    fn ends(&mut self, now: Duration) -> bool {
        if !self.ended.is_zero() || !self.over() {
            return false;
        }
        self.ended = now;
        true
    }
}
