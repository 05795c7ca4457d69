//! One open file for many readers. When a rack powers on, every machine reads the same kernel and initrd: that should cost
//! one file descriptor, not one for each.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::fs::Stat;

use crate::content::OpenFile;

/// Clean up dead entries when the table has grown to this many, at least.
const SWEEP: usize = 64;

/// The files that somebody is reading now, by device and inode.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    open: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    files: HashMap<(u64, u64), Weak<OpenFile>>,
    sweep_at: usize,
}

impl Shared {
    /// The file that is open already when it is still the same as this one (and then this one is closed), else this one.
    pub(crate) fn adopt(&self, file: OwnedFd, stat: &Stat) -> Arc<OpenFile> {
        let fresh = OpenFile::new(file, stat);
        // A poisoned table is as good as any: it holds no invariant beyond its own.
        let mut table = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if table.files.len() >= table.sweep_at.max(SWEEP) {
            table.files.retain(|_, file| file.strong_count() > 0);
            table.sweep_at = table.files.len() * 2;
        }
        let place = table.files.entry(fresh.inode()).or_default();
        match place.upgrade() {
            Some(open) if open.is_same(&fresh) => open,
            _ => {
                let fresh = Arc::new(fresh);
                *place = Arc::downgrade(&fresh);
                fresh
            }
        }
    }
}
