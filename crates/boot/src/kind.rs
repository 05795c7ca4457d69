use std::fmt;

use nextboot_model::Arch;

use crate::{Client, Firmware};

/// The kinds of machine that get loaders of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// x86 with a BIOS, by its PXE ROM.
    Bios,
    /// x86 with a BIOS that fetches by HTTP.
    BiosHttp,
    /// x86 with a BIOS, iPXE running (as ROM or chain-loaded).
    IpxeBios,
    /// UEFI, iPXE running.
    IpxeUefi,
    /// x86 (32 bit) UEFI.
    UefiIa32,
    /// x86-64 UEFI.
    UefiX64,
    /// ARM (32 bit) UEFI.
    UefiArm32,
    /// ARM64 UEFI.
    UefiArm64,
    /// RISC-V 64 UEFI.
    UefiRiscv64,
    /// LoongArch 64 UEFI.
    UefiLoong64,
    /// A Raspberry Pi, by its boot ROM or EEPROM.
    RaspberryPi,
    /// ARM (32 bit) U-Boot.
    UBootArm32,
    /// ARM64 U-Boot.
    UBootArm64,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Bios,
        Self::BiosHttp,
        Self::IpxeBios,
        Self::IpxeUefi,
        Self::UefiIa32,
        Self::UefiX64,
        Self::UefiArm32,
        Self::UefiArm64,
        Self::UefiRiscv64,
        Self::UefiLoong64,
        Self::RaspberryPi,
        Self::UBootArm32,
        Self::UBootArm64,
    ];

    /// Its key in the configuration's `[boot.loaders]`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::BiosHttp => "bios-http",
            Self::IpxeBios => "ipxe-bios",
            Self::IpxeUefi => "ipxe-uefi",
            Self::UefiIa32 => "uefi-ia32",
            Self::UefiX64 => "uefi-x64",
            Self::UefiArm32 => "uefi-arm32",
            Self::UefiArm64 => "uefi-arm64",
            Self::UefiRiscv64 => "uefi-riscv64",
            Self::UefiLoong64 => "uefi-loong64",
            Self::RaspberryPi => "raspberry-pi",
            Self::UBootArm32 => "u-boot-arm32",
            Self::UBootArm64 => "u-boot-arm64",
        }
    }

    /// The kind with this key.
    #[must_use]
    pub fn with_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// The kind that an architecture is by itself, whatever program speaks for it. UEFI's HTTP Boot is another way to the
    /// same machine, and gets the same loader.
    #[must_use]
    pub fn of_arch(arch: Arch) -> Option<Self> {
        Some(match arch.0 {
            0x00 => Self::Bios,
            0x06 | 0x0f => Self::UefiIa32,
            // Old x86-64 firmware calls itself EBC, because RFC 4578 had the two numbers swapped.
            0x07 | 0x09 | 0x10 | 0x11 => Self::UefiX64,
            0x0a | 0x12 => Self::UefiArm32,
            0x0b | 0x13 => Self::UefiArm64,
            0x14 => Self::BiosHttp,
            0x15 | 0x17 => Self::UBootArm32,
            0x16 | 0x18 => Self::UBootArm64,
            0x1b | 0x1c => Self::UefiRiscv64,
            0x27 | 0x28 => Self::UefiLoong64,
            0x29 => Self::RaspberryPi,
            _ => return None,
        })
    }

    /// An architecture of this kind, for asking what such a machine would get.
    #[must_use]
    pub fn arch(self) -> Arch {
        Arch(match self {
            Self::Bios | Self::IpxeBios => 0x00,
            Self::BiosHttp => 0x14,
            Self::IpxeUefi | Self::UefiX64 => 0x07,
            Self::UefiIa32 => 0x06,
            Self::UefiArm32 => 0x0a,
            Self::UefiArm64 => 0x0b,
            Self::UefiRiscv64 => 0x1b,
            Self::UefiLoong64 => 0x27,
            Self::RaspberryPi => 0x29,
            Self::UBootArm32 => 0x15,
            Self::UBootArm64 => 0x16,
        })
    }

    /// What speaks for a machine of this kind.
    #[must_use]
    pub fn firmware(self) -> Firmware {
        match self {
            Self::IpxeBios | Self::IpxeUefi => Firmware::Ipxe,
            Self::BiosHttp => Firmware::HttpBoot,
            Self::RaspberryPi => Firmware::RaspberryPi,
            _ => Firmware::Pxe,
        }
    }

    /// The kinds that a client is, in the order in which it names its architectures; none where it is nothing that we know.
    #[must_use]
    pub fn of(client: &Client) -> Vec<Self> {
        let mut kinds = Vec::new();
        match client.firmware {
            Firmware::RaspberryPi => kinds.push(Self::RaspberryPi),
            Firmware::Ipxe => {
                let uefi = client.arch.is_some_and(|arch| !arch.is_bios());
                kinds.push(if uefi { Self::IpxeUefi } else { Self::IpxeBios });
            }
            Firmware::Pxe | Firmware::HttpBoot | Firmware::Bootp | Firmware::UBoot => {
                for kind in client.archs().filter_map(Self::of_arch) {
                    if !kinds.contains(&kind) {
                        kinds.push(kind);
                    }
                }
                // A PXE ROM without option 93 predates UEFI.
                if client.arch.is_none() && matches!(client.firmware, Firmware::Pxe | Firmware::Bootp) {
                    kinds.push(Self::Bios);
                }
            }
            Firmware::System | Firmware::Unknown => {}
        }
        kinds
    }

    /// A machine as a person names it: a key, or `http-` and the key of UEFI firmware that uses HTTP Boot.
    #[must_use]
    pub fn client(word: &str) -> Option<Client> {
        let (kind, firmware) = match word.strip_prefix("http-").and_then(Self::with_key) {
            Some(kind) if kind.has_http_boot() => (kind, Firmware::HttpBoot),
            _ => Self::with_key(word).map(|kind| (kind, kind.firmware()))?,
        };
        Some(Client { firmware, ..Client::default() }.with_archs(&[kind.arch()]))
    }

    /// The word by which a person would name this client; nothing for one that we have no loaders for.
    #[must_use]
    pub fn word(client: &Client) -> Option<String> {
        let kind = Self::of(client).first().copied()?;
        let http = client.firmware == Firmware::HttpBoot && kind.has_http_boot();
        Some(if http { format!("http-{kind}") } else { kind.to_string() })
    }

    fn has_http_boot(self) -> bool {
        self.key().starts_with("uefi-")
    }

    /// True for UEFI.
    pub(crate) fn is_uefi(self) -> bool {
        matches!(
            self,
            Self::IpxeUefi
                | Self::UefiIa32
                | Self::UefiX64
                | Self::UefiArm32
                | Self::UefiArm64
                | Self::UefiRiscv64
                | Self::UefiLoong64
        )
    }

    /// The signed shim for machines of this kind, which loads GRUB; `shim-signed` has it.
    pub(crate) fn shim(self) -> Option<&'static str> {
        match self {
            Self::UefiX64 => Some("shimx64.efi"),
            Self::UefiArm64 => Some("shimaa64.efi"),
            _ => None,
        }
    }

    /// The SYSLINUX for UEFI machines of this kind, in the directory where its modules are found.
    pub(crate) fn syslinux(self) -> Option<&'static str> {
        match self {
            Self::UefiX64 => Some("efi64/syslinux.efi"),
            Self::UefiIa32 => Some("efi32/syslinux.efi"),
            _ => None,
        }
    }

    /// The iPXE for machines of this kind, where Debian's package `ipxe` has one.
    pub(crate) fn ipxe(self) -> Option<&'static str> {
        match self {
            Self::Bios => Some("undionly.kpxe"),
            Self::UefiX64 => Some("snponly.efi"),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.key())
    }
}
