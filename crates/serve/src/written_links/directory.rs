use std::{
    fs::{self, Metadata, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nextboot_model::Timestamp;
use rustix::{
    fs::{AtFlags, CWD, RenameFlags, Timespec, Timestamps, UTIME_NOW, renameat_with, utimensat},
    io::Errno,
};

use super::mark;
use crate::{
    clock,
    tree::{CFG_DIR, believed},
};

/// Where a link stands until it is whole, and what a link was replaced by goes through.
const BETWEEN: &str = ".nextboot-link";
/// What a person's file is called after its name when our link takes that.
const KEPT: &str = ".kept";

/// What should stand at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The link's text; nothing where what was said is no file here.
    pub(super) text: Option<String>,
    /// When it was said.
    pub(super) since: Timestamp,
}

/// `pxelinux.cfg` of a root, as others read it at any moment: a name goes from one whole entry to the next. Between our look and our
/// change a person may put something there; that stays.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

/// A link to be written.
#[derive(Clone, Copy)]
struct ToLink<'a> {
    text: &'a str,
    since: Timestamp,
}

/// What stands at a name.
enum Found {
    Nothing,
    Ours(String, Metadata),
    Theirs(Metadata),
}

impl Directory {
    /// Of this root; it is made when it is not there, for others to read.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let path = root.join(CFG_DIR);
        match fs::create_dir(&path) {
            Ok(()) => fs::set_permissions(&path, Permissions::from_mode(0o755))?,
            Err(_) if path.is_dir() => {}
            Err(error) => return Err(error),
        }
        Ok(Self { path })
    }

    /// True when a link with this text would lead to a file.
    pub(super) fn leads_to_file(&self, text: &str) -> bool {
        fs::metadata(self.path.join(text)).is_ok_and(|found| found.is_file())
    }

    /// The names of our links.
    pub(super) fn ours(&self) -> io::Result<Vec<String>> {
        let mut ours = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            if name.starts_with("01-") && matches!(self.look(&name)?, Found::Ours(..)) {
                ours.push(name);
            }
        }
        Ok(ours)
    }

    /// Makes what is wanted stand at this name, or nothing of ours. What a person put there after that was said stays.
    pub(super) fn settle(&self, name: &str, wanted: Option<&Wanted>) -> io::Result<()> {
        let since = wanted.map(|wanted| wanted.since);
        let link =
            wanted.and_then(|wanted| Some(ToLink { text: wanted.text.as_deref()?, since: wanted.since }));
        match (self.look(name)?, link) {
            (Found::Nothing, None) => Ok(()),
            (Found::Nothing, Some(link)) => {
                let between = self.make(BETWEEN, name, link)?;
                self.rename(&between, &self.path.join(name), RenameFlags::NOREPLACE).or_else(|error| {
                    fs::remove_file(&between)?;
                    // Somebody was faster; at the next look it is seen whose word is the later.
                    if error == Errno::EXIST { Ok(()) } else { Err(error.into()) }
                })
            }
            (Found::Ours(text, found), Some(link)) => {
                let is_it =
                    text == link.text && modified(&found) == mark::time(&entry(name), link.text, link.since);
                if is_it { Ok(()) } else { self.replace(name, &found, link) }
            }
            (Found::Ours(_, found), None) => self.remove(name, &found),
            (Found::Theirs(found), link) => {
                let put = believed(clock::from_system(put_there(&found)), clock::now());
                if since.is_none_or(|since| put > since) {
                    return Ok(());
                }
                match link {
                    _ if found.is_dir() => Err(io::Error::other("a directory has this name; move it away")),
                    Some(link) => self.replace(name, &found, link),
                    // Others would go on booting what was replaced by a later word, an installer perhaps.
                    None if found.is_symlink() => self.remove(name, &found),
                    None => self.put_aside(name),
                }
            }
        }
    }

    fn look(&self, name: &str) -> io::Result<Found> {
        let path = self.path.join(name);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        if found.is_symlink() {
            let text = fs::read_link(&path)?.to_string_lossy().into_owned();
            if mark::is_ours(&entry(name), &text, modified(&found)) {
                return Ok(Found::Ours(text, found));
            }
        }
        Ok(Found::Theirs(found))
    }

    /// A whole link, not yet at its name.
    fn make(&self, between: &str, name: &str, link: ToLink<'_>) -> io::Result<PathBuf> {
        let path = self.path.join(between);
        if between == BETWEEN {
            // Left by a crash.
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        } else if let Ok(text) = fs::read_link(&path) {
            let time = modified(&fs::symlink_metadata(&path)?);
            if mark::is_ours(&entry(name), &text.to_string_lossy(), time) {
                fs::remove_file(&path)?;
            }
        }
        symlink(link.text, &path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                io::Error::other(format!("a file has this name, and so has {between}; move one of them away"))
            }
            _ => error,
        })?;
        let time = mark::time(&entry(name), link.text, link.since);
        let marked = stamp(&path, time).and_then(|()| Ok(modified(&fs::symlink_metadata(&path)?) == time));
        if matches!(marked, Ok(true)) {
            return Ok(path);
        }
        fs::remove_file(&path)?;
        // Without its time it would be taken for a person's, and defeat whatever is assigned next.
        let why = marked.err().map(|error| format!(": {error}")).unwrap_or_default();
        Err(io::Error::other(format!("this file system does not keep a link's time to the nanosecond{why}")))
    }

    /// Our link in the place of what was found there; a person's file is kept beside it.
    fn replace(&self, name: &str, found: &Metadata, link: ToLink<'_>) -> io::Result<()> {
        let keep = !found.is_symlink();
        let between = if keep { format!("{name}{KEPT}") } else { BETWEEN.to_owned() };
        let (between, path) = (self.make(&between, name, link)?, self.path.join(name));
        match renameat_with(CWD, &between, CWD, &path, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            // NFS cannot exchange two names.
            Err(Errno::INVAL | Errno::NOSYS) if !keep => return fs::rename(&between, &path),
            Err(error) => {
                fs::remove_file(&between)?;
                // Gone meanwhile: whoever took it away may want it so until somebody says otherwise.
                return if error == Errno::NOENT { Ok(()) } else { Err(error.into()) };
            }
        }
        if !is_same(found, &fs::symlink_metadata(&between)?) {
            renameat_with(CWD, &between, CWD, &path, RenameFlags::EXCHANGE)?;
            return fs::remove_file(&between);
        }
        if keep { Ok(()) } else { fs::remove_file(&between) }
    }

    /// A person's file, under its other name.
    fn put_aside(&self, name: &str) -> io::Result<()> {
        let kept = format!("{name}{KEPT}");
        self.rename(&self.path.join(name), &self.path.join(&kept), RenameFlags::NOREPLACE).map_err(|error| {
            match error {
                Errno::EXIST => io::Error::other(format!(
                    "a file has this name, and so has {kept}; move one of them away"
                )),
                error => error.into(),
            }
        })
    }

    fn remove(&self, name: &str, found: &Metadata) -> io::Result<()> {
        let (between, path) = (self.path.join(BETWEEN), self.path.join(name));
        fs::rename(&path, &between)?;
        if is_same(found, &fs::symlink_metadata(&between)?) {
            return fs::remove_file(&between);
        }
        Ok(self.rename(&between, &path, RenameFlags::NOREPLACE)?)
    }

    fn rename(&self, from: &Path, to: &Path, flags: RenameFlags) -> Result<(), Errno> {
        match renameat_with(CWD, from, CWD, to, flags) {
            // NFS knows no such flags.
            Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::rename(from, to),
            done => done,
        }
    }
}

fn entry(name: &str) -> String {
    format!("{CFG_DIR}/{name}")
}

fn stamp(path: &Path, time: SystemTime) -> io::Result<()> {
    let since = time.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let at = Timespec {
        tv_sec: since.as_secs().try_into().map_err(io::Error::other)?,
        tv_nsec: since.subsec_nanos().into(),
    };
    let times = Timestamps { last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }, last_modification: at };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// To the nanosecond.
fn modified(found: &Metadata) -> SystemTime {
    found.modified().unwrap_or(UNIX_EPOCH)
}

/// When a person put it there, as the served tree has it: for a link its own time, for a file also that of its inode.
fn put_there(found: &Metadata) -> SystemTime {
    if found.is_symlink() {
        return modified(found);
    }
    let seconds = Duration::from_secs(found.ctime().try_into().unwrap_or(0));
    let nanos = Duration::from_nanos(found.ctime_nsec().try_into().unwrap_or(0));
    modified(found).max(UNIX_EPOCH + seconds + nanos)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino(), modified(one)) == (other.dev(), other.ino(), modified(other))
}

#[cfg(test)]
mod tests {
    use nextboot_boot::Tree as _;
    use nextboot_files::{Layout, Roots};

    use super::*;
    use crate::tree::DiskTree;

    const NAME: &str = "01-02-00-00-00-00-01";

    fn directory() -> (tempfile::TempDir, Directory) {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(root.path()).unwrap();
        (root, directory)
    }

    fn wanted(text: &str, since: Timestamp) -> Wanted {
        Wanted { text: Some(text.to_owned()), since }
    }

    /// Something was said that is no file here.
    fn no_file(since: Timestamp) -> Wanted {
        Wanted { text: None, since }
    }

    fn text(directory: &Directory) -> Option<String> {
        fs::read_link(directory.path.join(NAME)).ok().map(|text| text.to_string_lossy().into_owned())
    }

    fn names(directory: &Directory) -> Vec<String> {
        let entries = fs::read_dir(&directory.path).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_follows_what_is_wanted_and_goes_with_it() {
        let (_root, directory) = directory();
        let now = clock::now();
        for (to, since) in [("conf/a", 5), ("conf/b", 9), ("conf/a", 7)] {
            directory.settle(NAME, Some(&wanted(to, Timestamp(since)))).unwrap();
            assert_eq!(text(&directory).as_deref(), Some(to), "also back to an earlier word");
            assert_eq!(names(&directory), [NAME], "nothing is left between");
            assert_eq!(directory.ours().unwrap(), [NAME]);
        }
        directory.settle(NAME, Some(&wanted("conf/a", now))).unwrap();
        let made = fs::symlink_metadata(directory.path.join(NAME)).unwrap();
        directory.settle(NAME, Some(&wanted("conf/a", now))).unwrap();
        assert!(is_same(&made, &fs::symlink_metadata(directory.path.join(NAME)).unwrap()), "left alone");
        directory.settle(NAME, None).unwrap();
        assert!(names(&directory).is_empty());
        directory.settle(NAME, None).unwrap();
    }

    #[test]
    fn what_a_person_put_there_later_stays_and_gives_way_to_a_later_word() {
        let (_root, directory) = directory();
        let before = Timestamp(clock::now().0 - 10_000);
        directory.settle(NAME, Some(&wanted("conf/a", before))).unwrap();
        fs::remove_file(directory.path.join(NAME)).unwrap();
        symlink("conf/hand", directory.path.join(NAME)).unwrap();
        for what in [Some(wanted("conf/a", before)), None] {
            directory.settle(NAME, what.as_ref()).unwrap();
            assert_eq!(text(&directory).as_deref(), Some("conf/hand"));
        }
        assert!(directory.ours().unwrap().is_empty());
        let later = Timestamp(clock::now().0 + 1);
        directory.settle(NAME, Some(&wanted("conf/b", later))).unwrap();
        assert_eq!(text(&directory).as_deref(), Some("conf/b"));
        assert_eq!(names(&directory), [NAME]);
    }

    #[test]
    fn a_persons_file_is_kept_and_never_twice() {
        let (_root, directory) = directory();
        let (path, kept) = (directory.path.join(NAME), directory.path.join(format!("{NAME}{KEPT}")));
        let later = || wanted("conf/a", Timestamp(clock::now().0 + 1));
        fs::write(&path, "theirs").unwrap();
        directory.settle(NAME, Some(&wanted("conf/a", Timestamp(5)))).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        directory.settle(NAME, Some(&later())).unwrap();
        assert_eq!(text(&directory).as_deref(), Some("conf/a"));
        assert_eq!(fs::read_to_string(&kept).unwrap(), "theirs");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "again").unwrap();
        let error = directory.settle(NAME, Some(&later())).unwrap_err().to_string();
        assert!(error.contains("move one of them away"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "again");
        assert_eq!(fs::read_to_string(&kept).unwrap(), "theirs");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let error = directory.settle(NAME, Some(&later())).unwrap_err().to_string();
        assert!(error.contains("a directory"), "{error}");
    }

    #[test]
    fn what_a_person_put_there_goes_when_something_without_a_file_is_said_later() {
        let (_root, directory) = directory();
        let path = directory.path.join(NAME);
        let later = || no_file(Timestamp(clock::now().0 + 1));
        symlink("conf/installer", &path).unwrap();
        for earlier in [None, Some(no_file(Timestamp(5)))] {
            directory.settle(NAME, earlier.as_ref()).unwrap();
            assert_eq!(text(&directory).as_deref(), Some("conf/installer"));
        }
        directory.settle(NAME, Some(&later())).unwrap();
        assert!(names(&directory).is_empty());
        fs::write(&path, "theirs").unwrap();
        directory.settle(NAME, Some(&later())).unwrap();
        assert_eq!(names(&directory), [format!("{NAME}{KEPT}")], "kept beside it");
        fs::write(&path, "again").unwrap();
        let error = directory.settle(NAME, Some(&later())).unwrap_err().to_string();
        assert!(error.contains("move one of them away"), "{error}");
        directory.settle(NAME, Some(&no_file(Timestamp(5)))).unwrap();
        fs::remove_file(&path).unwrap();
        directory.settle(NAME, Some(&wanted("conf/a", Timestamp(5)))).unwrap();
        directory.settle(NAME, Some(&no_file(Timestamp(6)))).unwrap();
        assert_eq!(names(&directory), [format!("{NAME}{KEPT}")], "ours goes, too");
    }

    #[test]
    fn what_we_wrote_is_nobodys_word_in_the_served_tree_and_a_copy_of_it_is() {
        let (root, directory) = directory();
        fs::create_dir(directory.path.join("conf")).unwrap();
        fs::write(directory.path.join("conf/a"), "DEFAULT a\n").unwrap();
        let tree = DiskTree(Roots::open(&Layout::new(root.path())).unwrap());
        directory.settle(NAME, Some(&wanted("conf/a", Timestamp(5)))).unwrap();
        assert_eq!(tree.hand(NAME), None);
        let copy = "01-02-00-00-00-00-02";
        fs::rename(directory.path.join(NAME), directory.path.join(copy)).unwrap();
        assert!(tree.hand(copy).is_some());
        symlink("conf/a", directory.path.join(NAME)).unwrap();
        assert!(tree.hand(NAME).is_some());
    }

    #[test]
    fn what_a_crash_left_between_is_no_hindrance() {
        let (_root, directory) = directory();
        symlink("x", directory.path.join(BETWEEN)).unwrap();
        directory.settle(NAME, Some(&wanted("conf/a", Timestamp(5)))).unwrap();
        assert_eq!(names(&directory), [NAME]);
        directory.settle(NAME, None).unwrap();
        fs::write(directory.path.join(NAME), "theirs").unwrap();
        let later = wanted("conf/a", Timestamp(clock::now().0 + 1));
        let link = ToLink { text: "conf/b", since: Timestamp(3) };
        directory.make(&format!("{NAME}{KEPT}"), NAME, link).unwrap();
        directory.settle(NAME, Some(&later)).unwrap();
        assert_eq!(text(&directory).as_deref(), Some("conf/a"));
        assert_eq!(names(&directory), [NAME.to_owned(), format!("{NAME}{KEPT}")]);
    }
}
