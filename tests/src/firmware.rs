//! What emulated machines start with, and how QEMU is told.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// OVMF for x86-64: code and variables.
const OVMF: (&str, &str) = ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd");
/// The same with Secure Boot on and Microsoft's keys enrolled.
const OVMF_SECURE: (&str, &str) =
    ("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd");
/// OVMF for IA32; there is only a build that can do Secure Boot, and it wants SMM like that.
const OVMF_IA32: (&str, &str) =
    ("/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF32_VARS_4M.fd");
/// EDK2 for ARM64.
const AAVMF: (&str, &str) = ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd");
/// U-Boot for QEMU's ARM64 machine.
const UBOOT: &str = "/usr/lib/u-boot/qemu_arm64/u-boot.bin";

/// What a machine starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS with the iPXE option ROM that QEMU carries.
    Bios,
    /// OVMF for x86-64 with its own PXE client; the iPXE option ROM is switched off.
    UefiX64,
    /// The same with PXE switched off, so that HTTP Boot comes first.
    UefiX64Http,
    /// OVMF for x86-64 with iPXE's UEFI option ROM instead of its own PXE client.
    UefiX64Ipxe,
    /// OVMF for x86-64 with Secure Boot on and Microsoft's keys; PXE.
    UefiX64Secure,
    /// The same with PXE switched off, so that HTTP Boot comes first.
    UefiX64SecureHttp,
    /// OVMF for IA32; PXE.
    UefiIa32,
    /// EDK2 for ARM64; PXE.
    UefiArm64,
    /// The same with PXE switched off, so that HTTP Boot comes first.
    UefiArm64Http,
    /// U-Boot on ARM64.
    UBootArm64,
}

impl Firmware {
    /// The program that emulates such a machine.
    pub(crate) fn emulator(self) -> &'static str {
        if self.is_arm64() { "qemu-system-aarch64" } else { "qemu-system-x86_64" }
    }

    /// True for machines whose processor is no x86.
    pub(crate) fn is_arm64(self) -> bool {
        matches!(self, Self::UefiArm64 | Self::UefiArm64Http | Self::UBootArm64)
    }

    /// The network card, with or without iPXE's option ROM.
    pub(crate) fn card(self) -> &'static str {
        match self {
            Self::Bios | Self::UefiX64Ipxe => "virtio-net-pci",
            // U-Boot 2023.01 takes the first byte of a virtio card's address for all six of them.
            Self::UBootArm64 => "e1000,romfile=",
            _ => "virtio-net-pci,romfile=",
        }
    }

    /// The arguments for machine, firmware and its settings, which live in `dir`.
    pub(crate) fn arguments(self, dir: &Path) -> Result<Vec<String>> {
        let mut words = Vec::new();
        let mut add = |word: &str, value: String| words.extend([word.to_owned(), value]);
        match self {
            Self::Bios => {
                add("-machine", "pc".to_owned());
                // SeaBIOS tells on this port what it does: the boot order, and what it tried.
                add("-debugcon", format!("file:{}", dir.join("bios.log").display()));
                add("-global", "isa-debugcon.iobase=0x402".to_owned());
            }
            Self::UefiX64 | Self::UefiX64Http | Self::UefiX64Ipxe => add("-machine", "q35".to_owned()),
            Self::UefiX64Secure | Self::UefiX64SecureHttp | Self::UefiIa32 => {
                add("-machine", "q35,smm=on".to_owned());
                add("-global", "driver=cfi.pflash01,property=secure,value=on".to_owned());
            }
            Self::UefiArm64 | Self::UefiArm64Http | Self::UBootArm64 => {
                add("-machine", "virt".to_owned());
                add("-cpu", "cortex-a57".to_owned());
            }
        }
        if matches!(self, Self::UefiX64Http | Self::UefiX64SecureHttp | Self::UefiArm64Http) {
            for version in ["IPv4", "IPv6"] {
                add("-fw_cfg", format!("name=opt/org.tianocore/{version}PXESupport,string=no"));
            }
        }
        let flash = match self {
            Self::Bios => None,
            Self::UefiX64 | Self::UefiX64Http | Self::UefiX64Ipxe => Some(OVMF),
            Self::UefiX64Secure | Self::UefiX64SecureHttp => Some(OVMF_SECURE),
            Self::UefiIa32 => Some(OVMF_IA32),
            Self::UefiArm64 | Self::UefiArm64Http => Some(AAVMF),
            Self::UBootArm64 => {
                add("-bios", UBOOT.to_owned());
                None
            }
        };
        if let Some((code, template)) = flash {
            // Every machine gets its own copy of the variables.
            let variables = dir.join("vars.fd");
            fs::copy(template, &variables).with_context(|| format!("{template} (see deploy/packages)"))?;
            add("-drive", format!("if=pflash,format=raw,readonly=on,file={code}"));
            add("-drive", format!("if=pflash,format=raw,file={}", variables.display()));
        }
        Ok(words)
    }
}
