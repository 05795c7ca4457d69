//! The fixed parts of the wire format: operation codes, ERROR packets, and what a client may send to a running transfer.

/// Operation codes (RFC 1350 section 5, RFC 2347 for OACK).
pub(crate) mod opcode {
    pub(crate) const RRQ: u16 = 1;
    pub(crate) const WRQ: u16 = 2;
    pub(crate) const DATA: u16 = 3;
    pub(crate) const ACK: u16 = 4;
    pub(crate) const ERROR: u16 = 5;
    pub(crate) const OACK: u16 = 6;
}

/// Longest text, in bytes, that [`error_packet`] sends: it must fit on one line of a firmware's screen.
pub const MAX_ERROR_TEXT: usize = 120;

/// Longest text, in characters, kept from a client's own ERROR packet.
const MAX_PEER_TEXT: usize = 120;

/// Error codes of ERROR packets (RFC 1350 appendix, RFC 2347 for code 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum ErrorCode {
    /// 0: see the text.
    NotDefined = 0,
    /// 1: there is no such file. Loaders try the next name of their search at once.
    FileNotFound = 1,
    /// 2: there is such a thing, but not for you (write requests, names that leave the root).
    AccessViolation = 2,
    /// 3: disk full. Never sent by a read-only server.
    DiskFull = 3,
    /// 4: the packet makes no sense.
    IllegalOperation = 4,
    /// 5: this port belongs to another client's transfer.
    UnknownTransferId = 5,
    /// 6: file exists already. Never sent by a read-only server.
    FileExists = 6,
    /// 7: no such user. Never sent: there are no users.
    NoSuchUser = 7,
    /// 8: the answer to the options is not acceptable. EDK2 ends its size probe with it.
    OptionNegotiation = 8,
}

/// An ERROR packet, ready to send.
///
/// The text is cut to [`MAX_ERROR_TEXT`] bytes; what is not printable ASCII becomes `?`, because firmware puts it on the
/// screen as it stands and because a name that a client sent must not come back as control characters.
#[must_use]
pub fn error_packet(code: ErrorCode, text: &str) -> Vec<u8> {
    let mut packet = Vec::with_capacity(5 + text.len().min(MAX_ERROR_TEXT));
    packet.extend_from_slice(&opcode::ERROR.to_be_bytes());
    packet.extend_from_slice(&(code as u16).to_be_bytes());
    let printable = |c: char| u8::try_from(c).ok().filter(|b| matches!(b, b' '..=b'~')).unwrap_or(b'?');
    packet.extend(text.chars().map(printable).take(MAX_ERROR_TEXT));
    packet.push(0);
    packet
}

/// The answer to a datagram that reached a transfer's port from somebody else than its client (RFC 1350 section 4).
///
/// `None` when silence is right: only DATA, ACK and OACK are answered, so that two programs can never throw ERRORs at each
/// other for ever.
#[must_use]
pub fn unknown_tid(received: &[u8]) -> Option<Vec<u8>> {
    match be16(received, 0)? {
        opcode::DATA | opcode::ACK | opcode::OACK => {
            Some(error_packet(ErrorCode::UnknownTransferId, "this port serves another transfer"))
        }
        _ => None,
    }
}

/// What the client of a running transfer can say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromClient {
    /// ACK of this block number, as on the wire.
    Ack(u16),
    /// The client gives up. The text is bounded and has no control characters.
    Error { code: u16, text: String },
    /// Anything else; a transfer pays no attention to it.
    Noise,
}

impl FromClient {
    /// Reads one datagram. Bytes behind an ACK are ignored (some ROMs send the whole frame buffer), a short ERROR still counts.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        match (be16(bytes, 0), be16(bytes, 2)) {
            (Some(opcode::ACK), Some(block)) => Self::Ack(block),
            (Some(opcode::ERROR), code) => {
                Self::Error { code: code.unwrap_or(0), text: peer_text(bytes.get(4..).unwrap_or_default()) }
            }
            _ => Self::Noise,
        }
    }
}

/// Text that a client sent, safe to write into a log.
fn peer_text(bytes: &[u8]) -> String {
    let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text)
        .chars()
        .take(MAX_PEER_TEXT)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The big-endian number at `at`, if the packet is that long.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_packet_is_code_text_and_nul() {
        assert_eq!(error_packet(ErrorCode::FileNotFound, "no such file"), b"\0\x05\0\x01no such file\0");
    }

    #[test]
    fn error_text_is_bounded_and_printable() {
        let packet = error_packet(ErrorCode::NotDefined, &"\n\u{e4}\u{1f600}~".repeat(500));
        assert_eq!(packet.len(), 4 + MAX_ERROR_TEXT + 1);
        assert_eq!(&packet[4..8], b"???~");
    }

    #[test]
    fn ack_with_trailing_bytes_is_an_ack() {
        assert_eq!(FromClient::parse(b"\0\x04\x01\x02\0\0junk"), FromClient::Ack(0x0102));
    }

    #[test]
    fn short_ack_is_noise_and_short_error_still_ends() {
        assert_eq!(FromClient::parse(b"\0\x04\x01"), FromClient::Noise);
        assert_eq!(FromClient::parse(b""), FromClient::Noise);
        assert_eq!(FromClient::parse(b"\0\x05"), FromClient::Error { code: 0, text: String::new() });
    }

    #[test]
    fn text_of_a_client_cannot_forge_log_lines_or_fill_memory() {
        let mut packet = b"\0\x05\0\x08a\nb\xff".to_vec();
        packet.extend([b'x'; 9000]);
        let FromClient::Error { code: 8, text } = FromClient::parse(&packet) else {
            panic!("an ERROR packet");
        };
        assert!(text.starts_with("a b\u{fffd}x"));
        assert_eq!(text.chars().count(), MAX_PEER_TEXT);
    }

    #[test]
    fn strangers_get_error_5_but_errors_and_requests_get_silence() {
        let reply = unknown_tid(b"\0\x04\0\x01").expect("an ACK is answered");
        assert_eq!(reply[..4], [0, 5, 0, 5]);
        for silent in [&b"\0\x05\0\x05x\0"[..], b"\0\x01a\0octet\0", b"\0", b"", b"\0\x09"] {
            assert_eq!(unknown_tid(silent), None, "{silent:?}");
        }
    }
}
