//! How a transfer ended.

/// The end of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The client acknowledged the last block.
    Complete,
    /// Everything was sent and the client answered up to the last window, but its last ACK never came. Some loaders start
    /// what they fetched without sending it, so this is no failure.
    Unconfirmed,
    /// The client sent an ERROR.
    Aborted {
        /// Its code, as sent.
        code: u16,
        /// Its text, bounded and without control characters.
        text: String,
        /// Whether it only wanted to know the size: see [`Outcome::is_probe`].
        probe: bool,
    },
    /// The client went silent.
    TimedOut {
        /// Whether it had answered at all. If not, the request's sender address may have been forged.
        heard: bool,
    },
    /// The client's host says that nobody listens there (ICMP port unreachable): see
    /// [`Transfer::unreachable`](crate::Transfer::unreachable).
    Unreachable,
    /// The client began anew from the same port: see [`Transfer::replaced`](crate::Transfer::replaced).
    Replaced,
    /// We ended it: see [`Transfer::cancel`](crate::Transfer::cancel).
    Cancelled,
}

impl Outcome {
    /// Whether this was a size probe, which is normal and no failure: the client looked at the OACK and sent an ERROR before
    /// any block. EDK2 does that with code 8 ("User aborted the transfer") for every boot file it fetches.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        matches!(self, Self::Aborted { probe: true, .. })
    }

    /// Whether the client has, as far as can be known, the whole file.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        matches!(self, Self::Complete | Self::Unconfirmed)
    }
}
