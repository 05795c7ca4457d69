//! What a person put at a name by hand: a file, or more often a link, like `pxelinux.cfg/01-23-34-a3-e9-09-cc`.

use std::os::fd::OwnedFd;
use std::time::SystemTime;

use rustix::fs::{AtFlags, FileType, Stat};
use rustix::io::Errno;

use crate::beneath::{self, DIRECTORY};
use crate::content::system_time;
use crate::roots::Root;
use crate::{Content, Name, OpenError, Roots};

/// A chain of links longer than this is not followed for its name. One machine's second network card linked to its first,
/// linked to a profile, is two.
const MAX_LINKS: usize = 8;

/// An entry in a directory, as it stands there.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it was put there. For a link that is the link's own time of change. For a file it is the later of the time its
    /// bytes changed and the time its inode did: a hard link to an old file, or an old file moved here, is a new entry.
    pub modified: SystemTime,
    /// Where it leads, when it is a symbolic link.
    pub link: Option<Link>,
    /// What opening it gives.
    pub body: Body,
}

/// A symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its text, with replacement characters where that is not UTF-8.
    pub text: String,
    /// The name of the file where it ends, over further links, when that lies in the same root.
    pub target: Option<Name>,
}

/// What opening an entry gives.
#[derive(Debug, Clone)]
pub enum Body {
    /// A file with content: this can be booted.
    File(Content),
    /// A file of 0 bytes. PXELINUX takes that for none over TFTP, and for a configuration over HTTP.
    Empty,
    /// A link that leads nowhere, or in circles.
    Dangling,
    /// A directory, FIFO, device or socket.
    NotAFile,
    /// A link that leads out of the served directories.
    Outside,
    /// There, but not readable for the server.
    Denied,
}

impl Entry {
    /// Its content, when it is a file that is not empty.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        match &self.body {
            Body::File(content) => Some(content),
            _ => None,
        }
    }
}

impl Roots {
    /// The entry at this name, from the first root that has one.
    ///
    /// # Errors
    /// [`OpenError`] when the directory itself cannot be looked into, or the disk fails.
    pub fn entry(&self, name: &Name) -> Result<Option<Entry>, OpenError> {
        self.look().entry(name)
    }

    pub(crate) fn entry_in(&self, root: &Root, name: &Name) -> Result<Option<Entry>, OpenError> {
        // A decision looks for a dozen entries that are not there. What a plain look does not find, the walk beneath the
        // root finds neither.
        if matches!(rustix::fs::lstat(root.path.join(name.as_str())), Err(Errno::NOENT)) {
            return Ok(None);
        }
        let at = match name.parent() {
            Some(directory) => self.directory_in(root, &directory)?,
            None => Some(beneath::open(&root.path, ".", DIRECTORY)?),
        };
        let Some(at) = at else { return Ok(None) };
        let stat = match rustix::fs::statat(&at, name.file(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        let body = match self.get_in(root, name) {
            Ok(content) if content.is_empty() => Body::Empty,
            Ok(content) => Body::File(content),
            Err(OpenError::NotFound | OpenError::Loop) if is_link => Body::Dangling,
            // Removed a moment ago.
            Err(OpenError::NotFound) => return Ok(None),
            Err(OpenError::NotAFile) => Body::NotAFile,
            Err(OpenError::Outside) => Body::Outside,
            Err(OpenError::Denied) => Body::Denied,
            Err(error) => return Err(error),
        };
        let link = if is_link { Some(self.link_at(root, &at, name, &body)?) } else { None };
        Ok(Some(Entry { modified: put_there(&stat, is_link), link, body }))
    }

    /// The directory in this root, to look things up in; `None` when there is none.
    pub(crate) fn directory_in(&self, root: &Root, directory: &Name) -> Result<Option<OwnedFd>, OpenError> {
        match beneath::open_trusting(&root.path, directory.as_str(), self.trusted(), DIRECTORY) {
            Ok(at) => Ok(Some(at)),
            Err(OpenError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn link_at(&self, root: &Root, at: &OwnedFd, name: &Name, body: &Body) -> Result<Link, OpenError> {
        let text = rustix::fs::readlinkat(at, name.file(), Vec::new())?.to_string_lossy().into_owned();
        let target = match body {
            Body::File(content) => self.follow(root, name, &text).filter(|target| {
                // Reading the text is not what the kernel does behind a link to a directory: believe it only when both
                // arrive at one file.
                self.get_in(root, target).is_ok_and(|found| found.is_same_file(content))
            }),
            _ => None,
        };
        Ok(Link { text, target })
    }

    /// Follows links by their texts, to the name of the first thing that is not a link.
    fn follow(&self, root: &Root, from: &Name, text: &str) -> Option<Name> {
        let mut name = leads_to(root, from, text)?;
        for _ in 0..MAX_LINKS {
            let at = match name.parent() {
                Some(parent) => self.directory_in(root, &parent).ok()??,
                None => beneath::open(&root.path, ".", DIRECTORY).ok()?,
            };
            match rustix::fs::readlinkat(&at, name.file(), Vec::new()) {
                Ok(text) => name = leads_to(root, &name, text.to_str().ok()?)?,
                // Not a link: arrived.
                Err(Errno::INVAL) => return Some(name),
                Err(_) => return None,
            }
        }
        None
    }
}

/// The name in the root that a link at `from` with this text leads to.
fn leads_to(root: &Root, from: &Name, text: &str) -> Option<Name> {
    if text.starts_with('/') {
        return root.name_of(text);
    }
    match from.parent() {
        Some(parent) => parent.join(text).ok(),
        None => Name::parse(text).ok(),
    }
}

fn put_there(stat: &Stat, is_link: bool) -> SystemTime {
    let bytes = system_time(stat.st_mtime, stat.st_mtime_nsec);
    if is_link {
        return bytes;
    }
    bytes.max(system_time(stat.st_ctime, stat.st_ctime_nsec))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use rustix::fs::{CWD, Timespec, Timestamps, utimensat};

    use super::*;
    use crate::testing::{Tree, fifo, name};

    const AT: &str = "01-23-34-a3-e9-09-cc";

    fn entry(tree: &Tree) -> Option<Entry> {
        tree.roots().entry(&at()).unwrap()
    }

    fn target(tree: &Tree) -> Option<String> {
        entry(tree).unwrap().link.unwrap().target.map(|name| name.to_string())
    }

    fn put_link(tree: &Tree, text: &str) {
        let _ = fs::remove_file(tree.path("root/pxelinux.cfg").join(AT));
        tree.link(&format!("root/pxelinux.cfg/{AT}"), text);
    }

    fn set_time(tree: &Tree, path: &str, seconds: i64, flags: AtFlags) {
        let time = Timespec { tv_sec: seconds, tv_nsec: 5 };
        let times = Timestamps { last_access: time, last_modification: time };
        utimensat(CWD, tree.path(path), &times, flags).unwrap();
    }

    fn at() -> Name {
        name("pxelinux.cfg").join(AT).unwrap()
    }

    fn seconds(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::new(seconds, 5)
    }

    #[test]
    fn a_link_tells_its_own_time_and_the_profile_it_ends_in() {
        let tree = Tree::new();
        tree.file("root/pxelinux.cfg/conf/local", "LOCALBOOT 0");
        set_time(&tree, "root/pxelinux.cfg/conf/local", 9_000, AtFlags::empty());
        for text in ["conf/local", "./conf/../conf/local", "@root/pxelinux.cfg/conf/local"] {
            put_link(&tree, text);
            set_time(&tree, &format!("root/pxelinux.cfg/{AT}"), 1_000, AtFlags::SYMLINK_NOFOLLOW);
            let entry = entry(&tree).unwrap();
            assert_eq!(entry.modified, seconds(1_000));
            assert_eq!(entry.content().unwrap().len(), 11);
            assert_eq!(target(&tree).unwrap(), "pxelinux.cfg/conf/local", "{text}");
        }
        put_link(&tree, "conf/local");
        assert_eq!(entry(&tree).unwrap().link.unwrap().text, "conf/local");
    }

    #[test]
    fn a_link_to_a_link_ends_in_the_profile() {
        let tree = Tree::new();
        tree.file("root/pxelinux.cfg/conf/grml", "menu");
        tree.link("root/pxelinux.cfg/01-first", "@root/pxelinux.cfg/conf/grml");
        tree.link("root/pxelinux.cfg/node1", "01-first");
        put_link(&tree, "@root/pxelinux.cfg/node1");
        assert_eq!(target(&tree).unwrap(), "pxelinux.cfg/conf/grml");
    }

    #[test]
    fn behind_linked_directories_the_name_stays_the_one_that_was_asked_for() {
        let tree = Tree::new();
        tree.file("root/debian/pxelinux.cfg/conf/local", "menu");
        tree.file("root/other", "not this one");
        tree.link("root/pxelinux.cfg", "debian/pxelinux.cfg");
        put_link(&tree, "conf/local");
        assert_eq!(target(&tree).unwrap(), "pxelinux.cfg/conf/local");
        // The kernel reads `..` behind the link to the directory, the text alone would lead to another file.
        tree.file("root/debian/other", "this one");
        put_link(&tree, "../other");
        assert_eq!(target(&tree), None);
        assert_eq!(entry(&tree).unwrap().content().unwrap().len(), 8);
    }

    #[test]
    fn a_root_that_is_itself_a_link_knows_both_its_paths() {
        let tree = Tree::new();
        tree.file("root/pxelinux.cfg/conf/local", "menu");
        tree.link("tftp", "root");
        let layout = crate::Layout { roots: vec![tree.path("tftp")], ..tree.layout() };
        let roots = Roots::open(&layout).unwrap();
        for text in ["@root/pxelinux.cfg/conf/local", "@tftp/pxelinux.cfg/conf/local"] {
            put_link(&tree, text);
            let entry = roots.entry(&at()).unwrap().unwrap();
            assert!(entry.content().is_some());
            assert_eq!(entry.link.unwrap().target.unwrap().as_str(), "pxelinux.cfg/conf/local", "{text}");
        }
    }

    #[test]
    fn a_link_into_an_extra_root_boots_but_has_no_name() {
        let tree = Tree::new();
        tree.file("extra/conf/local", "menu");
        fs::create_dir(tree.path("root/pxelinux.cfg")).unwrap();
        put_link(&tree, "@extra/conf/local");
        assert!(entry(&tree).unwrap().content().is_some());
        assert_eq!(target(&tree), None);
    }

    #[test]
    fn a_hard_link_to_an_old_file_is_a_new_entry() {
        let tree = Tree::new();
        tree.file("root/pxelinux.cfg/conf/local", "menu");
        set_time(&tree, "root/pxelinux.cfg/conf/local", 1_000, AtFlags::empty());
        let path = tree.path("root/pxelinux.cfg").join(AT);
        fs::hard_link(tree.path("root/pxelinux.cfg/conf/local"), path).unwrap();
        let entry = entry(&tree).unwrap();
        assert!(entry.modified > seconds(1_600_000_000));
        assert!(entry.link.is_none() && entry.content().is_some());
    }

    #[test]
    fn what_cannot_boot_says_so() {
        let tree = Tree::new();
        fs::create_dir(tree.path("root/pxelinux.cfg")).unwrap();
        let path = tree.path("root/pxelinux.cfg").join(AT);
        assert!(entry(&tree).is_none());
        for text in ["gone", "@gone", AT] {
            put_link(&tree, text);
            let entry = entry(&tree).unwrap();
            assert!(matches!(entry.body, Body::Dangling), "{text}");
            assert_eq!(entry.link.unwrap().target, None);
        }
        put_link(&tree, "@secret/key");
        assert!(matches!(entry(&tree).unwrap().body, Body::Outside));
        put_link(&tree, ".");
        assert!(matches!(entry(&tree).unwrap().body, Body::NotAFile));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(matches!(entry(&tree).unwrap().body, Body::Empty));
        fs::remove_file(&path).unwrap();
        fifo(&path);
        assert!(matches!(entry(&tree).unwrap().body, Body::NotAFile));
    }

    #[test]
    fn an_entry_has_the_name_that_was_asked_for_in_whichever_directory() {
        let tree = Tree::new();
        tree.file("root/grub.cfg-01-52-54-00-aa-bb-0c", "at the top");
        tree.file("root/pxelinux.0", "loader");
        let roots = tree.roots();
        let found = |at: &str| roots.entry(&name(at)).unwrap().is_some();
        assert!(found("grub.cfg-01-52-54-00-aa-bb-0c") && found("pxelinux.0"));
        for at in ["nothing", "nothing/x", "pxelinux.0/x"] {
            assert!(!found(at), "{at}");
        }
    }
}
