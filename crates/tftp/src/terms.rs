//! What client and server agree on before the first block.

use crate::limits::Limits;
use crate::options::{MIN_BLOCK_SIZE, PeerOptions};
use crate::packet::opcode;

/// Block size without negotiation (RFC 1350), bytes.
pub(crate) const CLASSIC_BLOCK: u16 = 512;

/// Largest window that leaves a block number and its echo apart, given 16-bit numbers on the wire.
const WIDEST_WINDOW: u16 = 32767;

/// The agreed values. Each is at most what the client asked for; what it did not ask for has the value of RFC 1350.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Bytes of content in every block but the last, 8 to 65464.
    pub block_size: u16,
    /// Blocks sent before an ACK is awaited; 1 is lockstep.
    pub window: u16,
    /// Seconds between retransmissions, if the client asked for a number.
    pub timeout: Option<u8>,
    asked: PeerOptions,
}

impl Terms {
    /// Brings the client's wishes within the limits.
    pub(crate) fn agree(asked: PeerOptions, limits: &Limits) -> Self {
        let max_block = limits.max_block.max(MIN_BLOCK_SIZE);
        let max_window = limits.max_window.clamp(1, WIDEST_WINDOW);
        Self {
            block_size: asked.blksize.map_or(CLASSIC_BLOCK, |size| size.min(max_block)),
            window: asked.windowsize.map_or(1, |blocks| blocks.min(max_window).max(1)),
            timeout: asked.timeout.filter(|seconds| *seconds > 0),
            asked,
        }
    }

    /// Whether the client asked for the size. With an abort before the first block it was a size probe.
    #[must_use]
    pub fn asked_size(&self) -> bool {
        self.asked.tsize
    }

    /// Whether the client asked for any option that we answer.
    pub(crate) fn any_asked(&self) -> bool {
        self.asked != PeerOptions::default()
    }

    /// The OACK packet (RFC 2347): the options asked for and nothing else, at most 100 bytes.
    pub(crate) fn oack(&self, size: u64) -> Vec<u8> {
        let mut packet = opcode::OACK.to_be_bytes().to_vec();
        let mut answer = |name: &str, value: u64| {
            for field in [name, &value.to_string()] {
                packet.extend_from_slice(field.as_bytes());
                packet.push(0);
            }
        };
        if self.asked.tsize {
            answer("tsize", size);
        }
        if self.asked.blksize.is_some() {
            answer("blksize", self.block_size.into());
        }
        if let Some(seconds) = self.timeout {
            answer("timeout", seconds.into());
        }
        if self.asked.windowsize.is_some() {
            answer("windowsize", self.window.into());
        }
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(blksize: Option<u16>, tsize: bool, timeout: Option<u8>, windowsize: Option<u16>) -> PeerOptions {
        PeerOptions { blksize, tsize, timeout, windowsize }
    }

    #[test]
    fn without_options_it_is_rfc_1350() {
        let terms = Terms::agree(PeerOptions::default(), &Limits::default());
        assert_eq!((terms.block_size, terms.window), (512, 1));
        assert!(!terms.any_asked());
    }

    #[test]
    fn oack_has_what_was_asked_and_nothing_else() {
        let limits = Limits::default();
        let oack = |options| Terms::agree(options, &limits).oack(5_000_000_000);
        assert_eq!(oack(asked(None, true, None, None)), b"\0\x06tsize\x005000000000\0");
        assert_eq!(oack(asked(Some(512), false, None, Some(4))), b"\0\x06blksize\x00512\0windowsize\x004\0");
        assert_eq!(oack(asked(None, false, Some(255), None)), b"\0\x06timeout\x00255\0");
        let longest = Terms::agree(
            asked(Some(65464), true, Some(255), Some(65535)),
            &Limits { max_block: 65464, max_window: u16::MAX, ..limits },
        );
        assert!(longest.oack(u64::MAX).len() <= 100);
    }

    #[test]
    fn answers_are_never_larger_than_the_limits_or_the_wish() {
        let terms = Terms::agree(asked(Some(65464), true, None, Some(65535)), &Limits::default());
        assert_eq!((terms.block_size, terms.window), (1468, 64));
        let terms = Terms::agree(asked(Some(8), true, None, Some(1)), &Limits::default());
        assert_eq!((terms.block_size, terms.window), (8, 1));
    }

    #[test]
    fn absurd_limits_still_give_a_working_transfer() {
        let limits = Limits { max_block: 0, max_window: 0, ..Limits::default() };
        let terms = Terms::agree(asked(Some(1468), false, None, Some(4)), &limits);
        assert_eq!((terms.block_size, terms.window), (8, 1));
    }
}
