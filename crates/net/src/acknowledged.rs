use std::os::fd::BorrowedFd;

/// `SIOCOUTQ` (tcp(7)).
const SIOCOUTQ: rustix::ioctl::Opcode = 0x5411;

/// How many bytes a TCP socket was given that its peer has not acknowledged. It still answers after the peer reset the
/// connection, which some firmware does when it has everything. `None` when the kernel does not say.
#[must_use]
pub fn unacknowledged(socket: BorrowedFd<'_>) -> Option<u32> {
    // SAFETY: SIOCOUTQ writes one C int and nothing else (tcp(7)).
    let getter = unsafe { rustix::ioctl::Getter::<SIOCOUTQ, std::ffi::c_int>::new() };
    // SAFETY: as above; the socket is open for as long as it is borrowed.
    let bytes = unsafe { rustix::ioctl::ioctl(socket, getter) }.ok()?;
    u32::try_from(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn what_was_read_is_acknowledged_and_what_fits_nowhere_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        // More than both ends' buffers take while nobody reads.
        while server.write(&[7; 65_536]).is_ok() {}
        assert!(unacknowledged(server.as_fd()).unwrap() > 0);
        server.shutdown(std::net::Shutdown::Write).unwrap();
        client.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(unacknowledged(server.as_fd()), Some(0));
    }
}
