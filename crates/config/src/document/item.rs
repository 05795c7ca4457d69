use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Mark, Placed, Report};

/// A value of the document. Its readers give nothing when they complained.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    report: &'a Report<'a>,
    key: String,
    /// Where to look for it: an array of tables or a table in brackets has no value of its own.
    at: usize,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Item<'a> {
    pub(super) fn new(
        report: &'a Report<'a>,
        key: String,
        at: usize,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Self {
        Self { report, key, at, value }
    }

    pub(super) fn line(&self) -> usize {
        self.report.line(self.at)
    }

    /// Where it stands.
    pub(crate) fn mark(&self) -> Mark {
        Mark { line: self.line(), key: self.key.clone(), value: Some(self.report.shown(self.value.span())) }
    }

    /// Complains; gives nothing, of whatever type the caller wants.
    pub(crate) fn wrong<T>(&self, remedy: impl Into<String>) -> Option<T> {
        self.report.complain(&self.mark(), remedy);
        None
    }

    /// What `read` makes of it, with the place.
    pub(crate) fn placed<T>(&self, read: impl FnOnce(&Self) -> Option<T>) -> Option<Placed<T>> {
        read(self).map(|value| Placed { value, mark: self.mark() })
    }

    pub(super) fn table(&self) -> Option<&'a DeTable<'a>> {
        self.value.get_ref().as_table()
    }

    pub(super) fn array(&self) -> Option<Vec<Self>> {
        let DeValue::Array(values) = self.value.get_ref() else { return None };
        let item = |value: &'a Spanned<DeValue<'a>>| {
            Self::new(self.report, self.key.clone(), value.span().start, value)
        };
        Some(values.iter().map(item).collect())
    }

    /// A text, as it is.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.wrong("this is a text; write it in quotes"),
        }
    }

    /// A text of one line that is not empty and not longer than `longest` bytes.
    pub(crate) fn line_of_text(&self, longest: usize) -> Option<String> {
        let text = self.text()?;
        if text.trim().is_empty() {
            return self.wrong("must not be empty; leave the key out instead");
        }
        if text.len() > longest {
            return self.wrong(format!("must not be longer than {longest} bytes"));
        }
        if text.contains(char::is_control) {
            return self.wrong("must be one line, without control characters");
        }
        Some(text.to_owned())
    }

    /// Yes or no.
    pub(crate) fn flag(&self) -> Option<bool> {
        self.value.get_ref().as_bool().or_else(|| self.wrong("write true or false"))
    }

    /// A whole number within a range.
    pub(crate) fn number<T: TryFrom<i64> + Display + Copy + Into<u64>>(
        &self,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let (least, most) = (*range.start(), *range.end());
        let number = self.whole().and_then(|number| T::try_from(number).ok());
        number
            .filter(|number| (least.into()..=most.into()).contains(&(*number).into()))
            .or_else(|| self.wrong(format!("use a whole number from {least} to {most}")))
    }

    /// A whole number, if it is one; without a complaint.
    pub(crate) fn whole(&self) -> Option<i64> {
        let number = self.value.get_ref().as_integer()?;
        i64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    /// One of a few words.
    pub(crate) fn choice<T: Clone>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = match self.value.get_ref() {
            DeValue::String(text) => text.as_ref(),
            _ => "",
        };
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| value.clone()).or_else(|| {
            let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            match quoted.split_last() {
                Some((last, [])) => self.wrong(format!("use {last}")),
                Some((last, rest)) => self.wrong(format!("use {} or {last}", rest.join(", "))),
                None => None,
            }
        })
    }

    /// A text that `T` reads; `remedy` says how one looks.
    pub(crate) fn parse<T: FromStr>(&self, remedy: &str) -> Option<T> {
        self.text()?.trim().parse().ok().or_else(|| self.wrong(remedy))
    }

    /// A list, or one element where a list of one is meant.
    pub(crate) fn list<T>(&self, mut read: impl FnMut(&Self) -> Option<T>) -> Option<Vec<T>> {
        match self.array() {
            None => read(self).map(|one| vec![one]),
            // Every element is read, so that each gets its complaint.
            Some(items) => {
                let read: Vec<Option<T>> = items.iter().map(&mut read).collect();
                read.into_iter().collect()
            }
        }
    }
}
