//! Files that are not for everybody: those of installers, and the default beside a loader.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc};

use nextboot_boot::{
    Body, Client, Hand, MemoryTree, OwnLoaders, Profile, Question, Site, Unknown, installer_at,
};
use nextboot_model::{Class, ProfileName, State, Timestamp};

const WIPE: &str = "DEFAULT wipe\n";

fn profile(name: &str, class: Class, file: &str) -> (ProfileName, Arc<Profile>) {
    let name: ProfileName = name.parse().unwrap();
    let profile = Profile {
        name: name.clone(),
        title: None,
        class,
        body: Body::File(file.into()),
        seed: None,
        loaders: OwnLoaders::default(),
    };
    (name, Arc::new(profile))
}

fn site() -> Site {
    let wipe = profile("wipe", Class::Install, "/wipe//boot.cfg");
    let twin = profile("twin", Class::Live, "pxelinux.cfg/conf/twin");
    Site { profiles: BTreeMap::from([wipe, twin]), unknown: Unknown::TreeDefault, ..Site::default() }
}

fn tree() -> MemoryTree {
    let files = [
        ("/wipe//boot.cfg", WIPE),
        ("pxelinux.cfg/conf/twin", WIPE),
        ("pxelinux.cfg/default", "DEFAULT site\n"),
        ("a/pxelinux.cfg/default", WIPE),
        ("b/pxelinux.cfg/default", "DEFAULT menu\n"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.into()));
    let default = Hand { entry: "pxelinux.cfg/default".into(), made: Timestamp(1), target: None };
    MemoryTree { files: files.into(), hands: BTreeMap::from([("default".to_owned(), default)]) }
}

#[test]
fn an_installers_file_is_told_by_name_and_by_text() {
    let whose = |at: &str, text: &str| {
        let found = installer_at(&site(), &tree(), at, || Some(text.as_bytes().to_vec()));
        found.map(|profile| profile.name.to_string())
    };
    for at in ["wipe/boot.cfg", "pxelinux.cfg/conf/wipe", "linked.cfg", "srv/tftp/wipe/boot.cfg"] {
        assert_eq!(whose(at, WIPE).as_deref(), Some("wipe"), "{at}");
    }
    assert_eq!(whose("wipe/boot.cfg", "changed a moment ago").as_deref(), Some("wipe"));
    assert_eq!(whose("pxelinux.cfg/conf/twin", WIPE), None, "the site says of this name that it is harmless");
    assert_eq!(whose("pxelinux.cfg/menu.cfg", "DEFAULT menu\n"), None);
    assert_eq!(whose("empty", ""), None);
    assert!(
        installer_at(&site(), &tree(), "image.iso", || None).is_none(),
        "what is too large is no configuration"
    );
}

#[test]
fn nothing_is_read_where_no_file_installs() {
    let site = Site { profiles: BTreeMap::from([profile("twin", Class::Live, "x")]), ..Site::default() };
    let read = || -> Option<Vec<u8>> { panic!("it was read") };
    assert!(installer_at(&site, &tree(), "pxelinux.0", read).is_none());
}

#[test]
fn a_loader_in_a_directory_of_its_own_gets_its_own_default_but_no_installer() {
    let file = |at: &str| {
        let ask = Question::read(at).unwrap();
        let (_, plan) = ask.decide(&site(), &State::default(), &tree(), &Client::default())?;
        plan.profile.map(|profile| match &profile.body {
            Body::File(file) => file.clone(),
            _ => String::new(),
        })
    };
    assert_eq!(file("pxelinux.cfg/default").as_deref(), Some("pxelinux.cfg/default"));
    assert_eq!(file("b/pxelinux.cfg/default").as_deref(), Some("b/pxelinux.cfg/default"));
    assert_eq!(
        file("c/pxelinux.cfg/default").as_deref(),
        Some("pxelinux.cfg/default"),
        "it has none of its own"
    );
    assert_eq!(file("a/pxelinux.cfg/default"), None, "nobody armed this machine");
}
