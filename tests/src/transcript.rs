//! A text file that somebody else is writing: a log or a serial line.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::wait::wait_until;

/// How many lines of a text a failing test prints.
const TAIL_LINES: usize = 40;

/// A growing text, read like a conversation: each [`Transcript::wait_for`] goes on behind the last match.
#[derive(Debug)]
pub struct Transcript {
    path: PathBuf,
    /// Bytes of the text that earlier matches have used up.
    read: usize,
}

impl Transcript {
    /// The text that is, or will be, at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read: 0 }
    }

    /// Where the text is kept.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All of the text so far; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.path).unwrap_or_default()).into_owned()
    }

    /// The last lines, for a person who wants to know why a test failed.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// How often `pattern` stands in the whole text.
    #[must_use]
    pub fn count(&self, pattern: &str) -> usize {
        self.text().matches(pattern).count()
    }

    /// True when `pattern` stands behind the last match; moves behind it then.
    pub fn advance(&mut self, pattern: &str) -> bool {
        let text = fs::read(&self.path).unwrap_or_default();
        let unread = text.get(self.read..).unwrap_or_default();
        match unread.windows(pattern.len()).position(|window| window == pattern.as_bytes()) {
            Some(at) => {
                self.read += at + pattern.len();
                true
            }
            None => false,
        }
    }

    /// Waits until `pattern` stands behind the last match. `alive` is asked at every look and ends the wait early.
    ///
    /// # Errors
    /// The limit, or what `alive` says.
    pub fn wait_for(
        &mut self,
        pattern: &str,
        limit: Duration,
        mut alive: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        wait_until(&format!("\"{pattern}\" in {}", self.path.display()), limit, || {
            let status = alive();
            if self.advance(pattern) {
                return Ok(Some(()));
            }
            status.map(|()| None)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_match_goes_on_behind_the_last_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, b"boot\nboot\n\xff done").unwrap();
        let mut transcript = Transcript::new(&path);
        assert!(transcript.advance("boot"));
        assert!(transcript.advance("boot"));
        assert!(!transcript.advance("boot"));
        assert!(transcript.advance("done"));
        assert_eq!(transcript.count("boot"), 2);
    }
}
