use bytes::Bytes;
use nextboot_boot::{CONF_DIR, Hand, Tree};
use nextboot_files::{Name, Roots};

use crate::clock;

/// Largest configuration that is read from the tree, in bytes.
pub(crate) const MAX_CONFIGURATION: usize = 256 * 1024;

/// The roots as the decision sees them.
#[derive(Debug, Clone)]
pub(crate) struct DiskTree(pub(crate) Roots);

impl Tree for DiskTree {
    fn read(&self, name: &str) -> Option<Bytes> {
        let name = Name::parse(name).ok()?;
        let text = self.0.read_small(&name, MAX_CONFIGURATION as u64).ok()?;
        (!text.is_empty()).then_some(text)
    }

    fn hand(&self, entry: &str) -> Option<Hand> {
        let directory = Name::parse("pxelinux.cfg").ok()?;
        let found = match self.0.entry(&directory, entry) {
            Ok(found) => found?,
            Err(error) => {
                tracing::warn!(entry, %error, "cannot look at an entry in pxelinux.cfg");
                return None;
            }
        };
        // PXELINUX takes an empty file for none over TFTP; a dangling link or a directory boots nothing either.
        found.content()?;
        let target = found.link.and_then(|link| link.target);
        let profile =
            target.and_then(|target| target.as_str().strip_prefix(CONF_DIR)?.strip_prefix('/')?.parse().ok());
        Some(Hand {
            entry: format!("{directory}/{entry}"),
            made: clock::from_system(found.modified),
            profile,
        })
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let listing = Name::parse(directory).ok().and_then(|directory| self.0.list(&directory).ok());
        listing.map(|listing| listing.names).unwrap_or_default()
    }
}
