//! One look at what people put into the tree. A decision looks for a dozen entries in one directory, and for most machines
//! none of them is there. A directory tells by its times that nothing was put into it, so what was not there a moment ago need
//! not be looked for again one by one.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use crate::beneath::DIRECTORY;
use crate::entry::Entry;
use crate::kept::Stamp;
use crate::roots::Root;
use crate::{Name, OpenError, Roots};

/// How many names are remembered as absent, in all directories together: for a rack a few for each machine.
const MOST: usize = 32_768;

/// File systems (statfs(2)) whose directories get another time with each change: ext4 and its elders, XFS, Btrfs, tmpfs. What
/// others do (FUSE, network file systems, overlays) is not known, so there every entry is looked for each time.
const TIMED: [u64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994];

/// What was not there, by directory.
#[derive(Debug, Default)]
pub(crate) struct Absent(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    directories: HashMap<Stamp, HashSet<Box<str>>>,
    names: usize,
}

impl Absent {
    fn table(&self) -> MutexGuard<'_, Table> {
        // A poisoned table is as good as any: what it holds is true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, directory: &Stamp, file: &str) -> bool {
        self.table().directories.get(directory).is_some_and(|names| names.contains(file))
    }

    fn remember(&self, directory: Stamp, file: &str) {
        let mut table = self.table();
        if table.names >= MOST {
            *table = Table::default();
        }
        if table.directories.entry(directory).or_default().insert(file.into()) {
            table.names += 1;
        }
    }
}

/// What there was at one moment: for one decision, and not for longer.
#[derive(Debug)]
pub struct Look<'r> {
    roots: &'r Roots,
    /// The directories that were looked at, by root.
    seen: RefCell<Vec<(usize, Box<str>, Directory)>>,
}

/// A directory as it was.
#[derive(Debug, Clone, Copy)]
enum Directory {
    /// Not there.
    Gone,
    /// It may change without getting another time, or cannot be looked at.
    Moving,
    /// Whatever changes in it from now on gives it another stamp.
    Still(Stamp),
}

impl Roots {
    /// A look at the entries that there are now.
    #[must_use]
    pub fn look(&self) -> Look<'_> {
        Look { roots: self, seen: RefCell::default() }
    }
}

impl Look<'_> {
    /// As [`Roots::entry`].
    ///
    /// # Errors
    /// As [`Roots::entry`].
    pub fn entry(&self, name: &Name) -> Result<Option<Entry>, OpenError> {
        for (at, root) in self.roots.roots().iter().enumerate() {
            let directory = self.directory(at, root, name.directory());
            if self.is_known_absent(&directory, name.file()) {
                continue;
            }
            if let Some(entry) = self.roots.entry_in(root, name)? {
                return Ok(Some(entry));
            }
            if let Directory::Still(stamp) = directory
                && is_absent_in(root, name, &stamp)
            {
                self.roots.absent().remember(stamp, name.file());
            }
        }
        Ok(None)
    }

    /// True when it is known already that there is no such entry in a directory: most are asked for again and again.
    #[must_use]
    pub fn lacks(&self, directory: &str, file: &str) -> bool {
        let mut roots = self.roots.roots().iter().enumerate();
        roots.all(|(at, root)| self.is_known_absent(&self.directory(at, root, directory), file))
    }

    fn is_known_absent(&self, directory: &Directory, file: &str) -> bool {
        match directory {
            Directory::Gone => true,
            Directory::Moving => false,
            Directory::Still(stamp) => self.roots.absent().has(stamp, file),
        }
    }

    fn directory(&self, at: usize, root: &Root, path: &str) -> Directory {
        let mut seen = self.seen.borrow_mut();
        if let Some((.., directory)) = seen.iter().find(|(of, seen, _)| *of == at && **seen == *path) {
            return *directory;
        }
        let directory = match rustix::fs::stat(root.path.join(path)) {
            Ok(stat) => {
                let stamp = Stamp::of(&stat);
                if stamp.is_settled(SystemTime::now()) { Directory::Still(stamp) } else { Directory::Moving }
            }
            Err(Errno::NOENT) => Directory::Gone,
            Err(_) => Directory::Moving,
        };
        seen.push((at, path.into(), directory));
        directory
    }
}

/// Whether there is no such entry in the very directory that has this stamp.
fn is_absent_in(root: &Root, name: &Name, stamp: &Stamp) -> bool {
    let path = root.path.join(name.directory());
    let Ok(directory) = rustix::fs::open(path, DIRECTORY, Mode::empty()) else { return false };
    rustix::fs::fstatfs(&directory).is_ok_and(|system| TIMED.contains(&(system.f_type as u64)))
        && rustix::fs::fstat(&directory).is_ok_and(|stat| Stamp::of(&stat) == *stamp)
        && matches!(rustix::fs::statat(&directory, name.file(), AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::Duration;

    use super::*;
    use crate::testing::{Tree, name};

    /// Makes the directory one that nobody touched for long, as far as anybody can: its inode's own time cannot be set.
    fn settle(tree: &Tree, path: &str) {
        let directory = File::open(tree.path(path)).unwrap();
        directory.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        let settled = || Stamp::of(&rustix::fs::fstat(&directory).unwrap()).is_settled(SystemTime::now());
        while !settled() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn there(roots: &Roots, at: &str) -> bool {
        roots.entry(&name(at)).unwrap().is_some()
    }

    fn remembered(roots: &Roots) -> usize {
        roots.absent().table().names
    }

    #[test]
    fn what_is_put_into_a_directory_that_was_still_is_seen_by_the_next_look() {
        let tree = Tree::new();
        tree.file("root/cfg/conf/local", "menu");
        tree.file("other/one", "menu");
        let roots = tree.roots();
        let at = ["cfg/one", "cfg/two", "cfg/three"];
        settle(&tree, "root/cfg");
        for at in at.into_iter().chain(at) {
            assert!(!there(&roots, at), "{at}");
        }
        assert!(remembered(&roots) == 3 || !timed(&tree), "{}", remembered(&roots));
        tree.link("root/cfg/one", "conf/local");
        assert!(there(&roots, "cfg/one"), "a link");
        assert!(!there(&roots, "cfg/two"));
        tree.file("root/cfg/two", "menu");
        assert!(there(&roots, "cfg/two"), "a file");
        fs::rename(tree.path("root/cfg/two"), tree.path("root/cfg/three")).unwrap();
        assert!(there(&roots, "cfg/three") && !there(&roots, "cfg/two"), "another name");
        fs::remove_file(tree.path("root/cfg/one")).unwrap();
        assert!(!there(&roots, "cfg/one"), "none any more");
    }

    #[test]
    fn a_directory_in_anothers_place_is_another() {
        let tree = Tree::new();
        tree.file("root/first/conf/local", "menu");
        tree.file("root/second/one", "menu");
        tree.link("root/cfg", "first");
        let roots = tree.roots();
        settle(&tree, "root/first");
        settle(&tree, "root/second");
        assert!(!there(&roots, "cfg/one"));
        fs::remove_file(tree.path("root/cfg")).unwrap();
        assert!(!there(&roots, "cfg/one"), "no directory");
        tree.link("root/cfg", "second");
        assert!(there(&roots, "cfg/one"));
        fs::remove_dir_all(tree.path("root/second")).unwrap();
        fs::rename(tree.path("root/first"), tree.path("root/second")).unwrap();
        assert!(!there(&roots, "cfg/one"));
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let absent = Absent::default();
        let tree = Tree::new();
        let stamp = Stamp::of(&rustix::fs::stat(tree.path("root")).unwrap());
        for at in 0..MOST + 10 {
            absent.remember(stamp, &at.to_string());
        }
        assert_eq!(absent.table().names, 10);
        assert!(absent.has(&stamp, &MOST.to_string()) && !absent.has(&stamp, "0"));
    }

    fn timed(tree: &Tree) -> bool {
        let system = rustix::fs::statfs(tree.path("root")).unwrap();
        TIMED.contains(&(system.f_type as u64))
    }
}
