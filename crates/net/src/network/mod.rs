//! What the kernel knows about its interfaces and neighbours (rtnetlink).

mod interfaces;
mod neighbours;
mod watch;

use std::io;

use rtnetlink::Handle;
use tokio::task::JoinHandle;

pub use interfaces::Interface;
pub use neighbours::Neighbour;
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

/// Asks the kernel about interfaces, routes and neighbours. Cheap to share behind an `Arc`; questions may be asked at the
/// same time.
#[derive(Debug)]
pub struct Network {
    asking: Connection,
}

impl Network {
    /// Opens a netlink socket and starts the task that reads it, on the current tokio runtime; both end when this is
    /// dropped.
    ///
    /// # Errors
    /// [`NetlinkError::Open`].
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self { asking: Connection::open()? })
    }
}

/// One netlink socket. It answers many questions at a time, but the kernel walks only one whole table at a time for it
/// (EBUSY otherwise, also while a walk goes on that nobody waits for any more). So those get a socket of their own.
#[derive(Debug)]
struct Connection {
    handle: Handle,
    _task: Task,
}

impl Connection {
    fn open() -> Result<Self, NetlinkError> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(NetlinkError::Open)?;
        Ok(Self { handle, _task: Task(tokio::spawn(connection)) })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_loopback_interface_is_known_and_nobodys_neighbour() {
        let network = Network::open().unwrap();
        let interfaces = network.interfaces().await.unwrap();
        let loopback = interfaces.iter().find(|interface| interface.loopback).unwrap();
        assert_eq!((loopback.name.as_str(), loopback.mac), ("lo", None));
        let found = network.neighbour("127.0.0.1".parse().unwrap()).await.unwrap();
        assert_eq!(found, Neighbour::Elsewhere);
    }

    #[tokio::test]
    async fn questions_asked_at_the_same_time_all_get_their_answers() {
        let network = std::sync::Arc::new(Network::open().unwrap());
        let asking: Vec<_> = (0..50)
            .map(|_| {
                let network = std::sync::Arc::clone(&network);
                tokio::spawn(async move {
                    network.neighbour("192.0.2.1".parse().unwrap()).await.unwrap();
                    network.default_interface().await.unwrap();
                    network.interfaces().await.unwrap().len()
                })
            })
            .collect();
        for asked in asking {
            assert!(asked.await.unwrap() >= 1);
        }
    }
}
