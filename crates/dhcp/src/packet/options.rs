use std::collections::BTreeMap;

use crate::code;

/// Options by code with their raw values, merged over all places where a code stood (RFC 3396).
///
/// Reading never fails: a value that is cut short keeps the bytes there are, a missing END is no fault, and what stands
/// behind END is ignored. A value is judged only when it is asked for, so a bad one loses nothing but itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<u8, Vec<u8>>);

impl Options {
    /// The options of one area, for example the inside of option 43.
    #[must_use]
    pub fn read(area: &[u8]) -> Self {
        let mut options = Self::default();
        options.walk(area);
        options
    }

    /// The sub-options of an option that knows neither padding nor END, as option 82.
    #[must_use]
    pub fn read_plain(mut area: &[u8]) -> Self {
        let mut options = Self::default();
        while let [code, len, rest @ ..] = area {
            let (value, rest) = rest.split_at(usize::from(*len).min(rest.len()));
            options.0.entry(*code).or_default().extend_from_slice(value);
            area = rest;
        }
        options
    }

    /// The options of a whole message: the option area, then `file`, then `sname` where option 52 says so. Only the option
    /// 52 of the option area counts, so that the fields cannot point at each other.
    pub(super) fn read_message(area: &[u8], file: &[u8], sname: &[u8]) -> Self {
        let mut options = Self::read(area);
        let overload = match options.get(code::OVERLOAD) {
            Some(&[value @ 1..=3]) => value,
            _ => 0,
        };
        if overload & 1 != 0 {
            options.walk(file);
        }
        if overload & 2 != 0 {
            options.walk(sname);
        }
        options
    }

    fn walk(&mut self, mut area: &[u8]) {
        while let Some((&code, rest)) = area.split_first() {
            match code {
                0 => area = rest,
                255 => return,
                _ => {
                    let Some((&len, rest)) = rest.split_first() else { return };
                    let (value, rest) = rest.split_at(usize::from(len).min(rest.len()));
                    self.0.entry(code).or_default().extend_from_slice(value);
                    area = rest;
                }
            }
        }
    }

    /// The raw value; `None` if the code is absent. A value may be empty.
    #[must_use]
    pub fn get(&self, code: u8) -> Option<&[u8]> {
        self.0.get(&code).map(Vec::as_slice)
    }

    /// True if the code is there, whatever its value.
    #[must_use]
    pub fn has(&self, code: u8) -> bool {
        self.0.contains_key(&code)
    }

    /// All options, by rising code.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.0.iter().map(|(code, value)| (*code, value.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_options_are_joined_wherever_they_stand() {
        let mut area = vec![43, 2, 1, 2, 0, 12, 1, b'a', 43, 1, 3];
        let file = [43, 1, 4, 52, 1, 2, 255];
        let sname = [43, 1, 5, 255, 12, 1, b'z'];
        area.extend([52, 1, 3, 255, 12, 1, b'z']);
        let options = Options::read_message(&area, &file, &sname);
        assert_eq!(options.get(43), Some(&[1, 2, 3, 4, 5][..]));
        assert_eq!(options.get(12), Some(&b"a"[..]), "nothing behind END counts");
    }

    #[test]
    fn fields_carry_options_only_where_the_option_area_says_so() {
        let file = [52, 1, 3, 12, 1, b'f', 255];
        let sname = [12, 1, b's', 255];
        for (area, host) in [
            (&[52, 1, 1][..], Some(&b"f"[..])),
            (&[52, 1, 2], Some(b"s")),
            (&[52, 1, 3], Some(b"fs")),
            (&[52, 1, 0], None),
            (&[52, 1, 4], None),
            (&[52, 2, 1, 1], None),
            (&[], None),
        ] {
            assert_eq!(Options::read_message(area, &file, &sname).get(12), host, "{area:?}");
        }
    }

    #[test]
    fn cut_options_keep_what_is_there() {
        let options = Options::read(&[60, 9, b'P', b'X']);
        assert_eq!(options.get(60), Some(&b"PX"[..]));
        assert_eq!(Options::read(&[61]).get(61), None);
        assert_eq!(Options::read(&[61, 0]).get(61), Some(&[][..]));
    }
}
