//! Small files that were asked for a moment ago, in memory. A loader fetches dozens of them, a rack's machines all the same
//! ones; opening and reading one costs more than sending it.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::fs::Stat;
use rustix::io::Errno;

use crate::content::system_time;
use crate::{Content, Name};

/// Largest file that is kept, bytes.
const LARGEST: u64 = 64 * 1024;

/// How many bytes, and how many files, are kept at most.
const MOST: (usize, usize) = (16 * 1024 * 1024, 4096);

/// A file that changed less than this ago may change again without getting another time: clocks of file systems tick in
/// milliseconds, some in two seconds.
const SETTLED: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    files: HashMap<Name, Arc<File>>,
    bytes: usize,
}

#[derive(Debug)]
struct File {
    /// Where the file would be in the roots that go before its own: nothing may be there.
    before: Vec<CString>,
    path: CString,
    stat: Stamp,
    content: Content,
}

/// What a file is known by. The time of its inode changes with all else, and nobody can set it.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    len: i64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        Self {
            inode: (stat.st_dev, stat.st_ino),
            len: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    fn is_settled(&self, now: SystemTime) -> bool {
        [self.modified, self.changed].into_iter().all(|(seconds, nanos)| {
            now.duration_since(system_time(seconds, nanos)).is_ok_and(|age| age > SETTLED)
        })
    }
}

impl Kept {
    /// The bytes at a name, if they are kept and the file at its path is still the one that they were read from.
    ///
    /// Whoever put a link into the path meanwhile, which leads out of the roots and to that very file, gains nothing: it
    /// was served before.
    pub(crate) fn get(&self, name: &Name) -> Option<Content> {
        let file = Arc::clone(self.table().files.get(name)?);
        let is_free = |path: &CString| matches!(rustix::fs::stat(path.as_c_str()), Err(Errno::NOENT));
        let is_same =
            || rustix::fs::stat(file.path.as_c_str()).is_ok_and(|stat| Stamp::of(&stat) == file.stat);
        (file.before.iter().all(is_free) && is_same()).then(|| file.content.clone())
    }

    /// Keeps a file that was found at a name just now: in `root`, behind the roots `before`.
    pub(crate) fn keep<'a>(
        &self,
        name: &Name,
        root: &Path,
        before: impl Iterator<Item = &'a Path>,
        stat: &Stat,
        content: &Content,
    ) {
        let stat = Stamp::of(stat);
        if content.len() > LARGEST || !stat.is_settled(SystemTime::now()) {
            return;
        }
        let path = |root: &Path| CString::new(root.join(name.as_str()).as_os_str().as_bytes()).ok();
        let (Some(path), Some(before)) = (path(root), before.map(path).collect()) else { return };
        let Some(content) = content.in_memory() else { return };
        let mut table = self.table();
        let len = content.as_bytes().map_or(0, bytes::Bytes::len);
        if table.files.len() >= MOST.1 || table.bytes + len > MOST.0 {
            *table = Table::default();
        }
        table.bytes += len;
        let file = Arc::new(File { before, path, stat, content });
        if let Some(old) = table.files.insert(name.clone(), file) {
            table.bytes -= old.content.as_bytes().map_or(0, bytes::Bytes::len);
        }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        // A poisoned table is as good as any: every change of it is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{Tree, name};
    use crate::{Layout, Roots};

    /// What is kept after a look by way of the disk.
    fn kept(roots: &Roots, sent: &str) -> Option<Content> {
        let name = name(sent);
        let found = roots.get(&name).unwrap();
        if let Some(known) = roots.get_known(&name) {
            assert_eq!(known.etag(), found.etag());
        }
        roots.kept(&name)
    }

    #[test]
    fn only_what_has_settled_is_kept() {
        let now = SystemTime::now();
        let at = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
        let stamp = |modified, changed| Stamp {
            inode: (1, 2),
            len: 3,
            modified: (modified, 0),
            changed: (changed, 0),
        };
        assert!(stamp(at - 9, at - 5).is_settled(now));
        assert!(!stamp(at - 9, at - 1).is_settled(now));
        assert!(!stamp(at - 1, at - 9).is_settled(now));
        assert!(!stamp(at + 60, at - 9).is_settled(now), "from the future");
        let tree = Tree::new();
        tree.file("root/a", "fresh");
        assert!(kept(&tree.roots(), "a").is_none());
    }

    #[test]
    fn what_is_kept_is_given_while_the_file_is_the_same() {
        let tree = Tree::new();
        tree.file("root/a", "one");
        tree.file("root/large", &"x".repeat(70_000));
        let mut layout: Layout = tree.layout();
        layout.roots.insert(0, tree.path("extra"));
        let roots = Roots::open(&layout).unwrap();
        let (mut looks, begun) = (0, std::time::Instant::now());
        let content = loop {
            looks += 1;
            if let Some(content) = kept(&roots, "a") {
                break content;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "not kept after {looks} looks");
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!(content.as_bytes().unwrap(), "one");
        assert_eq!(content.modified(), roots.get(&name("a")).unwrap().modified());
        assert!(kept(&roots, "large").is_none());
        tree.file("extra/a", "before");
        assert!(roots.kept(&name("a")).is_none(), "an earlier root has it now");
        fs::remove_file(tree.path("extra/a")).unwrap();
        assert!(roots.kept(&name("a")).is_some());
        fs::write(tree.path("root/a"), "two").unwrap();
        assert!(roots.kept(&name("a")).is_none(), "as long, and another");
        fs::remove_file(tree.path("root/a")).unwrap();
        assert!(roots.kept(&name("a")).is_none());
    }
}
