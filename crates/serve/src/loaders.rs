//! Whether the loaders that machines are given are there, and are for those machines.

use std::{collections::BTreeMap, sync::Arc};

use nextboot_boot::{Client, Entry, Kind, Loader, PE_HEADER, Plan, Site, misfit};
use nextboot_files::{Name, OpenError, Roots};
use nextboot_model::{EventKind, LoaderName};

use crate::appliance::Appliance;

impl Appliance {
    /// Tells the operator, once in a while, of a machine that nobody named a loader for, and of a loader that is not there
    /// or is another machine's. It is given all the same: who named it may know better.
    pub(crate) fn doubt_loader(self: &Arc<Self>, client: &Client, plan: &Plan) {
        if plan.unserved {
            let what = plan.loader_why.clone();
            self.note_once_in_a_while(client.mac, None, EventKind::Trouble { what });
            return;
        }
        // Another server's files are not ours to look at.
        let (Some(Loader::File(name)), None) = (&plan.loader, plan.next_server) else { return };
        let Some(kind) = Kind::of(client).first().copied() else { return };
        // Looking costs the disk, so it is done as seldom as it is told.
        if !self.may_tell(("loader", name, kind)) {
            return;
        }
        let (app, name, mac) = (Arc::clone(self), name.clone(), client.mac);
        let why = plan.loader_why.clone();
        tokio::task::spawn_blocking(move || {
            let roots = app.settings.load().roots.clone();
            if let Some(doubt) = doubt(&roots, &name, kind) {
                let what = format!("the loader {name} ({why}) {doubt}");
                app.note_once_in_a_while(mac, None, EventKind::Trouble { what });
            }
        });
    }
}

/// What is wrong with a loader for machines of that kind, if anything.
fn doubt(roots: &Roots, name: &str, kind: Kind) -> Option<String> {
    let content = match Name::parse(name).ok().map(|name| roots.get(&name)) {
        Some(Ok(content)) => content,
        // A Raspberry Pi and U-Boot do not fetch what they are told.
        Some(Err(OpenError::NotFound))
            if matches!(kind, Kind::RaspberryPi | Kind::UBootArm32 | Kind::UBootArm64) =>
        {
            return None;
        }
        Some(Err(OpenError::NotFound)) => {
            return Some("is neither in the roots nor in the search path".into());
        }
        Some(Err(error)) => return Some(format!("cannot be served: {error}")),
        None => return Some("is no name of a file".into()),
    };
    let mut begin = vec![0; PE_HEADER.min(usize::try_from(content.len()).unwrap_or(PE_HEADER))];
    if let Err(error) = content.read_at_blocking(0, &mut begin) {
        return Some(format!("cannot be read: {error}"));
    }
    misfit(kind, &begin)
}

/// The signed loaders that are not there in full, each with the file that is missing: whoever has not installed them goes on
/// with unsigned ones.
pub(crate) fn absent(site: &Site, roots: &Roots) -> BTreeMap<String, String> {
    let there = |name: &String| Name::parse(name).is_ok_and(|name| roots.get(&name).is_ok());
    let missing = |entry: &Entry| match entry {
        Entry::Chain(chain) => {
            let files = [Some(chain.signed.clone()), chain.second_stage()];
            let missing = files.into_iter().flatten().find(|name| !there(name))?;
            Some((chain.signed.clone(), missing))
        }
        Entry::One(_) => None,
    };
    site.loaders.0.values().filter_map(missing).collect()
}

/// What `nextboot check` says about every loader that the site names, one line each.
pub(crate) fn doubts(site: &Site, roots: &Roots) -> Vec<String> {
    let mut lines = Vec::new();
    let mut look = |place: String, name: &str, kind: Kind| {
        if let Some(doubt) = doubt(roots, name, kind) {
            lines.push(format!("{place}: the loader {name} {doubt}"));
        }
    };
    for (kind, entry) in &site.loaders.0 {
        let second = match entry {
            Entry::Chain(chain) => chain.second_stage(),
            Entry::One(_) => None,
        };
        for name in entry.files().chain(second.as_deref()) {
            look(format!("[boot.loaders] {kind}"), name, *kind);
        }
    }
    for (at, rule) in site.rules.iter().enumerate() {
        let is_here = rule.next_server.is_none_or(|address| address.is_unspecified());
        if let Some(LoaderName::File(name)) = rule.loader.as_ref().filter(|_| is_here) {
            for kind in &rule.arch {
                look(format!("[[boot.rule]] {}", at + 1), name, *kind);
            }
        }
    }
    for profile in site.profiles.values() {
        for (kind, loader) in &profile.loaders.by_kind {
            if let LoaderName::File(name) = loader {
                look(format!("profiles.{}.loaders.{kind}", profile.name), name, *kind);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use nextboot_boot::{Chain, Rule};
    use nextboot_files::Layout;

    use super::*;

    fn image(machine: u16) -> Vec<u8> {
        let mut image = vec![0; 0x40];
        image[..2].copy_from_slice(b"MZ");
        image[0x3c] = 0x40;
        image.extend(b"PE\0\0");
        image.extend(machine.to_le_bytes());
        image
    }

    #[test]
    fn a_loader_that_is_not_there_or_is_another_machines_is_named_with_its_place() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ia32.efi"), image(0x14c)).unwrap();
        std::fs::write(directory.path().join("x64.efi"), image(0x8664)).unwrap();
        let layout = Layout { loaders: Vec::new(), ..Layout::new(directory.path()) };
        let roots = Roots::open(&layout).unwrap();
        let mut site = Site::default();
        site.loaders.0.clear();
        site.loaders.0.insert(Kind::UefiX64, Entry::file("x64.efi"));
        site.loaders.0.insert(Kind::IpxeUefi, Entry::One(Loader::Script));
        site.loaders.0.insert(Kind::RaspberryPi, Entry::file("bootcode.bin"));
        assert_eq!(doubts(&site, &roots), Vec::<String>::new());
        site.loaders.0.insert(Kind::UefiX64, Entry::file("ia32.efi"));
        site.loaders.0.insert(Kind::Bios, Entry::file("pxelinux.0"));
        let arch = vec![Kind::UefiArm64];
        let rule = Rule { arch, loader: Some("x64.efi".parse().unwrap()), ..Rule::default() };
        let elsewhere = Rule { next_server: Some([10, 0, 0, 9].into()), ..rule.clone() };
        site.rules = vec![elsewhere, rule];
        assert_eq!(
            doubts(&site, &roots),
            [
                "[boot.loaders] bios: the loader pxelinux.0 is neither in the roots nor in the search path",
                "[boot.loaders] uefi-x64: the loader ia32.efi is an EFI program for uefi-ia32, not for uefi-x64",
                "[[boot.rule]] 2: the loader x64.efi is an EFI program for uefi-x64, not for uefi-arm64",
            ]
        );
    }

    #[test]
    fn a_signed_chain_needs_both_its_parts() {
        let directory = tempfile::tempdir().unwrap();
        let roots = Roots::open(&Layout { loaders: Vec::new(), ..Layout::new(directory.path()) }).unwrap();
        let mut site = Site::default();
        site.loaders.0.clear();
        let chain = Chain { signed: "EFI/shimx64.efi".into(), unsigned: None, menu: None };
        site.loaders.0.insert(Kind::UefiX64, Entry::Chain(chain));
        let absent = || absent(&site, &roots).get("EFI/shimx64.efi").cloned();
        assert_eq!(absent().as_deref(), Some("EFI/shimx64.efi"));
        std::fs::create_dir(directory.path().join("EFI")).unwrap();
        std::fs::write(directory.path().join("EFI/shimx64.efi"), image(0x8664)).unwrap();
        assert_eq!(absent().as_deref(), Some("EFI/grubx64.efi"));
        std::fs::write(directory.path().join("EFI/grubx64.efi"), image(0x8664)).unwrap();
        assert_eq!(absent(), None);
        assert_eq!(doubts(&site, &roots), Vec::<String>::new());
    }
}
