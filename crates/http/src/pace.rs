//! How fast one client is served.

use std::num::NonZeroU64;

use std::os::fd::AsFd as _;

use tokio::net::TcpStream;

use crate::admission::Place;

/// A connection's part of what its client may have: clients with several connections share it among them.
pub(crate) struct Pace {
    rate: Option<NonZeroU64>,
    /// Among how many connections it is shared just now.
    among: usize,
}

impl Pace {
    pub(crate) fn new(rate: Option<NonZeroU64>) -> Self {
        Self { rate, among: 0 }
    }

    /// Tells the kernel, where the number of connections has changed.
    pub(crate) fn keep(&mut self, stream: &TcpStream, place: &Place) {
        let Some(rate) = self.rate else { return };
        let among = place.count().max(1);
        if among != self.among {
            self.among = among;
            if let Err(error) = nextboot_net::pace(stream.as_fd(), Some(share(rate, among))) {
                tracing::debug!(%error, "cannot limit the rate of a connection");
            }
        }
    }
}

fn share(rate: NonZeroU64, among: usize) -> u64 {
    (rate.get() / among as u64).max(1)
}
