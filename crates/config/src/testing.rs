use std::path::{Path, PathBuf};

use crate::{
    document::{Item, Section},
    files::{path, take},
};

/// Bytes in a MiB.
const MIB: u64 = 1024 * 1024;

/// The tests that machines run, and what comes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tests {
    /// The directory of scripts, `NAME.test` each.
    pub directory: PathBuf,
    /// How many finished runs are kept.
    pub keep: usize,
    /// Most bytes of one log.
    pub max_log: u64,
    /// Who may look at the pages on the boot side.
    pub pages: Pages,
}

/// Who may look at the pages of test results on the boot side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// Networks that the API trusts.
    Trusted,
    /// Everybody who reaches it.
    Everyone,
    /// Nobody.
    Off,
}

impl Default for Tests {
    fn default() -> Self {
        Self {
            directory: "/etc/nextboot/tests".into(),
            keep: 100_000,
            max_log: 64 * MIB,
            pages: Pages::Trusted,
        }
    }
}

impl Tests {
    pub(crate) fn read(tests: &mut Section<'_>, place: &Path) -> Self {
        let mut read = Self::default();
        take(&mut read.directory, tests.get("directory", |item| path(item, place)));
        let keep = tests.get("keep", |item| item.number(1..=10_000_000_u32));
        take(&mut read.keep, keep.and_then(|keep| usize::try_from(keep).ok()));
        take(&mut read.max_log, tests.get("max_log", size));
        take(&mut read.pages, tests.get("pages", pages));
        read
    }
}

/// Whole MiB or GiB.
fn size(item: &Item<'_>) -> Option<u64> {
    let text = item.text()?.trim();
    let remedy = "use a whole number with a unit, from \"1 MiB\" to \"16 GiB\"";
    let units = [("MiB", MIB), ("GiB", 1024 * MIB)];
    let found = units.into_iter().find_map(|(unit, bytes)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(bytes)
    });
    let found = found.filter(|bytes| (MIB..=16 * 1024 * MIB).contains(bytes));
    found.or_else(|| item.wrong(remedy))
}

fn pages(item: &Item<'_>) -> Option<Pages> {
    match item.text()? {
        "trusted" => Some(Pages::Trusted),
        "everyone" => Some(Pages::Everyone),
        "off" => Some(Pages::Off),
        _ => item.wrong("use \"trusted\", \"everyone\" or \"off\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn read(text: &str) -> Result<Tests, String> {
        Config::parse(text, Path::new("/etc/nextboot/nextboot.toml"))
            .map(|config| config.tests)
            .map_err(|complaints| complaints.to_string())
    }

    #[test]
    fn what_is_said_of_tests_is_read() {
        assert_eq!(read(""), Ok(Tests::default()));
        let text = "[tests]\ndirectory = \"t\"\nkeep = 5\nmax_log = \"2 GiB\"\npages = \"off\"";
        let expected =
            Tests { directory: "/etc/nextboot/t".into(), keep: 5, max_log: 2048 * MIB, pages: Pages::Off };
        assert_eq!(read(text), Ok(expected));
        for (line, says) in [
            ("max_log = \"64\"", "1 MiB"),
            ("max_log = \"0 MiB\"", "1 MiB"),
            ("max_log = \"99999999999999 GiB\"", "1 MiB"),
            ("pages = \"all\"", "everyone"),
            ("keep = 0", "keep"),
            ("kepe = 7", "did you mean tests.keep"),
        ] {
            let complaint = read(&format!("[tests]\n{line}")).unwrap_err();
            assert!(complaint.contains(":2:") && complaint.contains(says), "{complaint}");
        }
    }
}
