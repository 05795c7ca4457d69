use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use crate::{HostName, TestLine, TestRun, TestRunId, TestStatus};

/// What will be true of test runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TestChange {
    /// This run waits or is under way.
    Open(Arc<TestRun>),
    /// This run is finished; these are the lines of its log, in place of those that it had.
    File {
        /// The run.
        run: Arc<TestRun>,
        /// Its lines.
        lines: Arc<[TestLine]>,
    },
    /// The run is forgotten, with its log.
    Remove(TestRunId),
}

/// All test runs: those that are open as they are, and of those that are finished no more than that there are. What a
/// finished run was like is on the disk.
///
/// A persistent structure, as [`State`](crate::State) is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestTable {
    open: OrdMap<TestRunId, Arc<TestRun>>,
    /// Of each host that has any, the open runs.
    queues: HashMap<HostName, OrdSet<TestRunId>>,
    finished: OrdMap<TestRunId, HostName>,
    last: u64,
}

impl TestTable {
    /// An open run.
    #[must_use]
    pub fn run(&self, id: TestRunId) -> Option<&Arc<TestRun>> {
        self.open.get(&id)
    }

    /// The host of a run, open or finished; nothing when there is no such run.
    #[must_use]
    pub fn host_of(&self, id: TestRunId) -> Option<&HostName> {
        self.open.get(&id).map(|run| &run.host).or_else(|| self.finished.get(&id))
    }

    /// The open runs of a host, the oldest first.
    pub fn of_host(&self, host: &HostName) -> impl Iterator<Item = &Arc<TestRun>> {
        self.queues.get(host).into_iter().flatten().filter_map(|id| self.open.get(id))
    }

    /// What a host is to run next: of what is queued for it the oldest.
    #[must_use]
    pub fn next(&self, host: &HostName) -> Option<&Arc<TestRun>> {
        self.of_host(host).find(|run| run.status == TestStatus::Queued)
    }

    /// The oldest run that the host has begun and not finished.
    #[must_use]
    pub fn under_way(&self, host: &HostName) -> Option<&Arc<TestRun>> {
        self.of_host(host).find(|run| run.status == TestStatus::Started)
    }

    /// How many runs of a host are open.
    #[must_use]
    pub fn queue_len(&self, host: &HostName) -> usize {
        self.queues.get(host).map_or(0, OrdSet::len)
    }

    /// How many runs are open.
    #[must_use]
    pub fn open_len(&self) -> usize {
        self.open.len()
    }

    /// How many are finished and kept.
    #[must_use]
    pub fn finished_len(&self) -> usize {
        self.finished.len()
    }

    /// The finished runs, the oldest first.
    pub fn finished(&self) -> impl Iterator<Item = TestRunId> {
        self.finished.keys().copied()
    }

    /// Whether this run is finished.
    #[must_use]
    pub fn is_finished(&self, id: TestRunId) -> bool {
        self.finished.contains_key(&id)
    }

    /// The number that was given last.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The same runs where this number was given already: for whoever reads them from the disk and goes on counting.
    #[must_use]
    pub fn counting_from(mut self, last: u64) -> Self {
        self.last = self.last.max(last);
        self
    }

    /// Remembers a finished run that the disk has.
    pub fn remember(&mut self, id: TestRunId, host: HostName) {
        self.last = self.last.max(id.0);
        self.finished.insert(id, host);
    }

    /// Makes a change true.
    pub(crate) fn apply(&mut self, change: &TestChange) {
        match change {
            TestChange::Open(run) => {
                self.forget(run.id);
                self.last = self.last.max(run.id.0);
                self.queues.entry(run.host.clone()).or_default().insert(run.id);
                self.open.insert(run.id, Arc::clone(run));
            }
            TestChange::File { run, .. } => {
                self.forget(run.id);
                self.remember(run.id, run.host.clone());
            }
            TestChange::Remove(id) => self.forget(*id),
        }
    }

    fn forget(&mut self, id: TestRunId) {
        self.finished.remove(&id);
        let Some(run) = self.open.remove(&id) else { return };
        if let Some(queue) = self.queues.get_mut(&run.host) {
            queue.remove(&id);
            if queue.is_empty() {
                self.queues.remove(&run.host);
            }
        }
    }
}
