use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use nextboot_model::Event;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::{Query, ReadError, journal, open};

/// Connections that only read the journal, used on threads that may wait.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, most: usize) -> Self {
        Self { path, idle: Mutex::default(), room: Arc::new(Semaphore::new(most.max(1))) }
    }

    pub(crate) async fn query(self: &Arc<Self>, query: Query) -> Result<Vec<Event>, ReadError> {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| ReadError::Stopped)?;
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let _room = room;
            readers.run(&query)
        });
        answer.await.map_err(|_| ReadError::Stopped)?.map_err(|error| ReadError::Disk(error.to_string()))
    }

    fn run(&self, query: &Query) -> rusqlite::Result<Vec<Event>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle.map_or_else(|| open::open_reader(&self.path), Ok)?;
        let events = journal::select(&connection, query)?;
        // One that failed is not used again.
        if !self.room.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        Ok(events)
    }

    /// Lets go of the file.
    pub(crate) fn close(&self) {
        self.room.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
