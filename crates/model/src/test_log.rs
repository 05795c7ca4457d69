use serde::{Deserialize, Serialize};

use crate::{LineKind, TestLine};

/// Most lines of one log that are kept; the others are only counted.
pub const MAX_TEST_LINES: usize = 10_000;
/// Longest text of a line that is kept, in bytes; what is longer is cut off.
pub const MAX_TEST_LINE: usize = 1000;
/// Longest version that is kept, in bytes; it is a name in addresses.
const MAX_VERSION: usize = 200;
/// A letter, a colon and a space.
const MARK: usize = 3;

/// What a log says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// The last `V: `.
    pub version: Option<String>,
    /// How many `I: `.
    pub infos: u32,
    /// How many `W: `.
    pub warnings: u32,
    /// How many `E: `.
    pub errors: u32,
    /// Those lines, in their order, [`MAX_TEST_LINES`] at most.
    pub lines: Vec<TestLine>,
}

impl TestReport {
    /// What people should know about the lines that are not here.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let all = u64::from(self.infos) + u64::from(self.warnings) + u64::from(self.errors);
        let kept = self.lines.len() as u64;
        (all > kept).then(|| format!("the log has {all} marked lines; only the first {kept} are shown"))
    }

    /// Counts a line, and keeps its beginning while there is room.
    pub fn add(&mut self, kind: LineKind, text: String) {
        let count = match kind {
            LineKind::Info => &mut self.infos,
            LineKind::Warning => &mut self.warnings,
            LineKind::Error => &mut self.errors,
        };
        *count = count.saturating_add(1);
        if self.lines.len() < MAX_TEST_LINES {
            self.lines.push(TestLine { kind, text: cut(text, MAX_TEST_LINE) });
        }
    }
}

/// Reads a log as it comes, in pieces of any size, in a bounded piece of memory.
///
/// pxemngr's rule: what counts begins a line with one of the letters I, E, W, S, V, T, a colon and a space. V names the version
/// that was tested, and the last one holds; S and T are known and say nothing.
#[derive(Debug, Default)]
pub struct LogReader {
    /// The beginning of the line that is not at its end yet.
    line: Vec<u8>,
    report: TestReport,
}

impl LogReader {
    /// Takes what comes next.
    pub fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            let room = (MARK + MAX_TEST_LINE).saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                self.end_line();
            }
        }
    }

    /// The log is at its end.
    #[must_use]
    pub fn finish(mut self) -> TestReport {
        self.end_line();
        self.report
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if let [letter, b':', b' ', text @ ..] = line {
            let text = || String::from_utf8_lossy(text).into_owned();
            match letter {
                b'I' => self.report.add(LineKind::Info, text()),
                b'W' => self.report.add(LineKind::Warning, text()),
                b'E' => self.report.add(LineKind::Error, text()),
                b'V' => self.report.version = version(&text()).or_else(|| self.report.version.take()),
                _ => {}
            }
        }
        // The room of a long line is not kept for short ones.
        self.line = Vec::new();
    }
}

/// The beginning of a text, of whole characters.
fn cut(mut text: String, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}

/// A version as it can be a name: without control characters, and with something in it.
pub(crate) fn version(text: &str) -> Option<String> {
    let version: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let version = cut(version.trim().to_owned(), MAX_VERSION);
    (!version.is_empty()).then_some(version)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8], piece: usize) -> TestReport {
        let mut reader = LogReader::default();
        text.chunks(piece.max(1)).for_each(|piece| reader.feed(piece));
        reader.finish()
    }

    #[test]
    fn what_counts_stands_at_the_beginning_of_a_line() {
        let log = b"V: 1.1\nI: one\n I: no\nI:no\nE: bad\nxE: no\nW: hm\r\nS: 1\nT: 2\nE: \nV: 1.2\nV:1.3\nV: \nE: last";
        for piece in [1, 2, 3, 7, 1000] {
            let report = read(log, piece);
            assert_eq!(report.version.as_deref(), Some("1.2"));
            assert_eq!((report.infos, report.warnings, report.errors), (1, 1, 3));
            let lines: Vec<_> = report.lines.iter().map(|line| (line.kind, line.text.as_str())).collect();
            use LineKind::{Error, Info, Warning};
            assert_eq!(
                lines,
                [(Info, "one"), (Error, "bad"), (Warning, "hm"), (Error, ""), (Error, "last")],
                "{piece}"
            );
            assert_eq!(report.note(), None);
        }
    }

    #[test]
    fn lines_and_their_number_are_bounded() {
        let report = read(format!("E: {}\n", "x".repeat(10 * MAX_TEST_LINE)).as_bytes(), 100);
        assert_eq!(report.lines[0].text.len(), MAX_TEST_LINE);
        let (bytes, letters) = (b"\xff".repeat(MAX_TEST_LINE), "ä".repeat(MAX_TEST_LINE));
        let report = read(&[b"E: ", &bytes[..], b"\nE: x", letters.as_bytes()].concat(), 100);
        assert!(
            report.lines.iter().all(|line| line.text.len() <= MAX_TEST_LINE),
            "what stands for bytes counts"
        );
        assert!(report.lines[1].text.ends_with('ä'), "no half of a letter");
        let report = read("I: x\n".repeat(MAX_TEST_LINES + 5).as_bytes(), 4096);
        assert_eq!((report.infos as usize, report.lines.len()), (MAX_TEST_LINES + 5, MAX_TEST_LINES));
        assert!(report.note().is_some_and(|note| note.contains("10005")));
        let report = read(format!("V: {}\n", "ä".repeat(MAX_VERSION)).as_bytes(), 100);
        assert_eq!(report.version.map(|version| version.len()), Some(MAX_VERSION));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "([IEWVS]: ?[a-z]{0,3}|[ -~]{0,5}|\n){0,40}", piece in 1usize..9) {
            prop_assert_eq!(read(text.as_bytes(), piece), read(text.as_bytes(), text.len()));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            read(&bytes, 7);
        }
    }
}
