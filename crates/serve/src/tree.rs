use bytes::Bytes;
use nextboot_boot::{Hand, Tree};
use nextboot_files::{Look, Name, Roots};
use nextboot_model::Timestamp;

use crate::{clock, written_links};

/// Largest configuration that is read from the tree, in bytes.
pub(crate) const MAX_CONFIGURATION: usize = 256 * 1024;

/// Where PXELINUX looks for the entries of machines.
pub(crate) const CFG_DIR: &str = "pxelinux.cfg";

/// The roots as the decision sees them.
#[derive(Debug, Clone)]
pub(crate) struct DiskTree(pub(crate) Roots);

impl DiskTree {
    /// The roots as they are now, for one decision: what it looks for in a directory, it looks for at one moment.
    pub(crate) fn now(&self) -> TreeNow<'_> {
        TreeNow { tree: self, look: self.0.look() }
    }
}

/// The roots at one moment.
#[derive(Debug)]
pub(crate) struct TreeNow<'t> {
    tree: &'t DiskTree,
    look: Look<'t>,
}

/// When an entry was made, for comparing with assignments. One from the future (copied from a machine whose clock is ahead,
/// or seen by ours before it was set) would defeat every call-back for as long as it stands, so it is as old as can be.
pub(crate) fn believed(made: Timestamp, now: Timestamp) -> Timestamp {
    if made > now { Timestamp(0) } else { made }
}

impl Tree for TreeNow<'_> {
    fn read(&self, name: &str) -> Option<Bytes> {
        let name = Name::parse(name).ok()?;
        let text = self.tree.0.read_small(&name, MAX_CONFIGURATION as u64).ok()?;
        (!text.is_empty()).then_some(text)
    }

    fn hand(&self, entry: &str) -> Option<Hand> {
        if entry.contains(['/', '\\']) || self.look.lacks(CFG_DIR, entry) {
            return None;
        }
        self.entry(&format!("{CFG_DIR}/{entry}"))
    }

    fn entry(&self, name: &str) -> Option<Hand> {
        let found = match self.look.entry(&Name::parse(name).ok()?) {
            Ok(found) => found?,
            Err(error) => {
                tracing::warn!(name, %error, "cannot look at an entry made by hand");
                return None;
            }
        };
        // PXELINUX takes an empty file for none over TFTP; a dangling link or a directory boots nothing either.
        found.content()?;
        if found.link.as_ref().is_some_and(|link| written_links::is_ours(name, &link.text, found.modified)) {
            return None;
        }
        let target = found.link.and_then(|link| link.target).map(|target| target.as_str().to_owned());
        let made = clock::from_system(found.modified);
        Some(Hand { entry: name.to_owned(), made: believed(made, clock::now()), target })
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let listing = Name::parse(directory).ok().and_then(|directory| self.tree.0.list(&directory).ok());
        listing.map(|listing| listing.names).unwrap_or_default()
    }
}

/// Each question for itself.
impl Tree for DiskTree {
    fn read(&self, name: &str) -> Option<Bytes> {
        self.now().read(name)
    }

    fn hand(&self, entry: &str) -> Option<Hand> {
        self.now().hand(entry)
    }

    fn entry(&self, name: &str) -> Option<Hand> {
        self.now().entry(name)
    }

    fn list(&self, directory: &str) -> Vec<String> {
        self.now().list(directory)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        os::unix::fs::symlink,
        time::{Duration, SystemTime},
    };

    use nextboot_files::Layout;

    use super::*;

    fn tree() -> (tempfile::TempDir, DiskTree) {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("pxelinux.cfg/conf")).unwrap();
        fs::write(directory.path().join("pxelinux.cfg/conf/grml"), "DEFAULT grml\n").unwrap();
        let roots = Roots::open(&Layout::new(directory.path())).unwrap();
        (directory, DiskTree(roots))
    }

    #[test]
    fn a_link_names_its_target_and_what_boots_nothing_is_no_entry() {
        let (directory, tree) = tree();
        let cfg = directory.path().join("pxelinux.cfg");
        symlink("conf/grml", cfg.join("one")).unwrap();
        symlink("one", cfg.join("two")).unwrap();
        symlink("conf/nothing", cfg.join("dangling")).unwrap();
        fs::write(cfg.join("empty"), "").unwrap();
        fs::write(cfg.join("file"), "DEFAULT x\n").unwrap();
        for entry in ["one", "two"] {
            let hand = tree.hand(entry).unwrap();
            assert_eq!(hand.target.as_deref(), Some("pxelinux.cfg/conf/grml"), "{entry}");
            assert_eq!(hand.entry, format!("pxelinux.cfg/{entry}"));
        }
        assert_eq!(tree.hand("file").unwrap().target, None);
        for entry in ["dangling", "empty", "conf", "nothing", "../x", "conf/grml"] {
            assert_eq!(tree.hand(entry), None, "{entry}");
        }
    }

    #[test]
    fn an_entry_from_the_future_is_the_oldest() {
        let (directory, tree) = tree();
        let file = File::create(directory.path().join("pxelinux.cfg/01-02-00-00-00-00-01")).unwrap();
        std::io::Write::write_all(&mut &file, b"DEFAULT x\n").unwrap();
        assert!(tree.hand("01-02-00-00-00-00-01").unwrap().made > Timestamp(0));
        file.set_modified(SystemTime::now() + Duration::from_secs(86_400)).unwrap();
        assert_eq!(tree.hand("01-02-00-00-00-00-01").unwrap().made, Timestamp(0));
    }

    #[test]
    fn a_configuration_is_read_when_it_is_a_small_file_with_something_in_it() {
        let (directory, tree) = tree();
        assert_eq!(tree.read("pxelinux.cfg/conf/grml").as_deref(), Some(b"DEFAULT grml\n".as_slice()));
        fs::write(directory.path().join("large"), vec![b'x'; MAX_CONFIGURATION + 1]).unwrap();
        fs::write(directory.path().join("empty"), "").unwrap();
        for name in ["large", "empty", "pxelinux.cfg", "nothing", "../x"] {
            assert_eq!(tree.read(name), None, "{name}");
        }
        assert_eq!(tree.list("pxelinux.cfg/conf"), ["grml"]);
    }
}
