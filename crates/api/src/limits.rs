use std::time::Duration;

/// What clients may use up.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most TCP connections at one time; further ones are closed at once. 1024.
    pub connections: usize,
    /// Most TCP connections at one time from one address; further ones are closed at once. 64.
    pub per_address: usize,
    /// Most connections to the unix socket at one time; counted apart, so that root gets in when TCP is full. 64.
    pub local_connections: usize,
    /// For how long a client may take for the head of a request, and be idle between two requests. 30 s.
    pub header_time: Duration,
    /// For how long a client may take for the body of a request. 30 s.
    pub body_time: Duration,
    /// For how long a client may take nothing of what is sent to it. 30 s.
    pub write_idle: Duration,
    /// How often a quiet stream of events says that it is alive. 15 s.
    pub heartbeat: Duration,
    /// How long connections may go on when the server ends. 3 s.
    pub grace: Duration,
    /// Most bytes in the head of a request; more gets 431. 16 KiB.
    pub head: usize,
    /// Most lines in the head of a request; more gets 431. 64.
    pub headers: usize,
    /// Most bytes in the body of a request; more gets 413. 1 MiB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            per_address: 64,
            local_connections: 64,
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            write_idle: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            grace: Duration::from_secs(3),
            head: 16 * 1024,
            headers: 64,
            body: 1024 * 1024,
        }
    }
}
