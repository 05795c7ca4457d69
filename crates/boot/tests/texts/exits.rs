use nextboot_boot::{Body, Client, Exits, Firmware, Language, Loader, decide};
use nextboot_model::{Arch, Class, Command, Exit, HostPatch, LoaderName, Until};

use crate::World;

/// A machine whose own disk is what it boots.
fn world(firmware: Firmware, arch: Arch) -> World {
    let mut world = World::with(Body::Local, Class::Local);
    world.client = Client { firmware, arch: Some(arch), ..world.client };
    world
}

fn loader(world: &World) -> Option<Loader> {
    decide(&world.site, &world.state, &world.tree, &world.client).loader
}

#[test]
fn uefi_goes_on_by_silence_and_a_bios_by_its_loader_unless_somebody_says_otherwise() {
    let file = |name: &str| Some(Loader::file(name));
    let (uefi, bios) = (Arch::UEFI_X64, Arch::BIOS);
    for (firmware, arch, exit, wanted) in [
        (Firmware::Pxe, uefi, None, None),
        (Firmware::HttpBoot, Arch::HTTP_X64, None, None),
        (Firmware::Pxe, uefi, Some(Exit::Sanboot), file("snponly.efi")),
        (Firmware::Pxe, uefi, Some(Exit::GrubExit), file("shimx64.efi")),
        (Firmware::Pxe, uefi, Some(Exit::GrubChain), file("shimx64.efi")),
        (Firmware::Pxe, Arch::UEFI_ARM64, Some(Exit::GrubChain), file("shimaa64.efi")),
        (Firmware::Pxe, uefi, Some(Exit::Localboot), file("efi64/syslinux.efi")),
        (Firmware::Pxe, Arch::UEFI_ARM64, Some(Exit::Sanboot), None),
        (Firmware::HttpBoot, Arch::HTTP_X64, Some(Exit::GrubChain), None),
        (Firmware::HttpBoot, Arch::HTTP_X64, Some(Exit::Sanboot), file("snponly.efi")),
        (Firmware::Ipxe, uefi, None, Some(Loader::Script)),
        (Firmware::Ipxe, uefi, Some(Exit::GrubChain), Some(Loader::Script)),
        (Firmware::Pxe, bios, None, file("pxelinux.0")),
        (Firmware::Pxe, bios, Some(Exit::Silence), None),
        (Firmware::Pxe, bios, Some(Exit::GrubChain), file("pxelinux.0")),
        (Firmware::Pxe, bios, Some(Exit::Sanboot), file("undionly.kpxe")),
        (Firmware::RaspberryPi, bios, None, None),
    ] {
        let mut world = world(firmware, arch);
        if let Some(exit) = exit {
            world.exit(exit);
        }
        assert_eq!(loader(&world), wanted, "{firmware} {arch} {exit:?}");
    }
    let mut world = world(Firmware::Pxe, uefi);
    world.site.exits = Exits { uefi: Exit::GrubExit, ..Exits::default() };
    assert_eq!(loader(&world), file("shimx64.efi"), "what the site says");
    world.exit(Exit::Silence);
    assert_eq!(loader(&world), None, "a host's own word goes before");
    world.exit(Exit::Sanboot);
    world.patch(HostPatch { loader: Some(Some(LoaderName::File("own.efi".into()))), ..HostPatch::default() });
    assert_eq!(loader(&world), file("own.efi"), "and so does its own loader");
}

#[test]
fn each_exit_is_written_for_whichever_loader_asks() {
    let text = |arch, exit, language| {
        let mut world = world(Firmware::Pxe, arch);
        world.exit(exit);
        world.text(language)
    };
    let sanboot = "#!ipxe\nsanboot --no-describe --drive 0x80\n";
    let (uefi, bios) = (Arch::UEFI_X64, Arch::BIOS);
    assert_eq!(text(uefi, Exit::Sanboot, Language::Ipxe), sanboot);
    assert_eq!(text(bios, Exit::Localboot, Language::Ipxe), sanboot);
    assert_eq!(text(bios, Exit::Exit, Language::Ipxe), "#!ipxe\nexit 1\n");
    assert_eq!(text(uefi, Exit::GrubChain, Language::Ipxe), "#!ipxe\nexit 1\n");
    assert!(text(bios, Exit::Exit, Language::Pxelinux).ends_with("LOCALBOOT -1\n"));
    assert!(text(uefi, Exit::Localboot, Language::Pxelinux).ends_with("LOCALBOOT 0\n"));
    assert_eq!(text(uefi, Exit::GrubExit, Language::Grub), "exit\n");
    let chain = text(uefi, Exit::GrubChain, Language::Grub);
    crate::grub::check(&chain);
    let order =
        ["/EFI/debian/shimx64.efi ", "/EFI/debian/grubx64.efi ", "/EFI/Microsoft/", "/EFI/BOOT/BOOTX64.EFI;"];
    let places: Vec<usize> = order.iter().map(|path| chain.find(path).expect(path)).collect();
    assert!(places.is_sorted(), "{chain}");
    assert!(
        chain.ends_with("chainloader ($disk)$loader; then\n      boot\n    fi\n  fi\ndone\nexit\n"),
        "{chain}"
    );
    assert!(text(Arch::UEFI_ARM64, Exit::GrubChain, Language::Grub).contains("/EFI/BOOT/BOOTAA64.EFI;"));
}

#[test]
fn the_own_disk_once_is_used_up_by_its_configuration_alone() {
    let mut world = world(Firmware::Pxe, Arch::UEFI_X64);
    world.exit(Exit::GrubExit);
    let targets = vec![nextboot_model::Target::Mac(crate::MAC)];
    let by = nextboot_model::Door::Api { who: "test".into() };
    let profile = nextboot_model::ProfileName::local();
    world.run(&Command::Assign { targets, profile, class: Class::Local, until: Until::Once, by }, 5);
    let promise = world.answer(Language::Grub).unwrap().promise;
    assert!(promise.armed.is_some() && promise.needs.is_empty(), "{promise:?}");
}
