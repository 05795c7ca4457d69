//! What one transfer may cost us.

use std::time::Duration;

/// Bounds of one transfer. The defaults fit Ethernet with an MTU of 1500 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest block agreed to, bytes. Set it to the arriving interface's MTU less 32 for IPv4 and 52 for IPv6: many boot ROMs
    /// cannot put fragments together. A client that asks for no block size gets 512 in any case (RFC 1350).
    pub max_block: u16,
    /// Largest window agreed to, blocks; never more than 32767, so that a block number can be told from its echo.
    pub max_window: u16,
    /// Most bytes, headers included, in one [`Run`](crate::Run); a single block is always allowed. The default fits one UDP
    /// segmentation offload.
    pub max_run: usize,
    /// First wait for an answer before sending again; doubled with each silence. A client's `timeout` option takes its place
    /// and is not doubled: the client said when it expects us.
    pub interval: Duration,
    /// Longest wait between two retransmissions, unless the client's own `timeout` is longer.
    pub max_interval: Duration,
    /// How often the first packet is sent again to a client that has never answered. Small, because the request's sender
    /// address may be forged and then every packet hits somebody innocent.
    pub greeting_retries: u8,
    /// How often a window is sent again without any progress.
    pub retries: u8,
    /// A transfer without progress for this long ends, whatever the client agreed or sends. A client with a `timeout` above
    /// half of this gets two of its own intervals.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_block: 1468,
            max_window: 64,
            max_run: 65_000,
            interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(8),
            greeting_retries: 3,
            retries: 6,
            idle: Duration::from_secs(60),
        }
    }
}
