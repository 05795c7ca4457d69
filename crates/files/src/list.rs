use std::collections::BTreeSet;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use crate::{MAX_COMPONENT, Name, OpenError, Roots};

/// How many names [`Roots::list`] gives at most.
pub const MAX_NAMES: usize = 10_000;

/// The files of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Their names within the directory, sorted.
    pub names: Vec<String>,
    /// False when there are more than [`MAX_NAMES`].
    pub complete: bool,
}

impl Roots {
    /// The regular files in a directory, and the links to such, of all roots together. Hidden files, those whose name is not
    /// UTF-8 or holds control characters, and subdirectories are left out. A directory that no root has is empty.
    ///
    /// # Errors
    /// [`OpenError`] when the directory is there and cannot be read.
    pub fn list(&self, directory: &Name) -> Result<Listing, OpenError> {
        let mut names = BTreeSet::new();
        for root in self.roots() {
            let Some(at) = self.directory_in(root, directory)? else { continue };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            // A directory handle made for lookups cannot be read; this opens the very same directory.
            let at = rustix::fs::openat(&at, ".", flags, Mode::empty())?;
            for found in Dir::read_from(&at)? {
                let found = found?;
                let Ok(name) = found.file_name().to_str() else { continue };
                if !is_presentable(name) || !is_file(&at, name, found.file_type()) {
                    continue;
                }
                if names.len() >= MAX_NAMES && !names.contains(name) {
                    return Ok(Listing { names: names.into_iter().collect(), complete: false });
                }
                names.insert(name.to_owned());
            }
        }
        Ok(Listing { names: names.into_iter().collect(), complete: true })
    }
}

fn is_presentable(name: &str) -> bool {
    !name.starts_with('.')
        && name.len() <= MAX_COMPONENT
        && !name.contains('\\')
        && !name.chars().any(char::is_control)
}

fn is_file(at: &impl std::os::fd::AsFd, name: &str, kind: FileType) -> bool {
    match kind {
        FileType::RegularFile => true,
        // Only the kind of what the link leads to is looked at, nothing is opened.
        FileType::Symlink | FileType::Unknown => rustix::fs::statat(at, name, AtFlags::empty())
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::Layout;
    use crate::testing::{Tree, fifo, name};

    #[test]
    fn files_and_links_to_files_are_listed_from_all_roots() {
        let tree = Tree::new();
        tree.file("root/conf/local", "x");
        tree.file("root/conf/sub/inner", "x");
        tree.file("root/conf/.hidden", "x");
        tree.file("root/conf/line\nfeed", "x");
        fs::write(tree.path("root/conf").join(OsStr::from_bytes(b"\xff")), "x").unwrap();
        fifo(&tree.path("root/conf/fifo"));
        tree.link("root/conf/linked", "local");
        tree.link("root/conf/dangling", "gone");
        tree.link("root/conf/directory", "sub");
        tree.file("extra/conf/local", "y");
        tree.file("extra/conf/grml", "y");
        let mut layout = tree.layout();
        layout.roots.push(tree.path("extra"));
        let listing = Roots::open(&layout).unwrap().list(&name("conf")).unwrap();
        assert_eq!(listing.names, ["grml", "linked", "local"]);
        assert!(listing.complete);
    }

    #[test]
    fn a_directory_that_is_missing_is_empty_and_a_file_is_none() {
        let tree = Tree::new();
        tree.file("root/file", "x");
        let roots = tree.roots();
        assert_eq!(roots.list(&name("gone")).unwrap().names, Vec::<String>::new());
        assert_eq!(roots.list(&name("file")).unwrap().names, Vec::<String>::new());
    }

    #[test]
    fn directories_outside_are_not_listed() {
        let tree = Tree::new();
        tree.link("root/conf", "@secret");
        assert!(matches!(tree.roots().list(&name("conf")), Err(OpenError::Outside)));
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        let tree = Tree::new();
        fs::create_dir(tree.path("root/conf")).unwrap();
        for number in 0..=MAX_NAMES {
            fs::write(tree.path("root/conf").join(number.to_string()), "").unwrap();
        }
        let layout = Layout { roots: vec![tree.path("root"), tree.path("root")], ..tree.layout() };
        let listing = Roots::open(&layout).unwrap().list(&name("conf")).unwrap();
        assert_eq!(listing.names.len(), MAX_NAMES);
        assert!(!listing.complete);
    }
}
