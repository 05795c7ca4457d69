use std::collections::BTreeMap;

use bytes::Bytes;
use nextboot_model::Timestamp;

/// What a decision wants to know of the files that stand beneath the roots.
pub trait Tree {
    /// The content of a small regular file that is not empty (PXELINUX takes an empty configuration for none).
    fn read(&self, name: &str) -> Option<Bytes>;
    /// What a person put at this name beneath `pxelinux.cfg/`.
    fn hand(&self, entry: &str) -> Option<Hand>;
    /// What a person put at this name, in whichever directory.
    fn entry(&self, name: &str) -> Option<Hand>;
    /// The names of the files in a directory.
    fn list(&self, directory: &str) -> Vec<String>;
}

/// An assignment made by hand: a file or link at a machine's name in `pxelinux.cfg/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// Its name beneath the roots, e.g. `pxelinux.cfg/01-23-34-a3-e9-09-cc`.
    pub entry: String,
    /// When the person made it: the link's own time.
    pub made: Timestamp,
    /// The file that it links to, over further links, by its name beneath the roots.
    pub target: Option<String>,
}

/// A tree in memory: for previews and for trying a decision without disks.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    /// Files by name.
    pub files: BTreeMap<String, Bytes>,
    /// Entries by the name beneath `pxelinux.cfg/`; those elsewhere by their whole name.
    pub hands: BTreeMap<String, Hand>,
}

impl Tree for MemoryTree {
    fn read(&self, name: &str) -> Option<Bytes> {
        self.files.get(name).filter(|content| !content.is_empty()).cloned()
    }

    fn hand(&self, entry: &str) -> Option<Hand> {
        self.hands.get(entry).cloned()
    }

    fn entry(&self, name: &str) -> Option<Hand> {
        self.hands.get(name).cloned()
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let inside = |name: &String| name.strip_prefix(directory)?.strip_prefix('/').map(ToOwned::to_owned);
        self.files.keys().filter_map(inside).filter(|name| !name.contains('/')).collect()
    }
}
