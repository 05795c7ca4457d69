use std::fmt;
use std::str::FromStr;

use nextboot_firmware::edk2::pxe;
use nextboot_firmware::raspberry::Model;
use nextboot_firmware::{Firmware, rom};
use nextboot_model::Arch;

/// The kinds of machines by the names that people give them, and what each has inside.
const KINDS: [(&str, Firmware); 12] = [
    ("bios", Firmware::Rom(rom::Variant { uuid: true, always_4011: false })),
    ("uefi", Firmware::Edk2Pxe(Arch::UEFI_X64, pxe::Variant::Current)),
    ("uefi-ia32", Firmware::Edk2Pxe(Arch::UEFI_IA32, pxe::Variant::Current)),
    ("uefi-arm64", Firmware::Edk2Pxe(Arch::UEFI_ARM64, pxe::Variant::Current)),
    ("http", Firmware::Edk2Http(Arch::HTTP_X64)),
    ("http-arm64", Firmware::Edk2Http(Arch(0x13))),
    ("ipxe", Firmware::Ipxe(Arch::BIOS)),
    ("ipxe-uefi", Firmware::Ipxe(Arch::UEFI_X64)),
    ("u-boot", Firmware::UBoot(Arch(0x16))),
    ("pi3", Firmware::RaspberryPi(Model::Pi3)),
    ("pi4", Firmware::RaspberryPi(Model::Pi4)),
    ("pi5", Firmware::RaspberryPi(Model::Pi5)),
];

/// Which kinds of machines, and how many of each in proportion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix(Vec<(&'static str, Firmware, u32)>);

impl Mix {
    /// The kinds of so many machines, each as often as its share says and spread evenly among the others.
    pub(crate) fn deal(&self, hosts: usize) -> Vec<(&'static str, Firmware)> {
        let total: u64 = self.0.iter().map(|(.., share)| u64::from(*share)).sum();
        let mut dealt = vec![0_u64; self.0.len()];
        let mut kinds = Vec::with_capacity(hosts);
        for count in 1..=hosts as u64 {
            // Whose turn has been waiting the longest: the largest part of a machine that is still owed.
            let owed =
                |at: usize, share: u32| i128::from(u64::from(share) * count) - i128::from(dealt[at] * total);
            let next = (0..).zip(&self.0).map(|(at, (.., share))| (owed(at, *share), at));
            let Some((_, at)) = next.max_by_key(|(owed, at)| (*owed, std::cmp::Reverse(*at))) else { break };
            dealt[at] += 1;
            let (name, firmware, _) = self.0[at];
            kinds.push((name, firmware));
        }
        kinds
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix: Vec<(&str, Firmware, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, share) = part.trim().split_once('=').unwrap_or_else(|| (part.trim(), "1"));
            let (name, firmware) = KINDS.iter().find(|(own, _)| *own == name).ok_or_else(|| {
                let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
                format!("{name:?} is no kind of machine; there are {}", names.join(", "))
            })?;
            let share = share.parse().ok().filter(|share| (1..=1_000_000).contains(share));
            let share = share.ok_or_else(|| format!("{part}: the share is a number from 1 to 1000000"))?;
            if mix.iter().any(|(own, ..)| own == name) {
                return Err(format!("{name} is there twice"));
            }
            mix.push((name, *firmware, share));
        }
        Ok(Self(mix))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(|(name, _, share)| format!("{name}={share}")).collect();
        out.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_comes_as_often_as_its_share_says_and_evenly() {
        let mix: Mix = "bios=60,uefi=30,ipxe=5,http=5".parse().unwrap();
        let kinds: Vec<_> = mix.deal(200).into_iter().map(|(name, _)| name).collect();
        let count = |from: &[&str], name| from.iter().filter(|own| **own == name).count();
        for (name, share) in [("bios", 60), ("uefi", 30), ("ipxe", 5), ("http", 5)] {
            assert_eq!(count(&kinds, name), 2 * share, "{name}");
            assert_eq!(count(&kinds[..100], name), share, "{name}");
        }
        assert_eq!(mix.deal(1)[0].0, "bios");
        assert_eq!("uefi".parse::<Mix>().unwrap().deal(3).len(), 3);
    }

    #[test]
    fn what_nobody_knows_is_refused_with_what_there_is() {
        for (text, words) in [
            ("biso=1", "there are bios, uefi"),
            ("", "no kind"),
            ("bios=0", "number from 1"),
            ("bios=x", "number from 1"),
            ("bios=1,bios=2", "twice"),
        ] {
            let error = text.parse::<Mix>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert_eq!("bios=6, uefi".parse::<Mix>().unwrap().to_string(), "bios=6,uefi=1");
    }
}
