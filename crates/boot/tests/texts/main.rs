//! What loaders and installers read, to the byte.

#![allow(clippy::unwrap_used)]

mod exits;
mod grub;
mod ipxe;
mod world;

use nextboot_boot::{Body, Client, Language, NoAnswer, Secret};
use nextboot_model::{Arch, AttemptId, Class, Mac, Timestamp};
use world::{MAC, World, linux};

#[test]
fn a_kernel_is_written_for_pxelinux() {
    let mut world =
        World::with(linux("quiet host={{ host.name }} role={{ host.vars.role }}"), Class::Install);
    world.site.serial = Some("0 115200".into());
    let wanted = "SERIAL 0 115200\nDEFAULT p\nPROMPT 0\nTIMEOUT 0\nLABEL p\n  LINUX debian/linux\n  \
                  INITRD debian/initrd.gz,extra files/a.cpio\n  IPAPPEND 2\n  APPEND quiet host=node1 role=web\n";
    assert_eq!(world.text(Language::Pxelinux), wanted);
    assert_eq!(world.needs(Language::Pxelinux), [["debian/initrd.gz", "debian/linux", "extra files/a.cpio"]]);
}

/// `efi32/syslinux.efi` asked for `efi32//small/vmlinuz` where its configuration said `/small/vmlinuz` (seen).
#[test]
fn a_syslinux_in_a_directory_of_its_own_reads_names_from_the_root() {
    let mut world = World::with(linux("quiet"), Class::Install);
    world.own_directory = true;
    let text = world.text(Language::Pxelinux);
    assert!(
        text.contains("LINUX ::debian/linux\n  INITRD ::debian/initrd.gz,::extra files/a.cpio\n"),
        "{text}"
    );
    world.via = nextboot_model::Via::Http;
    let text = world.text(Language::Pxelinux);
    assert!(text.contains("LINUX http://10.0.0.1:8080/debian/linux\n"), "{text}");
}

#[test]
fn a_kernel_is_written_for_ipxe_with_absolute_addresses() {
    let world = World::with(linux("quiet"), Class::Install);
    let wanted = "#!ipxe\nkernel http://10.0.0.1:8080/debian/linux initrd=initrd0 initrd=initrd1 \
                  BOOTIF=01-${mac:hexhyp} quiet\ninitrd --name initrd0 http://10.0.0.1:8080/debian/initrd.gz\n\
                  initrd --name initrd1 http://10.0.0.1:8080/extra%20files/a.cpio\nboot\n";
    assert_eq!(world.text(Language::Ipxe), wanted);
    assert!(!world.text(Language::Ipxe).contains("next-server"), "beside a proxy that is another server");
}

#[test]
fn a_pxelinux_file_is_served_to_the_byte_and_translated_for_ipxe() {
    let mut world = World::with(Body::File("pxelinux.cfg/conf/p".into()), Class::Live);
    let file = "# by hand\ndefault grml\nlabel grml\n kernel /grml//vmlinuz\n append initrd=::/grml/./initrd.img,http://10.0.0.1:8080/b,http://elsewhere/c quiet\n ipappend 2\n";
    world.tree.files.insert("pxelinux.cfg/conf/p".into(), file.into());
    assert_eq!(world.text(Language::Pxelinux), file);
    // What another server has to deliver is not ours to wait for.
    assert_eq!(world.needs(Language::Pxelinux), [["b", "grml/initrd.img", "grml/vmlinuz"]]);
    let script = world.text(Language::Ipxe);
    assert!(script.contains("initrd --name initrd2 http://elsewhere/c\n"), "{script}");
    assert!(script.contains("BOOTIF=01-${mac:hexhyp} quiet\n"), "{script}");

    let menu = "DEFAULT vesamenu.c32\nLABEL a\n KERNEL a\nLABEL b\n KERNEL b\n INITRD c\n";
    world.tree.files.insert("pxelinux.cfg/conf/p".into(), menu.into());
    assert_eq!(world.needs(Language::Pxelinux), [vec!["a"], vec!["b", "c"]], "any entry of the menu will do");
    world.tree.files.insert("pxelinux.cfg/conf/p".into(), "DEFAULT a\nLABEL a\n COM32 hdt.c32\n".into());
    for (language, loader) in [(Language::Ipxe, "iPXE"), (Language::Grub, "GRUB")] {
        let error = world.answer(language).unwrap_err().to_string();
        assert!(
            error.contains("hdt.c32") && error.contains(loader),
            "what cannot be translated is said: {error}"
        );
    }

    world.tree.files.clear();
    for language in [Language::Pxelinux, Language::Ipxe, Language::Grub] {
        assert!(matches!(world.answer(language), Err(NoAnswer::NoFile(_))), "{language:?}");
    }
}

#[test]
fn the_own_disk_is_written_for_each_loader() {
    let mut world = World::with(Body::Local, Class::Local);
    assert!(world.text(Language::Pxelinux).ends_with("LABEL local\n  LOCALBOOT 0\n"));
    assert_eq!(world.text(Language::Ipxe), "#!ipxe\nsanboot --no-describe --drive 0x80\n");
    world.client.arch = Some(Arch::UEFI_X64);
    assert_eq!(world.text(Language::Ipxe), "#!ipxe\nexit 1\n");
    assert_eq!(world.text(Language::Grub), "exit\n");
    assert_eq!(world.needs(Language::Pxelinux), Vec::<Vec<String>>::new());
}

#[test]
fn a_template_that_is_wrong_is_an_error_that_says_where() {
    let world = World::with(linux(""), Class::Install);
    let error = |template: &str| world.seed(template).unwrap_err().to_string();
    assert!(error("one\ntwo {{ host.vars.nothing }}\n").contains("a.j2, line 2"));
    assert!(error("{{ host.uuid }}").contains("undefined"), "what is not known is not empty");
    assert!(
        error("{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}")
            .contains("a.j2")
    );
    assert!(error("{{ 'x' * 2000000 }}").contains("a.j2"));
    assert!(error("{% if %}").contains("line 1"));
    assert!(error("{% include '/etc/passwd' %}").contains("a.j2"), "a template reads no files");
    let broken = World::with(linux("one\ntwo"), Class::Install);
    let error = broken.answer(Language::Pxelinux).unwrap_err().to_string();
    assert!(error.contains("one line"), "{error}");
}

#[test]
fn a_seed_sees_the_host_and_where_to_call_back() {
    let world = World::with(linux(""), Class::Install);
    let template = "{{ host.name }} {{ host.mac }} {{ profile.name }} {{ profile.class }} {{ server.address }}\n\
                    {{ server.http }} {{ server.api }}\n{{ deploy_url }}\n{{ callback_url }}\n{{ seed_url }}\n";
    let seed = world.seed(template).unwrap();
    let mut lines = seed.lines();
    assert_eq!(lines.next(), Some("node1 52:54:00:12:34:56 p install 10.0.0.1"));
    assert_eq!(lines.next(), Some("http://10.0.0.1:8080 http://10.0.0.1:3478"));
    assert_eq!(lines.next(), Some("http://10.0.0.1:3478/configurations/local/deploy"));
    let token = lines.next().unwrap().strip_prefix("http://10.0.0.1:8080/done/").unwrap();
    let proof = Secret([7; 32]).check(token, &world.state).unwrap();
    assert_eq!((proof.mac, proof.armed, proof.attempt), (MAC, Some(Timestamp(2)), AttemptId(9)));
    assert_eq!(lines.next(), Some(format!("http://10.0.0.1:8080/seed/{token}/a.j2").as_str()));
}

#[test]
fn somebody_who_only_looks_gets_a_token_that_proves_nothing() {
    let mut world = World::with(linux("{{ token }}"), Class::Install);
    let own = world.text(Language::Ipxe);
    world.foreign = true;
    let looked = world.text(Language::Ipxe);
    assert_eq!(own.len(), looked.len());
    let token = "0".repeat(60);
    assert!(looked.contains(&token) && !own.contains(&token));
    assert!(Secret([7; 32]).check(&token, &world.state).is_err());
}

#[test]
fn a_host_that_is_known_by_its_uuid_calls_back_whatever_card_it_booted_with() {
    let mut world = World::with(linux("{{ token }}"), Class::Install);
    let uuid = "b8945908-d6a6-41a9-a11d-74a6ab80b83d".parse().unwrap();
    let mut record = (**world.state.by_mac(MAC).unwrap()).clone();
    record.host.uuid = Some(uuid);
    world.state.apply(&nextboot_model::Change::Put(record.into()));
    world.client = Client { uuid: Some(uuid), ..Client::of(Mac([2, 0, 0, 0, 0, 0x77])) };
    let seed = world.seed("{{ host.mac }} {{ token }}").unwrap();
    let (mac, token) = seed.split_once(' ').unwrap();
    assert_eq!(mac, "02:00:00:00:00:77", "the card that this boot uses");
    let proof = Secret([7; 32]).check(token, &world.state).expect("the token must prove something");
    assert_eq!(proof.mac, MAC);
}

#[test]
fn a_menu_whose_entries_stand_in_other_files_waits_for_their_kernels() {
    let mut world = World::with(Body::File("menu".into()), Class::Install);
    let text = "include entries.cfg\ndefault vesamenu.c32\n";
    world.tree.files.insert("menu".into(), text.into());
    let entries = "label install\n  kernel d-i/linux\n  append initrd=d-i/initrd.gz\n";
    world.tree.files.insert("entries.cfg".into(), entries.into());
    assert_eq!(world.text(Language::Pxelinux), text, "served to the byte");
    assert_eq!(world.needs(Language::Pxelinux), [["d-i/initrd.gz", "d-i/linux"]]);
}
