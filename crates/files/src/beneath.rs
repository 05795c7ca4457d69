//! Opening beneath a directory that the site named. This is the gate: there is no other way to a file.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::OpenError;

/// For reading. Without O_NONBLOCK, opening a FIFO would wait for a writer.
pub(crate) const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// For a directory to start from.
pub(crate) const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The kernel gives up with EAGAIN when a directory was renamed somewhere while it walked `..`.
const ATTEMPTS: usize = 32;

/// Whether this kernel, and the filter we run under, has openat2.
pub(crate) fn is_supported() -> bool {
    !matches!(
        rustix::fs::openat2(CWD, ".", DIRECTORY, Mode::empty(), ResolveFlags::BENEATH),
        Err(Errno::NOSYS | Errno::PERM)
    )
}

/// Opens `path` beneath `root`; links that end inside work.
///
/// The root is opened anew each time: a site may replace the whole directory (or the link that names it), and the next
/// request must see the new one.
pub(crate) fn open(root: &Path, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    open_with(root, Path::new(path), flags, ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS)
}

/// As [`open`] for reading, if the kernel finds the file without asking a disk (Linux 5.12; before that never).
pub(crate) fn open_known(root: &Path, path: &str) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::CACHED;
    let root = rustix::fs::open(root, DIRECTORY, Mode::empty())?;
    rustix::fs::openat2(&root, path, READ, Mode::empty(), resolve)
}

/// Opens a path that was canonical a moment ago: any link in it now is somebody's trick.
fn open_canonical(root: &Path, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    open_with(root, path, flags, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
}

fn open_with(root: &Path, path: &Path, flags: OFlags, resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
    let root = rustix::fs::open(root, DIRECTORY, Mode::empty())?;
    for _ in 1..ATTEMPTS {
        match rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            done => return done,
        }
    }
    rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve)
}

/// Opens `path` beneath `root`, and when a link leads out of `root` then beneath whichever of `trusted` it ends in.
///
/// The detour finds out where the links end, picks the trusted directory around that place, and opens again beneath that
/// one without following any link. So whoever changes links in the meantime gains nothing.
pub(crate) fn open_trusting(
    root: &Path,
    path: &str,
    trusted: &[PathBuf],
    flags: OFlags,
) -> Result<OwnedFd, OpenError> {
    match open(root, path, flags) {
        Err(Errno::XDEV) => {}
        done => return done.map_err(OpenError::from),
    }
    let target = std::fs::canonicalize(root.join(path))?;
    for directory in std::iter::once(root).chain(trusted.iter().map(PathBuf::as_path)) {
        let Ok(directory) = std::fs::canonicalize(directory) else { continue };
        match target.strip_prefix(&directory) {
            Ok(inside) if inside.as_os_str().is_empty() => return Ok(open(&directory, ".", flags)?),
            Ok(inside) => return Ok(open_canonical(&directory, inside, flags)?),
            Err(_) => {}
        }
    }
    Err(OpenError::Outside)
}

/// What the open file is, when it is a regular file.
pub(crate) fn regular(file: &OwnedFd) -> Result<Stat, OpenError> {
    let stat = rustix::fs::fstat(file)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        Ok(stat)
    } else {
        Err(OpenError::NotAFile)
    }
}
