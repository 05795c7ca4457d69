use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{Client, Firmware, Kind, Language, ipxe};

/// A network boot program, or what stands in for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Loader {
    /// A file beneath the roots or in the search path.
    File(String),
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
        let Self::File(name) = self else { return Some(Language::Ipxe) };
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
            Self::File(name) => name.clone(),
        }
    }
}

impl fmt::Display for Loader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::File(name) => name,
            Self::Script => "script",
        })
    }
}

/// Which loader each kind of machine gets; one that is not in it gets none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaders(pub BTreeMap<Kind, Loader>);

impl Default for Loaders {
    /// Debian's packages `pxelinux`, `ipxe` and `syslinux-efi` have these; a site adds what else it needs.
    fn default() -> Self {
        Self(BTreeMap::from([
            (Kind::Bios, Loader::file("pxelinux.0")),
            // PXELINUX also behind iPXE's ROM: one loader reads every profile of the tree, menus included.
            (Kind::IpxeBios, Loader::file("pxelinux.0")),
            (Kind::IpxeUefi, Loader::Script),
            // Debian builds no iPXE for it. The directory is where the modules of this SYSLINUX are found.
            (Kind::UefiIa32, Loader::file("efi32/syslinux.efi")),
            (Kind::UefiX64, Loader::file("snponly.efi")),
            // A Pi 3 fetches this by itself, and later ones their own files: the name only makes the answer complete.
            (Kind::RaspberryPi, Loader::file("bootcode.bin")),
            // U-Boot reads pxelinux.cfg by itself, and of the file that it is told it needs the directory only.
            (Kind::UBootArm32, Loader::file("pxelinux.0")),
            (Kind::UBootArm64, Loader::file("pxelinux.0")),
        ]))
    }
}
