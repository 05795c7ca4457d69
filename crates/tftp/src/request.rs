//! The datagram that lands on the well-known port: a request, or something to refuse.

use thiserror::Error;

use crate::name;
use crate::options::PeerOptions;
use crate::packet::{ErrorCode, be16, error_packet, opcode};

/// Longest file name accepted, in bytes as sent. PXELINUX knows at most 251.
pub const MAX_NAME: usize = 512;

/// Transfer mode that was asked for. All three are served as [`Mode::Octet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Bytes as they are.
    Octet,
    /// Text with CR LF line ends. No boot firmware asks for it; it gets the bytes as they are.
    Netascii,
    /// Obsolete since RFC 1350; it gets the bytes as they are.
    Mail,
}

/// A read request (RFC 1350 section 5, options by RFC 2347).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The file name, never empty, without control characters, at most [`MAX_NAME`] bytes of the client's text. TFTP's own
    /// spellings (`::`, `tftp://`) and trailing garbage are gone; slashes, backslashes and dots are still as the client sent them.
    pub name: String,
    /// Whether the name on the wire was another one (trailing 0xFF, `::`, bytes that are not UTF-8): worth a word in the log.
    pub repaired: bool,
    /// The mode asked for.
    pub mode: Mode,
    /// The options asked for that we know and whose values make sense.
    pub options: PeerOptions,
}

/// Why a datagram on the well-known port starts no transfer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reject {
    /// Not a request at all. Gets no answer: an answer to a stray ERROR, DATA or ACK, or to a service that answers everything,
    /// could go round for ever.
    #[error("not a TFTP request")]
    NotARequest,
    /// A write request for this name.
    #[error("write request for {name:?}: this server is read-only")]
    Write {
        /// The name, tidied like [`Request::name`] and cut to a log line's length.
        name: String,
    },
    /// There is no file name, or nothing is left of it.
    #[error("the request names no file")]
    NoName,
    /// The file name is longer than [`MAX_NAME`].
    #[error("the file name is longer than {MAX_NAME} bytes")]
    NameTooLong,
    /// The file name has control characters inside.
    #[error("the file name contains control characters")]
    NameUnprintable,
    /// The mode is missing or unknown.
    #[error("the request names no known transfer mode")]
    UnknownMode,
}

impl Reject {
    /// The ERROR packet to send back, or `None` for silence.
    #[must_use]
    pub fn reply(&self) -> Option<Vec<u8>> {
        let (code, text) = match self {
            Self::NotARequest => return None,
            Self::Write { .. } => (ErrorCode::AccessViolation, "this server is read-only"),
            Self::NoName => (ErrorCode::IllegalOperation, "the request names no file"),
            Self::NameTooLong => (ErrorCode::IllegalOperation, "the file name is too long"),
            Self::NameUnprintable => {
                (ErrorCode::IllegalOperation, "the file name contains control characters")
            }
            Self::UnknownMode => (ErrorCode::IllegalOperation, "the transfer mode is missing or unknown"),
        };
        Some(error_packet(code, text))
    }
}

impl Request {
    /// Reads a datagram that arrived on the well-known port.
    ///
    /// Tolerant where firmware is careless: a missing last NUL, extra NULs between the fields and stray bytes behind them are
    /// fine; options that are unknown or make no sense are ignored (RFC 2347).
    ///
    /// # Errors
    /// A [`Reject`] says what is wrong and which packet, if any, to answer with.
    pub fn parse(datagram: &[u8]) -> Result<Self, Reject> {
        let kind = be16(datagram, 0).ok_or(Reject::NotARequest)?;
        let mut fields = datagram.get(2..).unwrap_or_default().split(|byte| *byte == 0);
        let sent = fields.next().unwrap_or_default();
        match kind {
            opcode::RRQ => {}
            opcode::WRQ => return Err(write(sent)),
            _ => return Err(Reject::NotARequest),
        }
        if sent.len() > MAX_NAME {
            return Err(Reject::NameTooLong);
        }
        let (name, repaired) = name::tidy(sent);
        if name.is_empty() {
            return Err(Reject::NoName);
        }
        if name.chars().any(char::is_control) {
            return Err(Reject::NameUnprintable);
        }
        let mode = fields.find(|field| !field.is_empty()).and_then(mode).ok_or(Reject::UnknownMode)?;
        Ok(Self { name, repaired, mode, options: PeerOptions::read(fields) })
    }
}

fn mode(field: &[u8]) -> Option<Mode> {
    let known = |word: &str| field.eq_ignore_ascii_case(word.as_bytes());
    if known("octet") {
        Some(Mode::Octet)
    } else if known("netascii") {
        Some(Mode::Netascii)
    } else if known("mail") {
        Some(Mode::Mail)
    } else {
        None
    }
}

fn write(sent: &[u8]) -> Reject {
    let start = sent.get(..sent.len().min(80)).unwrap_or_default();
    Reject::Write { name: name::tidy(start).0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(bytes: &[u8]) -> Request {
        Request::parse(bytes).expect("a good request")
    }

    fn refusal(bytes: &[u8]) -> (Reject, Option<Vec<u8>>) {
        let reject = Request::parse(bytes).expect_err("a bad request");
        let reply = reject.reply();
        (reject, reply)
    }

    #[test]
    fn edk2_size_probe_is_understood() {
        let request = parse(
            b"\0\x01debian-installer/amd64/bootnetx64.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0",
        );
        assert_eq!(request.name, "debian-installer/amd64/bootnetx64.efi");
        assert_eq!(request.mode, Mode::Octet);
        assert!(!request.repaired);
        assert_eq!(
            request.options,
            PeerOptions { blksize: Some(1468), tsize: true, timeout: None, windowsize: Some(4) }
        );
    }

    #[test]
    fn modes_are_known_in_any_case() {
        assert_eq!(parse(b"\0\x01a\0OcTeT\0").mode, Mode::Octet);
        assert_eq!(parse(b"\0\x01a\0NETASCII\0").mode, Mode::Netascii);
        assert_eq!(parse(b"\0\x01a\0mail\0").mode, Mode::Mail);
    }

    #[test]
    fn missing_last_nul_is_tolerated() {
        assert_eq!(parse(b"\0\x01a\0octet").name, "a");
        assert_eq!(parse(b"\0\x01a\0octet\0blksize\x001408").options.blksize, Some(1408));
    }

    #[test]
    fn stray_nuls_and_bytes_are_tolerated() {
        for odd in [
            &b"\0\x01a\0octet\0\0"[..],
            b"\0\x01a\0octet\0\0\0\0\0\0",
            b"\0\x01a\0\0octet\0",
            b"\0\x01a\0octet\0\xff\xff",
            b"\0\x01a\xff\0octet\0",
            b"\0\x01a\0octet\0junk",
        ] {
            let request = parse(odd);
            assert_eq!((request.name.as_str(), request.options), ("a", PeerOptions::default()), "{odd:?}");
        }
        assert_eq!(parse(b"\0\x01a\0octet\0\0blksize\x001024\0").options.blksize, Some(1024));
    }

    #[test]
    fn write_requests_get_error_2() {
        let (reject, reply) = refusal(b"\0\x02upload\0octet\0");
        assert_eq!(reject, Reject::Write { name: "upload".to_owned() });
        assert_eq!(reply.expect("an answer")[..4], [0, 5, 0, 2]);
    }

    #[test]
    fn malformed_requests_get_error_4() {
        let long = [b"\0\x01".as_slice(), &[b'a'; MAX_NAME + 1], b"\0octet\0"].concat();
        for (bytes, why) in [
            (&b"\0\x01"[..], Reject::NoName),
            (b"\0\x01\0octet\0", Reject::NoName),
            (b"\0\x01\xff\0octet\0", Reject::NoName),
            (b"\0\x01a", Reject::UnknownMode),
            (b"\0\x01a\0", Reject::UnknownMode),
            (b"\0\x01a\0b\0octet\0", Reject::UnknownMode),
            (b"\0\x01a\nb\0octet\0", Reject::NameUnprintable),
            (&long, Reject::NameTooLong),
        ] {
            let (reject, reply) = refusal(bytes);
            assert_eq!(reject, why, "{bytes:?}");
            assert_eq!(reply.expect("an answer")[..4], [0, 5, 0, 4]);
        }
    }

    #[test]
    fn longest_name_is_accepted() {
        let bytes = [b"\0\x01".as_slice(), &[b'a'; MAX_NAME], b"\0octet\0"].concat();
        assert_eq!(parse(&bytes).name.len(), MAX_NAME);
    }

    #[test]
    fn what_is_no_request_gets_silence() {
        for bytes in [
            &b""[..],
            b"\0",
            b"\0\x03\0\x01data",
            b"\0\x04\0\x01",
            b"\0\x05\0\x05no\0",
            b"\0\x06blksize\x001\0",
            b"\0\x00",
            b"GET / HTTP/1.0\r\n\r\n",
        ] {
            assert_eq!(refusal(bytes), (Reject::NotARequest, None), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic_and_answers_stay_small(mut bytes in prop::collection::vec(any::<u8>(), 0..700), kind in 0u8..8) {
            if let Some(op) = bytes.get_mut(..2) {
                op.copy_from_slice(&[0, kind]);
            }
            match Request::parse(&bytes) {
                Ok(request) => {
                    prop_assert!(!request.name.is_empty() && !request.name.chars().any(char::is_control));
                    prop_assert!(request.options.blksize.is_none_or(|size| (8..=65464).contains(&size)));
                }
                Err(reject) => prop_assert!(reject.reply().is_none_or(|reply| reply.len() < 64)),
            }
        }
    }
}
