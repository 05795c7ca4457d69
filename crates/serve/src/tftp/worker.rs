use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    hash::{BuildHasherDefault, Hasher},
    io,
    sync::Arc,
    time::Instant,
};

use nextboot_files::ReadError;
use nextboot_net::{Poller, Waker};
use nextboot_tftp::{Because, Frames, TransferId, unknown_tid};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    listen::News,
    live::{Live, Next},
    port::Port,
};
use crate::appliance::{Appliance, Mutex};

/// Larger than any acknowledgement, with room for stray bytes.
const MAX_DATAGRAM: usize = 1024;
/// How many datagrams of the shared port may wait for a worker. Behind that they are lost, as in a socket's full buffer.
const MAX_WAITING: usize = 4096;
/// Up to so many transfers have their next window made ready while they wait for an answer. With more, there is always one that
/// can go on.
const FEW: usize = 4;

/// Transfers are counted by us, so nobody can choose numbers that fall together, and a packet need not wait for a careful hash.
#[derive(Default)]
struct Number(u64);

impl Hasher for Number {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a worker is told.
pub(super) enum Message {
    /// Take this transfer.
    Start(Box<Live>),
    /// End this transfer without a word to its client.
    Stop(TransferId, Because),
    /// A datagram for a transfer without a port of its own.
    Datagram(TransferId, Vec<u8>),
    /// What a transfer waited for.
    Read(TransferId, Result<Vec<u8>, ReadError>),
    /// Drop all transfers and end.
    End,
}

/// How a worker is told something.
pub(super) struct Inbox {
    waker: Waker,
    waiting: Mutex<Vec<Message>>,
}

impl Inbox {
    pub(super) fn push(&self, message: Message) {
        let mut waiting = self.waiting.lock();
        waiting.push(message);
        if waiting.len() == 1 {
            self.waker.wake();
        }
    }

    pub(super) fn push_datagram(&self, id: TransferId, bytes: &[u8]) {
        if self.waiting.lock().len() < MAX_WAITING {
            let bytes = bytes.get(..bytes.len().min(MAX_DATAGRAM)).unwrap_or_default();
            self.push(Message::Datagram(id, bytes.to_vec()));
        }
    }

    fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.waiting.lock())
    }
}

/// A thread that drives transfers. One buffer for what is sent does for all of them.
pub(super) struct Worker {
    app: Arc<Appliance>,
    tell: UnboundedSender<(TransferId, News)>,
    inbox: Arc<Inbox>,
    poller: Poller,
    live: HashMap<u64, Live, BuildHasherDefault<Number>>,
    /// When to look at which transfer again: one entry for each that counts, [`Live::timer`], and older ones that do not. A
    /// transfer's deadline moves with every packet; only when the time has come is it looked at.
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    frames: Frames,
    buffer: Vec<u8>,
}

impl Worker {
    pub(super) fn new(app: Arc<Appliance>, tell: UnboundedSender<(TransferId, News)>) -> io::Result<Self> {
        let poller = Poller::new()?;
        let inbox = Arc::new(Inbox { waker: poller.waker(), waiting: Mutex::new(Vec::new()) });
        Ok(Self {
            app,
            tell,
            inbox,
            poller,
            live: HashMap::default(),
            timers: BinaryHeap::new(),
            frames: Frames::default(),
            buffer: vec![0; MAX_DATAGRAM],
        })
    }

    pub(super) fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    /// Drives transfers until told to end. Needs a runtime around it, for reads that wait.
    pub(super) fn run(mut self) {
        let mut ready = Vec::new();
        loop {
            let next =
                self.timers.peek().map(|Reverse((at, _))| at.saturating_duration_since(Instant::now()));
            ready.clear();
            if let Err(error) = self.poller.wait(next, &mut ready) {
                tracing::error!(%error, "waiting for TFTP datagrams");
                return;
            }
            for key in &ready {
                self.receive(*key);
            }
            for message in self.inbox.take() {
                match message {
                    Message::Start(live) => self.start(*live),
                    Message::Stop(id, because) => self.with(id.number(), |live, _, _| {
                        live.replaced(because);
                        false
                    }),
                    Message::Datagram(id, bytes) => {
                        self.with(id.number(), |live, now, _| live.handle(now, &bytes))
                    }
                    Message::Read(id, bytes) => self.with(id.number(), |live, now, frames| {
                        live.read(now, bytes, frames);
                        false
                    }),
                    Message::End => return,
                }
            }
            self.expire();
        }
    }

    fn start(&mut self, live: Live) {
        if live.is_stopped() {
            return;
        }
        let key = live.id.number();
        if let Port::Own(socket) = &live.port
            && let Err(error) = self.poller.add(socket, key)
        {
            tracing::warn!(%error, "cannot watch the port of a TFTP transfer");
            self.tell(live.id, News::Over { peer: live.peer, round_trip: None });
            return;
        }
        self.live.insert(key, live);
        self.with(key, |_, _, _| false);
    }

    /// One datagram of a transfer's port: more are told of again, when the others have had their turn.
    fn receive(&mut self, key: u64) {
        let Some(live) = self.live.get_mut(&key) else { return };
        let Port::Own(socket) = &live.port else { return };
        match socket.try_recv(&mut self.buffer) {
            Ok(None) => {}
            Ok(Some((len, from))) => {
                let bytes = self.buffer.get(..len).unwrap_or_default();
                if from == live.peer {
                    let now = Instant::now();
                    let first = live.handle(now, bytes);
                    self.go(key, now, first);
                } else if let Some(reply) = unknown_tid(bytes) {
                    let _ = socket.try_send(&reply, reply.len(), from);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.with(key, |live, _, _| {
                    live.unreachable();
                    false
                });
            }
            Err(error) => tracing::debug!(%error, "receiving TFTP"),
        }
    }

    /// Does something to a transfer and then what follows from it. `act` says whether its client was heard for the first time.
    fn with(&mut self, key: u64, act: impl FnOnce(&mut Live, Instant, &mut Frames) -> bool) {
        let Some(live) = self.live.get_mut(&key) else { return };
        let now = Instant::now();
        let first = act(live, now, &mut self.frames);
        self.go(key, now, first);
    }

    fn go(&mut self, key: u64, now: Instant, heard: bool) {
        let few = self.live.len() <= FEW;
        let Some(live) = self.live.get_mut(&key) else { return };
        let (id, peer) = (live.id, live.peer);
        if heard {
            // Before anything is sent: whoever asks because of that finds the listener knowing it.
            let _ = self.tell.send((id, News::Heard));
        }
        let next = live.go(now, &mut self.frames);
        if let Some((receipt, kind)) = live.doubts() {
            self.app.note_once_in_a_while(receipt.mac(), Some(peer.ip().to_canonical()), kind);
        }
        match next {
            Next::Over(outcome) => {
                let live = self.live.remove(&key);
                let round_trip = live.as_ref().and_then(Live::round_trip);
                self.tell(id, News::Over { peer, round_trip });
                if let Some(live) = live {
                    self.app.delivered(live.ended(&outcome));
                }
                return;
            }
            Next::Read { offset, len } => read(Arc::clone(&self.inbox), live, offset, len),
            Next::Wait if few => live.prepare(),
            Next::Wait => {}
        }
        if let Some(at) = live.deadline()
            && live.timer.is_none_or(|timer| at < timer)
        {
            live.timer = Some(at);
            self.timers.push(Reverse((at, key)));
        }
    }

    /// Looks at the transfers whose time has come.
    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((at, key))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            let Some(live) = self.live.get_mut(&key).filter(|live| live.timer == Some(at)) else { continue };
            live.timer = None;
            if live.deadline().is_some_and(|deadline| deadline <= now) {
                live.due(now);
            }
            live.look(now);
            self.go(key, now, false);
        }
    }

    fn tell(&self, id: TransferId, news: News) {
        // The receiver is gone only when everything ends.
        let _ = self.tell.send((id, news));
    }
}

/// Reads on a thread that may wait for the disk, and tells the worker.
fn read(inbox: Arc<Inbox>, live: &Live, offset: u64, len: usize) {
    let (id, content) = (live.id, live.content.clone());
    tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; len];
        let read = content.read_at_blocking(offset, &mut bytes).map(|read| {
            bytes.truncate(read);
            bytes
        });
        inbox.push(Message::Read(id, read));
    });
}
