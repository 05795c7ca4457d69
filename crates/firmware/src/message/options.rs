use super::code;

/// The part of the packet that an option was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Behind the cookie.
    Options,
    /// In `file`, by option 52.
    File,
    /// In `sname`, by option 52.
    Sname,
}

/// One option as it was on the wire, before parts with the same code are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawOption {
    /// Where it was.
    pub place: Place,
    /// Its number.
    pub code: u8,
    /// Its value; its length was the byte before it.
    pub value: Vec<u8>,
}

/// What a walk over an area of options found.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) options: Vec<(u8, &'a [u8])>,
    pub(super) end: bool,
    /// The bytes behind END, or from the option on that does not fit.
    pub(super) rest: &'a [u8],
}

/// Walks an area of options until END, until nothing is left, or until an option claims more bytes than there are.
pub(super) fn walk(area: &[u8]) -> Walk<'_> {
    let mut options = Vec::new();
    let mut rest = area;
    loop {
        match rest {
            [] => return Walk { options, end: false, rest },
            [code::PAD, more @ ..] => rest = more,
            [code::END, more @ ..] => return Walk { options, end: true, rest: more },
            [code, length, more @ ..] if more.len() >= usize::from(*length) => {
                let (value, more) = more.split_at(usize::from(*length));
                options.push((*code, value));
                rest = more;
            }
            _ => return Walk { options, end: false, rest },
        }
    }
}

/// The sub-options inside a value (of option 43, 82 or 175), in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encapsulated {
    /// Code and value of each.
    pub options: Vec<(u8, Vec<u8>)>,
    /// The value ended with END.
    pub end: bool,
    /// Bytes that are no sub-option: behind END, or of one that claims more than there is.
    pub rest: Vec<u8>,
}

impl Encapsulated {
    /// Reads a value.
    #[must_use]
    pub fn read(value: &[u8]) -> Self {
        let walk = walk(value);
        Self {
            options: walk.options.iter().map(|(code, value)| (*code, value.to_vec())).collect(),
            end: walk.end,
            rest: walk.rest.to_vec(),
        }
    }

    /// The first sub-option with this code.
    #[must_use]
    pub fn value(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(own, _)| *own == code).map(|(_, value)| value.as_slice())
    }
}
