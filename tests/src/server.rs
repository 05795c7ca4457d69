//! The server under test: the real binary, as a service manager would run it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;

use crate::lab::Lab;
use crate::namespace::{Namespace, run};
use crate::process::Process;
use crate::transcript::Transcript;
use crate::wait::{PATIENCE, wait_until};

/// How long one look for a readiness message may block.
const ONE_LOOK: Duration = Duration::from_millis(50);

/// A running `nextboot serve` in the laboratory's namespace.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    namespace: String,
    config: PathBuf,
    scratch: PathBuf,
    log: PathBuf,
    process: Process,
    /// Time from the start of the process until it said that it was ready.
    pub start_up: Duration,
}

impl Server {
    pub(crate) fn start(lab: &Lab, binary: PathBuf, config: &str) -> Result<Self> {
        let path = lab.dir().join("nextboot.toml");
        fs::write(&path, config)?;
        let log = lab.text("nextboot.log");
        let namespace = lab.namespace().name().to_owned();
        let (process, start_up) = spawn(&namespace, &binary, &path, lab.scratch(), &log)?;
        Ok(Self {
            binary,
            namespace,
            config: path,
            scratch: lab.scratch().to_owned(),
            log,
            process,
            start_up,
        })
    }

    /// The unix socket of the control API, as [`crate::site`] writes it into the configuration.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        api_socket(&self.scratch)
    }

    /// The configuration file, to be changed before a reload.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What the server wrote so far.
    #[must_use]
    pub fn log(&self) -> Transcript {
        Transcript::new(&self.log)
    }

    /// `Ok` while the server runs.
    ///
    /// # Errors
    /// That it has ended, and how.
    pub fn alive(&mut self) -> Result<()> {
        self.process.alive()
    }

    /// The command line for this server; it can be used while the server is killed and restarted.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { binary: self.binary.clone(), socket: self.socket() }
    }

    /// [`Caller::cli`] of this server's caller.
    ///
    /// # Errors
    /// As there.
    pub fn cli(&self, args: &[&str]) -> Result<String> {
        self.caller().cli(args)
    }

    /// `nextboot --json ARGS...`, read.
    ///
    /// # Errors
    /// As [`Server::cli`], or that the output is no JSON.
    pub fn json(&self, args: &[&str]) -> Result<Value> {
        let text = run(self.caller().command(&["--json"]).args(args))?;
        serde_json::from_str(&text).with_context(|| format!("no JSON from {args:?}: {text}"))
    }

    /// All events of the journal so far, oldest first, as the native API tells them.
    ///
    /// # Errors
    /// As [`Server::json`].
    pub fn events(&self) -> Result<Vec<Value>> {
        let text = self.cli(&["--json", "events"])?;
        let mut events = Vec::new();
        for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            match value? {
                Value::Array(many) => events.extend(many),
                one => events.push(one),
            }
        }
        Ok(events)
    }

    /// The events of one kind so far: those with this `code`.
    ///
    /// # Errors
    /// As [`Server::events`].
    pub fn events_of(&self, code: &str) -> Result<Vec<Value>> {
        let mut events = self.events()?;
        events.retain(|event| event["code"] == code);
        Ok(events)
    }

    /// Waits for an event with this `code` that `wanted` likes, and returns it.
    ///
    /// # Errors
    /// The limit.
    pub fn wait_for_event(
        &self,
        code: &str,
        limit: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        wait_until(&format!("event {code}"), limit, || Ok(self.events_of(code)?.into_iter().find(&wanted)))
    }

    /// Resident memory in KiB (`VmRSS` of the process).
    ///
    /// # Errors
    /// When the process is no more.
    pub fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).context("VmRSS is no number")
    }

    /// Ends the server as a power failure would: SIGKILL, nothing is flushed or said.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// Ends the server as a service manager would: SIGTERM, then waits for its own end.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process.signal(Signal::TERM)?;
        self.process.wait_for_end(PATIENCE)
    }

    /// Asks for a reload of the configuration: SIGHUP.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn hang_up(&self) -> Result<()> {
        self.process.signal(Signal::HUP)
    }

    /// Starts the server again on the same configuration and data, after [`Server::kill9`] or [`Server::stop`].
    ///
    /// # Errors
    /// When it is not ready in time.
    pub fn restart(&mut self) -> Result<()> {
        self.process.kill();
        (self.process, self.start_up) =
            spawn(&self.namespace, &self.binary, &self.config, &self.scratch, &self.log)?;
        Ok(())
    }
}

/// The `nextboot` command, told where its server listens.
#[derive(Debug, Clone)]
pub struct Caller {
    binary: PathBuf,
    socket: PathBuf,
}

impl Caller {
    /// Runs `nextboot --socket SOCKET ARGS...` and returns its output.
    ///
    /// # Errors
    /// When it exits with anything but 0; the error carries its words.
    pub fn cli(&self, args: &[&str]) -> Result<String> {
        run(&mut self.command(args))
    }

    /// The command line of [`Caller::cli`], not started.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--socket").arg(&self.socket).args(args);
        command
    }
}

/// Where the control API of the server under test listens.
pub(crate) fn api_socket(scratch: &Path) -> PathBuf {
    scratch.join("api.sock")
}

/// Starts the binary and waits for its readiness as systemd does it: by a datagram on `NOTIFY_SOCKET`.
fn spawn(
    namespace: &str,
    binary: &Path,
    config: &Path,
    scratch: &Path,
    log: &Path,
) -> Result<(Process, Duration)> {
    let notify = scratch.join("notify.sock");
    if notify.exists() {
        fs::remove_file(&notify)?;
    }
    let readiness = UnixDatagram::bind(&notify)?;
    readiness.set_read_timeout(Some(ONE_LOOK))?;
    let started = Instant::now();
    let mut command = Namespace::command_in(namespace, binary);
    command.arg("serve").arg("--config").arg(config).env("NOTIFY_SOCKET", &notify);
    let mut process = Process::start("nextboot", &mut command, log.to_owned())?;
    wait_until("readiness of the server", PATIENCE, || {
        let mut message = [0; 4096];
        match readiness.recv(&mut message) {
            Ok(length) => {
                let text = String::from_utf8_lossy(message.get(..length).unwrap_or_default()).into_owned();
                return Ok(text.lines().any(|line| line == "READY=1").then_some(()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = process.alive() {
            bail!("{error:#}\n{}", process.log.tail());
        }
        Ok(None)
    })?;
    Ok((process, started.elapsed()))
}
