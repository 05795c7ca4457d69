//! From the page cache to a socket, without a copy.

use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::fs::Advice;

use crate::content::OpenFile;
use crate::{Content, ReadError};

/// How much is read in one go to bring a file into the page cache, bytes.
const STEP: usize = 64 * 1024;

impl Content {
    /// Has the kernel send bytes from `offset` on to a socket; returns how many it took, 0 when the file is shorter. They are
    /// read when they leave, so a file that changes a moment later may go out changed: ask
    /// [`check_unchanged`](Self::check_unchanged) when the other end has them. Waits for the disk unless [`warm`](Self::warm)
    /// came first.
    ///
    /// # Errors
    /// Of kind `Unsupported` or `InvalidInput` when this is no file, or lies where the kernel cannot do that; else what
    /// is wrong with the socket or the disk.
    pub fn send_to(&self, socket: BorrowedFd<'_>, offset: u64, len: usize) -> io::Result<usize> {
        let Some(file) = self.open_file() else { return Err(io::ErrorKind::Unsupported.into()) };
        let mut offset = offset;
        Ok(rustix::fs::sendfile(socket, file.descriptor(), Some(&mut offset), len)?)
    }

    /// Sees to it that a part of a file is in the page cache, as far as that can be told from its two ends. Where it is not,
    /// it is read on a thread made for that, and what follows is asked for. Safe to cancel.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub async fn warm(&self, part: Range<u64>) -> Result<(), ReadError> {
        let Some(file) = self.open_file() else { return Ok(()) };
        if part.is_empty() || (is_warm(file, part.start)? && is_warm(file, part.end - 1)?) {
            return Ok(());
        }
        let file = Arc::clone(file);
        tokio::task::spawn_blocking(move || read_through(&file, part)).await.map_err(io::Error::other)?
    }
}

fn is_warm(file: &OpenFile, at: u64) -> Result<bool, ReadError> {
    let mut byte = [0];
    let byte = file.within(at, &mut byte);
    Ok(file.read_cached(at, byte)? == byte.len())
}

fn read_through(file: &OpenFile, part: Range<u64>) -> Result<(), ReadError> {
    let mut buffer = vec![0; STEP];
    let mut at = part.start;
    while at < part.end {
        let step = usize::try_from(part.end - at).unwrap_or(STEP).min(STEP);
        let buffer = file.within(at, buffer.get_mut(..step).unwrap_or_default());
        if buffer.is_empty() {
            return Ok(());
        }
        file.read_waiting(at, buffer)?;
        at += buffer.len() as u64;
    }
    // Some file systems know no advice, and then it is none.
    let len = std::num::NonZeroU64::new(part.end - part.start);
    let _ = rustix::fs::fadvise(file.descriptor(), part.end, len, Advice::WillNeed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::testing::{Tree, name};

    fn file(bytes: &[u8]) -> (Tree, Content) {
        let tree = Tree::new();
        fs::write(tree.path("root/big"), bytes).unwrap();
        let content = tree.roots().get(&name("big")).unwrap();
        (tree, content)
    }

    #[test]
    fn the_kernel_sends_what_was_asked_for_and_nothing_behind_the_end() {
        let bytes: Vec<u8> = (0..60_000u32).map(|at| (at % 251) as u8).collect();
        let (tree, content) = file(&bytes);
        let (socket, mut other) = UnixStream::pair().unwrap();
        let mut came = vec![0; 1000];
        for offset in [0, 1, 59_000] {
            assert_eq!(content.send_to(socket.as_fd(), offset as u64, 1000).unwrap(), 1000);
            other.read_exact(&mut came).unwrap();
            assert_eq!(came, bytes[offset..offset + 1000]);
        }
        assert_eq!(content.send_to(socket.as_fd(), 60_000, 1000).unwrap(), 0);
        fs::File::options().write(true).open(tree.path("root/big")).unwrap().set_len(10).unwrap();
        assert_eq!(content.send_to(socket.as_fd(), 5000, 1000).unwrap(), 0, "it is shorter now");
        let error = Content::from_bytes("text").send_to(socket.as_fd(), 0, 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn any_part_can_be_warmed_and_a_file_cut_short_is_an_error() {
        let (tree, content) = file(&[7; 300_000]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for part in [0..300_000, 0..0, 299_999..300_000, 200_000..900_000] {
                content.warm(part.clone()).await.unwrap();
                read_through(content.open_file().unwrap(), part).unwrap();
            }
            fs::File::options().write(true).open(tree.path("root/big")).unwrap().set_len(10).unwrap();
            assert!(matches!(content.warm(0..300_000).await, Err(ReadError::Changed)));
            assert!(matches!(
                read_through(content.open_file().unwrap(), 0..300_000),
                Err(ReadError::Changed)
            ));
            Content::from_bytes("text").warm(0..4).await.unwrap();
        });
    }
}
