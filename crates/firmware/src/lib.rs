//! Simulated boot clients, written from the specifications and from what real firmware was seen to do.
//!
//! Nothing here shares code with our servers (only the plain words of `nextboot_model`): a mistake in the server must not
//! be forgiven by the same mistake in the client. And nothing here knows a socket, a clock or a source of randomness:
//! datagrams, time and a seed go in; datagrams, timers and a [`Verdict`] come out.
//!
//! A [`Machine`] is one computer from power-on to its kernel, and a [`Station`] that computer at its network card, with ARP and
//! TCP of its own: frames in, frames out. [`message`] writes and reads DHCP packets, also wrong ones,
//! for tests that speak to a server themselves; [`hostile`] has a thousand wrong ones, each with what a server may make of it.
//!
//! # Where they are simpler than the real ones
//!
//! - Their timers are exact; real firmware varies each wait by a second.
//! - EDK2 and iPXE were compared with captures of OVMF 2022.11 and of the iPXE ROM in QEMU; the BIOS ROM, the Raspberry Pis and
//!   U-Boot follow what others wrote about them.
//! - Nobody sits at the screen: a menu's first item is taken when its time is over, or at once where it would wait for a key.
//! - A file is never executed. Which loader it is its name says; then that loader's own wishes follow.
//! - IPv4 only, no TLS, no DNS: a URL needs an address in it to be fetched in a laboratory.
#![forbid(unsafe_code)]

mod boot;
pub mod bootp;
mod datagram;
mod dhcp;
pub mod edk2;
pub mod hostile;
mod http;
pub mod ipxe;
mod link;
mod loader;
mod machine;
pub mod message;
mod random;
pub mod raspberry;
mod retry;
pub mod rom;
mod stage;
mod station;
mod step;
mod tcp;
#[cfg(test)]
mod testkit;
pub mod tftp;
pub mod uboot;
mod vendor;
mod verdict;

pub use boot::{Boot, Load};
pub use datagram::Datagram;
pub use dhcp::{Dhcp, Identity, Progress};
pub use http::{HttpAnswer, HttpRequest};
pub use link::{Addressee, Arrived, Link};
pub use machine::{Firmware, Machine, Output};
pub use random::Random;
pub use stage::Stage;
pub use station::Station;
pub use step::Step;
pub use tcp::Segment;
pub use verdict::{Booted, GaveUp, Verdict};
