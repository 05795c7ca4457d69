use std::fmt;
use std::net::Ipv4Addr;

use super::header::{COOKIE, HEADER_SIZE, Header};
use super::options::{Encapsulated, Place, RawOption, walk};
use super::{Kind, code};

/// A packet that came. Reading is tolerant: only a packet without a whole header is refused, and whoever has read one
/// looks himself for what he minds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The fixed fields.
    pub header: Header,
    /// All bytes of the packet.
    pub bytes: Vec<u8>,
    /// The four bytes of RFC 2131's cookie were there. Without them no options are read.
    pub cookie: bool,
    /// Every option in its order: those behind the cookie, then by option 52 those in `file` and in `sname`.
    pub options: Vec<RawOption>,
    /// The options behind the cookie were closed with END.
    pub end: bool,
    /// The bytes behind END, or from the option on that claims more bytes than there are; padding too.
    pub tail: Vec<u8>,
    /// Option codes in the order of their first appearance, each with its parts joined (RFC 3396).
    joined: Vec<(u8, Vec<u8>)>,
}

/// The packet is shorter than the fixed fields: this many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable(pub usize);

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes are less than a header of {HEADER_SIZE}", self.0)
    }
}

impl std::error::Error for Unreadable {}

impl Received {
    /// Reads a UDP payload.
    ///
    /// # Errors
    /// When it is shorter than the fixed fields.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_SIZE>() else {
            return Err(Unreadable(bytes.len()));
        };
        let mut packet = Self {
            header: Header::read(header),
            bytes: bytes.to_vec(),
            cookie: false,
            options: Vec::new(),
            end: false,
            tail: rest.to_vec(),
            joined: Vec::new(),
        };
        if let Some(area) = rest.strip_prefix(&COOKIE) {
            packet.cookie = true;
            let found = walk(area);
            packet.end = found.end;
            packet.tail = found.rest.to_vec();
            packet.add(Place::Options, &found.options);
            packet.read_overloaded();
        }
        Ok(packet)
    }

    fn read_overloaded(&mut self) {
        let which = self.u8(code::OVERLOAD).unwrap_or_default();
        if which & 1 != 0 {
            let file = self.header.file;
            self.add(Place::File, &walk(&file).options);
        }
        if which & 2 != 0 {
            let sname = self.header.sname;
            self.add(Place::Sname, &walk(&sname).options);
        }
    }

    fn add(&mut self, place: Place, options: &[(u8, &[u8])]) {
        for &(code, value) in options {
            self.options.push(RawOption { place, code, value: value.to_vec() });
            match self.joined.iter_mut().find(|(own, _)| *own == code) {
                Some((_, joined)) => joined.extend_from_slice(value),
                None => self.joined.push((code, value.to_vec())),
            }
        }
    }

    /// Option 53; nothing in BOOTP.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.u8(code::MESSAGE_TYPE).map(Kind)
    }

    /// The value of an option with all its parts joined, in their order (RFC 3396).
    #[must_use]
    pub fn value(&self, code: u8) -> Option<&[u8]> {
        self.joined.iter().find(|(own, _)| *own == code).map(|(_, value)| value.as_slice())
    }

    /// True when the option is there, also with no value.
    #[must_use]
    pub fn has(&self, code: u8) -> bool {
        self.value(code).is_some()
    }

    /// The codes that are there, in the order of their first appearance.
    #[must_use]
    pub fn codes(&self) -> Vec<u8> {
        self.joined.iter().map(|(code, _)| *code).collect()
    }

    /// An option of exactly one byte.
    #[must_use]
    pub fn u8(&self, code: u8) -> Option<u8> {
        self.exact(code).map(|[byte]| byte)
    }

    /// An option of exactly two bytes.
    #[must_use]
    pub fn u16(&self, code: u8) -> Option<u16> {
        self.exact(code).map(u16::from_be_bytes)
    }

    /// An option of exactly four bytes, as a number: the times of options 51, 58 and 59 in seconds.
    #[must_use]
    pub fn u32(&self, code: u8) -> Option<u32> {
        self.exact(code).map(u32::from_be_bytes)
    }

    /// An option of exactly four bytes, as an address.
    #[must_use]
    pub fn address(&self, code: u8) -> Option<Ipv4Addr> {
        self.exact::<4>(code).map(Ipv4Addr::from)
    }

    /// An option that lists addresses; nothing when its length is no multiple of four.
    #[must_use]
    pub fn addresses(&self, code: u8) -> Option<Vec<Ipv4Addr>> {
        let (addresses, rest) = self.value(code)?.as_chunks::<4>();
        rest.is_empty().then(|| addresses.iter().copied().map(Ipv4Addr::from).collect())
    }

    /// An option as text, without zero bytes at its end, with replacement characters for what is no UTF-8.
    #[must_use]
    pub fn text(&self, code: u8) -> Option<String> {
        let text = String::from_utf8_lossy(self.value(code)?);
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// Option 54.
    #[must_use]
    pub fn server_id(&self) -> Option<Ipv4Addr> {
        self.address(code::SERVER_ID)
    }

    /// The sub-options of an option.
    #[must_use]
    pub fn encapsulated(&self, code: u8) -> Option<Encapsulated> {
        self.value(code).map(Encapsulated::read)
    }

    fn exact<const N: usize>(&self, code: u8) -> Option<[u8; N]> {
        self.value(code)?.try_into().ok()
    }
}
