//! Contestants by turns.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nextboot_tests::{Process, Server};

use crate::account::{Usage, Watch, peak_kib};
use crate::cell::Bench;
use crate::cores::{self, Cores};
use crate::load::Load;
use crate::outcome::{Outcome, Sample};

/// How often the children of a server are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A server that runs; dropping what is inside stops it.
pub struct Running {
    /// Which contestant it is.
    pub name: &'static str,
    /// Its process.
    pub pid: u32,
    keeps: Box<dyn Alive>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("name", &self.name).field("pid", &self.pid).finish_non_exhaustive()
    }
}

/// Whatever keeps a server running.
pub trait Alive: Send + Sync {
    /// The server's process.
    fn pid(&self) -> u32;
    /// # Errors
    /// When it has ended.
    fn alive(&mut self) -> Result<()>;
}

impl Alive for Process {
    fn pid(&self) -> u32 {
        Self::pid(self)
    }

    fn alive(&mut self) -> Result<()> {
        Self::alive(self)
    }
}

impl Alive for Server {
    fn pid(&self) -> u32 {
        Self::pid(self)
    }

    fn alive(&mut self) -> Result<()> {
        Self::alive(self)
    }
}

type Start<'a> = Box<dyn Fn() -> Result<Box<dyn Alive>> + Send + Sync + 'a>;

/// A server that can be started, as often as there are rounds.
pub struct Contestant<'a> {
    /// The name in the table; ours is [`Contestant::OURS`].
    pub name: &'static str,
    /// Cores of its own, for it and its clients, where they are not those of the cell.
    pub cores: Option<Cores>,
    start: Start<'a>,
}

impl std::fmt::Debug for Contestant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contestant").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Contestant<'a> {
    /// What the server under test is called.
    pub const OURS: &'static str = "nextboot";

    /// One that this starts. `start` must return only when the server is ready.
    pub fn new<A: Alive + 'static>(
        name: &'static str,
        start: impl Fn() -> Result<A> + Send + Sync + 'a,
    ) -> Self {
        Self { name, cores: None, start: Box::new(move || Ok(Box::new(start()?))) }
    }

    /// The same on cores of its own.
    #[must_use]
    pub fn on(self, cores: Cores) -> Self {
        Self { cores: Some(cores), ..self }
    }

    /// Starts it on these cores.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self, cores: &[usize]) -> Result<Running> {
        let keeps = cores::on(cores, || (self.start)().with_context(|| format!("starting {}", self.name)))?;
        Ok(Running { name: self.name, pid: keeps.pid(), keeps })
    }
}

impl Running {
    /// Puts a load on the server from the clients' cores, and accounts for both.
    ///
    /// # Errors
    /// When the load cannot be put, or the server ends under it.
    pub fn load(&mut self, cores: Cores, load: impl FnOnce(&Self) -> Result<Load> + Send) -> Result<Sample> {
        let mut watch = Watch::begin(self.pid)?;
        let (clients_before, begun) = (Usage::of_clients(), Instant::now());
        let this = &*self;
        let (over, told) = mpsc::channel::<()>();
        let load = thread::scope(|scope| {
            let watching = scope.spawn(move || {
                while told.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                    watch.look();
                }
                watch.look();
                watch
            });
            let load = cores::on(cores.client, || load(this));
            drop(over);
            let watch = watching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            load.map(|load| (load, watch))
        });
        let (load, watch) = load.with_context(|| format!("the load on {}", self.name))?;
        let (clients, ran) = (Usage::of_clients().since(clients_before), begun.elapsed());
        let used = watch.end()?;
        self.keeps.alive()?;
        Ok(Sample { used, clients, ran, peak_kib: peak_kib(self.pid)?, load })
    }
}

impl Bench {
    /// Runs the contestants by turns with this load, whose units are called `unit`.
    ///
    /// # Errors
    /// When one of them does not start or ends under the load, or the load fails.
    pub fn compare(
        &self,
        unit: &'static str,
        contestants: &[Contestant<'_>],
        cores: Cores,
        load: impl Fn(&Running) -> Result<Load> + Sync,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::new(unit);
        for round in 0..self.rounds {
            // Nobody always follows the same neighbour.
            let turn = round % contestants.len().max(1);
            for contestant in contestants[turn..].iter().chain(&contestants[..turn]) {
                let cores = contestant.cores.unwrap_or(cores);
                let mut running = contestant.start(cores.server)?;
                let sample = running.load(cores, &load)?;
                outcome.add(contestant.name, sample);
            }
        }
        // The table has them in the order of the cell.
        outcome.order(contestants.iter().map(|contestant| contestant.name));
        Ok(outcome)
    }
}
