//! The boot menu that firmware shows: who gets it, what is in it, what a choice leads to.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc};

use nextboot_boot::{
    Body, BootMenu, Client, Firmware, Linux, MemoryTree, MenuRules, OwnLoaders, OwnMenu, Plan, Profile, Site,
    Unknown, decide,
};
use nextboot_model::{
    Arch, Class, Command, Door, Host, HostName, Mac, ProfileName, State, Target, Timestamp, Until,
};

const HOST: Mac = Mac([2, 0, 0, 0, 0, 1]);
const STRANGER: Mac = Mac([2, 0, 0, 0, 0, 9]);

struct World {
    site: Site,
    state: State,
    tree: MemoryTree,
}

fn profile(name: &str, class: Class) -> (ProfileName, Arc<Profile>) {
    let name: ProfileName = name.parse().unwrap();
    let body = Body::Linux(Linux { kernel: "k".into(), ..Linux::default() });
    let title = Some(format!("The {name}"));
    let profile =
        Profile { name: name.clone(), title, class, body, seed: None, loaders: OwnLoaders::default() };
    (name, Arc::new(profile))
}

fn names(names: &[&str]) -> Vec<ProfileName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

impl World {
    fn new() -> Self {
        let menu = MenuRules {
            prompt: "Choose".into(),
            timeout: Some(10),
            entries: names(&["installer", "rescue", "local", "gone"]),
            unknown: true,
            all_hosts: true,
            ..MenuRules::default()
        };
        let site = Site {
            profiles: [profile("installer", Class::Install), profile("rescue", Class::Live)].into(),
            menu: Some(menu),
            attempts: 3,
            ..Site::default()
        };
        let mut world = Self { site, state: State::default(), tree: MemoryTree::default() };
        let host = Host {
            name: "n1".parse().unwrap(),
            macs: vec![HOST],
            uuid: None,
            address: None,
            loader: None,
            exit: None,
            pxelinux: Default::default(),
            power: None,
            vars: BTreeMap::new(),
        };
        world.run(&Command::AddHost { host, by: Door::Api { who: "test".into() } });
        world
    }

    fn run(&mut self, command: &Command) {
        let verdict = command.check(&self.state, Timestamp(5)).unwrap();
        verdict.changes.iter().for_each(|change| self.state.apply(change));
    }

    fn assign(&mut self, profile: &str, class: Class) {
        self.run(&Command::Assign {
            targets: vec![Target::Mac(HOST)],
            profile: profile.parse().unwrap(),
            class,
            until: Until::Changed,
            by: Door::Api { who: "test".into() },
        });
    }

    fn plan(&self, mac: Mac, picked: Option<u16>) -> Plan {
        let client = Client { firmware: Firmware::Pxe, arch: Some(Arch::BIOS), picked, ..Client::of(mac) };
        decide(&self.site, &self.state, &self.tree, &client)
    }

    fn menu(&mut self) -> &mut MenuRules {
        self.site.menu.as_mut().unwrap()
    }
}

fn items(plan: &Plan) -> Vec<(u16, &str)> {
    let menu = plan.menu.as_ref().unwrap();
    menu.items.iter().map(|(number, text)| (*number, text.as_str())).collect()
}

fn booted(plan: &Plan) -> Option<&str> {
    plan.profile.as_ref().map(|profile| profile.name.as_str())
}

#[test]
fn the_menu_has_what_there_is_and_no_installer_for_who_is_not_armed() {
    let mut world = World::new();
    let plan = world.plan(STRANGER, None);
    assert_eq!(items(&plan), [(0x8002, "The rescue"), (0, "local")], "its place is its number");
    assert_eq!(booted(&plan), None, "unknown machines are left alone otherwise");
    let expected = BootMenu { items: vec![], ..plan.menu.unwrap() };
    assert_eq!((expected.prompt.as_str(), expected.timeout), ("Choose", Some(10)));
    assert_eq!(items(&world.plan(HOST, None)), [(0, "local"), (0x8002, "The rescue")], "its own first");
    world.assign("installer", Class::Install);
    let plan = world.plan(HOST, None);
    assert_eq!(items(&plan)[0], (0x8001, "The installer"), "an armed host installs when nobody chooses");
    world.menu().default = Some("rescue".parse().unwrap());
    assert_eq!(items(&world.plan(HOST, None))[0], (0x8001, "The installer"));
    assert_eq!(items(&world.plan(STRANGER, None)).len(), 2);
}

#[test]
fn a_choice_leads_to_its_entry_and_to_nothing_that_is_not_in_the_menu() {
    let mut world = World::new();
    let plan = world.plan(STRANGER, Some(0x8002));
    assert_eq!((booted(&plan), plan.picked, plan.loader.is_some()), (Some("rescue"), true, true));
    assert!(plan.menu.is_none() && plan.armed.is_none(), "{plan:?}");
    for wrong in [0, 1, 0x8001, 0x8004, 0x8005, u16::MAX] {
        let plan = world.plan(STRANGER, Some(wrong));
        assert!(!plan.picked && plan.menu.is_some() && booted(&plan).is_none(), "{wrong:#x}: {plan:?}");
    }
    assert!(!world.plan(HOST, Some(0x8001)).installs(), "nobody armed it");
    world.assign("installer", Class::Install);
    let plan = world.plan(HOST, Some(0x8001));
    assert!(plan.installs() && plan.picked && plan.armed.is_some(), "{plan:?}");
    let plan = world.plan(HOST, Some(0x8002));
    assert!(booted(&plan) == Some("rescue") && plan.armed.is_none(), "what it is armed for stays: {plan:?}");
    assert_eq!(plan.host, Some("n1".parse().unwrap()));
}

#[test]
fn a_copy_of_an_installer_is_one() {
    let mut world = World::new();
    let (name, installer) = profile("installer", Class::Install);
    let body = Body::File("debian.cfg".into());
    world.site.profiles.insert(name, Arc::new(Profile { body, ..(*installer).clone() }));
    world.tree.files.insert("debian.cfg".into(), "kernel installer".into());
    world.tree.files.insert("pxelinux.cfg/conf/gone".into(), "kernel installer".into());
    assert_eq!(items(&world.plan(STRANGER, None)), [(0x8002, "The rescue"), (0, "local")]);
    assert!(!world.plan(STRANGER, Some(0x8004)).picked);
    world.tree.files.insert("pxelinux.cfg/conf/gone".into(), "kernel live".into());
    assert!(world.plan(STRANGER, Some(0x8004)).picked);
}

#[test]
fn who_gets_the_menu_is_what_the_site_says() {
    let mut world = World::new();
    let n1: HostName = "n1".parse().unwrap();
    let shown = |world: &World| [HOST, STRANGER].map(|mac| world.plan(mac, None).menu.is_some());
    assert_eq!(shown(&world), [true, true]);
    world.menu().unknown = false;
    world.menu().all_hosts = false;
    assert_eq!(shown(&world), [false, false]);
    assert!(!world.plan(STRANGER, Some(0x8002)).picked, "and no choice counts");
    world.menu().hosts.insert(n1.clone());
    assert_eq!(shown(&world), [true, false]);
    world.menu().hosts.clear();
    let own = OwnMenu { default: Some("rescue".parse().unwrap()), timeout: Some(None) };
    world.menu().own.insert(n1, own);
    let plan = world.plan(HOST, None);
    assert_eq!((items(&plan)[0].0, plan.menu.unwrap().timeout), (0x8002, None), "its own default and time");
    world.site.unknown = Unknown::Profile("rescue".parse().unwrap());
    assert_eq!(booted(&world.plan(STRANGER, None)), Some("rescue"), "as without a menu");
}

#[test]
fn what_cannot_show_a_menu_gets_what_it_gets_without_one() {
    let mut world = World::new();
    world.assign("rescue", Class::Live);
    for firmware in [Firmware::HttpBoot, Firmware::Bootp, Firmware::RaspberryPi, Firmware::System] {
        let client = Client { firmware, arch: Some(Arch::BIOS), ..Client::of(HOST) };
        let plan = decide(&world.site, &world.state, &world.tree, &client);
        assert!(plan.menu.is_none() && booted(&plan) == Some("rescue"), "{plan:?}");
    }
    // An architecture without a loader has nothing but its disk to choose.
    let client = Client { firmware: Firmware::Pxe, arch: Some(Arch(0x1b)), ..Client::of(HOST) };
    let plan = decide(&world.site, &world.state, &world.tree, &client);
    assert!(items(&plan).iter().all(|(number, _)| *number == 0) || plan.loader.is_some(), "{plan:?}");
}
