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
    /// The entry `file` in `directory`, from the first root that has one. `None` when none has, or when `file` is not the
    /// name of a single entry.
    ///
    /// # Errors
    /// [`OpenError`] when the directory itself cannot be looked into, or the disk fails.
    pub fn entry(&self, directory: &Name, file: &str) -> Result<Option<Entry>, OpenError> {
        let Ok(name) = directory.join(file) else { return Ok(None) };
        if name.file() != file {
            return Ok(None);
        }
        for root in self.roots() {
            if let Some(entry) = self.entry_in(root, directory, &name)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn entry_in(&self, root: &Root, directory: &Name, name: &Name) -> Result<Option<Entry>, OpenError> {
        let Some(at) = self.directory_in(root, directory)? else { return Ok(None) };
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
