use std::num::NonZeroU64;
use std::time::Duration;

/// What clients may use up.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most connections at one time; further ones wait in the kernel's queue. 4096.
    pub connections: usize,
    /// Most connections at one time from one address; further ones get 503 and are closed. 256: a boot loader has one or
    /// two, but many machines may come from behind one router, and a proxy asks for a whole rack.
    pub per_address: usize,
    /// Most bytes a second for one address, whose connections share it; none: as fast as it goes. None.
    pub rate: Option<NonZeroU64>,
    /// For how long a client may take for the head of a request, and be idle between two requests. 30 s.
    pub header_time: Duration,
    /// For how long a client may take nothing, or acknowledge nothing, of what is sent to it. 60 s: some write to a slow
    /// disk.
    pub write_idle: Duration,
    /// How long a client has to close its side after we closed ours (closing at once would throw away what is still on its
    /// way), and, where acknowledgements cannot be seen, to reset the connection before a delivery counts as complete.
    /// 0.5 s.
    pub settle: Duration,
    /// How long connections may go on when the server ends. 5 s.
    pub grace: Duration,
    /// Most bytes in the head of a request, at least 8192; more gets 431. 16 KiB.
    pub head: usize,
    /// Most bytes in the path of a request, as sent; more gets 414. 2048.
    pub path: usize,
    /// How much of a large file the kernel is told to send in one go, bytes, before others have their turn. 4 MiB: about what
    /// a connection's buffer takes, since a client that sleeps costs as much to wake as a hundred KiB to send.
    pub chunk: usize,
    /// Most bytes in a log that is uploaded; more gets 413. 64 MiB.
    pub upload: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            per_address: 256,
            rate: None,
            header_time: Duration::from_secs(30),
            write_idle: Duration::from_secs(60),
            settle: Duration::from_millis(500),
            grace: Duration::from_secs(5),
            head: 16 * 1024,
            path: 2048,
            chunk: 4 * 1024 * 1024,
            upload: 64 * 1024 * 1024,
        }
    }
}
