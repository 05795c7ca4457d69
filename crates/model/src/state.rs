use std::{net::Ipv4Addr, sync::Arc};

use imbl::{HashMap, OrdMap};
use serde::{Deserialize, Serialize};

use crate::{Assignment, Change, Host, HostName, Mac, Net, Network, TestTable, Uuid};

/// A host and what it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The machine.
    pub host: Host,
    /// Its assignment; a host always has one (`local` when it was just added).
    pub assignment: Assignment,
}

/// The state table: every host and its assignment, and the ways to find one.
///
/// A persistent structure: a clone costs a few pointers and is a snapshot that no later change touches, so readers take
/// one and never wait.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Counts the changes that led here.
    revision: u64,
    records: OrdMap<HostName, Arc<Record>>,
    by_mac: HashMap<Mac, HostName>,
    by_uuid: HashMap<Uuid, HostName>,
    by_address: HashMap<Ipv4Addr, HostName>,
    tests: TestTable,
    nets: OrdMap<HostName, Arc<Net>>,
    by_network: HashMap<Network, HostName>,
}

impl State {
    /// How many changes led to this state.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The same hosts as another revision: for whoever read them from the disk and goes on counting.
    #[must_use]
    pub fn with_revision(mut self, revision: u64) -> Self {
        self.revision = revision;
        self
    }

    /// The test runs.
    #[must_use]
    pub fn tests(&self) -> &TestTable {
        &self.tests
    }

    /// The same hosts with these test runs: for whoever read them from the disk.
    #[must_use]
    pub fn with_tests(mut self, tests: TestTable) -> Self {
        self.tests = tests;
        self
    }

    /// How many hosts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True when no host is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The host of that name.
    #[must_use]
    pub fn host(&self, name: &HostName) -> Option<&Arc<Record>> {
        self.records.get(name)
    }

    /// The host that has this MAC.
    #[must_use]
    pub fn by_mac(&self, mac: Mac) -> Option<&Arc<Record>> {
        self.by_mac.get(&mac).and_then(|name| self.records.get(name))
    }

    /// The host that has this UUID, in either byte order: tools and firmware disagree about it.
    #[must_use]
    pub fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Record>> {
        [uuid, uuid.to_wire()]
            .into_iter()
            .find_map(|uuid| self.by_uuid.get(&uuid))
            .and_then(|name| self.records.get(name))
    }

    /// The host that this address is reserved for.
    #[must_use]
    pub fn by_address(&self, address: Ipv4Addr) -> Option<&Arc<Record>> {
        self.by_address.get(&address).and_then(|name| self.records.get(name))
    }

    /// The host of a client: by MAC, then by UUID.
    #[must_use]
    pub fn find(&self, mac: Option<Mac>, uuid: Option<Uuid>) -> Option<&Arc<Record>> {
        mac.and_then(|mac| self.by_mac(mac)).or_else(|| uuid.and_then(|uuid| self.by_uuid(uuid)))
    }

    /// All hosts in the order of their names.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.values()
    }

    /// Hosts whose names come after `name`, in order: for lists in pages.
    pub fn records_after(&self, name: Option<&HostName>) -> impl Iterator<Item = &Arc<Record>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = name.map_or(Unbounded, |name| Excluded(name.clone()));
        self.records.range((from, Unbounded)).map(|(_, record)| record)
    }

    /// The networks of that name.
    #[must_use]
    pub fn net(&self, name: &HostName) -> Option<&Arc<Net>> {
        self.nets.get(name)
    }

    /// The name that has just this network.
    #[must_use]
    pub fn net_of(&self, network: Network) -> Option<&Arc<Net>> {
        self.by_network.get(&network).and_then(|name| self.nets.get(name))
    }

    /// All networks, in the order of their names.
    #[must_use]
    pub fn nets(&self) -> impl ExactSizeIterator<Item = &Arc<Net>> {
        self.nets.values()
    }

    /// Makes a change true. Changes come from [`Command::check`](crate::Command::check) against this very state, or from
    /// the disk.
    pub fn apply(&mut self, change: &Change) {
        self.revision += 1;
        match change {
            Change::Put(record) => {
                self.forget(&record.host.name);
                let name = &record.host.name;
                for mac in &record.host.macs {
                    self.by_mac.insert(*mac, name.clone());
                }
                if let Some(uuid) = record.host.uuid {
                    self.by_uuid.insert(uuid, name.clone());
                }
                if let Some(address) = record.host.address {
                    self.by_address.insert(address, name.clone());
                }
                self.records.insert(name.clone(), Arc::clone(record));
            }
            Change::Remove(name) => self.forget(name),
            Change::Test(change) => self.tests.apply(change),
            Change::PutNet(net) => {
                self.forget_net(&net.name);
                for network in &net.networks {
                    self.by_network.insert(*network, net.name.clone());
                }
                self.nets.insert(net.name.clone(), Arc::clone(net));
            }
            Change::RemoveNet(name) => self.forget_net(name),
        }
    }

    fn forget_net(&mut self, name: &HostName) {
        let Some(old) = self.nets.remove(name) else { return };
        for network in &old.networks {
            self.by_network.remove(network);
        }
    }

    fn forget(&mut self, name: &HostName) {
        let Some(old) = self.records.remove(name) else { return };
        for mac in &old.host.macs {
            self.by_mac.remove(mac);
        }
        if let Some(uuid) = old.host.uuid {
            self.by_uuid.remove(&uuid);
        }
        if let Some(address) = old.host.address {
            self.by_address.remove(&address);
        }
    }
}
