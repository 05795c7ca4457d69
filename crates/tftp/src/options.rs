//! The options of a request (RFC 2347 and the RFCs of the single options), as far as they make sense.

/// How many options of one request are looked at. Real clients send up to five.
pub const MAX_OPTIONS: usize = 16;

/// Largest block size there is (RFC 2348): a UDP datagram over IPv4 less the headers, rounded down by the RFC's authors.
pub const MAX_BLOCK_SIZE: u16 = 65464;

/// Smallest block size there is (RFC 2348).
pub const MIN_BLOCK_SIZE: u16 = 8;

/// The options that a client asked for and that we know. Unknown names and values without a meaning are not here: RFC 2347
/// says to ignore them. Of a repeated option the first counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PeerOptions {
    /// `blksize` (RFC 2348), bytes, 8 to 65464. Larger numbers (some ask for 65535) are brought down, smaller ones ignored.
    pub blksize: Option<u16>,
    /// `tsize` (RFC 2349): the client wants to know the size. Any number does, though RFC 2349 wants 0.
    pub tsize: bool,
    /// `timeout` (RFC 2349), seconds, 1 to 255. Others are ignored: the answer would have to be the same number.
    pub timeout: Option<u8>,
    /// `windowsize` (RFC 7440), blocks, 1 to 65535. Larger numbers are brought down, 0 is ignored.
    pub windowsize: Option<u16>,
}

impl PeerOptions {
    /// Reads the fields behind the mode: names and values in turn. Empty names are stray NULs and are skipped.
    pub(crate) fn read<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut options = Self::default();
        for _ in 0..MAX_OPTIONS {
            let Some(name) = fields.find(|field| !field.is_empty()) else {
                break;
            };
            let Some(value) = fields.next() else { break };
            if let Some(value) = number(value) {
                options.take(name, value);
            }
        }
        options
    }

    fn take(&mut self, name: &[u8], value: u64) {
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        if is("blksize") && value >= u64::from(MIN_BLOCK_SIZE) {
            let size = u16::try_from(value).unwrap_or(u16::MAX).min(MAX_BLOCK_SIZE);
            self.blksize.get_or_insert(size);
        } else if is("tsize") {
            self.tsize = true;
        } else if is("timeout") && value >= 1 {
            self.timeout = self.timeout.or_else(|| u8::try_from(value).ok());
        } else if is("windowsize") && value >= 1 {
            self.windowsize.get_or_insert_with(|| u16::try_from(value).unwrap_or(u16::MAX));
        }
    }
}

/// A decimal number; one that is too large for 64 bits is the largest there is.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> PeerOptions {
        PeerOptions::read(text.split('/').map(str::as_bytes))
    }

    #[test]
    fn names_are_known_in_any_case() {
        let all = read("BLKSIZE/1432/TSize/0/Timeout/3/WindowSize/16");
        assert_eq!(
            all,
            PeerOptions { blksize: Some(1432), tsize: true, timeout: Some(3), windowsize: Some(16) }
        );
    }

    #[test]
    fn block_size_65535_and_beyond_is_brought_down() {
        assert_eq!(read("blksize/65535").blksize, Some(MAX_BLOCK_SIZE));
        assert_eq!(read("blksize/99999999999999999999999").blksize, Some(MAX_BLOCK_SIZE));
        assert_eq!(read("windowsize/65536").windowsize, Some(65535));
    }

    #[test]
    fn values_without_meaning_are_ignored() {
        for odd in [
            "blksize/7",
            "blksize/-5",
            "blksize/14x8",
            "blksize/",
            "blksize/0x400",
            "blksize/+512",
            "blksize/\u{661}",
            "timeout/0",
            "timeout/256",
            "windowsize/0",
            "tsize/",
            "tsize/big",
            "blksize",
        ] {
            assert_eq!(read(odd), PeerOptions::default(), "{odd}");
        }
    }

    #[test]
    fn unknown_options_do_not_disturb_their_neighbours() {
        assert_eq!(read("multicast//utimeout/100000/blksize/1024").blksize, Some(1024));
    }

    #[test]
    fn first_of_a_repeated_option_counts() {
        let twice = read("blksize/1024/blksize/512/timeout/2/timeout/9/windowsize/4/windowsize/8");
        assert_eq!((twice.blksize, twice.timeout, twice.windowsize), (Some(1024), Some(2), Some(4)));
    }

    #[test]
    fn only_so_many_options_are_looked_at() {
        let many = format!("{}blksize/1024", "x/1/".repeat(MAX_OPTIONS));
        assert_eq!(read(&many).blksize, None);
    }
}
