use std::{
    collections::BTreeSet,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use nextboot_boot::{Body, Client, Hand, Tree, decide};
use nextboot_model::{Mac, Record, State};

use super::directory::{Directory, Wanted};
use crate::{
    appliance::Settings,
    tree::{CFG_DIR, TreeNow},
};

/// Links that could not be written.
#[derive(Debug)]
pub(super) struct Failed {
    /// The first of them.
    path: PathBuf,
    error: io::Error,
    /// How many.
    number: usize,
}

impl fmt::Display for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, error, number } = self;
        write!(out, "cannot write the link {}: {error}", path.display())?;
        if *number > 1 {
            write!(out, " ({number} links)")?;
        }
        let directory = path.parent().unwrap_or(path).display();
        if matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) {
            write!(
                out,
                "; let the server write there: `setfacl -m u:nextboot:rwx {directory}`, and in the unit \
                 (`systemctl edit nextboot`) [Service] ReadWritePaths={directory}; or set [tftp] write_links = false"
            )?;
        }
        write!(out, "; what nextboot itself serves is right")
    }
}

/// The hosts that are not what they were; all of them when nobody knows what they were.
pub(super) fn changed<'s>(before: Option<&State>, now: &'s State) -> Vec<&'s Arc<Record>> {
    let is_same = |record: &Arc<Record>| {
        let old = before.and_then(|before| before.host(&record.host.name));
        old.is_some_and(|old| Arc::ptr_eq(old, record))
    };
    now.records().filter(|record| !is_same(record)).collect()
}

/// Writes the links of the hosts that changed since `before`; without that those of all hosts, and removes ours of no host.
pub(super) fn pass(settings: &Settings, before: Option<&State>, now: &State) -> Result<(), Failed> {
    let Some(root) = settings.config.files.roots.first() else { return Ok(()) };
    let at = |name: &str| root.join(CFG_DIR).join(name);
    let failed = |path: PathBuf, error| Failed { path, error, number: 1 };
    let directory = Directory::open(root).map_err(|error| failed(root.join(CFG_DIR), error))?;
    let mut macs: BTreeSet<Mac> = macs_of(&changed(before, now)).collect();
    let mut names = BTreeSet::new();
    match before {
        Some(before) => macs.extend(macs_of(&changed(Some(now), before))),
        None => names.extend(directory.ours().map_err(|error| failed(root.join(CFG_DIR), error))?),
    }
    let mut first: Option<Failed> = None;
    let mut settle = |name: &str, wanted: Option<Wanted>| {
        if let Err(error) = directory.settle(name, wanted.as_ref()) {
            match &mut first {
                Some(first) => first.number += 1,
                None => first = Some(failed(at(name), error)),
            }
        }
    };
    for mac in macs {
        let name = mac.pxelinux();
        let wanted = wanted(settings, now, mac).map(|Wanted { text, since }| Wanted {
            text: text.filter(|text| directory.leads_to_file(text)),
            since,
        });
        settle(&name, wanted);
        names.remove(&name);
    }
    names.iter().for_each(|name| settle(name, None));
    first.map_or(Ok(()), Err)
}

fn macs_of(records: &[&Arc<Record>]) -> impl Iterator<Item = Mac> {
    records.iter().flat_map(|record| record.host.macs.iter().copied())
}

/// What this machine gets by what was assigned; nothing where nobody has spoken.
fn wanted(settings: &Settings, state: &State, mac: Mac) -> Option<Wanted> {
    let assignment = &state.by_mac(mac)?.assignment;
    if assignment.is_first() {
        return None;
    }
    let client = Client { mac: Some(mac), ..Client::default() };
    let plan = decide(&settings.site, state, &WithoutHands(settings.tree.now()), &client);
    let text = plan.profile.and_then(|profile| match &profile.body {
        Body::File(file) => Some(from_cfg_dir(file)),
        _ => None,
    });
    Some(Wanted { text, since: assignment.since })
}

/// The way to a file from `pxelinux.cfg`, without the root's own path: a server that has changed its root there follows it too.
fn from_cfg_dir(file: &str) -> String {
    let file = file.trim_start_matches('/');
    match Path::new(file).strip_prefix(CFG_DIR) {
        Ok(inside) => inside.to_string_lossy().into_owned(),
        Err(_) => format!("../{file}"),
    }
}

/// The tree as it is where no person has put anything: what is left is what was assigned.
struct WithoutHands<'t>(TreeNow<'t>);

impl Tree for WithoutHands<'_> {
    fn read(&self, name: &str) -> Option<Bytes> {
        self.0.read(name)
    }

    fn hand(&self, _: &str) -> Option<Hand> {
        None
    }

    fn entry(&self, _: &str) -> Option<Hand> {
        None
    }

    fn list(&self, directory: &str) -> Vec<String> {
        self.0.list(directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative_to_their_directory() {
        for (file, text) in [
            ("pxelinux.cfg/conf/grml", "conf/grml"),
            ("/pxelinux.cfg/profiles/inst.prof", "profiles/inst.prof"),
            ("boot/grml", "../boot/grml"),
            ("pxelinux.cfg2/x", "../pxelinux.cfg2/x"),
        ] {
            assert_eq!(from_cfg_dir(file), text);
        }
    }

    #[test]
    fn a_read_only_tree_says_what_to_do() {
        let path = PathBuf::from("/srv/tftp/pxelinux.cfg/01-02-00-00-00-00-01");
        let said = Failed { path, error: io::ErrorKind::ReadOnlyFilesystem.into(), number: 2 }.to_string();
        assert!(
            said.contains("ReadWritePaths=/srv/tftp/pxelinux.cfg") && said.contains("(2 links)"),
            "{said}"
        );
    }
}
