//! Many equal datagrams in one system call (UDP generic segmentation offload, Linux 4.18). It is what makes a TFTP window
//! cheap: per datagram it costs about a third of a call to `sendmsg` each.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::message::{self, Route};

/// The kernel cuts at most 64 datagrams from one call (`UDP_MAX_SEGMENTS` before Linux 6.9; 128 since).
const MAX_SEGMENTS: usize = 64;

/// What one call may carry in all: the largest IPv4 packet without its IP and UDP headers.
const MAX_BYTES: usize = 65_507;

/// The size from which on segments go out one by one: the kernel once refused to cut them for us.
#[derive(Debug)]
pub(super) struct Limit(AtomicUsize);

impl Limit {
    pub(super) const fn none() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }

    /// EIO: the network card cannot do checksums, so the kernel cuts nothing, whatever its size. Else it was this size.
    fn remember_refusal(&self, error: &io::Error, segment: usize) {
        let limit = if error.raw_os_error() == Some(nix::libc::EIO) { 0 } else { segment };
        self.0.fetch_min(limit, Ordering::Relaxed);
    }
}

/// Sends `bytes` as datagrams of `segment` bytes each, without waiting; returns how many bytes left, which is less than all
/// only when there was no room for more. Where the kernel or the network card cannot cut, they are sent one by one: the wire
/// is the same.
pub(super) fn send(
    fd: BorrowedFd<'_>,
    limit: &Limit,
    bytes: &[u8],
    segment: usize,
    route: &Route,
) -> io::Result<usize> {
    if segment == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "datagrams of 0 bytes"));
    }
    let mut done = 0;
    for batch in bytes.chunks(batch_bytes(segment)) {
        match send_batch(fd, limit, batch, segment, route) {
            (sent, Ok(())) => done += sent,
            (sent, Err(error)) if error.kind() == io::ErrorKind::WouldBlock && done + sent > 0 => {
                return Ok(done + sent);
            }
            (_, Err(error)) => return Err(error),
        }
    }
    Ok(done)
}

/// Returns how many bytes have left, also before an error.
fn send_batch(
    fd: BorrowedFd<'_>,
    limit: &Limit,
    batch: &[u8],
    segment: usize,
    route: &Route,
) -> (usize, io::Result<()>) {
    if batch.len() > segment
        && segment < limit.0.load(Ordering::Relaxed)
        && let Ok(cut) = u16::try_from(segment)
    {
        match message::send(fd, batch, route, Some(cut)) {
            Err(error) if refused(&error) => limit.remember_refusal(&error, segment),
            Err(error) => return (0, Err(error)),
            Ok(()) => return (batch.len(), Ok(())),
        }
    }
    let mut done = 0;
    for datagram in batch.chunks(segment) {
        if let Err(error) = message::send(fd, datagram, route, None) {
            return (done, Err(error));
        }
        done += datagram.len();
    }
    (done, Ok(()))
}

/// How many bytes to hand over in one call: a whole number of segments within both limits, at least one.
fn batch_bytes(segment: usize) -> usize {
    segment.saturating_mul((MAX_BYTES / segment).clamp(1, MAX_SEGMENTS))
}

/// Errors that say "I will not cut this", not "this cannot be sent": no offload in the card (EIO), segments that do not fit
/// the link with their headers (EINVAL, EMSGSIZE), a kernel without the feature.
fn refused(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            nix::libc::EIO
                | nix::libc::EINVAL
                | nix::libc::EMSGSIZE
                | nix::libc::EOPNOTSUPP
                | nix::libc::ENOPROTOOPT
        )
    )
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_batch_is_whole_segments_within_the_kernels_limits() {
        for segment in 1..=70_000 {
            let batch = batch_bytes(segment);
            assert_eq!(batch % segment, 0);
            assert!(batch >= segment && batch / segment <= MAX_SEGMENTS);
            assert!(batch <= MAX_BYTES || batch == segment);
        }
    }

    #[test]
    fn segments_arrive_as_the_datagrams_they_were() {
        let one = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let [server, client] = [(); 2].map(|()| UdpSocket::bind((one, 0)).unwrap());
        server.set_nonblocking(true).unwrap();
        let bytes: Vec<u8> = (0..20_000u32).map(|at| (at % 251) as u8).collect();
        let route = Route { to: server.local_addr().unwrap(), from: Some(one), interface: None };
        for limit in [Limit::none(), Limit(AtomicUsize::new(0))] {
            assert_eq!(send(client.as_fd(), &limit, &bytes, 1404, &route).unwrap(), bytes.len());
            let mut buffer = [0; 2000];
            for expected in bytes.chunks(1404) {
                let len = server.recv(&mut buffer).unwrap();
                assert_eq!(&buffer[..len], expected);
            }
            assert_eq!(server.recv(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
        assert!(send(client.as_fd(), &Limit::none(), &bytes, 0, &route).is_err());
        assert_eq!(send(client.as_fd(), &Limit::none(), &[], 512, &route).unwrap(), 0);
        let nowhere = Route { to: SocketAddr::new(Ipv4Addr::new(127, 0, 0, 1).into(), 0), ..route };
        assert!(send(client.as_fd(), &Limit::none(), &bytes, 1404, &nowhere).is_err());
    }
}
