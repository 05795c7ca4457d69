use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ipnet::Ipv4Net;
use nextboot_model::{Class, ProfileName};

use crate::{
    Body, Bootloader, Exits, Loaders, MenuRules, OwnLoaders, Profile, ProfileDirs, Rule, SecureBoot, Tree,
    pxelinux,
};

/// What machines get that belong to no host and were given nothing by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Unknown {
    /// They are recorded and left alone.
    #[default]
    Ignore,
    /// The tree's own `pxelinux.cfg/default`.
    TreeDefault,
    /// Their loaders, and what those find in the tree: its `pxelinux.cfg/default` where there is one.
    Loader,
    /// This profile; never one of class `install`.
    Profile(ProfileName),
}

/// What the site's configuration says about booting. Read-only; a reload makes a new one.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The profiles that the configuration describes.
    pub profiles: BTreeMap<ProfileName, Arc<Profile>>,
    /// Where the profiles are that are files.
    pub profile_dirs: ProfileDirs,
    /// What pxe-pilot calls some of those directories.
    pub bootloaders: Vec<Bootloader>,
    /// What unknown machines get.
    pub unknown: Unknown,
    /// Which network boot program each kind of machine gets.
    pub loaders: Loaders,
    /// Which machines get another, in order.
    pub rules: Vec<Rule>,
    /// The menu that firmware shows, and to whom.
    pub menu: Option<MenuRules>,
    /// What PXELINUX is told.
    pub pxelinux: pxelinux::Options,
    /// What it is told in certain networks, which do not overlap.
    pub networks: Vec<(Ipv4Net, pxelinux::Options)>,
    /// How machines get to their own disks.
    pub exits: Exits,
    /// Whether UEFI machines get the signed chain.
    pub secure_boot: SecureBoot,
    /// The signed loaders of [`Chain`](crate::Chain)s that do not do here, each with the file of it that is not there.
    pub absent: BTreeMap<String, String>,
    /// Whether we are the DHCP server.
    pub gives_addresses: bool,
    /// How often an installer may be delivered without a call-back before the host goes to `local`.
    pub attempts: u32,
    /// What `nextboot rescue` boots, if the site says it.
    pub rescue: Option<ProfileName>,
    /// Port of the boot side of HTTP.
    pub http_port: u16,
    /// Port of the control API.
    pub api_port: u16,
    /// PXELINUX's `SERIAL` directive for the configurations we write, e.g. `0 115200`.
    pub serial: Option<String>,
}

impl Site {
    /// The profile of that name: from the configuration, or a file in one of the tree's directories of profiles, or the
    /// built-in `local`.
    #[must_use]
    pub fn profile(&self, tree: &dyn Tree, name: &ProfileName) -> Option<Arc<Profile>> {
        if let Some(profile) = self.profiles.get(name) {
            return Some(self.with_its_file(tree, profile));
        }
        if let Some(file) = self.profile_dirs.find(tree, name) {
            let class = if name.is_local() { Class::Local } else { Class::Unclassified };
            return Some(Arc::new(Profile {
                name: name.clone(),
                title: None,
                class,
                body: Body::File(file),
                seed: None,
                loaders: OwnLoaders::default(),
            }));
        }
        name.is_local().then(|| Arc::new(Profile::local()))
    }

    /// A profile of the configuration, which says its class perhaps, but not in which of the directories its file is.
    fn with_its_file(&self, tree: &dyn Tree, profile: &Arc<Profile>) -> Arc<Profile> {
        match &profile.body {
            Body::File(file)
                if self.profile_dirs.may_be(&profile.name, file) && tree.read(file).is_none() =>
            {
                match self.profile_dirs.find(tree, &profile.name) {
                    Some(file) => Arc::new(Profile { body: Body::File(file), ..(**profile).clone() }),
                    None => Arc::clone(profile),
                }
            }
            _ => Arc::clone(profile),
        }
    }

    /// The profile that this file is, under the name that it has in its directory.
    #[must_use]
    pub fn profile_at(&self, tree: &dyn Tree, file: &str) -> Option<Arc<Profile>> {
        let name = self.profile_dirs.name_of(file)?;
        let profile = self.profile(tree, &name)?;
        let is_this = match &profile.body {
            Body::File(own) => own == file,
            _ => false,
        };
        // What the configuration says of the name goes before a file; of two files only one is the profile.
        (is_this || self.profiles.contains_key(&name)).then_some(profile)
    }

    /// The profile of the configuration whose own file has this text, under whatever name the text was found: a link from
    /// elsewhere, another spelling, a copy. Of several an installer, so that none is taken for something harmless.
    #[must_use]
    pub fn profile_with_text(&self, tree: &dyn Tree, text: &[u8]) -> Option<Arc<Profile>> {
        let has_it = |profile: &Arc<Profile>| match &profile.body {
            Body::File(file) => tree.read(file).is_some_and(|own| own == text),
            _ => false,
        };
        let files = self.profiles.values().filter(|profile| matches!(profile.body, Body::File(_)));
        let mut found = files.map(|profile| self.with_its_file(tree, profile)).filter(has_it);
        let first = found.next()?;
        let installs = |profile: &Arc<Profile>| profile.class == Class::Install;
        if installs(&first) {
            return Some(first);
        }
        Some(found.find(installs).unwrap_or(first))
    }

    /// All profiles, by name.
    #[must_use]
    pub fn all_profiles(&self, tree: &dyn Tree) -> Vec<Arc<Profile>> {
        let named = self.profiles.keys().cloned().chain(self.profile_dirs.names(tree));
        let names: BTreeSet<ProfileName> = named.chain([ProfileName::local()]).collect();
        names.iter().filter_map(|name| self.profile(tree, name)).collect()
    }
}
