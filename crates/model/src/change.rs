use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Assignment, EventKind, HostName, Mac, Net, Record, TestChange};

/// What will be true. The unit of durability: a store writes changes, then lets them be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// This record holds now, whether or not the host was known.
    Put(Arc<Record>),
    /// The host is gone.
    Remove(HostName),
    /// This is true of a test run.
    Test(TestChange),
    /// These networks are known now by this name, whether or not they were.
    PutNet(Arc<Net>),
    /// These networks are not known any more.
    RemoveNet(HostName),
}

/// What a command changes and what there is to tell about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// To be made durable together, then applied in order.
    pub changes: Vec<Change>,
    /// For the journal: about which host (or networks of that name), what.
    pub events: Vec<(HostName, Option<Mac>, EventKind)>,
}

impl Verdict {
    pub(crate) fn put(&mut self, record: Record, event: EventKind) {
        let host = &record.host;
        self.events.push((host.name.clone(), host.macs.first().copied(), event));
        self.changes.push(Change::Put(Arc::new(record)));
    }

    /// Networks that a name has now.
    pub(crate) fn put_net(&mut self, net: Net) {
        let event = EventKind::NetChanged { networks: net.networks.clone() };
        self.events.push((net.name.clone(), None, event));
        self.changes.push(Change::PutNet(Arc::new(net)));
    }

    pub(crate) fn reassign(&mut self, record: &Record, assignment: Assignment, event: EventKind) {
        self.put(Record { host: record.host.clone(), assignment }, event);
    }
}
