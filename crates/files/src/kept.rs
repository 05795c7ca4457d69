//! What was asked for a moment ago: small files in memory, others for as long as somebody has them open. A loader fetches
//! dozens of small ones, a rack's machines all the same ones, and a machine that runs from an image asks for 4 KiB of it at a
//! time: opening the file costs more than sending it.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use rustix::fs::Stat;
use rustix::io::Errno;

use crate::content::{OpenFile, system_time};
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
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// Its bytes.
    Bytes(Content),
    /// It is open while somebody reads it. Nothing is kept open here: a file that is deleted must not fill the disk.
    Open(Weak<OpenFile>),
}

impl Held {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(content) => content.as_bytes().map_or(0, bytes::Bytes::len),
            Self::Open(_) => 0,
        }
    }
}

/// What a file, or a directory, is known by. The time of its inode changes with all else, and nobody can set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    inode: (u64, u64),
    len: i64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            inode: (stat.st_dev, stat.st_ino),
            len: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Whether all its bytes may be kept.
    fn can_be_read(&self) -> bool {
        u64::try_from(self.len).is_ok_and(|len| len <= LARGEST) && self.is_settled(SystemTime::now())
    }

    /// Whether any further change gives it other times.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        [self.modified, self.changed].into_iter().all(|(seconds, nanos)| {
            now.duration_since(system_time(seconds, nanos)).is_ok_and(|age| age > SETTLED)
        })
    }
}

impl Kept {
    /// The content at a name, if it is kept and the file at its path is still the same.
    ///
    /// Whoever put a link into the path meanwhile, which leads out of the roots and to that very file, gains nothing: it
    /// was served before.
    pub(crate) fn get(&self, name: &Name) -> Option<Content> {
        let file = Arc::clone(self.table().files.get(name)?);
        let is_free = |path: &CString| matches!(rustix::fs::stat(path.as_c_str()), Err(Errno::NOENT));
        let is_same =
            || rustix::fs::stat(file.path.as_c_str()).is_ok_and(|stat| Stamp::of(&stat) == file.stat);
        let content = match &file.held {
            Held::Bytes(content) => content.clone(),
            // By now its bytes can be kept.
            Held::Open(_) if file.stat.can_be_read() => return None,
            Held::Open(open) => Content::file(open.upgrade()?),
        };
        (file.before.iter().all(is_free) && is_same()).then_some(content)
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
        let path = |root: &Path| CString::new(root.join(name.as_str()).as_os_str().as_bytes()).ok();
        let (Some(path), Some(before)) = (path(root), before.map(path).collect()) else { return };
        let bytes = if stat.can_be_read() { content.in_memory() } else { None };
        let held = match (bytes, content.open_file()) {
            (Some(bytes), _) => Held::Bytes(bytes),
            (None, Some(open)) => Held::Open(Arc::downgrade(open)),
            (None, None) => return,
        };
        let mut table = self.table();
        let len = held.len();
        if table.files.len() >= MOST.1 || table.bytes + len > MOST.0 {
            *table = Table::default();
        }
        table.bytes += len;
        let file = Arc::new(File { before, path, stat, held });
        if let Some(old) = table.files.insert(name.clone(), file) {
            table.bytes -= old.held.len();
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
        assert!(kept(&tree.roots(), "a").is_none_or(|content| content.as_bytes().is_none()));
    }

    #[test]
    fn a_file_that_somebody_reads_is_given_again_while_it_is_the_same() {
        let tree = Tree::new();
        tree.file("root/large", &"x".repeat(70_000));
        tree.file("root/fresh", "fresh");
        let roots = tree.roots();
        for sent in ["large", "fresh"] {
            let reader = roots.get(&name(sent)).unwrap();
            let known = kept(&roots, sent).expect("it is open");
            assert!(known.is_same_file(&reader));
            drop((reader, known));
            assert!(roots.kept(&name(sent)).is_none(), "nobody reads it any more");
        }
        let reader = roots.get(&name("large")).unwrap();
        assert!(kept(&roots, "large").is_some());
        fs::write(tree.path("root/large"), "y".repeat(80_000)).unwrap();
        assert!(roots.kept(&name("large")).is_none(), "another one");
        drop(reader);
    }

    #[test]
    fn what_is_kept_is_given_while_the_file_is_the_same() {
        let tree = Tree::new();
        tree.file("root/a", "one");
        let mut layout: Layout = tree.layout();
        layout.roots.insert(0, tree.path("extra"));
        let roots = Roots::open(&layout).unwrap();
        let (mut looks, begun) = (0, std::time::Instant::now());
        let content = loop {
            looks += 1;
            if let Some(content) = kept(&roots, "a").filter(|content| content.as_bytes().is_some()) {
                break content;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "not kept after {looks} looks");
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!(content.as_bytes().unwrap(), "one");
        assert_eq!(content.modified(), roots.get(&name("a")).unwrap().modified());
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
