//! Where the body of a request ends: RFC 9112 sections 6 and 7.1.

use crate::request::{Fields, Only};

/// Longest line that tells the size of a chunk, its extensions included, bytes.
const LINE: usize = 256;
/// Most bytes behind the last chunk.
const TRAILER: usize = 4096;

/// What is wrong with a body, in words for the one who sent it.
pub(crate) type BadBody = &'static str;

/// Takes a body out of what a connection carries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    state: State,
    /// A line that is not at its end yet.
    line: Vec<u8>,
    trailer: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes are left.
    Length(u64),
    /// The line with the size of the next chunk comes.
    Size,
    /// So many bytes of the chunk are left.
    Chunk(u64),
    /// The line break behind a chunk comes.
    Break,
    /// Lines behind the last chunk, to an empty one.
    Trailer,
    Done,
}

impl Framing {
    /// As the head of the request tells. Two ways of telling, or one that is not clear, are how requests are smuggled.
    pub(crate) fn of(fields: Fields<'_>) -> Result<Self, BadBody> {
        let state = match (fields.only("Transfer-Encoding"), fields.only("Content-Length")) {
            (Only::Absent, Only::Value(length)) => {
                let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
                let length = length.parse().ok().filter(|_| digits);
                length.map(State::Length).ok_or("Content-Length is no number")?
            }
            (Only::Value(coding), Only::Absent) if coding.eq_ignore_ascii_case("chunked") => State::Size,
            (Only::Absent, Only::Absent) => return Err("there is no body"),
            _ => return Err("it is not clear where the body ends"),
        };
        let state = if state == State::Length(0) { State::Done } else { state };
        Ok(Self { state, line: Vec::new(), trailer: 0 })
    }

    /// How long the body is, where the head tells.
    pub(crate) fn length(&self) -> Option<u64> {
        match self.state {
            State::Length(length) => Some(length),
            State::Done => Some(0),
            _ => None,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Adds to `out` what of `bytes` is of the body. Returns how many bytes it took: fewer than all only at the body's end.
    pub(crate) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, BadBody> {
        let mut at = 0;
        while self.state != State::Done {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            match self.state {
                State::Length(left) | State::Chunk(left) => {
                    let len = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    out.extend_from_slice(rest.get(..len).unwrap_or_default());
                    at += len;
                    let left = left - len as u64;
                    self.state = match self.state {
                        State::Length(_) if left == 0 => State::Done,
                        State::Length(_) => State::Length(left),
                        _ if left == 0 => State::Break,
                        _ => State::Chunk(left),
                    };
                }
                State::Size | State::Break | State::Trailer => {
                    let end = rest.iter().position(|byte| *byte == b'\n');
                    let piece = rest.get(..end.map_or(rest.len(), |end| end + 1)).unwrap_or_default();
                    at += piece.len();
                    self.line.extend_from_slice(piece);
                    if self.line.len() > LINE && self.state != State::Trailer {
                        return Err("the size of a chunk is too long");
                    }
                    if self.state == State::Trailer {
                        self.trailer += piece.len();
                        if self.trailer > TRAILER {
                            return Err("too much follows the last chunk");
                        }
                    }
                    if end.is_some() {
                        let line = std::mem::take(&mut self.line);
                        self.state =
                            self.after(line.strip_suffix(b"\r\n").ok_or("a line does not end as it must")?)?;
                    }
                }
                State::Done => {}
            }
        }
        Ok(at)
    }

    /// What comes after this line.
    fn after(&self, line: &[u8]) -> Result<State, BadBody> {
        match self.state {
            State::Break if line.is_empty() => Ok(State::Size),
            State::Break => Err("a chunk is longer than its size"),
            State::Trailer if line.is_empty() => Ok(State::Done),
            State::Size => match size(line).ok_or("the size of a chunk is no number")? {
                0 => Ok(State::Trailer),
                size => Ok(State::Chunk(size)),
            },
            state => Ok(state),
        }
    }
}

/// At most 16 hexadecimal digits; what stands behind a semicolon means nothing.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
    let sound = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    u64::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| sound)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use httparse::Header;
    use proptest::prelude::*;

    use super::*;

    fn framing(fields: &[(&'static str, &'static str)]) -> Result<Framing, BadBody> {
        let headers: Vec<_> =
            fields.iter().map(|&(name, value)| Header { name, value: value.as_bytes() }).collect();
        Framing::of(Fields(&headers))
    }

    fn read(mut framing: Framing, bytes: &[u8], piece: usize) -> Result<(String, usize), BadBody> {
        let (mut out, mut taken) = (Vec::new(), 0);
        for piece in bytes.chunks(piece.max(1)) {
            let took = framing.take(piece, &mut out)?;
            taken += took;
            if framing.is_done() {
                return Ok((String::from_utf8(out).unwrap(), taken));
            }
            assert_eq!(took, piece.len());
        }
        Err("more is to come")
    }

    #[test]
    fn a_body_ends_where_its_head_or_its_chunks_say() {
        let chunks = "3;x=y\r\nabc\r\nA \r\n0123456789\r\n0\r\nX: y\r\n\r\nGET";
        for piece in [1, 2, 3, 100] {
            let length = framing(&[("content-length", "3")]).unwrap();
            assert_eq!(read(length, b"abcGET", piece), Ok(("abc".into(), 3)));
            let chunked = framing(&[("Transfer-Encoding", "Chunked")]).unwrap();
            assert_eq!(
                read(chunked, chunks.as_bytes(), piece),
                Ok(("abc0123456789".into(), chunks.len() - 3))
            );
        }
        assert!(framing(&[("content-length", "0")]).unwrap().is_done());
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        for fields in [
            &[][..],
            &[("content-length", "")],
            &[("content-length", "-1")],
            &[("content-length", "+1")],
            &[("content-length", "1, 1")],
            &[("content-length", "99999999999999999999")],
            &[("content-length", "1"), ("content-length", "1")],
            &[("content-length", "1"), ("transfer-encoding", "chunked")],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", "identity")],
        ] {
            assert!(framing(fields).is_err(), "{fields:?}");
        }
        for chunks in
            ["x\r\n", "\r\n", "-1\r\n", "3\nabc", "3\r\nabcd\r\n", "10000000000000000\r\n", "3\r\nabc0\r\n"]
        {
            let chunked = framing(&[("transfer-encoding", "chunked")]).unwrap();
            let outcome = read(chunked, chunks.as_bytes(), 1);
            assert!(outcome.is_err_and(|why| why != "more is to come"), "{chunks:?}");
        }
        let long = [format!("3;{}", "x".repeat(300)), format!("0\r\n{}", "x: y\r\n".repeat(1000))];
        for chunks in long {
            let chunked = framing(&[("transfer-encoding", "chunked")]).unwrap();
            assert!(read(chunked, chunks.as_bytes(), 50).is_err_and(|why| why != "more is to come"));
        }
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange(text in "([0-9a-f]{1,3}\r\n|[a-z]{0,6}|\r|\n|;){0,30}", piece in 1usize..9) {
            let chunked = || framing(&[("transfer-encoding", "chunked")]).unwrap();
            prop_assert_eq!(read(chunked(), text.as_bytes(), piece), read(chunked(), text.as_bytes(), text.len()));
        }
    }
}
