//! The search path for boot loaders: where Debian and its relatives install them.

use std::path::{Path, PathBuf};

use crate::Name;

/// Where Debian's packages `pxelinux`, `syslinux-common`, `syslinux-efi`, `ipxe`, `shim-signed`,
/// `grub-efi-*-signed` and `debian-installer-12-netboot-*` put their loaders. Missing directories are skipped.
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
    "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64",
    "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64",
];

/// Where links in the loader directories may lead beside these directories themselves: Debian's `/usr/lib/ipxe/ipxe.efi`
/// is a link to `/boot/ipxe.efi`.
pub(crate) const LINKED: &str = "/boot";

/// Names that firmware and shim ask for, and what Debian calls those files: in the packages of shim and GRUB, and in the
/// installer's netboot tree, whose ARM64 part is all of the signed chain that an x86-64 Debian has for ARM64.
const ALIASES: &[(&str, &str)] = &[
    ("shimx64.efi", "shimx64.efi.signed"),
    ("shimx64.efi", "bootnetx64.efi"),
    ("shimaa64.efi", "shimaa64.efi.signed"),
    ("shimaa64.efi", "bootnetaa64.efi"),
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
    let aliases = ALIASES.iter().filter(move |(asked, _)| *asked == file).map(|(_, real)| *real);
    places
        .into_iter()
        .filter(move |(_, directory)| file.ends_with(".efi") || !is_installer(directory))
        .flat_map(move |(_, directory)| {
            std::iter::once(file).chain(aliases.clone()).map(move |file| (directory, file))
        })
}

/// The installer's directories hold more than loaders: its kernel must not be found by whoever asks for a `linux` that the
/// roots do not have.
fn is_installer(directory: &Path) -> bool {
    directory.components().any(|part| part.as_os_str() == "debian-installer")
}

/// The name without the EFI flavour's directory at its beginning; nothing for a name that has none.
pub(crate) fn without_flavour(name: &Name) -> Option<Name> {
    FLAVOURS.iter().find_map(|flavour| name.strip_prefix(flavour))
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

    #[test]
    fn of_the_installers_tree_only_the_loaders_are_found() {
        let installer = |name: &str| -> Vec<String> {
            order(name).into_iter().filter(|path| path.contains("/debian-installer/arm64/")).collect()
        };
        assert_eq!(installer("grubaa64.efi")[0], format!("{}/grubaa64.efi", DEFAULT_LOADERS[11]));
        assert!(installer("shimaa64.efi").contains(&format!("{}/bootnetaa64.efi", DEFAULT_LOADERS[11])));
        for other in ["linux", "initrd.gz", "debian/linux", "pxelinux.0"] {
            assert_eq!(installer(other), Vec::<String>::new(), "{other}");
        }
    }
}
