use nextboot_model::Arch;

/// The directories in which systems keep their boot loaders on the EFI system partition, and what they start there: their
/// shim, or GRUB where there is none.
const VENDORS: [&str; 9] =
    ["debian", "ubuntu", "fedora", "redhat", "centos", "rocky", "almalinux", "opensuse", "sles"];

/// Looks on every disk for a boot loader and starts the first that is there. The one that removable media have comes last:
/// the installers of most systems put a copy there, and some firmware puts its own.
pub(super) fn to_disk(arch: Option<Arch>) -> String {
    let suffix = match arch {
        Some(Arch::UEFI_ARM64 | Arch::HTTP_ARM64) => "aa64",
        Some(Arch::UEFI_IA32) => "ia32",
        _ => "x64",
    };
    let loaders = VENDORS
        .iter()
        .flat_map(|vendor| ["shim", "grub"].map(|loader| format!("/EFI/{vendor}/{loader}{suffix}.efi")));
    let others = [
        format!("/EFI/systemd/systemd-boot{suffix}.efi"),
        "/EFI/Microsoft/Boot/bootmgfw.efi".to_owned(),
        format!("/EFI/BOOT/BOOT{}.EFI", suffix.to_uppercase()),
    ];
    let mut text = String::from("for loader in");
    for path in loaders.chain(others) {
        text.push(' ');
        text.push_str(&path);
    }
    text.push_str(
        "; do\n  if search --no-floppy --file --set=disk $loader; then\n    \
         echo \"nextboot: ($disk)$loader\"\n    if chainloader ($disk)$loader; then\n      boot\n    fi\n  fi\ndone\nexit\n",
    );
    text
}
