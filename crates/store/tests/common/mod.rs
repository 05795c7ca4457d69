//! A store in a directory of its own.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test uses its own part, and fails where it must not go on"
)]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use nextboot_model::{EventKind, Lease, LeaseState, State, Timestamp};
use nextboot_store::{Clock, Limits, Loaded, NewEvent, OpenError, Store};

#[path = "../../../model/tests/common/mod.rs"]
pub(crate) mod model;

/// A place for a database, and a clock that stands until it is set.
pub(crate) struct Place {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) clock: Arc<AtomicU64>,
    pub(crate) limits: Limits,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, clock: Arc::new(AtomicU64::new(1000)), limits: Limits::default() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("state").join("state.sqlite")
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.clock.store(now.0, Ordering::SeqCst);
    }

    pub(crate) fn try_open(&self) -> Result<(Store, Loaded), OpenError> {
        let clock = Arc::clone(&self.clock);
        let clock = Clock::new(move || Timestamp(clock.load(Ordering::SeqCst)));
        Store::open_with_clock(&self.path(), self.limits.clone(), clock)
    }

    pub(crate) fn open(&self) -> (Store, Loaded) {
        self.try_open().unwrap()
    }

    /// What an operator does with sqlite3.
    pub(crate) fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }
}

pub(crate) fn assert_same(found: &State, wanted: &State) {
    assert_eq!(found.revision(), wanted.revision());
    let records = |state: &State| state.records().cloned().collect::<Vec<_>>();
    assert_eq!(records(found), records(wanted));
    assert_eq!(found.tests(), wanted.tests());
}

pub(crate) fn note(number: usize) -> NewEvent {
    let kind = EventKind::SizeProbed { name: format!("file {number}") };
    NewEvent { attempt: None, mac: None, host: None, kind }
}

pub(crate) fn lease(number: u8) -> Lease {
    Lease {
        address: model::address(number),
        mac: model::mac(number),
        client_id: Some(vec![1, number, 0, 255]),
        hostname: Some(format!("machine-{number}")),
        uuid: Some("b8945908-d6a6-41a9-a11d-74a6ab80b83d".parse().unwrap()),
        relay_info: Some(vec![1, 1, number]),
        state: LeaseState::Bound,
        expires: Timestamp(4000),
        heard: Timestamp(1000),
    }
}
