use std::{
    io,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use nextboot_net::{BindError, TransferSocket, UdpSocket};

/// Where the datagrams of one transfer come and go.
#[derive(Debug)]
pub(super) enum Port {
    /// A port of its own, as RFC 1350 has it.
    Own(TransferSocket),
    /// The well-known port, shared by all transfers, and the address of ours that was asked: a client drops what comes from
    /// another.
    Shared(Arc<UdpSocket>, IpAddr),
}

impl Port {
    /// Sends `bytes` in datagrams of `segment` bytes as far as there is room; returns how many bytes left.
    pub(super) fn send(&self, bytes: &[u8], segment: usize, to: SocketAddr) -> io::Result<usize> {
        match self {
            Self::Own(socket) => socket.try_send(bytes, segment, to),
            Self::Shared(socket, local) => socket.try_send(bytes, segment, to, *local),
        }
    }
}

/// Binds ports for transfers, in turn where the site says which.
#[derive(Debug, Default)]
pub(super) struct Ports {
    next: AtomicU32,
}

impl Ports {
    /// A free port of the range on this address of ours; any without a range. A port comes again as late as can be: what is
    /// still under way to its last transfer must not reach the next.
    pub(super) fn bind(
        &self,
        local: IpAddr,
        range: Option<&RangeInclusive<u16>>,
    ) -> Result<TransferSocket, BindError> {
        let Some(range) = range else { return TransferSocket::bind(local, 0) };
        let (first, len) = (u32::from(*range.start()), many(range));
        let mut tries = 0;
        loop {
            let at = first + self.next.fetch_add(1, Ordering::Relaxed) % len;
            let port = u16::try_from(at).unwrap_or_else(|_| *range.end());
            let bound = TransferSocket::bind(local, port);
            tries += 1;
            match bound {
                Err(BindError::InUse { .. }) if tries < len => {}
                bound => return bound,
            }
        }
    }
}

/// How many ports a range has.
pub(super) fn many(range: &RangeInclusive<u16>) -> u32 {
    u32::from(range.end().saturating_sub(*range.start())) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn ports_come_from_the_range_each_once_and_the_longest_free_first() {
        // Whichever four neighbours are free here.
        let free = |first: &u16| (*first..first + 4).all(|port| TransferSocket::bind(ONE, port).is_ok());
        let first = (20_000..30_000).step_by(4).find(free).expect("four free ports");
        let (range, ports) = (first..=first + 3, Ports::default());
        let bind = || ports.bind(ONE, Some(&range));
        let mut sockets: Vec<_> = (0..4).map(|_| bind().unwrap()).collect();
        let numbers: Vec<_> = sockets.iter().map(|socket| socket.local_addr().port()).collect();
        assert_eq!(numbers, [first, first + 1, first + 2, first + 3]);
        assert!(matches!(bind(), Err(BindError::InUse { .. })), "all are taken");
        drop(sockets.remove(2));
        assert_eq!(bind().unwrap().local_addr().port(), first + 2);
        sockets.clear();
        let after = bind().unwrap().local_addr().port();
        assert_eq!(after, first + 3, "not the one that was free a moment ago");
    }

    #[test]
    fn both_ends_of_a_range_are_ports() {
        assert_eq!((many(&(5..=5)), many(&(1..=u16::MAX))), (1, 65_535));
    }
}
