//! One test's network: a bridge in a namespace, and what is plugged into it.

use std::fs::{self, File};
use std::io::{Write, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::artefacts::{binary, lab_dir};
use crate::machine::MachineBuilder;
use crate::namespace::{Namespace, PREFIX, demand_root, run};
use crate::process::Process;
use crate::server::Server;
use crate::sweep::sweep_once;
use crate::transcript::Transcript;
use crate::wait::{PATIENCE, wait_until};

/// The address of the laboratory's bridge, where the server under test answers.
pub const SERVER: &str = "10.77.0.1";

/// How long a link may take to come up.
const LINK_UP: Duration = Duration::from_secs(20);

/// The laboratory's subnet.
pub const SUBNET: &str = "10.77.0.0/24";

/// A network of its own for one test: the namespace of the server under test, with the bridge `br0` that has the
/// address [`SERVER`]. Everything is gone when the value is dropped, except the texts in [`Lab::dir`].
#[derive(Debug)]
pub struct Lab {
    name: String,
    dir: PathBuf,
    scratch: TempDir,
    namespace: Namespace,
    ports: AtomicU32,
    texts: Mutex<Vec<PathBuf>>,
    started: Instant,
}

impl Lab {
    /// Makes the network, and empties `target/lab/<name>/`.
    ///
    /// # Errors
    /// Without root, or when `ip` fails.
    pub fn new(name: &str) -> Result<Self> {
        demand_root()?;
        sweep_once();
        let dir = lab_dir()?.join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
        }
        fs::create_dir_all(&dir)?;
        let namespace = Namespace::new()?;
        namespace.ip(&["link", "add", "br0", "type", "bridge"])?;
        namespace.ip(&["address", "add", &format!("{SERVER}/24"), "dev", "br0"])?;
        namespace.ip(&["link", "set", "br0", "up"])?;
        // Sockets live here: their paths may have 107 bytes, and a target directory may be deep.
        let scratch =
            tempfile::Builder::new().prefix(&format!("{PREFIX}{}-", std::process::id())).tempdir()?;
        Ok(Self {
            name: name.to_owned(),
            dir,
            scratch,
            namespace,
            ports: AtomicU32::new(0),
            texts: Mutex::default(),
            started: Instant::now(),
        })
    }

    /// Runs a test in a laboratory of its own, and writes a line with its name and how long it took.
    ///
    /// # Panics
    /// When the test fails, so that the test harness sees it; the ends of all texts are printed first.
    pub fn run(name: &str, test: impl FnOnce(&Self) -> Result<()>) {
        let lab = match Self::new(name) {
            Ok(lab) => lab,
            Err(error) => panic!("{name}: no laboratory: {error:#}"),
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&lab)));
        let verdict = if matches!(outcome, Ok(Ok(()))) { "ok" } else { "FAILED" };
        // Straight to the terminal: the harness shows what tests print only when they fail.
        let _ =
            writeln!(stderr(), "lab: {name}: {verdict} after {:.1} s", lab.started.elapsed().as_secs_f32());
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{name}: {error:#}"),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Where this test's logs, serial lines, captures and disks are; they stay after the test.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A directory with a short path for sockets; it is removed with the laboratory.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The namespace of the server under test.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// A new namespace whose interface `eth0` is plugged into the bridge. `address` is like `10.77.0.20/24`, or empty
    /// for an interface without one.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn join(&self, address: &str) -> Result<Namespace> {
        self.join_at(&self.namespace, address)
    }

    /// The same at the bridge `br0` of another namespace.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn join_at(&self, network: &Namespace, address: &str) -> Result<Namespace> {
        self.connect(network, address).map(|(_, other)| other)
    }

    /// The bridge's port and the namespace at its other end.
    fn connect(&self, network: &Namespace, address: &str) -> Result<(String, Namespace)> {
        let port = self.next_port("v");
        let other = Namespace::new()?;
        network.ip(&["link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", other.name()])?;
        network.ip(&["link", "set", &port, "master", "br0", "up"])?;
        if !address.is_empty() {
            other.ip(&["address", "add", address, "dev", "eth0"])?;
        }
        other.ip(&["link", "set", "eth0", "up"])?;
        // The kernel brings a link up a moment after it was told to; until then it drops what is sent, and says nothing.
        for (at, device, state) in
            [(&other, "eth0", "state UP"), (network, &port, "state forwarding"), (network, "br0", "state UP")]
        {
            wait_until(&format!("{state} of {device}"), LINK_UP, || {
                let shown = at.ip(&["-details", "link", "show", "dev", device])?;
                Ok(shown.contains(state).then_some(()))
            })?;
        }
        Ok((port, other))
    }

    /// The same for a simulated machine: an interface without an address whose frames are as they would be on a wire, each
    /// datagram its own.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn plug(&self) -> Result<Namespace> {
        self.plug_at(&self.namespace)
    }

    /// The same at the bridge `br0` of another namespace.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn plug_at(&self, network: &Namespace) -> Result<Namespace> {
        let (port, machine) = self.connect(network, "")?;
        // Otherwise a packet socket sees what the server sent in one system call as one frame.
        network.ip(&["link", "set", &port, "gso_max_segs", "1"])?;
        Ok(machine)
    }

    /// A new tap interface on the bridge `br0` of that namespace, for an emulated machine; its name.
    pub(crate) fn tap(&self, network: &Namespace) -> Result<String> {
        let tap = self.next_port("t");
        network.run("ip", &["tuntap", "add", &tap, "mode", "tap"])?;
        network.ip(&["link", "set", &tap, "master", "br0", "up"])?;
        Ok(tap)
    }

    fn next_port(&self, kind: &str) -> String {
        format!("{kind}{}", self.ports.fetch_add(1, Ordering::Relaxed))
    }

    /// Starts a program in a namespace of this laboratory; its output goes to `<name>.log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, namespace: &Namespace, name: &str, program: &str, args: &[&str]) -> Result<Process> {
        let log = self.text(&format!("{name}.log"));
        Process::start(name, namespace.command(program).args(args), log)
    }

    /// Starts the server under test with this configuration, and waits until it says that it is ready.
    ///
    /// # Errors
    /// When the binary is missing, ends early or is not ready in time.
    pub fn server(&self, config: &str) -> Result<Server> {
        Server::start(self, binary()?, config)
    }

    /// A machine to be, which is off until [`MachineBuilder::start`].
    #[must_use]
    pub fn machine(&self, name: &str) -> MachineBuilder<'_> {
        MachineBuilder::new(self, name)
    }

    /// Records what passes over the bridge in `<name>.pcap` until the returned process is dropped.
    ///
    /// # Errors
    /// When tcpdump cannot be started.
    pub fn capture(&self, name: &str) -> Result<Process> {
        self.capture_at(&self.namespace, "br0", name)
    }

    /// The same at an interface of any namespace.
    ///
    /// # Errors
    /// When tcpdump cannot be started.
    pub fn capture_at(&self, namespace: &Namespace, interface: &str, name: &str) -> Result<Process> {
        let file = self.dir.join(format!("{name}.pcap"));
        File::create(&file)?;
        let file = file.to_string_lossy();
        let mut tcpdump = self.start(
            namespace,
            name,
            "tcpdump",
            &["-i", interface, "-U", "-n", "-Z", "root", "-w", &file],
        )?;
        tcpdump.wait_for("listening on", PATIENCE)?;
        Ok(tcpdump)
    }

    /// How many packets of the capture `<name>.pcap` a filter of tcpdump likes, so far.
    ///
    /// # Errors
    /// When tcpdump does not know the filter.
    pub fn captured(&self, name: &str, filter: &str) -> Result<usize> {
        let file = self.dir.join(format!("{name}.pcap"));
        let packets = run(Command::new("tcpdump").arg("-n").arg("-r").arg(file).arg(filter))?;
        Ok(packets.lines().count())
    }

    /// The path of a text of this test, whose end is printed when the test fails.
    pub(crate) fn text(&self, name: &str) -> PathBuf {
        let path = self.dir.join(name);
        if let Ok(mut texts) = self.texts.lock()
            && !texts.contains(&path)
        {
            texts.push(path.clone());
        }
        path
    }

    /// The ends of all texts of this test, for a person who wants to know why it failed.
    #[must_use]
    pub fn ends(&self) -> String {
        let texts = self.texts.lock().map(|texts| texts.clone()).unwrap_or_default();
        let end = |path: &PathBuf| {
            format!(
                "--- {}: the end of {} ---\n{}\n",
                self.name,
                path.display(),
                Transcript::new(path).tail()
            )
        };
        texts.iter().map(end).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            eprint!("{}", self.ends());
        }
    }
}
