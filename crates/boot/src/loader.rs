use std::collections::BTreeMap;

use nextboot_model::Arch;
use serde::Serialize;

use crate::{Client, Firmware};

/// A network boot program, or what stands in for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Loader {
    /// A file beneath the roots or in the search path.
    File(String),
    /// iPXE runs already: it gets the address of its script.
    Script,
}

/// The kinds of machine that get loaders of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// x86 with a BIOS, by its PXE ROM.
    Bios,
    /// x86 with a BIOS, iPXE running (as ROM or chain-loaded).
    IpxeBios,
    /// UEFI, iPXE running.
    IpxeUefi,
    /// x86 (32 bit) UEFI.
    UefiIa32,
    /// x86-64 UEFI.
    UefiX64,
    /// ARM64 UEFI.
    UefiArm64,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Bios, Self::IpxeBios, Self::IpxeUefi, Self::UefiIa32, Self::UefiX64, Self::UefiArm64];

    /// Its key in the configuration's `[boot.loaders]`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::IpxeBios => "ipxe-bios",
            Self::IpxeUefi => "ipxe-uefi",
            Self::UefiIa32 => "uefi-ia32",
            Self::UefiX64 => "uefi-x64",
            Self::UefiArm64 => "uefi-arm64",
        }
    }

    /// The kind of a client, where it is one that we have loaders for.
    #[must_use]
    pub fn of(client: &Client) -> Option<Self> {
        match (client.firmware, client.arch) {
            (Firmware::Ipxe, Some(arch)) if !arch.is_bios() => Some(Self::IpxeUefi),
            (Firmware::Ipxe, _) => Some(Self::IpxeBios),
            (Firmware::Pxe | Firmware::HttpBoot, Some(arch)) => match arch {
                Arch::BIOS => Some(Self::Bios),
                Arch::UEFI_IA32 => Some(Self::UefiIa32),
                // Old x86-64 firmware calls itself EBC, because RFC 4578 had the two numbers swapped.
                Arch::UEFI_X64 | Arch::UEFI_EBC | Arch::HTTP_X64 => Some(Self::UefiX64),
                Arch::UEFI_ARM64 | Arch::HTTP_ARM64 => Some(Self::UefiArm64),
                _ => None,
            },
            // A PXE ROM without option 93 predates UEFI.
            (Firmware::Pxe | Firmware::Bootp, None) => Some(Self::Bios),
            _ => None,
        }
    }
}

/// Which loader each kind of machine gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaders(pub BTreeMap<Kind, Loader>);

impl Default for Loaders {
    /// Debian's packages `pxelinux` and `ipxe` have these; a site adds what else it needs.
    fn default() -> Self {
        let file = |name: &str| Loader::File(name.to_owned());
        Self(BTreeMap::from([
            (Kind::Bios, file("pxelinux.0")),
            // PXELINUX also behind iPXE's ROM: one loader reads every profile of the tree, menus included.
            (Kind::IpxeBios, file("pxelinux.0")),
            (Kind::IpxeUefi, Loader::Script),
            (Kind::UefiX64, file("snponly.efi")),
        ]))
    }
}

impl Loaders {
    /// The loader for this client.
    #[must_use]
    pub fn choose(&self, client: &Client) -> Option<&Loader> {
        Kind::of(client).and_then(|kind| self.0.get(&kind))
    }
}
