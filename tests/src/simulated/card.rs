use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, bind, socket};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// All frames of one interface.
#[derive(Debug)]
pub(super) struct Card(OwnedFd);

impl Card {
    pub(super) fn open(interface: &str) -> Result<Self> {
        let card = getifaddrs()?
            .filter(|entry| entry.interface_name == interface)
            .find_map(|entry| entry.address.and_then(|address| address.as_link_addr().copied()))
            .with_context(|| format!("no interface {interface}"))?;
        let flags = SockFlag::SOCK_CLOEXEC;
        let fd = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
        bind(fd.as_raw_fd(), &card)?;
        Ok(Self(fd))
    }

    pub(super) fn send(&self, frame: &[u8]) -> Result<()> {
        send(&self.0, frame, SendFlags::empty()).context("a frame cannot be sent")?;
        Ok(())
    }

    /// The length of the next frame, or nothing when none came in time.
    pub(super) fn receive(&self, buffer: &mut [u8], limit: Duration) -> Result<Option<usize>> {
        let limit = Timespec { tv_sec: limit.as_secs().try_into()?, tv_nsec: limit.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(None),
            Ok(_) => Ok(Some(recv(&self.0, buffer, RecvFlags::empty())?.0)),
            Err(error) => Err(error.into()),
        }
    }
}
