//! Simulated machines on the laboratory's network: `nextboot_firmware`'s machines over real frames and real TCP.
//!
//! They boot in seconds where emulated ones need minutes, and they play firmware that cannot be had: a BIOS ROM like
//! Intel's, an old UDK, Raspberry Pis, U-Boot. One function does it: [`boot`].

mod card;
mod http;

use std::fmt;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nextboot_firmware::{Boot, Booted, Firmware, Link, Machine, Output, Step, Verdict};
use nextboot_model::Mac;

use crate::lab::Lab;
use crate::namespace::Namespace;
use card::Card;

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
    port.ip(&["link", "set", "eth0", "down"])?;
    port.ip(&["link", "set", "eth0", "address", &mac.to_string()])?;
    port.ip(&["link", "set", "eth0", "up"])?;
    let mut driver = Driver {
        port,
        card: port.enter(|| Card::open("eth0"))?,
        link: Link::new(mac),
        machine: Machine::new(firmware, mac, None, crate::random::Random::new().number()),
        started: Instant::now(),
    };
    let verdict =
        driver.run(limit).with_context(|| format!("{firmware:?} {mac}: {:#?}", driver.machine.steps()))?;
    Ok(Report {
        verdict,
        steps: driver.machine.steps().to_vec(),
        boot: driver.machine.boot().cloned(),
        took: driver.started.elapsed(),
    })
}

struct Driver<'a> {
    port: &'a Namespace,
    card: Card,
    link: Link,
    machine: Machine,
    started: Instant,
}

impl Driver<'_> {
    fn run(&mut self, limit: Duration) -> Result<Verdict> {
        let mut out = Output::default();
        self.machine.start(self.started.elapsed(), &mut out);
        let mut frame = vec![0; 65536];
        loop {
            self.put(out)?;
            if let Some(verdict) = self.machine.verdict() {
                return Ok(verdict.clone());
            }
            let now = self.started.elapsed();
            if now >= limit {
                bail!("no verdict after {limit:?}");
            }
            out = Output::default();
            let deadline = self.machine.deadline().unwrap_or(limit).min(limit);
            if now >= deadline {
                self.machine.due(now, &mut out);
                if let Some(silent) = self.link.silent_neighbour() {
                    self.machine.unreachable(now, silent, &mut out);
                }
                continue;
            }
            if let Some(length) = self.card.receive(&mut frame, deadline.saturating_sub(now))? {
                let arrived = self.link.receive(frame.get(..length).unwrap_or_default());
                self.send(arrived.frames)?;
                if let Some(datagram) = arrived.datagram {
                    self.machine.receive(self.started.elapsed(), &datagram, &mut out);
                }
            }
        }
    }

    /// Does what the machine wants; an HTTP request is done when this returns, with all that followed from it.
    fn put(&mut self, mut out: Output) -> Result<()> {
        loop {
            self.configure()?;
            for datagram in out.datagrams {
                let frames = self.link.send(datagram);
                self.send(frames)?;
            }
            let Some(request) = out.http else { return Ok(()) };
            let answer = match (self.machine.address(), self.machine.boot()) {
                (Some(address), Some(boot)) => {
                    let length = boot.mask().map_or(24, |mask| mask.to_bits().leading_ones());
                    http::ask(self.port, &format!("{address}/{length}"), &request)?
                }
                _ => Err("no address".to_owned()),
            };
            out = Output::default();
            self.machine.answered(self.started.elapsed(), answer, &mut out);
        }
    }

    fn configure(&mut self) -> Result<()> {
        let boot = self.machine.boot();
        let mask = boot.and_then(Boot::mask);
        let router = boot.and_then(Boot::router);
        let told = self.link.configure(self.machine.address(), mask, router);
        self.send(told)
    }

    fn send(&self, frames: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
        for frame in frames {
            self.card.send(&frame)?;
        }
        Ok(())
    }
}
