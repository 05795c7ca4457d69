use std::{io::Write as _, process::Stdio};

use nextboot_boot::{Body, Hand, Language, Linux, Question, Unknown, grub};
use nextboot_model::{Class, State, Timestamp, Via};

use crate::{
    MAC, World, linux,
    world::{MENU, file},
};

/// Has GRUB's own checker read a configuration.
pub(crate) fn check(text: &str) {
    let started =
        std::process::Command::new("grub-script-check").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut checker = started.expect("grub-script-check (package grub-common)");
    checker.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let out = checker.wait_with_output().unwrap();
    assert!(out.status.success(), "{}\n{text}", String::from_utf8_lossy(&out.stderr));
}

fn text(world: &World) -> String {
    let text = world.text(Language::Grub);
    check(&text);
    text
}

#[test]
fn a_kernel_is_written_with_our_own_address_for_every_file() {
    let mut world =
        World::with(linux("quiet ds=nocloud;s={{ seed_url }}/ c=$HOME title=\"a b\""), Class::Install);
    world.site.serial = Some("0 115200".into());
    world.foreign = true;
    let token = "0".repeat(60);
    let wanted = format!(
        "serial --unit=0 --speed=115200\nterminal_input serial console\nterminal_output serial console\n\
         if linux '(tftp,10.0.0.1)/debian/linux' BOOTIF=01-52-54-00-12-34-56 quiet \
         'ds=nocloud;s=http://10.0.0.1:8080/seed/{token}/a.j2/' 'c=$HOME' 'title=a b'; then\n  \
         if initrd '(tftp,10.0.0.1)/debian/initrd.gz' '(tftp,10.0.0.1)/extra files/a.cpio'; then\n    \
         boot\n  fi\nfi\necho 'nextboot: GRUB could not boot this'\nsleep 10\nexit\n"
    );
    assert_eq!(text(&world), wanted);
    assert_eq!(world.needs(Language::Grub), [["debian/initrd.gz", "debian/linux", "extra files/a.cpio"]]);
    world.via = Via::Http;
    let text = text(&world);
    assert!(
        text.contains(
            "initrd '(http,10.0.0.1:8080)/debian/initrd.gz' '(http,10.0.0.1:8080)/extra%20files/a.cpio';"
        ),
        "{text}"
    );
}

#[test]
fn addresses_are_fetched_from_where_they_lead() {
    let kernel = |kernel: &str| {
        let linux = Linux { kernel: kernel.into(), ..Linux::default() };
        let mut world = World::with(Body::Linux(linux), Class::Live);
        world.client.mac = Some(MAC);
        world.answer(Language::Grub).map(|answer| String::from_utf8_lossy(&answer.text).into_owned())
    };
    for (name, wanted) in [
        ("http://10.0.0.1:8080/debian/linux", "linux '(tftp,10.0.0.1)/debian/linux' "),
        ("http://elsewhere:81/debian/linux", "linux '(http,elsewhere:81)/debian/linux' "),
        ("/debian/linux", "linux '(tftp,10.0.0.1)/debian/linux' "),
    ] {
        let text = kernel(name).unwrap();
        assert!(text.contains(wanted), "{text}");
    }
    let error = kernel("https://elsewhere/linux").unwrap_err().to_string();
    assert!(error.contains("GRUB cannot fetch https://elsewhere/linux"), "{error}");
}

#[test]
fn what_grub_would_change_in_a_command_line_is_said() {
    for args in [r"a\\b", "it's"] {
        let world = World::with(linux(args), Class::Install);
        let error = world.answer(Language::Grub).unwrap_err().to_string();
        assert!(error.contains("backslash"), "{error}");
    }
    let mut world = World::with(file("p"), Class::Live);
    world.tree.files.insert("p".into(), "LABEL a\nKERNEL k\nIPAPPEND 3\n".into());
    assert!(world.answer(Language::Grub).unwrap_err().to_string().contains("SYSAPPEND 0x1"));
}

#[test]
fn a_machine_whose_mac_we_do_not_know_tells_it_itself() {
    let mut world = World::with(file("pxelinux.cfg/default"), Class::Live);
    world.state = State::default();
    world.client.mac = None;
    world.site.unknown = Unknown::TreeDefault;
    let default = Hand { entry: "pxelinux.cfg/default".into(), made: Timestamp(1), target: None };
    world.tree.hands.insert("default".into(), default);
    let menu = "LABEL a\nKERNEL k\nIPAPPEND 2\n";
    world.tree.files.insert("pxelinux.cfg/default".into(), menu.into());
    let text = text(&world);
    assert!(text.contains("BOOTIF=01-$mac1-$mac2-$mac3-$mac4-$mac5-$mac6"), "{text}");
    assert!(text.contains("\"$net_default_mac\""), "{text}");
}

#[test]
fn a_pxelinux_menu_becomes_one_of_grub() {
    let mut world = World::with(file("p"), Class::Live);
    world.tree.files.insert("p".into(), MENU.into());
    let wanted = "# tools: only a SYSLINUX loader can run this\n# What now?\nset default=1\nset timeout=8\n\
                  menuentry 'Own disk' {\n  exit\n}\n\
                  menuentry 'It'\\''s Debian; $1' {\n  if linux '(tftp,10.0.0.1)/d/linux' BOOTIF=01-52-54-00-12-34-56 \
                  quiet ---; then\n    if initrd '(tftp,10.0.0.1)/d/initrd.gz'; then\n      boot\n    fi\n  fi\n  \
                  echo 'nextboot: GRUB could not boot this'\n  sleep 10\n  exit\n}\n\
                  menuentry grml {\n  if linux '(tftp,10.0.0.1)/grml' x; then\n    boot\n  fi\n  \
                  echo 'nextboot: GRUB could not boot this'\n  sleep 10\n  exit\n}\n";
    assert_eq!(text(&world), wanted);
    assert_eq!(world.needs(Language::Grub), [vec!["d/initrd.gz", "d/linux"], vec!["grml"]]);
}

#[test]
fn what_grub_can_boot_is_known_beforehand() {
    let can = |body: Body, menu: &str| {
        let mut world = World::with(body, Class::Live);
        world.tree.files.insert("p".into(), menu.to_owned().into());
        let (_, profile) = world.site.profiles.first_key_value().unwrap();
        grub::can(&world.tree, profile).map_err(|error| error.to_string())
    };
    assert_eq!(can(Body::Local, ""), Ok(()));
    assert_eq!(can(linux("{{ host.name | default('x') }}"), ""), Ok(()));
    assert_eq!(can(file("p"), MENU), Ok(()));
    for (body, menu) in [
        (file("p"), "DEFAULT a\nLABEL a\nCOM32 x.c32\n"),
        (file("p"), "LABEL a\nKERNEL k\nAPPEND x=\\y\n"),
        (file("gone"), ""),
        (Body::Linux(Linux { kernel: "https://x/y".into(), ..Linux::default() }), ""),
    ] {
        let why = can(body, menu).unwrap_err();
        assert!(why.contains("GRUB") || why.contains("not there"), "{why}");
    }
}

#[test]
fn the_trees_own_grub_configuration_is_its_default_and_a_machines_own_is_an_assignment() {
    let mut world = World::with(linux(""), Class::Install);
    let own = "grub/grub.cfg-01-52-54-00-12-34-56";
    for name in ["grub/grub.cfg", own] {
        world.tree.files.insert(name.into(), format!("echo {name}\n").into());
    }
    let given = |world: &World, name: &str| {
        let question = Question::read(name).unwrap();
        let (client, plan) = question.decide(&world.site, &world.state, &world.tree, &world.client)?;
        let setting = nextboot_boot::Setting { client: &client, ..world.setting() };
        Some(String::from_utf8_lossy(&setting.answer(&plan, question.language).unwrap().text).into_owned())
    };
    let hand = |made| Hand { entry: own.into(), made: Timestamp(made), target: None };
    let assigned = given(&world, "grub/grub.cfg").unwrap();
    assert!(assigned.contains("debian/linux"), "a host gets what it was assigned: {assigned}");
    world.tree.hands.insert(own.into(), hand(1));
    assert!(given(&world, own).unwrap().contains("debian/linux"), "whoever spoke last wins");
    world.tree.hands.insert(own.into(), hand(99));
    assert_eq!(given(&world, own).unwrap(), format!("echo {own}\n"));

    world.state = State::default();
    world.tree.hands.clear();
    assert_eq!(given(&world, "grub/grub.cfg"), None, "unknown machines are left alone");
    world.site.unknown = Unknown::TreeDefault;
    assert_eq!(given(&world, "grub/grub.cfg").unwrap(), "echo grub/grub.cfg\n");
    assert_eq!(given(&world, "EFI/debian/grub.cfg"), None, "the tree has no default there");
    let default = Hand { entry: "pxelinux.cfg/default".into(), made: Timestamp(1), target: None };
    world.tree.hands.insert("default".into(), default);
    world.tree.files.insert("pxelinux.cfg/default".into(), MENU.into());
    assert!(given(&world, "EFI/debian/grub.cfg").unwrap().contains("menuentry"));
    assert_eq!(given(&world, "grub/grub.cfg").unwrap(), "echo grub/grub.cfg\n");
}
