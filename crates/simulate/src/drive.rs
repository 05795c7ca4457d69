use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fs, io, thread};

use nextboot_net::{FrameSocket, MAX_FRAME, OpenError};

use crate::crowd::Crowd;
use crate::progress::Progress;
use crate::report::{Frames, Report};
use crate::{Arguments, Prefix};

/// As many frames are read before others get their turn.
const BATCH: usize = 64;
/// How long it waits at most before it looks whether somebody wants it to stop.
const LOOK: Duration = Duration::from_millis(200);
/// As many addresses are given back at a time: a server's socket has room for so many.
const RELEASES: usize = 32;
const BETWEEN_RELEASES: Duration = Duration::from_millis(10);

/// Why nothing can be simulated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}\nRun this as root.")]
    Denied(OpenError),
    #[error("{0}")]
    Open(OpenError),
    #[error("{prefix} leaves room for {} machines; give a shorter --mac-prefix", prefix.room())]
    NoRoom { prefix: Prefix },
    #[error("cannot start: {0}")]
    Start(#[source] io::Error),
    #[error("the interface {interface}: {error}")]
    Network { interface: String, error: io::Error },
}

impl Error {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NoRoom { .. } => crate::USAGE,
            Self::Denied(_) | Self::Open(_) | Self::Start(_) | Self::Network { .. } => crate::UNAVAILABLE,
        }
    }
}

/// Has all machines boot.
pub(crate) fn drive(arguments: &Arguments) -> Result<Report, Error> {
    if u64::from(arguments.hosts) > arguments.mac_prefix.room() {
        return Err(Error::NoRoom { prefix: arguments.mac_prefix.clone() });
    }
    let socket = FrameSocket::open(&arguments.interface, arguments.mac_prefix.bytes());
    let socket = socket.map_err(|error| match error {
        OpenError::Denied => Error::Denied(error),
        error => Error::Open(error),
    })?;
    let seed = arguments.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Short enough to be typed.
        u64::from(now.subsec_nanos())
    });
    let stop = stop_at_interrupt().map_err(Error::Start)?;
    let mut drive = Drive {
        socket,
        crowd: Crowd::new(arguments, seed),
        frames: Frames::default(),
        started: Instant::now(),
    };
    let network = |error| Error::Network { interface: arguments.interface.clone(), error };
    let took = drive.run(&stop).map_err(network)?;
    drive.crowd.abandon();
    let cpu = cpu_seconds();
    if !arguments.keep_leases {
        drive.release().map_err(network)?;
    }
    Ok(Report::new(drive.crowd.count(), drive.crowd.tally(), seed, took, cpu, drive.frames))
}

struct Drive {
    socket: FrameSocket,
    crowd: Crowd,
    frames: Frames,
    started: Instant,
}

impl Drive {
    /// Until all have ended, or somebody wants it to stop; how long it took.
    fn run(&mut self, stop: &AtomicBool) -> io::Result<Duration> {
        let mut progress = Progress::new();
        let mut buffer = vec![0; MAX_FRAME];
        let mut out = Vec::new();
        loop {
            let now = self.started.elapsed();
            self.crowd.go_on(now, &mut out);
            self.send(&mut out)?;
            progress.tell(now, self.crowd.count());
            if self.crowd.is_done() || stop.load(Ordering::Relaxed) {
                progress.end();
                return Ok(now);
            }
            if !self.receive(&mut buffer, &mut out)? {
                let next = self.crowd.deadline().unwrap_or(Duration::MAX);
                self.socket.wait(next.saturating_sub(self.started.elapsed()).min(LOOK))?;
            }
        }
    }

    /// Takes in what has come; true when there may be more.
    fn receive(&mut self, buffer: &mut [u8], out: &mut Vec<Vec<u8>>) -> io::Result<bool> {
        for _ in 0..BATCH {
            let Some(length) = self.socket.receive(buffer)? else { return Ok(false) };
            self.frames.received += 1;
            self.crowd.receive(self.started.elapsed(), buffer.get(..length).unwrap_or_default(), out);
            self.send(out)?;
        }
        Ok(true)
    }

    fn send(&mut self, out: &mut Vec<Vec<u8>>) -> io::Result<()> {
        for frame in out.drain(..) {
            self.socket.send(&frame)?;
            self.frames.sent += 1;
        }
        Ok(())
    }

    /// Gives all addresses back, a few at a time.
    fn release(&mut self) -> io::Result<()> {
        for (number, frames) in self.crowd.releases().enumerate() {
            for frame in frames {
                self.socket.send(&frame)?;
            }
            if number % RELEASES == RELEASES - 1 {
                thread::sleep(BETWEEN_RELEASES);
            }
        }
        Ok(())
    }
}

/// Becomes true at the first Ctrl-C; the second ends the program at once.
fn stop_at_interrupt() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if told.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
            }
        });
    })?;
    Ok(stop)
}

/// User and system time of this process so far (proc(5): the 14th and 15th field, in hundredths).
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}
