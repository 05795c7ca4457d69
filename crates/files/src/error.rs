use std::io;
use std::path::PathBuf;

/// Why a name could not be opened. Only [`NotFound`](Self::NotFound) is everyday business.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No such file in any root.
    #[error("not found")]
    NotFound,
    /// There is something, but not a regular file: a directory, FIFO, device or socket.
    #[error("not a regular file")]
    NotAFile,
    /// A link leads out of every directory that is served.
    #[error("the link leads out of the served directories")]
    Outside,
    /// Links that lead to each other.
    #[error("too many links")]
    Loop,
    /// The server may not read it.
    #[error("the server may not read it")]
    Denied,
    /// Larger than the caller allows.
    #[error("{len} bytes; at most {max} are allowed here")]
    TooLarge {
        /// The file's size, in bytes.
        len: u64,
        /// The bound, in bytes.
        max: u64,
    },
    /// Anything else: out of file descriptors, a disk that fails.
    #[error("{0}")]
    Failed(#[source] io::Error),
}

impl From<rustix::io::Errno> for OpenError {
    fn from(errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        match errno {
            // A component that is not a directory, or too long for the file system, names nothing.
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => Self::NotFound,
            Errno::XDEV => Self::Outside,
            Errno::LOOP => Self::Loop,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            // What opening a socket, or a device without a driver, gives.
            Errno::NXIO | Errno::NODEV => Self::NotAFile,
            other => Self::Failed(other.into()),
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        match rustix::io::Errno::from_io_error(&error) {
            Some(errno) => errno.into(),
            None => Self::Failed(error),
        }
    }
}

/// Why the directories to serve cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The kernel has no openat2(2) (Linux 5.6), or a system call filter keeps it from us.
    #[error("this needs the system call openat2 (Linux 5.6 or newer, and allowed by the system call filter)")]
    NoOpenat2,
    /// No root was given.
    #[error("no directory to serve was given")]
    NoRoot,
    /// A root is missing, not a directory, or not readable.
    #[error("cannot serve {path:?}: {source}")]
    Directory {
        /// The directory as it was configured.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A root is given by a relative path.
    #[error("{path:?} is not an absolute path")]
    Relative {
        /// The directory as it was configured.
        path: PathBuf,
    },
}
