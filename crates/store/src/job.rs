use std::net::Ipv4Addr;

use nextboot_model::{AttemptId, Command, EventKind, HostName, Lease, Mac, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{LeaseError, Receipt, SubmitError};

/// Something that was observed; the store gives it its id and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// In which attempt to boot, if in one.
    pub attempt: Option<AttemptId>,
    /// Which machine, if one.
    pub mac: Option<Mac>,
    /// Which host, if it is one.
    pub host: Option<HostName>,
    /// What.
    pub kind: EventKind,
}

/// What the writer is asked to do. Each job holds its place in the queue until the writer is done with it.
pub(crate) enum Job {
    Submit {
        command: Command,
        answer: oneshot::Sender<Result<Receipt, SubmitError>>,
        room: OwnedSemaphorePermit,
    },
    Leases {
        put: Vec<Lease>,
        removed: Vec<Ipv4Addr>,
        answer: oneshot::Sender<Result<(), LeaseError>>,
        room: OwnedSemaphorePermit,
    },
    Note {
        at: Timestamp,
        event: NewEvent,
        room: OwnedSemaphorePermit,
    },
    /// Answered when everything that was queued before is carried out.
    Settle(oneshot::Sender<()>),
    /// Everything that was queued before is carried out first.
    Close(oneshot::Sender<()>),
    #[cfg(test)]
    Meddle(Box<dyn FnOnce(&rusqlite::Connection) + Send>),
}
