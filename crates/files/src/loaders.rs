//! The search path for boot loaders: where Debian and its relatives install them.

use std::path::{Path, PathBuf};

use crate::Name;

/// Where Debian's packages `pxelinux`, `syslinux-common`, `syslinux-efi`, `ipxe`, `shim-signed` and
/// `grub-efi-*-signed` put their loaders. Missing directories are skipped.
pub const DEFAULT_LOADERS: &[&str] = &[
    "/usr/lib/PXELINUX",
    "/usr/lib/syslinux/modules/bios",
    "/usr/lib/ipxe",
    "/usr/lib/shim",
    "/usr/lib/grub/x86_64-efi-signed",
    "/usr/lib/grub/arm64-efi-signed",
    "/usr/lib/syslinux/modules/efi64",
    "/usr/lib/SYSLINUX.EFI/efi64",
    "/usr/lib/syslinux/modules/efi32",
    "/usr/lib/SYSLINUX.EFI/efi32",
];

/// Where links in the loader directories may lead beside these directories themselves: Debian's `/usr/lib/ipxe/ipxe.efi`
/// is a link to `/boot/ipxe.efi`.
pub(crate) const LINKED: &str = "/boot";

/// Names that firmware and shim ask for, and what Debian calls those files.
const ALIASES: &[(&str, &str)] = &[
    ("shimx64.efi", "shimx64.efi.signed"),
    ("shimaa64.efi", "shimaa64.efi.signed"),
    ("grubx64.efi", "grubnetx64.efi.signed"),
    ("grubaa64.efi", "grubnetaa64.efi.signed"),
];

/// SYSLINUX modules of the same name exist for each of these; the directory of one is named so.
const FLAVOURS: [&str; 2] = ["efi64", "efi32"];

/// Where to look for a loader, best first: directory, and path in it.
///
/// Only the last component counts, because a loader asks for its modules beneath whatever prefix it was started from. A
/// name with a directory `efi64` or `efi32` wants that one's modules and never those of another; any other name gets
/// the directories in their order, those for a single EFI flavour last.
pub(crate) fn candidates<'a>(
    loaders: &'a [PathBuf],
    name: &'a Name,
) -> impl Iterator<Item = (&'a Path, &'a str)> {
    let wanted = name.components().rev().skip(1).find_map(flavour);
    let place = move |directory: &Path| match (wanted, of_directory(directory)) {
        (None, None) => Some(0),
        (None, Some(at)) => Some(1 + at),
        (Some(wanted), Some(at)) => (wanted == at).then_some(0),
        (Some(_), None) => (!is_bios(directory)).then_some(1),
    };
    let mut places: Vec<(usize, &Path)> =
        loaders.iter().filter_map(|directory| Some((place(directory)?, directory.as_path()))).collect();
    places.sort_by_key(|(place, _)| *place);
    let file = name.file();
    let alias = ALIASES.iter().find(|(asked, _)| *asked == file).map(|(_, real)| *real);
    places
        .into_iter()
        .flat_map(move |(_, directory)| std::iter::once(file).chain(alias).map(move |file| (directory, file)))
}

fn flavour(component: &str) -> Option<usize> {
    FLAVOURS.iter().position(|flavour| *flavour == component)
}

fn of_directory(directory: &Path) -> Option<usize> {
    flavour(directory.file_name()?.to_str()?)
}

fn is_bios(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name == "bios")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(name: &str) -> Vec<String> {
        let loaders: Vec<PathBuf> = DEFAULT_LOADERS.iter().map(PathBuf::from).collect();
        let name = Name::parse(name).unwrap();
        candidates(&loaders, &name)
            .map(|(directory, file)| directory.join(file).display().to_string())
            .collect()
    }

    #[test]
    fn a_module_is_that_of_the_bios_unless_a_directory_says_otherwise() {
        assert_eq!(order("menu.c32")[1], "/usr/lib/syslinux/modules/bios/menu.c32");
        assert_eq!(order("boot/isolinux/menu.c32")[1], "/usr/lib/syslinux/modules/bios/menu.c32");
        for flavour in FLAVOURS {
            let order = order(&format!("boot/{flavour}/menu.c32"));
            assert_eq!(order[0], format!("/usr/lib/syslinux/modules/{flavour}/menu.c32"));
            let others: Vec<&str> =
                ["bios", "efi32", "efi64"].into_iter().filter(|other| *other != flavour).collect();
            for other in others {
                assert!(
                    !order.iter().any(|path| path.contains(&format!("/{other}/"))),
                    "{other} for {flavour}"
                );
            }
        }
    }

    #[test]
    fn a_loader_that_exists_for_efi_alone_is_found_and_64_bit_comes_first() {
        let order = order("ldlinux.e64");
        let at = |path: &str| order.iter().position(|found| found == path).unwrap();
        assert!(
            at("/usr/lib/syslinux/modules/efi64/ldlinux.e64")
                < at("/usr/lib/syslinux/modules/efi32/ldlinux.e64")
        );
    }

    #[test]
    fn signed_loaders_are_found_by_the_name_that_shim_asks_for() {
        assert!(order("EFI/grubx64.efi").iter().any(|path| path.ends_with("/grubnetx64.efi.signed")));
    }
}
