use std::fmt;

use serde::{Deserialize, Serialize};

/// A client architecture as DHCP option 93 names it (RFC 4578, and IANA's list since).
///
/// 7 and 9 are what the erratum and the firmware say: 7 is x86-64 UEFI, 9 is EBC, which some old x86-64 firmware sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arch(pub u16);

impl Arch {
    /// x86 with a BIOS.
    pub const BIOS: Self = Self(0x00);
    /// x86 (32 bit) UEFI.
    pub const UEFI_IA32: Self = Self(0x06);
    /// x86-64 UEFI.
    pub const UEFI_X64: Self = Self(0x07);
    /// EFI byte code; sent for x86-64 by old firmware.
    pub const UEFI_EBC: Self = Self(0x09);
    /// ARM (32 bit) UEFI.
    pub const UEFI_ARM32: Self = Self(0x0a);
    /// ARM64 UEFI.
    pub const UEFI_ARM64: Self = Self(0x0b);
    /// RISC-V 64 UEFI.
    pub const UEFI_RISCV64: Self = Self(0x1b);
    /// LoongArch 64 UEFI.
    pub const UEFI_LOONG64: Self = Self(0x27);
    /// x86-64 UEFI HTTP Boot.
    pub const HTTP_X64: Self = Self(0x10);
    /// ARM64 UEFI HTTP Boot.
    pub const HTTP_ARM64: Self = Self(0x13);

    /// The instruction set as Debian names it, where one is known.
    #[must_use]
    pub fn machine(self) -> Option<&'static str> {
        Some(match self.0 {
            0x00 | 0x14 => "i386",
            0x06 | 0x0f => "i386",
            0x07 | 0x09 | 0x10 | 0x11 => "amd64",
            0x0a | 0x12 | 0x15 | 0x17 => "armhf",
            0x0b | 0x13 | 0x16 | 0x18 | 0x29 => "arm64",
            0x1b | 0x1c => "riscv64",
            0x27 | 0x28 => "loong64",
            _ => return None,
        })
    }

    /// True for firmware that fetches its boot file by HTTP (UEFI HTTP Boot).
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(self.0, 0x0f..=0x14 | 0x17 | 0x18 | 0x1a | 0x1c | 0x1e | 0x26 | 0x28)
    }

    /// True for x86 with a BIOS, by PXE or by HTTP.
    #[must_use]
    pub fn is_bios(self) -> bool {
        matches!(self.0, 0x00 | 0x14)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0x00 => "x86 BIOS",
            0x06 => "x86 UEFI",
            0x07 => "x86-64 UEFI",
            0x09 => "EBC (x86-64 UEFI)",
            0x0a => "ARM UEFI",
            0x0b => "ARM64 UEFI",
            0x0f => "x86 UEFI HTTP",
            0x10 => "x86-64 UEFI HTTP",
            0x11 => "EBC HTTP",
            0x12 => "ARM UEFI HTTP",
            0x13 => "ARM64 UEFI HTTP",
            0x14 => "x86 BIOS HTTP",
            0x15 => "ARM U-Boot",
            0x16 => "ARM64 U-Boot",
            0x17 => "ARM U-Boot HTTP",
            0x18 => "ARM64 U-Boot HTTP",
            0x1b => "RISC-V 64 UEFI",
            0x1c => "RISC-V 64 UEFI HTTP",
            0x27 => "LoongArch 64 UEFI",
            0x28 => "LoongArch 64 UEFI HTTP",
            0x29 => "ARM Raspberry Pi",
            other => return write!(out, "architecture {other}"),
        };
        out.write_str(name)
    }
}

impl fmt::Debug for Arch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Arch({:#04x})", self.0)
    }
}
