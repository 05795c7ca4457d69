use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{Chain, Client, Firmware, Kind, Language, ipxe};

/// A network boot program, or what stands in for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Loader {
    /// A file beneath the roots or in the search path.
    File(String),
    /// A whole address, somebody's own or ours: what is there is neither looked for nor read.
    Address(String),
    /// iPXE runs already: it gets the address of its script.
    Script,
}

impl Loader {
    /// A file.
    #[must_use]
    pub fn file(name: &str) -> Self {
        Self::File(name.to_owned())
    }

    /// What the loader reads, where its name tells.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        let name = match self {
            Self::File(name) => name,
            Self::Address(address) => {
                return address_file(address).ends_with(".ipxe").then_some(Language::Ipxe);
            }
            Self::Script => return Some(Language::Ipxe),
        };
        let file = name.rsplit('/').next().unwrap_or_default();
        let is = |begins: &[&str]| begins.iter().any(|begin| file.starts_with(begin));
        if ipxe::is_ipxe(name) {
            Some(Language::Ipxe)
        } else if is(&["shim", "grub", "bootnetx64", "bootnetaa64"]) {
            Some(Language::Grub)
        } else if is(&["pxelinux", "lpxelinux", "gpxelinux", "syslinux"]) {
            Some(Language::Pxelinux)
        } else {
            None
        }
    }

    /// What the client is told as its boot file: a name for TFTP, or a whole address for whoever fetches by HTTP. `base` is
    /// the boot side's address without a slash at its end.
    #[must_use]
    pub fn boot_file(&self, client: &Client, base: &str) -> String {
        match self {
            // By MAC, because a client's address does not always tell its MAC (a proxy does not know the leases).
            Self::Script => match client.mac {
                Some(mac) => format!("{base}/ipxe/{mac}"),
                None => format!("{base}/ipxe"),
            },
            Self::File(name) if client.firmware == Firmware::HttpBoot => ipxe::url(base, name),
            Self::File(name) | Self::Address(name) => name.clone(),
        }
    }
}

/// The name of the file that an address ends with, without what is asked of it.
pub(crate) fn address_file(address: &str) -> &str {
    let path = address.split('?').next().unwrap_or(address);
    path.rsplit('/').next().unwrap_or(path)
}

impl fmt::Display for Loader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::File(name) | Self::Address(name) => name,
            Self::Script => "script",
        })
    }
}

/// What the table has for a kind of machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Always this.
    One(Loader),
    /// As the policy of Secure Boot says.
    Chain(Chain),
}

impl Entry {
    /// Always this file.
    #[must_use]
    pub fn file(name: &str) -> Self {
        Self::One(Loader::file(name))
    }

    /// The files that it may give.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let (one, chain) = match self {
            Self::One(Loader::File(name)) => (Some(name), None),
            Self::One(Loader::Script | Loader::Address(_)) => (None, None),
            Self::Chain(chain) => (None, Some(chain)),
        };
        let of_chain = chain.into_iter().flat_map(|chain| {
            [Some(&chain.signed), chain.unsigned.as_ref(), chain.menu.as_ref()].into_iter().flatten()
        });
        one.into_iter().chain(of_chain).map(String::as_str)
    }
}

/// Which loader each kind of machine gets; one that is not in it gets none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaders(pub BTreeMap<Kind, Entry>);

impl Loaders {
    /// The signed loader of a kind, where the table has a chain for it.
    pub(crate) fn signed(&self, kind: Kind) -> Option<&str> {
        match self.0.get(&kind)? {
            Entry::Chain(chain) => Some(&chain.signed),
            Entry::One(_) => None,
        }
    }
}

impl Default for Loaders {
    /// Debian's packages `pxelinux`, `shim-signed`, `grub-efi-*-signed`, `ipxe` and `syslinux-efi` have these; a site adds
    /// what else it needs.
    fn default() -> Self {
        Self(BTreeMap::from([
            (Kind::Bios, Entry::file("pxelinux.0")),
            // PXELINUX also behind iPXE's ROM: one loader reads every profile of the tree, menus included.
            (Kind::IpxeBios, Entry::file("pxelinux.0")),
            (Kind::IpxeUefi, Entry::One(Loader::Script)),
            // Debian builds no iPXE for it. The directory is where the modules of this SYSLINUX are found.
            (Kind::UefiIa32, Entry::file("efi32/syslinux.efi")),
            (
                Kind::UefiX64,
                Entry::Chain(Chain {
                    signed: "shimx64.efi".into(),
                    unsigned: Some("snponly.efi".into()),
                    menu: Some("efi64/syslinux.efi".into()),
                }),
            ),
            // Debian builds neither iPXE nor SYSLINUX for it.
            (
                Kind::UefiArm64,
                Entry::Chain(Chain { signed: "shimaa64.efi".into(), unsigned: None, menu: None }),
            ),
            // A Pi 3 fetches this by itself, and later ones their own files: the name only makes the answer complete.
            (Kind::RaspberryPi, Entry::file("bootcode.bin")),
            // U-Boot reads pxelinux.cfg by itself, and of the file that it is told it needs the directory only.
            (Kind::UBootArm32, Entry::file("pxelinux.0")),
            (Kind::UBootArm64, Entry::file("pxelinux.0")),
        ]))
    }
}
