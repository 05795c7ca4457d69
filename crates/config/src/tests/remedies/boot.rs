//! [boot]: loaders, rules, ways out.

use super::refused;

#[test]
fn what_is_wrong_in_boot_gets_its_remedy() {
    refused(&[
        (
            "[boot]\nrescue = \"x\"\n[profiles.x]\nclass = \"install\"\nkernel = \"k\"".into(),
            "2: boot.rescue = \"x\": profile x is of class \"install\"; what rescues a machine must not erase it",
        ),
        (
            "[boot]\nunknown = \"grml\"".into(),
            "2: boot.unknown = \"grml\": use \"ignore\", \"default\", \"loader\" or \"profile:NAME\"",
        ),
        (
            "[boot]\nunknown = \"profile:u\"\n[profiles.u]\nclass = \"install\"".into(),
            "2: boot.unknown = \"profile:u\": profile u is of class \"install\", and a machine that nobody armed is never installed; name a profile of another class",
        ),
        ("[boot]\nattempts = 0".into(), "2: boot.attempts = 0: use a whole number from 1 to 100"),
        (
            "[boot]\nserial = \"ttyS0\"".into(),
            "2: boot.serial = \"ttyS0\": use what PXELINUX's SERIAL takes: port, speed and flow control, e.g. \"0 115200\"",
        ),
        (
            "[boot.loaders]\nbois = \"pxelinux.0\"".into(),
            "2: boot.loaders.bois = \"pxelinux.0\": there is no such key; did you mean boot.loaders.bios?",
        ),
        (
            "[boot.loaders]\nbios = \"script\"".into(),
            "2: boot.loaders.bios = \"script\": only iPXE reads scripts; name a file here, e.g. \"snponly.efi\", or \"none\"",
        ),
        (
            "[boot.loaders]\nbios = \"../x\"".into(),
            "2: boot.loaders.bios = \"../x\": use the name of a file beneath the root, e.g. \"snponly.efi\", without blanks, \\, : and .., at most 255 bytes; or an address, http://, https:// or tftp://HOST/FILE, at most 127 bytes; or \"script\", or \"none\"",
        ),
        ("[boot.pxelinux]\nreboot = 0".into(), "2: boot.pxelinux.reboot = 0: use 1 to 86400 seconds"),
        (
            "[boot.pxelinux]\nprefix = \"\"".into(),
            "2: boot.pxelinux.prefix = \"\": must not be empty; leave the key out instead",
        ),
        (
            "[boot]\nexit_uefi = \"reboot\"".into(),
            "2: boot.exit_uefi = \"reboot\": use \"silence\", \"exit\", \"sanboot\", \"grub-exit\", \"grub-chain\" or \"localboot\"",
        ),
        (
            "[boot]\nexit_bios = \"grub-chain\"".into(),
            "2: boot.exit_bios = \"grub-chain\": GRUB is for UEFI; use \"localboot\", \"sanboot\", \"exit\" or \"silence\"",
        ),
        (
            "[boot]\nsecure_boot = true".into(),
            "2: boot.secure_boot = true: use \"prefer\", \"always\" or \"never\"",
        ),
        (
            "[boot.loaders]\nuefi-x64 = { menu = \"http://h/x\" }".into(),
            "2: boot.loaders.uefi-x64.menu = \"http://h/x\": shim and what it starts are files of the tree; for an address write it instead of the whole table",
        ),
        (
            "[boot.loaders]\nuefi-x64 = { signed = \"none\" }".into(),
            "2: boot.loaders.uefi-x64.signed = \"none\": to have none of it set secure_boot = \"never\"",
        ),
        (
            "[boot.loaders]\nuefi-x64 = { sined = \"x\" }".into(),
            "2: boot.loaders.uefi-x64.sined = \"x\": there is no such key; did you mean boot.loaders.uefi-x64.signed?",
        ),
        (
            "[boot.loaders]\nbios = { signed = \"x\" }".into(),
            "2: boot.loaders.bios = { signed = \"x\" }: this is a text; write it in quotes",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"".into(),
            "1: boot.rule.firmware: it would be for every machine; say which with firmware, arch, vendor, mac, subnet or except, or use [boot.loaders]",
        ),
        (
            "[[boot.rule]]\nmac = \"52\"".into(),
            "1: boot.rule.loader: missing; say which loader these machines get",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"\nmac = \"5254\"".into(),
            "3: boot.rule.mac = \"5254\": use the beginning of a MAC address, e.g. \"52:54:00\"",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"\nfirmware = \"efi\"".into(),
            "3: boot.rule.firmware = \"efi\": use \"pxe\", \"http\", \"ipxe\", \"bootp\", \"raspberry-pi\" or \"u-boot\"",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"\nsubnet = \"10.1.2.3/16\"".into(),
            "3: boot.rule.subnet = \"10.1.2.3/16\": this is an address within a network; write \"10.1.0.0/16\"",
        ),
        (
            "[[boot.rule]]\nloader = \"a\"\nvendor = \"PXEClient:Arch:00007:UNDI:0030160\"".into(),
            "3: boot.rule.vendor = \"PXEClient:Arch:00007:UNDI:0030160\": must not be longer than 32 bytes",
        ),
    ]);
}
