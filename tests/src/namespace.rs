//! Network namespaces: one per part of the laboratory.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// What the name of every namespace of the laboratory begins with; the process id and a counter follow.
pub(crate) const PREFIX: &str = "nb-";

/// A network namespace with its loopback up. It is removed when the value is dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace with a name that no other test, of this run or of another, has.
    ///
    /// # Errors
    /// When `ip` fails: no root, or no kernel support.
    pub fn new() -> Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{PREFIX}{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name };
        namespace.ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// The name as `ip netns` shows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run inside the namespace.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        Self::command_in(&self.name, program)
    }

    /// The same for a namespace that is known by name only.
    pub(crate) fn command_in(name: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", name]).arg(program).stdin(Stdio::null());
        command
    }

    /// Runs a command inside the namespace and returns what it wrote to its standard output.
    ///
    /// # Errors
    /// When it cannot be started or fails; the error carries both of its outputs.
    pub fn run(&self, program: &str, args: &[&str]) -> Result<String> {
        run(self.command(program).args(args))
    }

    /// `ip -n NAME ARGS...`
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn ip(&self, args: &[&str]) -> Result<String> {
        run(Command::new("ip").args(["-n", &self.name]).args(args))
    }

    /// Runs `work` on a thread inside the namespace. Sockets made there stay inside when they are handed out.
    ///
    /// # Errors
    /// What `work` says, or that the namespace could not be entered. A panic in `work` goes on here.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = format!("/run/netns/{}", self.name);
        let namespace = File::open(&path).with_context(|| path.clone())?;
        let thread = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .with_context(|| format!("cannot enter {path}"))?;
            work()
        };
        thread::scope(|scope| match scope.spawn(thread).join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.name) {
            eprintln!("namespace {} stays behind: {error:#}", self.name);
        }
    }
}

/// Removes a namespace by name, and ends what still runs inside: by process id, and only what runs in there.
pub(crate) fn remove(name: &str) -> Result<()> {
    let inside = run(Command::new("ip").args(["netns", "pids", name]))?;
    for pid in
        inside.lines().filter_map(|line| line.trim().parse().ok()).filter_map(rustix::process::Pid::from_raw)
    {
        // It may end by itself at any moment, and then there is nothing to do.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    run(Command::new("ip").args(["netns", "delete", name])).map(drop)
}

/// Runs a command to its end and returns its standard output.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{command:?}: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

/// Says so when the laboratory cannot work for this user.
pub(crate) fn demand_root() -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(anyhow!("the laboratory makes network namespaces and needs root: run it as `sudo ./tests/run`"))
}
