use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{HostName, TestName, Timestamp};

/// The number of a test run: 1, 2, 3 and so on, never used twice. Test scripts upload their logs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TestRunId(pub u64);

impl TestRunId {
    /// The greatest: programs that read JSON into floating point numbers still tell it from the one before.
    pub const MAX: Self = Self((1 << 53) - 1);
}

impl fmt::Display for TestRunId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl FromStr for TestRunId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (1..=Self::MAX.0).contains(number));
        number.map(Self).ok_or_else(|| format!("{:?} is no number of a test run", short(text)))
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// How far a test run has come. The letters are pxemngr's, and what its tests and people know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestStatus {
    /// R: it waits for its machine to ask.
    Queued,
    /// S: the machine has its script.
    Started,
    /// D: its log is here.
    Done,
    /// E: there is no log, and there will be none.
    Error,
}

impl TestStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Started, Self::Done, Self::Error];

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Queued => "R",
            Self::Started => "S",
            Self::Done => "D",
            Self::Error => "E",
        }
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Done => "done",
            Self::Error => "error",
        }
    }

    /// Whether nothing more is expected of the machine.
    #[must_use]
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::Error)
    }
}

impl fmt::Display for TestStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

impl FromStr for TestStatus {
    type Err = String;
    /// A word or a letter.
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|status| [status.word(), status.letter()].contains(&text));
        found.ok_or_else(|| {
            format!("{:?} is none of \"queued\", \"started\", \"done\", \"error\"", short(text))
        })
    }
}

/// One test on one host, from the moment when somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRun {
    /// Its number.
    pub id: TestRunId,
    /// On which host.
    pub host: HostName,
    /// Which test.
    pub test: TestName,
    /// How far it is.
    pub status: TestStatus,
    /// When somebody asked for it.
    pub queued: Timestamp,
    /// When the machine got its script.
    pub started: Option<Timestamp>,
    /// When its log came, or when it failed.
    pub finished: Option<Timestamp>,
    /// The version that the log names: what was tested.
    pub version: Option<String>,
    /// How many of the log's lines tell of something.
    pub infos: u32,
    /// Warn.
    pub warnings: u32,
    /// Tell of an error.
    pub errors: u32,
    /// How many bytes the log has.
    pub bytes: u64,
    /// Why there is no log, or what was left out of the lines.
    pub note: Option<String>,
}

impl TestRun {
    /// A run that waits for its machine.
    #[must_use]
    pub fn queued(id: TestRunId, host: HostName, test: TestName, queued: Timestamp) -> Self {
        Self {
            id,
            host,
            test,
            status: TestStatus::Queued,
            queued,
            started: None,
            finished: None,
            version: None,
            infos: 0,
            warnings: 0,
            errors: 0,
            bytes: 0,
            note: None,
        }
    }

    /// Whether it came to its end without an error.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.status == TestStatus::Done && self.errors == 0
    }

    /// When it came to where it is.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.finished.or(self.started).unwrap_or(self.queued)
    }
}

impl fmt::Display for TestRun {
    /// As pxemngr's templates print it: `cpu S`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.test, self.status.letter())
    }
}

/// What a line of a log is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// `I: `
    Info,
    /// `W: `
    Warning,
    /// `E: `
    Error,
}

impl LineKind {
    /// Its letter.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Info => "I",
            Self::Warning => "W",
            Self::Error => "E",
        }
    }

    /// The kind of a letter.
    #[must_use]
    pub fn of(letter: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error].into_iter().find(|kind| kind.letter() == letter)
    }
}

/// A line of a log that says something to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLine {
    /// What it is about.
    pub kind: LineKind,
    /// What it says.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_digits_and_nothing_else() {
        assert_eq!("17".parse(), Ok(TestRunId(17)));
        assert_eq!("9007199254740991".parse(), Ok(TestRunId::MAX));
        for text in ["", "0", "-1", "+1", "1x", " 1", "9007199254740992", "99999999999999999999999"] {
            assert!(text.parse::<TestRunId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_status_is_known_by_its_word_and_its_letter() {
        for status in TestStatus::ALL {
            assert_eq!(status.word().parse(), Ok(status));
            assert_eq!(status.letter().parse(), Ok(status));
        }
        assert!("x".parse::<TestStatus>().is_err());
    }
}
