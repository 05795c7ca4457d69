//! What machine an EFI program is for, by its PE header.

use crate::Kind;

/// How much of a file's beginning is needed to tell, in bytes: the header lies behind a stub for MS-DOS.
pub const PE_HEADER: usize = 4096;

/// The machine type of a PE image (`IMAGE_FILE_HEADER.Machine`); nothing for a file that is none. `begin` is the file's
/// beginning, of [`PE_HEADER`] bytes or all that there is.
#[must_use]
pub fn pe_machine(begin: &[u8]) -> Option<u16> {
    let at = begin.strip_prefix(b"MZ").and_then(|_| begin.get(0x3c..0x40))?;
    let at = usize::try_from(u32::from_le_bytes(at.try_into().ok()?)).ok()?;
    match begin.get(at..at.checked_add(6)?)? {
        [b'P', b'E', 0, 0, low, high] => Some(u16::from_le_bytes([*low, *high])),
        _ => None,
    }
}

/// What is wrong with giving this file to machines of that kind; nothing where it may well be right.
#[must_use]
pub fn misfit(kind: Kind, begin: &[u8]) -> Option<String> {
    let found = pe_machine(begin);
    match (machine(kind), found) {
        (Some(wanted), Some(found)) if wanted != found => {
            Some(format!("is an EFI program for {}, not for {kind}", name(found)))
        }
        (Some(_), None) => Some(format!("is no EFI program, which {kind} needs")),
        (None, Some(found)) if matches!(kind, Kind::Bios | Kind::IpxeBios | Kind::BiosHttp) => {
            Some(format!("is an EFI program for {}, and {kind} cannot run it", name(found)))
        }
        _ => None,
    }
}

fn machine(kind: Kind) -> Option<u16> {
    Some(match kind {
        Kind::UefiIa32 => 0x14c,
        Kind::UefiX64 => 0x8664,
        Kind::UefiArm32 => 0x1c2,
        Kind::UefiArm64 => 0xaa64,
        Kind::UefiRiscv64 => 0x5064,
        Kind::UefiLoong64 => 0x6264,
        _ => return None,
    })
}

fn name(machine: u16) -> String {
    let kinds = [
        Kind::UefiIa32,
        Kind::UefiX64,
        Kind::UefiArm32,
        Kind::UefiArm64,
        Kind::UefiRiscv64,
        Kind::UefiLoong64,
    ];
    let known = kinds.into_iter().find(|kind| self::machine(*kind) == Some(machine));
    known.map_or_else(|| format!("machine type {machine:#x}"), |kind| kind.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(machine: u16) -> Vec<u8> {
        let mut image = vec![0; 0x80];
        image[..2].copy_from_slice(b"MZ");
        image[0x3c] = 0x80;
        image.extend(b"PE\0\0");
        image.extend(machine.to_le_bytes());
        image
    }

    #[test]
    fn an_image_for_another_machine_is_told_from_the_right_one() {
        for (kind, right, wrong) in [
            (Kind::UefiX64, 0x8664, 0x14c),
            (Kind::UefiIa32, 0x14c, 0x8664),
            (Kind::UefiArm64, 0xaa64, 0x8664),
            (Kind::UefiArm32, 0x1c2, 0xaa64),
            (Kind::UefiRiscv64, 0x5064, 0x6264),
            (Kind::UefiLoong64, 0x6264, 0x5064),
        ] {
            assert_eq!(misfit(kind, &image(right)), None, "{kind}");
            let said = misfit(kind, &image(wrong)).unwrap();
            assert!(said.contains(&format!("not for {kind}")), "{said}");
            assert!(misfit(kind, b"\xfa\xea pxelinux.0").unwrap().contains("no EFI program"), "{kind}");
        }
        let said = misfit(Kind::Bios, &image(0x8664)).unwrap();
        assert_eq!(said, "is an EFI program for uefi-x64, and bios cannot run it");
        assert_eq!(misfit(Kind::Bios, b"pxelinux"), None);
        assert_eq!(misfit(Kind::RaspberryPi, &image(0x8664)), None, "a Pi fetches its own files");
        assert!(misfit(Kind::UefiX64, &image(0x1234)).unwrap().contains("machine type 0x1234"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<u32>()) {
            let _ = pe_machine(&bytes);
            if let Some(header) = bytes.get_mut(..0x40) {
                header[..2].copy_from_slice(b"MZ");
                header[0x3c..].copy_from_slice(&at.to_le_bytes());
            }
            let _ = pe_machine(&bytes);
        }
    }
}
