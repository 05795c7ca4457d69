use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Item, Mark, Report, near::nearest};

/// A table of the document, or one that is not there and has no keys.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    report: &'a Report<'a>,
    /// The table's name with a dot behind it; empty for the top level.
    prefix: String,
    line: usize,
    table: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn top(report: &'a Report<'a>, table: &'a DeTable<'a>) -> Self {
        Self { report, prefix: String::new(), line: 1, table: Some(table), asked: Vec::new() }
    }

    pub(crate) fn report(&self) -> &'a Report<'a> {
        self.report
    }

    /// Where the table begins, for what is missing in it.
    pub(crate) fn missing(&self, key: &str) -> Mark {
        Mark { line: self.line, key: format!("{}{key}", self.prefix), value: None }
    }

    fn item(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.asked.push(key);
        #[cfg(test)]
        self.report.asked.borrow_mut().insert(format!("{}{key}", self.prefix));
        let (key, value) = self.table?.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(self.at(key, value))
    }

    fn at(&self, key: &'a Spanned<std::borrow::Cow<'a, str>>, value: &'a Spanned<DeValue<'a>>) -> Item<'a> {
        Item::new(self.report, format!("{}{}", self.prefix, key.get_ref()), key.span().start, value)
    }

    /// The value of a key as `read` sees it; nothing when it is absent or when `read` complained.
    pub(crate) fn get<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Item<'a>) -> Option<T>,
    ) -> Option<T> {
        self.item(key).and_then(|item| read(&item))
    }

    /// True when a key is there, whatever its value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.iter().any(|(name, _)| name.get_ref() == key))
    }

    /// True when a key is there and a table, in brackets or braces.
    pub(crate) fn is_table(&self, key: &str) -> bool {
        let value = self.table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == key));
        value.is_some_and(|(_, value)| value.get_ref().as_table().is_some())
    }

    /// As [`Section::get`], for a key that must be there; `remedy` says what to write.
    pub(crate) fn need<T>(
        &mut self,
        key: &'static str,
        remedy: &str,
        read: impl FnOnce(&Item<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.item(key) {
            Some(item) => read(&item),
            None => {
                self.report.complain(&self.missing(key), format!("missing; {remedy}"));
                None
            }
        }
    }

    /// Reads a table beneath this one; an absent one is read as an empty one.
    pub(crate) fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Self) -> T) -> T {
        let item = self.item(key);
        let table = item.as_ref().and_then(|item| {
            item.table().or_else(|| item.wrong(format!("this is a table; write [{}{key}]", self.prefix)))
        });
        let line = item.map_or(self.line, |item| item.line());
        self.beneath(key, line, table, read)
    }

    /// Reads every table of an array of tables, or what is given in braces.
    pub(crate) fn tables<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let Some(item) = self.item(key) else { return Vec::new() };
        let Some(items) = item.array() else {
            item.wrong::<()>(format!("there may be several; write [[{}{key}]]", self.prefix));
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| {
                let Some(table) = item.table() else {
                    return item.wrong(format!("this is a table; write [[{}{key}]]", self.prefix));
                };
                Some(self.beneath(key, item.line(), Some(table), &mut read))
            })
            .collect()
    }

    /// Reads every table beneath this one whose names the site chooses.
    pub(crate) fn each<T>(&self, mut read: impl FnMut(&str, &Mark, &mut Self) -> Option<T>) -> Vec<T> {
        let entries = self.table.into_iter().flat_map(|table| table.iter());
        let read_one = |(key, value): (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| {
            let item = self.at(key, value);
            let name = key.get_ref();
            let Some(table) = item.table() else {
                return item.wrong(format!("this is a table; write [{}{name}]", self.prefix));
            };
            let mark = Mark { value: None, ..item.mark() };
            self.beneath(name, item.line(), Some(table), |section| read(name, &mark, section))
        };
        entries.filter_map(read_one).collect()
    }

    fn beneath<T>(
        &self,
        key: &str,
        line: usize,
        table: Option<&'a DeTable<'a>>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let prefix = format!("{}{key}.", self.prefix);
        let mut section = Section { report: self.report, prefix, line, table, asked: Vec::new() };
        let value = read(&mut section);
        section.finish();
        value
    }

    /// Complains about every key that nobody asked for; a table in which nobody asked for any is free in its keys.
    pub(super) fn finish(self) {
        if self.asked.is_empty() {
            return;
        }
        for (key, value) in self.table.into_iter().flat_map(|table| table.iter()) {
            let name = key.get_ref();
            if self.asked.iter().any(|asked| asked == name) {
                continue;
            }
            let item = self.at(key, value);
            let mark = if item.table().is_some() { Mark { value: None, ..item.mark() } } else { item.mark() };
            let remedy = match nearest(name, &self.asked) {
                Some(near) => format!("there is no such key; did you mean {}{near}?", self.prefix),
                None => format!("there is no such key; here are {}", self.asked.join(", ")),
            };
            self.report.complain(&mark, remedy);
        }
    }
}
