//! QEMU's monitor: the keyboard and the screen of a machine without a person at it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::wait::{PATIENCE, wait_until};

/// What the monitor writes when it is ready for a command.
const PROMPT: &[u8] = b"(qemu) ";

/// Where a PC's text screen lies in its memory, and its size: 80 columns, 25 lines, two bytes each.
const SCREEN: (&str, &str) = ("0xb8000", "4000");

/// The monitor of one machine, by the human interface.
#[derive(Debug)]
pub(crate) struct Monitor {
    socket: UnixStream,
    /// Where the screen is written to.
    screen: PathBuf,
}

impl Monitor {
    /// Connects to the monitor's socket.
    pub(crate) fn open(socket: &Path, screen: PathBuf) -> Result<Self> {
        // A machine that was just switched on has none yet.
        let socket = wait_until("the monitor", PATIENCE, || Ok(UnixStream::connect(socket).ok()))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut monitor = Self { socket, screen };
        monitor.read()?;
        Ok(monitor)
    }

    /// Presses and releases a key, by QEMU's name for it: `f8`, `down`, `ret`.
    pub(crate) fn press(&mut self, key: &str) -> Result<()> {
        self.command(&format!("sendkey {key}"))
    }

    /// What stands on the screen, as long as that is in text mode.
    pub(crate) fn screen(&mut self) -> Result<String> {
        let (address, size) = SCREEN;
        self.command(&format!("pmemsave {address} {size} \"{}\"", self.screen.display()))?;
        let cells = fs::read(&self.screen).with_context(|| self.screen.display().to_string())?;
        let lines = cells.chunks(160).map(|line| {
            let text: String = line.iter().step_by(2).map(|byte| printable(*byte)).collect();
            text.trim_end().to_owned()
        });
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    fn command(&mut self, line: &str) -> Result<()> {
        self.socket.write_all(format!("{line}\n").as_bytes())?;
        let said = self.read()?;
        if said.contains("rror") || said.contains("unknown") {
            bail!("{line}: {said}");
        }
        Ok(())
    }

    /// Everything up to the next prompt.
    fn read(&mut self) -> Result<String> {
        let (mut said, mut some) = (Vec::new(), [0; 1024]);
        while !said.ends_with(PROMPT) {
            let read = self.socket.read(&mut some).context("the monitor is silent")?;
            if read == 0 {
                bail!("the monitor was closed");
            }
            said.extend_from_slice(some.get(..read).unwrap_or_default());
        }
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

fn printable(byte: u8) -> char {
    if (0x20..0x7f).contains(&byte) { char::from(byte) } else { ' ' }
}
