//! Many equal datagrams in one system call (UDP generic segmentation offload, Linux 4.18). It is what makes a TFTP window
//! cheap: per datagram it costs about a third of a call to `sendmsg` each.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;

use super::UdpSocket;
use super::message::{self, Route};

/// The kernel cuts at most 64 datagrams from one call (`UDP_MAX_SEGMENTS` before Linux 6.9; 128 since).
const MAX_SEGMENTS: usize = 64;

/// What one call may carry in all: the largest IPv4 packet without its IP and UDP headers.
const MAX_BYTES: usize = 65_507;

impl UdpSocket {
    /// Sends `bytes` as datagrams of `segment` bytes each; the last may be shorter. The route is as in
    /// [`send`](Self::send). Where the kernel or the network card cannot cut, they are sent one by one: the wire is the same.
    ///
    /// # Errors
    /// As [`send`](Self::send); and a `segment` of 0 is refused. After an error a part of the datagrams may have left.
    pub async fn send_segmented(
        &self,
        bytes: &[u8],
        segment: usize,
        to: SocketAddr,
        from: Option<IpAddr>,
        interface: Option<u32>,
    ) -> io::Result<()> {
        if segment == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "datagrams of 0 bytes"));
        }
        let route = Route { to, from, interface };
        for batch in bytes.chunks(batch_bytes(segment)) {
            if batch.len() > segment && segment < self.segment_limit.load(Ordering::Relaxed) {
                match self.send_batch(batch, segment, &route).await {
                    Err(error) if refused(&error) => self.remember_refusal(&error, segment),
                    done => {
                        done?;
                        continue;
                    }
                }
            }
            for datagram in batch.chunks(segment) {
                self.when_writable(|| message::send(&self.io, datagram, &route, None)).await?;
            }
        }
        Ok(())
    }

    async fn send_batch(&self, batch: &[u8], segment: usize, route: &Route) -> io::Result<()> {
        let cut = u16::try_from(segment)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "segments over 65,535 bytes"))?;
        self.when_writable(|| message::send(&self.io, batch, route, Some(cut))).await
    }

    /// EIO: the network card cannot do checksums, so the kernel cuts nothing, whatever its size. Else it was this size.
    fn remember_refusal(&self, error: &io::Error, segment: usize) {
        let limit = if error.raw_os_error() == Some(nix::libc::EIO) { 0 } else { segment };
        self.segment_limit.fetch_min(limit, Ordering::Relaxed);
    }
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
}
