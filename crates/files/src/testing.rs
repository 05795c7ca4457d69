//! A small tree to try things on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Layout, Name, OpenError, Roots};

/// A directory with `root/` (served), `extra/` (links may lead there) and `secret/` (nobody's business).
pub(crate) struct Tree {
    directory: TempDir,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let tree = Self { directory: tempfile::tempdir().unwrap() };
        for directory in ["root", "extra", "secret", "loaders"] {
            fs::create_dir(tree.path(directory)).unwrap();
        }
        tree.file("secret/key", "secret");
        tree
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A link at `path` whose text is `text`; a text that begins with `@` is that path in the tree, made absolute.
    pub(crate) fn link(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix('@') {
            Some(inside) => symlink(self.path(inside), path).unwrap(),
            None => symlink(text, path).unwrap(),
        }
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout {
            roots: vec![self.path("root")],
            loaders: vec![self.path("loaders")],
            extra_roots: vec![self.path("extra")],
        }
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::open(&self.layout()).unwrap()
    }
}

pub(crate) fn name(sent: &str) -> Name {
    Name::parse(sent).unwrap()
}

/// The text behind a name.
pub(crate) fn text(roots: &Roots, sent: &str) -> Result<String, OpenError> {
    let content = roots.get(&name(sent))?;
    let mut bytes = vec![0; content.len() as usize];
    content.read_at_blocking(0, &mut bytes).unwrap();
    Ok(String::from_utf8(bytes).unwrap())
}

pub(crate) fn fifo(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}
