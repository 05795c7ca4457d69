use std::{fmt, path::PathBuf};

/// How much something that is said about a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It holds, in another way than dnsmasq's.
    Otherwise,
    /// It is not taken over: what it did is not done.
    Lost,
    /// dnsmasq would not take it either.
    Wrong,
}

/// What is to be said about one line of dnsmasq's files.
///
/// Written as `FILE:LINE: TEXT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the whole file.
    pub line: usize,
    /// How much it matters.
    pub weight: Weight,
    /// True in a file that is read again while the server runs: its other lines hold.
    pub live: bool,
    /// What it is.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file.display(), self.line, self.text)
    }
}

/// Why something is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Not {
    /// dnsmasq would not take it.
    Wrong(String),
    /// dnsmasq takes it, and it is not done here.
    Lost(String),
}

impl Not {
    pub(super) fn into_text(self) -> String {
        let (Self::Wrong(why) | Self::Lost(why)) = self;
        why
    }
}

/// Most notes that are kept: a file that is something else altogether gives one for each line.
const MAX_NOTES: usize = 500;

/// Gathers notes, with a bound.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    list: Vec<Note>,
    left_out: usize,
}

impl Notes {
    pub(super) fn say(&mut self, place: &Place, weight: Weight, text: impl Into<String>) {
        let note =
            Note { file: place.file.clone(), line: place.line, weight, live: place.live, text: text.into() };
        // Once is enough, however often it shows.
        if self.list.contains(&note) {
            return;
        }
        if self.list.len() < MAX_NOTES {
            self.list.push(note);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn wrong(&mut self, place: &Place, text: impl Into<String>) {
        self.say(place, Weight::Wrong, text);
    }

    pub(super) fn lost(&mut self, place: &Place, text: impl Into<String>) {
        self.say(place, Weight::Lost, text);
    }

    pub(super) fn otherwise(&mut self, place: &Place, text: impl Into<String>) {
        self.say(place, Weight::Otherwise, text);
    }

    pub(super) fn into_list(mut self) -> Vec<Note> {
        if self.left_out > 0
            && let Some(last) = self.list.last().cloned()
        {
            self.list.push(Note { text: format!("and {} more", self.left_out), ..last });
        }
        self.list
    }
}

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) line: usize,
    pub(super) live: bool,
}
