use std::net::Ipv4Addr;

use crate::{
    BadHost, BadNet, HostName, MAX_NETS, MAX_OPEN_TESTS, MAX_TESTS_OF_HOST, Mac, Network, TestRunId,
    TestStatus, Uuid,
};

/// Most hosts that the table takes.
pub const MAX_HOSTS: usize = 1_000_000;

/// Why a command cannot be carried out. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No host of that name.
    #[error("no host is named {0}")]
    UnknownName(HostName),
    /// No host has that MAC.
    #[error("no host has the MAC address {0}")]
    UnknownMac(Mac),
    /// The name is in use.
    #[error("a host named {0} exists already")]
    NameTaken(HostName),
    /// Of two hosts that claim one MAC, the later is refused.
    #[error("{mac} belongs to host {owner}")]
    MacTaken {
        /// The MAC.
        mac: Mac,
        /// Who has it.
        owner: HostName,
    },
    /// Of two hosts that claim one UUID, the later is refused.
    #[error("{uuid} belongs to host {owner}")]
    UuidTaken {
        /// The UUID.
        uuid: Uuid,
        /// Who has it.
        owner: HostName,
    },
    /// Of two hosts that claim one address, the later is refused.
    #[error("{address} is reserved for host {owner}")]
    AddressTaken {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        owner: HostName,
    },
    /// One host named twice in one command.
    #[error("host {0} is named twice")]
    Twice(HostName),
    /// The record itself is wrong.
    #[error(transparent)]
    BadHost(#[from] BadHost),
    /// `default` stands for all machines that are no hosts.
    #[error("default is a reserved name: it stands for all machines that are no hosts")]
    Reserved,
    /// No networks of that name.
    #[error("no networks are named {0}")]
    UnknownNet(HostName),
    /// Of two names that claim one network, the later is refused.
    #[error("{network} belongs to {owner}")]
    NetworkTaken {
        /// The network.
        network: Network,
        /// Who has it.
        owner: HostName,
    },
    /// The networks are wrong.
    #[error(transparent)]
    BadNet(#[from] BadNet),
    /// Too many networks.
    #[error("{MAX_NETS} networks are known by name, which is the limit")]
    TooManyNets,
    /// The table is full.
    #[error("the table holds {MAX_HOSTS} hosts, its limit")]
    Full,
    /// The assignment that this was about is not the host's any more.
    #[error("host {0} has been assigned something else since (or has called back already)")]
    Stale(HostName),
    /// No test run has that number.
    #[error("there is no test run {0}")]
    UnknownTestRun(TestRunId),
    /// The test run is finished, so nothing can be changed about it.
    #[error("test run {0} is finished; queue the test anew")]
    TestRunFinished(TestRunId),
    /// The test run is not as far, or further.
    #[error("test run {id} is {status}")]
    TestRunIs {
        /// Which run.
        id: TestRunId,
        /// How far it is.
        status: TestStatus,
    },
    /// Enough is queued for this host.
    #[error("a host may have {MAX_TESTS_OF_HOST} test runs queued, and {0} would have more")]
    TestQueueFull(HostName),
    /// Enough is queued in all.
    #[error("the table holds {MAX_OPEN_TESTS} open test runs, its limit")]
    TestsFull,
}

impl Refusal {
    /// True when what the command names does not exist.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::UnknownName(_) | Self::UnknownMac(_) | Self::UnknownNet(_) | Self::UnknownTestRun(_)
        )
    }
}
