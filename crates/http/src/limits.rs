use std::time::Duration;

/// What clients may use up.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most connections at one time; further ones wait in the kernel's queue. 4096.
    pub connections: usize,
    /// Most connections at one time from one address; further ones get 503 and are closed. 256: a boot loader has one or
    /// two, but many machines may come from behind one router, and a proxy asks for a whole rack.
    pub per_address: usize,
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
    /// Most lines in the head of a request; more gets 431. 64.
    pub headers: usize,
    /// Most bytes in the path of a request, as sent; more gets 414. 2048.
    pub path: usize,
    /// How much of a file is read and sent in one go, bytes; a connection holds at most two of these. 256 KiB.
    pub chunk: usize,
    /// How many bytes of such chunks all connections together may hold; beyond it a connection gets 16 KiB at a time. 64 MiB.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            per_address: 256,
            header_time: Duration::from_secs(30),
            write_idle: Duration::from_secs(60),
            settle: Duration::from_millis(500),
            grace: Duration::from_secs(5),
            head: 16 * 1024,
            headers: 64,
            path: 2048,
            chunk: 256 * 1024,
            memory: 64 * 1024 * 1024,
        }
    }
}
