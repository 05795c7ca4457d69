//! Simulated machines on the laboratory's network: `nextboot_firmware`'s machines over real frames.
//!
//! They boot in seconds where emulated ones need minutes, and they play firmware that cannot be had: a BIOS ROM like
//! Intel's, an old UDK, Raspberry Pis, U-Boot. One function does it: [`boot`].

use std::fmt;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nextboot_firmware::{Boot, Booted, Firmware, Machine, Station, Step, Verdict};
use nextboot_model::Mac;
use nextboot_net::{FrameSocket, MAX_FRAME};

use crate::lab::Lab;
use crate::namespace::Namespace;

/// What a simulated machine did.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub verdict: Verdict,
    /// Addresses and files, in their order.
    pub steps: Vec<Step>,
    /// What it learned by DHCP the last time.
    pub boot: Option<Boot>,
    /// From power-on to the verdict.
    pub took: Duration,
}

impl Report {
    /// True when an address that contains this text was fetched.
    #[must_use]
    pub fn fetched(&self, part: &str) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Fetched { url, .. } if url.contains(part)))
    }

    /// True when a kernel runs, or an installer came to its end.
    #[must_use]
    pub fn runs_a_kernel(&self) -> bool {
        matches!(self.verdict, Verdict::Booted(Booted::Kernel { .. } | Booted::Installed { .. }))
    }

    /// The code of a machine that gave up.
    #[must_use]
    pub fn gave_up(&self) -> Option<&'static str> {
        match &self.verdict {
            Verdict::GaveUp(why) => Some(why.code),
            Verdict::Booted(_) => None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(out, "  {step}")?;
        }
        write!(out, "  {} after {:.1} s", self.verdict, self.took.as_secs_f32())
    }
}

/// Switches a machine on, on a port of its own, and waits for its verdict.
///
/// # Errors
/// When there is none within `limit`; the error tells how far it came.
pub fn boot(lab: &Lab, firmware: Firmware, mac: &str, limit: Duration) -> Result<Report> {
    boot_on(&lab.plug()?, firmware, mac, limit)
}

/// Switches several machines on at the same time, each on a port of its own; their reports in the same order.
///
/// # Errors
/// As [`boot`], for the first that has no verdict.
pub fn boot_all(lab: &Lab, machines: &[(Firmware, &str)], limit: Duration) -> Result<Vec<Report>> {
    let ports = machines.iter().map(|_| lab.plug()).collect::<Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let started = machines
            .iter()
            .zip(&ports)
            .map(|((firmware, mac), port)| scope.spawn(move || boot_on(port, *firmware, mac, limit)));
        let started: Vec<_> = started.collect();
        started.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// [`boot`] on a port that [`Lab::plug`] made, for a machine that boots more than once. One machine at a time.
///
/// # Errors
/// As [`boot`].
pub fn boot_on(port: &Namespace, firmware: Firmware, mac: &str, limit: Duration) -> Result<Report> {
    let mac: Mac = mac.parse().context("a machine's MAC")?;
    let mut random = crate::random::Random::new();
    let machine = Machine::new(firmware, mac, None, random.number());
    let socket = port.enter(|| Ok(FrameSocket::open("eth0", &mac.0)?))?;
    let mut driver =
        Driver { socket, station: Station::new(machine, random.number()), started: Instant::now() };
    let verdict = driver.run(limit);
    let machine = driver.station.machine();
    Ok(Report {
        verdict: verdict.with_context(|| format!("{firmware:?} {mac}: {:#?}", machine.steps()))?,
        steps: machine.steps().to_vec(),
        boot: machine.boot().cloned(),
        took: driver.started.elapsed(),
    })
}

struct Driver {
    socket: FrameSocket,
    station: Station,
    started: Instant,
}

impl Driver {
    fn run(&mut self, limit: Duration) -> Result<Verdict> {
        let mut out = Vec::new();
        self.station.start(self.started.elapsed(), &mut out);
        let mut frame = vec![0; MAX_FRAME];
        loop {
            for frame in out.drain(..) {
                self.socket.send(&frame)?;
            }
            if let Some(verdict) = self.station.machine().verdict() {
                return Ok(verdict.clone());
            }
            let now = self.started.elapsed();
            if now >= limit {
                bail!("no verdict after {limit:?}");
            }
            let deadline = self.station.deadline().unwrap_or(limit).min(limit);
            // What came while this thread had no processor is read first: to the machine it came in time.
            if let Some(length) = self.socket.receive(&mut frame)? {
                let frame = frame.get(..length).unwrap_or_default();
                self.station.receive(self.started.elapsed(), frame, &mut out);
            } else if now >= deadline {
                self.station.due(now, &mut out);
            } else {
                self.socket.wait(deadline.saturating_sub(now))?;
            }
        }
    }
}
