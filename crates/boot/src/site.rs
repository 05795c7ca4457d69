use std::{collections::BTreeMap, sync::Arc};

use nextboot_model::{Class, ProfileName};

use crate::{Body, Exits, Loaders, MenuRules, OwnLoaders, Profile, Rule, SecureBoot, Tree, pxelinux};

/// Where file profiles stand beneath the roots.
pub const CONF_DIR: &str = "pxelinux.cfg/conf";

/// What machines get that belong to no host and were given nothing by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Unknown {
    /// They are recorded and left alone.
    #[default]
    Ignore,
    /// The tree's own `pxelinux.cfg/default`.
    TreeDefault,
    /// This profile; never one of class `install`.
    Profile(ProfileName),
}

/// What the site's configuration says about booting. Read-only; a reload makes a new one.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The profiles that the configuration describes.
    pub profiles: BTreeMap<ProfileName, Arc<Profile>>,
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
    /// Port of the boot side of HTTP.
    pub http_port: u16,
    /// Port of the control API.
    pub api_port: u16,
    /// PXELINUX's `SERIAL` directive for the configurations we write, e.g. `0 115200`.
    pub serial: Option<String>,
}

impl Site {
    /// The profile of that name: from the configuration, or a file in the tree's `pxelinux.cfg/conf/`, or the built-in
    /// `local`.
    #[must_use]
    pub fn profile(&self, tree: &dyn Tree, name: &ProfileName) -> Option<Arc<Profile>> {
        if let Some(profile) = self.profiles.get(name) {
            return Some(Arc::clone(profile));
        }
        let file = format!("{CONF_DIR}/{name}");
        if tree.read(&file).is_some() {
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

    /// The profile of the configuration whose own file has this text, under whatever name the text was found: a link from
    /// elsewhere, another spelling, a copy. Of several an installer, so that none is taken for something harmless.
    #[must_use]
    pub fn profile_with_text(&self, tree: &dyn Tree, text: &[u8]) -> Option<Arc<Profile>> {
        let has_it = |profile: &&Arc<Profile>| match &profile.body {
            Body::File(file) => tree.read(file).is_some_and(|own| own == text),
            _ => false,
        };
        let mut found = self.profiles.values().filter(has_it);
        let first = found.next()?;
        let installs = |profile: &&Arc<Profile>| profile.class == Class::Install;
        Some(Arc::clone(std::iter::once(first).chain(found).find(installs).unwrap_or(first)))
    }

    /// All profiles, by name.
    #[must_use]
    pub fn all_profiles(&self, tree: &dyn Tree) -> Vec<Arc<Profile>> {
        let mut all = self.profiles.clone();
        let named = tree.list(CONF_DIR).into_iter().filter_map(|name| name.parse::<ProfileName>().ok());
        for name in named.chain([ProfileName::local()]) {
            if !all.contains_key(&name)
                && let Some(profile) = self.profile(tree, &name)
            {
                all.insert(name, profile);
            }
        }
        all.into_values().collect()
    }
}
