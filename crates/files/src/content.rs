use std::fmt;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rustix::fs::Stat;
use rustix::io::{Errno, ReadWriteFlags};

/// The bytes behind a name: an open file, or bytes in memory. Cheap to clone; clones share the file. It stays readable when
/// the file is renamed, replaced or deleted meanwhile.
#[derive(Debug, Clone)]
pub struct Content(Kind);

#[derive(Clone)]
enum Kind {
    File(Arc<OpenFile>),
    Memory { bytes: Bytes, modified: Option<SystemTime>, etag: Option<Arc<str>> },
}

impl fmt::Debug for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(out, "file of {} bytes", file.identity.len),
            Self::Memory { bytes, .. } => write!(out, "{} bytes in memory", bytes.len()),
        }
    }
}

/// Why content could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file was changed while it was read: what was sent so far and what would follow do not belong together.
    #[error("the file was changed while it was being read")]
    Changed,
    /// The disk, or the network file system, failed.
    #[error("{0}")]
    Failed(#[from] io::Error),
}

impl From<Errno> for ReadError {
    fn from(errno: Errno) -> Self {
        Self::Failed(errno.into())
    }
}

/// File system types (statfs(2)) whose files are nowhere but in memory: tmpfs and ramfs.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// A regular file as it was when it was opened.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: OwnedFd,
    identity: Identity,
    /// Set when the file system cannot tell whether a read would wait (tmpfs, some network and stacked ones): true when it
    /// lies in memory, so that none ever does.
    untold: OnceLock<bool>,
    etag: OnceLock<Arc<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, u64),
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            len: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
        }
    }
}

impl Content {
    pub(crate) fn file(file: Arc<OpenFile>) -> Self {
        Self(Kind::File(file))
    }

    /// Bytes in memory, without a time.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Memory { bytes: bytes.into(), modified: None, etag: None })
    }

    /// Bytes in memory that last changed then.
    #[must_use]
    pub fn from_bytes_at(bytes: impl Into<Bytes>, modified: SystemTime) -> Self {
        Self(Kind::Memory { bytes: bytes.into(), modified: Some(modified), etag: None })
    }

    /// How many bytes there are; for a file, when it was opened.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Kind::File(file) => file.identity.len,
            Kind::Memory { bytes, .. } => bytes.len() as u64,
        }
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When it last changed, where that is known.
    #[must_use]
    pub fn modified(&self) -> Option<SystemTime> {
        match &self.0 {
            Kind::File(file) => Some(system_time(file.identity.modified.0, file.identity.modified.1)),
            Kind::Memory { modified, .. } => *modified,
        }
    }

    /// A strong entity tag with its quotes (RFC 9110 section 8.8.3): another one for other bytes. For a file it is made from
    /// its device, inode, size and time in nanoseconds, for memory from the bytes.
    #[must_use]
    pub fn etag(&self) -> Arc<str> {
        match &self.0 {
            Kind::File(file) => Arc::clone(file.etag.get_or_init(|| {
                let Identity { device, inode, len, modified: (seconds, nanos) } = file.identity;
                tag(len, fnv(&[device, inode, len, seconds as u64, nanos].map(u64::to_be_bytes).concat()))
            })),
            Kind::Memory { etag: Some(etag), .. } => Arc::clone(etag),
            Kind::Memory { bytes, .. } => tag(self.len(), fnv(bytes)),
        }
    }

    /// All bytes, when they are in memory.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::File(_) => None,
            Kind::Memory { bytes, .. } => Some(bytes),
        }
    }

    /// Reads from `offset` on until `buffer` is full or the content ends; returns how many bytes that were, 0 at or behind
    /// the end. What lies in the page cache is copied at once; else the read waits on a thread made for that. Safe to
    /// cancel.
    ///
    /// # Errors
    /// [`ReadError::Changed`] when the file became shorter than it was, and [`ReadError::Failed`].
    pub async fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        match &self.0 {
            Kind::Memory { bytes, .. } => Ok(copy_at(bytes, offset, buffer)),
            Kind::File(file) => {
                let buffer = file.within(offset, buffer);
                let cached = file.read_cached(offset, buffer)?;
                let Some(rest) = buffer.get_mut(cached..).filter(|rest| !rest.is_empty()) else {
                    return Ok(cached);
                };
                let (file, offset, len) = (Arc::clone(file), offset + cached as u64, rest.len());
                let read = move || {
                    let mut bytes = vec![0; len];
                    file.read_waiting(offset, &mut bytes).map(|()| bytes)
                };
                let bytes = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
                rest.copy_from_slice(&bytes);
                Ok(cached + len)
            }
        }
    }

    /// As [`read_at`](Self::read_at), but never waits: what lies in the page cache is copied, and fewer bytes than there are
    /// say that the rest has to be waited for.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub fn read_at_hand(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        match &self.0 {
            Kind::Memory { bytes, .. } => Ok(copy_at(bytes, offset, buffer)),
            Kind::File(file) => file.read_cached(offset, file.within(offset, buffer)),
        }
    }

    /// As [`read_at`](Self::read_at), on the calling thread.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub fn read_at_blocking(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        match &self.0 {
            Kind::Memory { bytes, .. } => Ok(copy_at(bytes, offset, buffer)),
            Kind::File(file) => {
                let buffer = file.within(offset, buffer);
                file.read_waiting(offset, buffer)?;
                Ok(buffer.len())
            }
        }
    }

    /// Whether the file is still as it was when it was opened, by size and time. Ask at the end of a long transfer before
    /// calling it delivered.
    ///
    /// # Errors
    /// [`ReadError::Changed`] when it is not.
    pub fn check_unchanged(&self) -> Result<(), ReadError> {
        match &self.0 {
            Kind::Memory { .. } => Ok(()),
            Kind::File(file) if Identity::of(&rustix::fs::fstat(&file.file)?) == file.identity => Ok(()),
            Kind::File(_) => Err(ReadError::Changed),
        }
    }

    /// The same content in memory, if it is a file of which all is in the page cache, and as it was.
    pub(crate) fn in_memory(&self) -> Option<Self> {
        let file = self.open_file()?;
        let mut bytes = vec![0; usize::try_from(self.len()).ok()?];
        let read = file.read_cached(0, &mut bytes).ok()?;
        if read != bytes.len() || self.check_unchanged().is_err() {
            return None;
        }
        let etag = Some(self.etag());
        Some(Self(Kind::Memory { bytes: bytes.into(), modified: self.modified(), etag }))
    }

    /// The open file, when it is one.
    pub(crate) fn open_file(&self) -> Option<&Arc<OpenFile>> {
        match &self.0 {
            Kind::File(file) => Some(file),
            Kind::Memory { .. } => None,
        }
    }

    /// True when both are the same open file.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        self.open_file().zip(other.open_file()).is_some_and(|(one, other)| one.inode() == other.inode())
    }
}

impl OpenFile {
    pub(crate) fn new(file: OwnedFd, stat: &Stat) -> Self {
        Self { file, identity: Identity::of(stat), untold: OnceLock::new(), etag: OnceLock::new() }
    }

    pub(crate) fn inode(&self) -> (u64, u64) {
        (self.identity.device, self.identity.inode)
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    /// The part of the buffer that the file can fill from `offset` on.
    pub(crate) fn within<'b>(&self, offset: u64, buffer: &'b mut [u8]) -> &'b mut [u8] {
        let rest = usize::try_from(self.identity.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = rest.min(buffer.len());
        buffer.get_mut(..len).unwrap_or_default()
    }

    /// Reads what is in the page cache; stops where it would have to wait.
    pub(crate) fn read_cached(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        if let Some(in_memory) = self.untold.get() {
            return self.read_untold(*in_memory, offset, buffer);
        }
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset + done as u64;
            match rustix::io::preadv2(&self.file, &mut [IoSliceMut::new(rest)], at, ReadWriteFlags::NOWAIT) {
                Ok(0) => return Err(ReadError::Changed),
                Ok(read) => done += read,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                    let in_memory = *self.untold.get_or_init(|| self.lies_in_memory());
                    return Ok(done + self.read_untold(in_memory, at, rest)?);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }

    fn read_untold(&self, in_memory: bool, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        if !in_memory {
            return Ok(0);
        }
        self.read_waiting(offset, buffer)?;
        Ok(buffer.len())
    }

    fn lies_in_memory(&self) -> bool {
        rustix::fs::fstatfs(&self.file).is_ok_and(|system| IN_MEMORY.contains(&(system.f_type as u64)))
    }

    /// Fills the whole buffer, waiting for the disk.
    pub(crate) fn read_waiting(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match rustix::io::pread(&self.file, rest, offset + done as u64) {
                // The buffer was cut to the size the file had: it is shorter now.
                Ok(0) => return Err(ReadError::Changed),
                Ok(read) => done += read,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Copies what there is from `offset` on; returns how many bytes.
fn copy_at(bytes: &[u8], offset: u64, buffer: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    let len = rest.len().min(buffer.len());
    let (from, _) = rest.split_at(len);
    let (to, _) = buffer.split_at_mut(len);
    to.copy_from_slice(from);
    len
}

/// A file's time; negative seconds are before 1970.
pub(crate) fn system_time(seconds: i64, nanos: u64) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    base.and_then(|base| base.checked_add(Duration::from_nanos(nanos))).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn tag(len: u64, hash: u64) -> Arc<str> {
    format!("\"{len:x}-{hash:016x}\"").into()
}

/// FNV-1a, 64 bit: it only has to tell versions apart, and must give the same tag after a restart.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{Tree, name};

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn big() -> (Tree, Vec<u8>, Content) {
        let tree = Tree::new();
        let bytes: Vec<u8> = (0..300_000u32).map(|at| (at % 251) as u8).collect();
        fs::write(tree.path("root/big"), &bytes).unwrap();
        let content = tree.roots().get(&name("big")).unwrap();
        (tree, bytes, content)
    }

    #[test]
    fn any_part_can_be_read_from_a_file_and_from_memory_alike() {
        let (_tree, bytes, file) = big();
        let memory = Content::from_bytes(bytes.clone());
        block_on(async {
            for content in [&file, &memory] {
                assert_eq!(content.len(), 300_000);
                for (offset, len) in
                    [(0, 1), (1, 1468), (0, 300_000), (299_999, 10), (300_000, 10), (u64::MAX, 10), (5, 0)]
                {
                    let mut buffer = vec![0xee; len];
                    let read = content.read_at(offset, &mut buffer).await.unwrap();
                    let start = usize::try_from(offset).unwrap().min(bytes.len());
                    let expected = &bytes[start..(start.saturating_add(len)).min(bytes.len())];
                    assert_eq!(&buffer[..read], expected, "{offset} {len}");
                    let mut again = vec![0xee; len];
                    assert_eq!(content.read_at_blocking(offset, &mut again).unwrap(), read);
                    assert_eq!(again[..read], buffer[..read]);
                    let at_hand = content.read_at_hand(offset, &mut again).unwrap();
                    assert!(at_hand <= read);
                    assert_eq!(again[..at_hand], buffer[..at_hand]);
                }
            }
        });
    }

    #[test]
    fn a_file_system_that_does_not_tell_whether_a_read_waits_is_read_all_the_same() {
        for in_memory in [false, true] {
            let (_tree, bytes, file) = big();
            let Kind::File(open) = &file.0 else { unreachable!() };
            open.untold.set(in_memory).unwrap();
            let mut buffer = vec![0; 300_000];
            assert_eq!(block_on(file.read_at(0, &mut buffer)).unwrap(), 300_000);
            assert_eq!(buffer, bytes);
            let at_hand = file.read_at_hand(0, &mut buffer).unwrap();
            assert_eq!(at_hand, if in_memory { 300_000 } else { 0 });
        }
    }

    #[test]
    fn a_file_cut_short_while_it_is_read_is_an_error() {
        let (tree, _, content) = big();
        assert!(content.check_unchanged().is_ok());
        fs::OpenOptions::new().write(true).open(tree.path("root/big")).unwrap().set_len(1000).unwrap();
        let mut buffer = vec![0; 2000];
        assert!(matches!(block_on(content.read_at(0, &mut buffer)), Err(ReadError::Changed)));
        assert!(matches!(content.read_at_hand(500, &mut buffer), Err(ReadError::Changed)));
        assert!(matches!(content.read_at_blocking(5000, &mut buffer), Err(ReadError::Changed)));
        assert!(matches!(content.check_unchanged(), Err(ReadError::Changed)));
    }

    #[test]
    fn a_file_that_grows_is_read_to_the_length_it_had() {
        let (tree, bytes, content) = big();
        fs::write(tree.path("root/big"), vec![0; 400_000]).unwrap();
        let mut buffer = vec![0; 400_000];
        assert_eq!(content.read_at_blocking(0, &mut buffer).unwrap(), bytes.len());
        assert!(matches!(content.check_unchanged(), Err(ReadError::Changed)));
    }

    #[test]
    fn other_bytes_have_another_tag_and_the_same_have_the_same() {
        let one = Content::from_bytes("one");
        assert_eq!(one.etag(), Content::from_bytes_at("one", SystemTime::now()).etag());
        assert_ne!(one.etag(), Content::from_bytes("two").etag());
        assert!(one.etag().starts_with('"') && one.etag().ends_with('"'));
        let (tree, _, file) = big();
        assert_eq!(file.etag(), tree.roots().get(&name("big")).unwrap().etag());
    }

    #[test]
    fn times_before_1970_and_absurd_ones_are_times_too() {
        assert_eq!(system_time(-1, 500_000_000), SystemTime::UNIX_EPOCH - Duration::from_millis(500));
        assert_eq!(system_time(1, 0), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let _ = (system_time(i64::MAX, u64::MAX), system_time(i64::MIN, u64::MAX));
    }
}
