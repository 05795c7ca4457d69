//! Links and files that a person puts beneath `pxelinux.cfg/`, and what they may not do.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc};

use nextboot_boot::{Body, Client, Hand, MemoryTree, OwnLoaders, Profile, Site, Unknown, decide};
use nextboot_model::{Class, Mac, ProfileName, State, Timestamp};

const WIPE: &str = "DEFAULT wipe\nLABEL wipe\n  KERNEL wipe/linux\n";
const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

/// A site with an installer whose file stands in a directory of its own.
fn site() -> Site {
    let name: ProfileName = "wipe".parse().unwrap();
    let body = Body::File("wipe/boot.cfg".into());
    let profile = Profile {
        name: name.clone(),
        title: None,
        class: Class::Install,
        body,
        seed: None,
        loaders: OwnLoaders::default(),
    };
    Site {
        profiles: BTreeMap::from([(name, Arc::new(profile))]),
        unknown: Unknown::TreeDefault,
        ..Site::default()
    }
}

/// A tree in which something with the text of the installer stands at `entry`; `profile` is what a link there names.
fn tree(entry: &str, profile: Option<&str>) -> MemoryTree {
    let at = format!("pxelinux.cfg/{entry}");
    let target = profile.map(|name| format!("pxelinux.cfg/conf/{name}"));
    let hand = Hand { entry: at.clone(), made: Timestamp(1), target };
    let files = [("wipe/boot.cfg", WIPE), (at.as_str(), WIPE)];
    MemoryTree {
        files: files.map(|(name, text)| (name.to_owned(), text.into())).into(),
        hands: BTreeMap::from([(entry.to_owned(), hand)]),
    }
}

fn stranger() -> Client {
    Client { address: Some("10.0.0.9".parse().unwrap()), ..Client::of(MAC) }
}

#[test]
fn a_default_that_is_an_installers_file_by_any_way_reaches_no_stranger() {
    for profile in [None, Some("wipe")] {
        let plan = decide(&site(), &State::default(), &tree("default", profile), &stranger());
        assert_eq!(plan.profile, None, "{}", plan.why);
    }
    // The default itself may be what the site calls an installer.
    let mut site = site();
    for profile in site.profiles.values_mut() {
        Arc::make_mut(profile).body = Body::File("pxelinux.cfg/default".into());
    }
    let plan = decide(&site, &State::default(), &tree("default", None), &stranger());
    assert_eq!(plan.profile, None, "{}", plan.why);
}

#[test]
fn an_entry_for_a_whole_network_arms_nobody() {
    for (entry, armed) in [("0A000009", true), ("0A00000", false), ("0A", false), ("0", false)] {
        let plan = decide(&site(), &State::default(), &tree(entry, Some("wipe")), &stranger());
        assert_eq!(plan.installs(), armed, "{entry}: {}", plan.why);
        assert_eq!(plan.profile.is_some(), armed, "{entry}: {}", plan.why);
    }
}

#[test]
fn an_entry_with_a_profiles_text_is_that_profile() {
    let plan = decide(&site(), &State::default(), &tree(&MAC.pxelinux(), None), &stranger());
    assert!(plan.installs(), "{plan:?}");
}
