use std::path::{Path, PathBuf};

use nextboot_files::DEFAULT_LOADERS;

use crate::document::{Item, Section};

/// Longest path that Linux takes (`PATH_MAX` without its NUL), in bytes.
const MAX_PATH: usize = 4095;

/// Which directories are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The directories whose files have names, by TFTP and HTTP alike; at least one, and the first that has a name wins.
    pub roots: Vec<PathBuf>,
    /// Directories that links in the roots may lead into, without giving names to their files.
    pub extra_roots: Vec<PathBuf>,
    /// Where to look for a loader that no root has.
    pub search_path: Vec<PathBuf>,
    /// The directory of seed templates.
    pub seeds: PathBuf,
}

impl Default for Files {
    /// Debian's places.
    fn default() -> Self {
        Self {
            roots: vec!["/srv/tftp".into()],
            extra_roots: Vec::new(),
            search_path: DEFAULT_LOADERS.iter().map(PathBuf::from).collect(),
            seeds: "/etc/nextboot/seeds".into(),
        }
    }
}

impl Files {
    pub(crate) fn read_roots(&mut self, tftp: &mut Section<'_>, place: &Path) {
        let roots = tftp.get("roots", |item| {
            let roots = item.list(|item| path(item, place))?;
            if roots.is_empty() {
                return item.wrong("name at least one directory, e.g. [\"/srv/tftp\"]");
            }
            Some(roots)
        });
        take(&mut self.roots, roots);
        take(&mut self.extra_roots, tftp.get("extra_roots", |item| item.list(|item| path(item, place))));
    }

    pub(crate) fn read_boot(&mut self, boot: &mut Section<'_>, place: &Path) {
        take(&mut self.search_path, boot.get("search_path", |item| item.list(|item| path(item, place))));
        take(&mut self.seeds, boot.get("seeds", |item| path(item, place)));
    }
}

/// Puts a value that was read in the place of a default.
pub(crate) fn take<T>(place: &mut T, read: Option<T>) {
    if let Some(read) = read {
        *place = read;
    }
}

/// A path; relative ones begin in `place`.
pub(crate) fn path(item: &Item<'_>, place: &Path) -> Option<PathBuf> {
    let text = item.line_of_text(MAX_PATH)?;
    // `join` leaves an absolute path as it is.
    Some(place.join(text))
}
