//! A program that runs in a namespace for as long as the test wants it.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::transcript::Transcript;
use crate::wait::wait_until;

/// A running program in a process group of its own, its output in a file. Dropping it kills the group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// What it writes to its standard output and standard error.
    pub log: Transcript,
}

impl Process {
    /// Starts `command`; both outputs go to `log`, behind what is already there.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be started.
    pub fn start(name: &str, command: &mut Command, log: PathBuf) -> Result<Self> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { name: name.to_owned(), child, log: Transcript::new(log) })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `Ok` while the program runs.
    ///
    /// # Errors
    /// That it has ended, and how.
    pub fn alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} has ended ({status}); see {}", self.name, self.log.path().display()),
        }
    }

    /// Waits until the program's output has `pattern` behind the last match.
    ///
    /// # Errors
    /// The limit, or the end of the program.
    pub fn wait_for(&mut self, pattern: &str, limit: Duration) -> Result<()> {
        let Self { name, child, log } = self;
        log.wait_for(pattern, limit, || match child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{name} has ended ({status})"),
        })
    }

    /// Sends a signal to the program alone.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        rustix::process::kill_process(pid_of(&self.child)?, signal)
            .with_context(|| format!("cannot signal {}", self.name))
    }

    /// Waits for the program's own end.
    ///
    /// # Errors
    /// The limit.
    pub fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait_until(&what, limit, || Ok(self.child.try_wait()?))
    }

    /// Ends the program and all it started, at once (SIGKILL).
    pub fn kill(&mut self) {
        // Once its end was seen, the number may belong to somebody else.
        if let (Ok(None), Ok(pid)) = (self.child.try_wait(), pid_of(&self.child)) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn pid_of(child: &Child) -> Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("not a process id")
}
