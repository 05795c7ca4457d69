//! A machine with real firmware, emulated by QEMU.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::firmware::Firmware;
use crate::lab::Lab;
use crate::monitor::Monitor;
use crate::namespace::Namespace;
use crate::process::Process;
use crate::transcript::Transcript;

/// What is said on the serial line by what will not go on without a person: the small installer, EDK2 that has nothing left
/// to boot, GRUB without a configuration.
const GAVE_UP: [&str; 3] = ["installer: FAILED", "UEFI Interactive Shell", "Minimal BASH-like line editing"];

/// How long a machine at its prompt may take to echo what is typed.
const ECHO: Duration = Duration::from_secs(20);

/// What a machine consists of; [`MachineBuilder::start`] switches it on.
#[derive(Debug)]
pub struct MachineBuilder<'lab> {
    lab: &'lab Lab,
    network: &'lab Namespace,
    name: String,
    firmware: Firmware,
    mac: String,
    uuid: Option<String>,
    memory_mib: u32,
    disk_mib: u64,
    console: bool,
    more: Vec<String>,
}

impl<'lab> MachineBuilder<'lab> {
    pub(crate) fn new(lab: &'lab Lab, name: &str) -> Self {
        Self {
            lab,
            network: lab.namespace(),
            name: name.to_owned(),
            firmware: Firmware::Bios,
            mac: "52:54:00:00:00:01".to_owned(),
            uuid: None,
            memory_mib: 1024,
            disk_mib: 0,
            console: false,
            more: Vec::new(),
        }
    }

    /// The firmware; [`Firmware::Bios`] when not said.
    #[must_use]
    pub fn firmware(mut self, firmware: Firmware) -> Self {
        self.firmware = firmware;
        self
    }

    /// The namespace whose bridge `br0` the machine is plugged into; the server's when not said.
    #[must_use]
    pub fn on(mut self, network: &'lab Namespace) -> Self {
        self.network = network;
        self
    }

    /// The network card's address, like `52:54:00:00:00:01`.
    #[must_use]
    pub fn mac(mut self, mac: &str) -> Self {
        mac.clone_into(&mut self.mac);
        self
    }

    /// The SMBIOS UUID, in the notation of dmidecode.
    #[must_use]
    pub fn uuid(mut self, uuid: &str) -> Self {
        self.uuid = Some(uuid.to_owned());
        self
    }

    /// Memory in MiB; 1024 when not said.
    #[must_use]
    pub fn memory_mib(mut self, memory: u32) -> Self {
        self.memory_mib = memory;
        self
    }

    /// Gives the machine an empty disk of this size in MiB. Without it there is none.
    #[must_use]
    pub fn disk_mib(mut self, size: u64) -> Self {
        self.disk_mib = size;
        self
    }

    /// Makes the serial line a console, for [`Machine::type_line`].
    #[must_use]
    pub fn console(mut self) -> Self {
        self.console = true;
        self
    }

    /// More arguments for QEMU.
    #[must_use]
    pub fn arguments(mut self, more: &[&str]) -> Self {
        self.more.extend(more.iter().map(|&word| word.to_owned()));
        self
    }

    /// Plugs the machine into the bridge and switches it on. Its boot order is network, then disk.
    ///
    /// # Errors
    /// When QEMU or the firmware is missing.
    pub fn start(self) -> Result<Machine> {
        let dir = self.lab.dir().join(&self.name);
        fs::create_dir_all(&dir)?;
        let serial = self.lab.text(&format!("{}/serial.log", self.name));
        let log = self.lab.text(&format!("{}/qemu.log", self.name));
        let arguments = self.qemu(&dir, &serial)?;
        let namespace = self.network.name().to_owned();
        let emulator = self.firmware.emulator();
        let process = power_on(&self.name, &namespace, emulator, &arguments, &serial, &log)?;
        Ok(Machine {
            console: self.console_socket(),
            monitor: self.monitor_socket(),
            name: self.name,
            namespace,
            emulator,
            arguments,
            serial: Transcript::new(serial),
            log,
            process: Some(process),
            powered_on: Instant::now(),
        })
    }

    fn qemu(&self, dir: &Path, serial: &Path) -> Result<Vec<String>> {
        let mut accelerator = std::env::var("NEXTBOOT_ACCEL").unwrap_or_else(|_| "tcg".to_owned());
        if self.firmware.is_arm64() {
            "tcg".clone_into(&mut accelerator);
        }
        let tap = self.lab.tap(self.network)?;
        // No CD drive, whose lack of a medium takes the firmware a second.
        let mut words = vec!["-nodefaults".to_owned()];
        let mut add = |word: &str, value: String| words.extend([word.to_owned(), value]);
        add("-name", self.name.clone());
        add("-accel", accelerator);
        add("-m", self.memory_mib.to_string());
        add("-display", "none".to_owned());
        add("-monitor", format!("unix:{},server=on,wait=off", self.monitor_socket().display()));
        if !self.firmware.is_arm64() {
            add("-vga", "std".to_owned());
        }
        if self.console {
            let (socket, log) = (self.console_socket(), serial.display());
            add(
                "-chardev",
                format!("socket,id=s0,path={},server=on,wait=off,logfile={log}", socket.display()),
            );
            add("-serial", "chardev:s0".to_owned());
        } else {
            add("-serial", format!("file:{}", serial.display()));
        }
        add("-netdev", format!("tap,id=n0,ifname={tap},script=no,downscript=no,vnet_hdr=off"));
        // The packets as the machine saw them; without vnet_hdr=off there would be something else before each of them.
        add("-object", format!("filter-dump,id=wire,netdev=n0,file={}", dir.join("wire.pcap").display()));
        add("-device", format!("{},netdev=n0,mac={},bootindex=1", self.firmware.card(), self.mac));
        if let Some(uuid) = &self.uuid {
            add("-uuid", uuid.clone());
        }
        if self.disk_mib > 0 {
            let disk = dir.join("disk.img");
            File::create(&disk)?.set_len(self.disk_mib << 20)?;
            // USB: the Debian installer's initrd, where the small installer's drivers come from, has no other disk driver.
            add("-device", "qemu-xhci".to_owned());
            add("-drive", format!("if=none,id=d0,format=raw,file={}", disk.display()));
            add("-device", "usb-storage,drive=d0,bootindex=2".to_owned());
        }
        words.extend(self.firmware.arguments(dir)?);
        words.extend(self.more.iter().cloned());
        Ok(words)
    }

    fn monitor_socket(&self) -> PathBuf {
        self.lab.scratch().join(format!("{}.mon", self.name))
    }

    fn console_socket(&self) -> PathBuf {
        self.lab.scratch().join(format!("{}.tty", self.name))
    }
}

/// An emulated machine. Dropping it pulls the plug.
#[derive(Debug)]
pub struct Machine {
    name: String,
    namespace: String,
    emulator: &'static str,
    console: PathBuf,
    monitor: PathBuf,
    arguments: Vec<String>,
    serial: Transcript,
    log: PathBuf,
    process: Option<Process>,
    powered_on: Instant,
}

impl Machine {
    /// Waits until the serial line has `pattern` behind the last match; returns the time since power-on.
    ///
    /// # Errors
    /// The limit, the end of QEMU, or that the machine says that it cannot go on.
    pub fn wait_for(&mut self, pattern: &str, limit: Duration) -> Result<Duration> {
        let Self { name, serial, process, powered_on, .. } = self;
        let process = process.as_mut().with_context(|| format!("{name} is off"))?;
        let text = Transcript::new(serial.path());
        serial
            .wait_for(pattern, limit, || {
                process.alive()?;
                match GAVE_UP.iter().find(|&words| text.count(words) > 0) {
                    Some(words) => bail!("it gave up: {words}"),
                    None => Ok(()),
                }
            })
            .with_context(|| format!("{name}, {:.1} s after power-on", powered_on.elapsed().as_secs_f32()))?;
        Ok(powered_on.elapsed())
    }

    /// Types a line at the machine's console ([`MachineBuilder::console`]), and waits for its echo.
    ///
    /// # Errors
    /// When there is no console, or no echo in time.
    pub fn type_line(&self, text: &str) -> Result<()> {
        let mut console = UnixStream::connect(&self.console).context("no console to type at")?;
        console.set_read_timeout(Some(ECHO))?;
        console.write_all(format!("{text}\n").as_bytes())?;
        // QEMU takes a byte when the machine does, drops what is left at the end of the connection, and stops the machine
        // when nobody reads what it says. So: to the end of the echo, and no longer.
        let mut echo = BufReader::new(console);
        let mut line = Vec::new();
        while !line.ends_with(format!("{text}\r\n").as_bytes()) {
            if echo.read_until(b'\n', &mut line).with_context(|| format!("no echo of {text:?}"))? == 0 {
                bail!("the console was closed");
            }
        }
        Ok(())
    }

    /// What came over the serial line so far.
    #[must_use]
    pub fn serial(&self) -> &Transcript {
        &self.serial
    }

    /// Pulls the plug.
    pub fn power_off(&mut self) {
        self.process = None;
    }

    /// Presses and releases a key at the machine's keyboard, by QEMU's name for it: `f8`, `down`, `ret`.
    ///
    /// # Errors
    /// When there is no such key, or the machine is off.
    pub fn press(&self, key: &str) -> Result<()> {
        self.monitor()?.press(key)
    }

    /// What stands on the screen of a PC in text mode.
    ///
    /// # Errors
    /// When the machine is off.
    pub fn screen(&self) -> Result<String> {
        self.monitor()?.screen()
    }

    fn monitor(&self) -> Result<Monitor> {
        Monitor::open(&self.monitor, self.serial.path().with_file_name("screen"))
    }

    /// Switches the machine on again, with the disk and the firmware settings it had. The serial line starts anew.
    ///
    /// # Errors
    /// When QEMU cannot be started.
    pub fn power_on(&mut self) -> Result<()> {
        self.power_off();
        let path = self.serial.path().to_owned();
        self.process =
            Some(power_on(&self.name, &self.namespace, self.emulator, &self.arguments, &path, &self.log)?);
        self.serial = Transcript::new(path);
        self.powered_on = Instant::now();
        Ok(())
    }
}

fn power_on(
    name: &str,
    namespace: &str,
    emulator: &str,
    arguments: &[String],
    serial: &Path,
    log: &Path,
) -> Result<Process> {
    File::create(serial)?;
    let mut command: Command = Namespace::command_in(namespace, emulator);
    Process::start(name, command.args(arguments), log.to_owned())
}
