//! The laboratory: the real binary in network namespaces, real firmware under QEMU, peers side by side.
//!
//! A test makes a [`Lab`], which is a network of its own with a bridge, and puts things on that network: the
//! [`Server`] under test, a [`Machine`] with real firmware, another DHCP or file server as a [`Process`], or plain
//! [`Namespace`]s from which it talks to the server. Everything disappears when the values are dropped, also after a
//! panic; what a killed test left behind is swept away by the next [`Lab`], by name and process id.
//!
//! ```no_run
//! use std::time::Duration;
//! use nextboot_tests::{Lab, site};
//!
//! # fn main() -> anyhow::Result<()> {
//! let lab = Lab::new("example")?;
//! let site = site::SmallInstaller::new(&lab)?;
//! let server = lab.server(&site.config(site::Dhcp::Server, ""))?;
//! server.cli(&["host", "add", "node1", "52:54:00:00:00:01"])?;
//! server.cli(&["boot", "node1", site::INSTALL])?;
//! let mut machine = lab.machine("node1").mac("52:54:00:00:00:01").disk_mib(64).start()?;
//! machine.wait_for("this is the disk of node1", Duration::from_secs(180))?;
//! # Ok(())
//! # }
//! ```
//!
//! Tests need root and the Debian packages in `deploy/packages`; `tests/run` sees to both. Nothing here sleeps in the
//! hope that something is ready by then: every wait is for a condition and has a limit. Logs, serial lines and packet
//! captures stay in `target/lab/<test>/`, and a failing test prints the ends of the texts.
#![forbid(unsafe_code)]

mod artefacts;
pub mod bmc;
pub mod client;
mod firmware;
mod lab;
mod machine;
pub mod matrix;
mod monitor;
mod namespace;
pub mod peer;
pub mod pilot;
pub mod plain;
mod process;
pub mod pxe;
mod random;
pub mod redfish;
mod server;
pub mod simulated;
pub mod site;
mod sweep;
mod transcript;
mod wait;
pub mod wire;

pub use artefacts::{binary, unpacked};
pub use firmware::Firmware;
pub use lab::{Lab, SERVER, SUBNET};
pub use machine::{Machine, MachineBuilder};
pub use namespace::Namespace;
pub use process::Process;
pub use random::Random;
pub use server::{Caller, Server};
pub use transcript::Transcript;
pub use wait::{PATIENCE, wait_until};
