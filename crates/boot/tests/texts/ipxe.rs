use nextboot_boot::Language;
use nextboot_model::{Arch, Class};

use crate::{
    World, linux,
    world::{MENU, file},
};

#[test]
fn a_pxelinux_menu_becomes_one_of_ipxe() {
    let mut world = World::with(file("p"), Class::Live);
    world.client.arch = Some(Arch::UEFI_X64);
    world.tree.files.insert("p".into(), MENU.into());
    let wanted = "#!ipxe\n# tools: only a SYSLINUX loader can run this\nmenu What now?\nitem entry0 Own disk\n\
                  item entry1 It's Debian 1\nitem entry2 grml\nchoose --default entry1 --timeout 7500 chosen || exit 1\n\
                  goto ${chosen}\n:entry0\nexit 1\n:entry1\nkernel http://10.0.0.1:8080/d/linux initrd=initrd0 \
                  BOOTIF=01-${mac:hexhyp} quiet ---\ninitrd --name initrd0 http://10.0.0.1:8080/d/initrd.gz\nboot\n\
                  :entry2\nkernel http://10.0.0.1:8080/grml x\nboot\n";
    assert_eq!(world.text(Language::Ipxe), wanted);
}

#[test]
fn what_ipxe_would_take_for_a_command_is_said() {
    let world = World::with(linux("quiet ; reboot"), Class::Install);
    let error = world.answer(Language::Ipxe).unwrap_err().to_string();
    assert!(error.contains("\";\"") && error.contains("iPXE"), "{error}");
}
