//! Secure Boot. DHCP cannot tell whether a machine has it on, so the choice is made by what the profile can boot under.

use crate::{Body, Client, Firmware, Loader, Profile, Site, Tree, grub, pxelinux::Menu, question::is_grubs};

/// Whether UEFI machines get the signed chain: shim, which starts GRUB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SecureBoot {
    /// Where the profile can boot under it.
    #[default]
    Prefer,
    /// Never anything else.
    Always,
    /// Never.
    Never,
}

impl SecureBoot {
    /// Every policy, with its word in the configuration.
    pub const ALL: [(&str, Self); 3] =
        [("prefer", Self::Prefer), ("always", Self::Always), ("never", Self::Never)];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, policy)| *policy == self).map_or("", |(word, _)| *word)
    }
}

/// The loaders of a kind of machine that has Secure Boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Signed: shim, which fetches GRUB beside itself.
    pub signed: String,
    /// What boots kernels without Secure Boot.
    pub unsigned: Option<String>,
    /// What shows PXELINUX's menus and runs its modules without Secure Boot.
    pub menu: Option<String>,
}

impl Chain {
    /// The file that shim fetches from its own directory; nothing where `signed` is not shim.
    #[must_use]
    pub fn second_stage(&self) -> Option<String> {
        let (directory, file) = self.signed.rsplit_once('/').unwrap_or(("", &self.signed));
        let machine = ["shim", "bootnet"].iter().find_map(|begin| file.strip_prefix(begin))?;
        let slash = if directory.is_empty() { "" } else { "/" };
        Some(format!("{directory}{slash}grub{machine}"))
    }

    /// The loader for a profile under the site's policy, or none, and why.
    pub(crate) fn choose(
        &self,
        site: &Site,
        tree: &dyn Tree,
        client: &Client,
        profile: &Profile,
    ) -> (Option<Loader>, String) {
        let policy = format!("secure_boot = \"{}\"", site.secure_boot.word());
        let can = grub::can(tree, profile).map_err(|error| error.to_string());
        let signed = || Some(Loader::file(&self.signed));
        match (site.secure_boot, can) {
            (SecureBoot::Always, Ok(())) => (signed(), format!("signed, {policy}")),
            (SecureBoot::Always, Err(why)) => (None, format!("{policy}, but {why}")),
            (SecureBoot::Never, _) => self.unsigned(tree, client, profile, &policy),
            (SecureBoot::Prefer, Err(why)) => self.unsigned(tree, client, profile, &why),
            (SecureBoot::Prefer, Ok(())) => match self.obstacle(site, client) {
                // At GRUB's prompt a machine stays; without an answer it goes on, perhaps to PXE.
                Some(why) if self.unsigned.is_some() || client.firmware == Firmware::HttpBoot => {
                    self.unsigned(tree, client, profile, &why)
                }
                _ => (signed(), format!("signed, {policy}, and GRUB can boot {}", profile.name)),
            },
        }
    }

    /// Why GRUB would not get as far as its configuration, as Debian's signed ones are built now.
    fn obstacle(&self, site: &Site, client: &Client) -> Option<String> {
        if let Some(absent) = site.absent.get(&self.signed) {
            Some(format!("{absent} is not there"))
        } else if client.firmware == Firmware::HttpBoot {
            Some("Debian's signed GRUB finds no network when HTTP Boot started it".into())
        } else if !site.gives_addresses {
            Some("a signed GRUB asks only the server that gave the address, which is another one".into())
        } else {
            None
        }
    }

    fn unsigned(
        &self,
        tree: &dyn Tree,
        client: &Client,
        profile: &Profile,
        why: &str,
    ) -> (Option<Loader>, String) {
        let (name, what) = match (&self.menu, needs_syslinux(tree, profile)) {
            (Some(_), true) if client.firmware == Firmware::HttpBoot => {
                return (None, format!("SYSLINUX does not start by HTTP Boot: {why}"));
            }
            (Some(menu), true) => (Some(menu), "unsigned SYSLINUX"),
            _ => (self.unsigned.as_ref(), "unsigned"),
        };
        match name {
            Some(name) => (Some(Loader::file(name)), format!("{what}: {why}")),
            None => (None, format!("there is no unsigned loader: {why}")),
        }
    }
}

/// Whether only a SYSLINUX loader can do what the profile's file says.
fn needs_syslinux(tree: &dyn Tree, profile: &Profile) -> bool {
    let Body::File(name) = &profile.body else { return false };
    let text = tree.read(name).filter(|_| !is_grubs(name));
    text.is_some_and(|text| Menu::read_all(tree, &text).shown().is_err())
}
