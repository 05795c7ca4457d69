use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc;

/// Has the kernel send on a TCP socket at most so many bytes a second (`SO_MAX_PACING_RATE`, socket(7)); without a rate as
/// fast as it goes. Holds from the next segment on; TCP paces itself where the interface's queue does not.
///
/// # Errors
/// What the kernel says.
pub fn pace(socket: BorrowedFd<'_>, bytes_per_second: Option<u64>) -> io::Result<()> {
    let rate = bytes_per_second.unwrap_or(u64::MAX);
    let len = libc::socklen_t::try_from(size_of_val(&rate)).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `len` bytes from `rate`, which lives for as long as the call takes.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MAX_PACING_RATE,
            (&raw const rate).cast(),
            len,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
