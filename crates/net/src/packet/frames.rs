//! Whole Ethernet frames for cards that are not this machine's.

use std::io::{self, Read as _};
use std::time::Duration;

use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, Socket, Type};

use super::{OpenError, filter, link};

/// Room for frames that wait to be read, in bytes: a window of data for some hundred machines.
const RECEIVE_BUFFER: usize = 64 << 20;

/// Room for the largest frame that the kernel hands over: a whole IPv4 packet behind its Ethernet header.
pub const MAX_FRAME: usize = 65_535 + 14;

/// A packet socket on one interface that stands for many network cards: it hears every frame for a hardware address that
/// begins as told, and every broadcast, but not what this machine sends; what it sends goes out as it is. The interface
/// listens to all hardware addresses (promiscuous mode) for as long as the socket is there.
///
/// Unlike the other sockets here it needs no runtime: it serves programs that do nothing else.
#[derive(Debug)]
pub struct FrameSocket {
    socket: Socket,
}

impl FrameSocket {
    /// Opens it on the interface with this name, for hardware addresses that begin with `prefix`.
    ///
    /// # Errors
    /// [`OpenError::Denied`] without `CAP_NET_RAW`; no such interface, or one that is down; and whatever else the kernel says.
    pub fn open(interface: &str, prefix: &[u8]) -> Result<Self, OpenError> {
        let index = if_nametoindex(interface).map_err(|_| OpenError::NoInterface(interface.to_owned()))?;
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), Some(Protocol::from(0)));
        let socket = socket.map_err(OpenError::of)?;
        socket.attach_filter(&filter::cards(prefix))?;
        // The limit of the system is for programs without privileges.
        if setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        socket.bind(&link::any_address(index)?)?;
        if socket.take_error()?.is_some() {
            return Err(OpenError::Down(interface.to_owned()));
        }
        link::listen_to_all(&socket, index)?;
        Ok(Self { socket })
    }

    /// Waits until a frame is there, or the time is over; true when one is.
    ///
    /// # Errors
    /// Whatever the kernel says.
    pub fn wait(&self, limit: Duration) -> io::Result<bool> {
        let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
        let limit = Timespec { tv_sec: seconds, tv_nsec: limit.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&limit)) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the next frame; its length, or nothing when none is there. Give it room for [`MAX_FRAME`] bytes.
    ///
    /// # Errors
    /// Whatever the kernel says: ENETDOWN once when the interface goes down.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match (&self.socket).read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a frame; waits while the interface has no room for it.
    ///
    /// # Errors
    /// Whatever the kernel says: the interface is down, or the frame larger than its MTU.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        loop {
            match self.socket.send(frame) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], None)?;
                }
                // ENOBUFS: the interface's queue is full. A card would drop the frame just so.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => return Ok(()),
                done => return done.map(drop),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = FrameSocket::open("no-such-one", &[2]).unwrap_err();
        assert!(matches!(error, OpenError::NoInterface(name) if name == "no-such-one"));
    }
}
