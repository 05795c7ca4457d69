//! What the kernel knows about its interfaces and neighbours (rtnetlink).

mod interfaces;
mod neighbours;
mod watch;

use std::io;

use rtnetlink::Handle;
use tokio::task::JoinHandle;

pub use interfaces::Interface;
pub use watch::{Change, Changes};

/// Why the kernel's tables could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// No netlink socket.
    #[error("cannot open a netlink socket: {0}")]
    Open(#[source] io::Error),
    /// A request was refused or lost.
    #[error("netlink: {0}")]
    Request(#[from] rtnetlink::Error),
}

/// Asks the kernel about interfaces, routes and neighbours over one netlink socket. Cheap to share behind an `Arc`;
/// questions may be asked at the same time.
#[derive(Debug)]
pub struct Network {
    handle: Handle,
    _connection: Task,
}

impl Network {
    /// Opens the socket and starts the task that reads it, on the current tokio runtime; both end when this is dropped.
    ///
    /// # Errors
    /// [`NetlinkError::Open`].
    pub fn open() -> Result<Self, NetlinkError> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(NetlinkError::Open)?;
        Ok(Self { handle, _connection: Task(tokio::spawn(connection)) })
    }
}

/// A task that ends with its owner.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
