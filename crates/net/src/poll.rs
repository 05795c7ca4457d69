//! One thread that waits for many sockets.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::io::Errno;

/// How many sockets one call may report.
const EVENTS: usize = 256;

/// The key of the waker, which no socket may have.
const WAKER: u64 = u64::MAX;

/// Waits for datagrams on any number of sockets (epoll). A socket that is dropped is forgotten by itself.
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
    waker: Waker,
}

/// Ends a [`Poller`]'s wait from another thread.
#[derive(Debug, Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Poller {
    /// One without sockets.
    ///
    /// # Errors
    /// Whatever the kernel says: too many open files.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let waker = Waker(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?));
        epoll::add(&epoll, &*waker.0, epoll::EventData::new_u64(WAKER), epoll::EventFlags::IN)?;
        Ok(Self { epoll, waker })
    }

    /// What ends a wait.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Watches a socket; `key` is told when there is something to receive, again and again until it was received.
    ///
    /// # Errors
    /// Whatever the kernel says.
    pub fn add(&self, socket: impl AsFd, key: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?)
    }

    /// Waits until a socket has something, the waker is used, or the time is over; without a time for ever. Adds the keys of
    /// sockets that have something to `ready`.
    ///
    /// # Errors
    /// Whatever the kernel says.
    pub fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> io::Result<()> {
        let timeout = timeout.map(|time| Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let mut events = [const { MaybeUninit::<epoll::Event>::uninit() }; EVENTS];
        let (events, _) = match epoll::wait(&self.epoll, &mut events[..], timeout.as_ref()) {
            Ok(events) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for event in events {
            let data = event.data;
            match data.u64() {
                WAKER => self.waker.rest(),
                key => ready.push(key),
            }
        }
        Ok(())
    }
}

impl Waker {
    /// Ends the wait that is under way, or the next.
    pub fn wake(&self) {
        // It can only fail when it was used 2^64 times without a wait, and then the next wait ends anyway.
        let _ = rustix::io::write(&*self.0, &1u64.to_ne_bytes());
    }

    fn rest(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0u8; 8]);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::TransferSocket;

    const SHORT: Option<Duration> = Some(Duration::from_millis(1));

    #[test]
    fn what_has_something_is_told_until_it_was_received() {
        let one = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let poller = Poller::new().unwrap();
        let sockets = [0, 1, 2].map(|key| {
            let socket = TransferSocket::bind(one, 0).unwrap();
            poller.add(&socket, key).unwrap();
            socket
        });
        let mut ready = Vec::new();
        poller.wait(SHORT, &mut ready).unwrap();
        assert!(ready.is_empty());
        sockets[0].try_send(b"x", 1, sockets[2].local_addr()).unwrap();
        for _ in 0..2 {
            ready.clear();
            poller.wait(None, &mut ready).unwrap();
            assert_eq!(ready, [2]);
        }
        sockets[2].try_recv(&mut [0; 9]).unwrap();
        ready.clear();
        poller.wait(SHORT, &mut ready).unwrap();
        assert!(ready.is_empty());
    }

    #[test]
    fn another_thread_ends_a_wait() {
        let poller = Poller::new().unwrap();
        let waker = poller.waker();
        let other = std::thread::spawn(move || waker.wake());
        let mut ready = Vec::new();
        poller.wait(None, &mut ready).unwrap();
        other.join().unwrap();
        assert!(ready.is_empty());
        poller.wait(SHORT, &mut ready).unwrap();
    }
}
