//! Whatever happens in whatever order, a host that nobody armed for an installer never gets a plan with one.
//!
//! The oracle beside the state table is deliberately simple: per host, whether the last word spoken was "install", and
//! how much of it is used up.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc};

use nextboot_boot::{
    Body, Client, Firmware, Hand, Linux, MemoryTree, MenuRules, OwnLoaders, Profile, Question, Rule,
    SecureBoot, Site, Unknown, decide,
};
use nextboot_model::{
    Arch, Change, Class, Command, Door, Host, HostName, HostPatch, LoaderName, Mac, ProfileName, State,
    Target, Timestamp, Until, Uuid,
};
use proptest::prelude::*;

const HOSTS: u8 = 4;
const ATTEMPTS: u32 = 3;
/// What somebody at a console may have picked in the menu: nothing, every entry, and what is none.
const PICKS: [Option<u16>; 5] = [None, Some(0x8001), Some(0x8002), Some(0x8003), Some(0x8009)];
const PROFILES: [&str; 5] = ["installer", "rescue", "fickle", "local", "gone"];

#[derive(Debug, Clone)]
enum Move {
    Add(u8),
    Remove(u8),
    Assign {
        host: u8,
        profile: usize,
        until: Until,
    },
    Cancel(u8),
    CallBack(u8),
    StrangerCallsBack(u8),
    Delivered(u8),
    StaleDelivered(u8),
    GiveUp(u8),
    Link {
        host: u8,
        profile: usize,
    },
    Unlink(u8),
    /// The site changes its mind about what `fickle` is.
    Reclassify(Class),
    UnknownGets(u8),
    /// Somebody names loaders: for one host, for all machines like it, for a profile.
    Loaders {
        host: u8,
        own: bool,
        rule: bool,
        of_profile: bool,
    },
    /// The site has a menu with everything in it, for these.
    Menu {
        unknown: bool,
        hosts: bool,
    },
    Restart,
    ClockSteps(i64),
}

fn moves() -> impl Strategy<Value = Move> {
    let host = 0..HOSTS;
    let until = prop_oneof![Just(Until::Changed), Just(Until::Done), Just(Until::Once)];
    prop_oneof![
        2 => host.clone().prop_map(Move::Add),
        1 => host.clone().prop_map(Move::Remove),
        6 => (host.clone(), 0..PROFILES.len(), until).prop_map(|(host, profile, until)| Move::Assign { host, profile, until }),
        2 => host.clone().prop_map(Move::Cancel),
        2 => host.clone().prop_map(Move::CallBack),
        1 => host.clone().prop_map(Move::StrangerCallsBack),
        5 => host.clone().prop_map(Move::Delivered),
        1 => host.clone().prop_map(Move::StaleDelivered),
        1 => host.clone().prop_map(Move::GiveUp),
        2 => (host.clone(), 0..PROFILES.len()).prop_map(|(host, profile)| Move::Link { host, profile }),
        1 => host.prop_map(Move::Unlink),
        2 => prop_oneof![Just(Class::Install), Just(Class::Live), Just(Class::Unclassified)].prop_map(Move::Reclassify),
        1 => (0..5_u8).prop_map(Move::UnknownGets),
        1 => (0..HOSTS, any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(host, own, rule, of_profile)| Move::Loaders { host, own, rule, of_profile }),
        1 => any::<(bool, bool)>().prop_map(|(unknown, hosts)| Move::Menu { unknown, hosts }),
        1 => Just(Move::Restart),
        1 => (-5_000_i64..5_000).prop_map(Move::ClockSteps),
    ]
}

fn mac(host: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, host])
}

fn uuid(host: u8) -> Uuid {
    Uuid([host + 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
}

fn name(host: u8) -> HostName {
    format!("n{host}").parse().unwrap()
}

/// The file of a profile of that name: what a link to it leads to.
fn file_of(profile: &str) -> String {
    format!("pxelinux.cfg/conf/{profile}")
}

fn profile(at: usize) -> ProfileName {
    PROFILES[at].parse().unwrap()
}

/// What was last said about one host, and how much of it is left.
#[derive(Debug, Clone, Default)]
struct Word {
    installs: bool,
    until: Option<Until>,
    delivered: u32,
    at: u64,
    /// What a `once` stands before.
    before: Option<Box<Self>>,
}

impl Word {
    fn armed(&self) -> bool {
        self.installs && !(self.until == Some(Until::Done) && self.delivered >= ATTEMPTS)
    }
}

struct World {
    state: State,
    site: Site,
    tree: MemoryTree,
    now: u64,
    words: BTreeMap<u8, Word>,
    links: BTreeMap<u8, (u64, bool)>,
}

impl World {
    fn new() -> Self {
        let linux = |name: &str, class| {
            let body = Body::Linux(Linux { kernel: "k".into(), ..Linux::default() });
            let name: ProfileName = name.parse().unwrap();
            (
                name.clone(),
                Arc::new(Profile {
                    name,
                    title: None,
                    class,
                    body,
                    seed: None,
                    loaders: OwnLoaders::default(),
                }),
            )
        };
        let site = Site {
            profiles: [
                linux("installer", Class::Install),
                linux("rescue", Class::Live),
                linux("fickle", Class::Live),
            ]
            .into(),
            attempts: ATTEMPTS,
            ..Site::default()
        };
        // Means every machine of a network, and so no machine that an installer may go to.
        let network = Hand {
            entry: "grub/grub.cfg-0A".into(),
            made: Timestamp(1_000_000),
            target: Some(file_of("installer")),
        };
        Self {
            state: State::default(),
            site,
            tree: MemoryTree {
                hands: [("grub/grub.cfg-0A".to_owned(), network)].into(),
                ..MemoryTree::default()
            },
            now: 1_000_000,
            words: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    fn class(&self, at: usize) -> Class {
        match PROFILES[at] {
            "local" => Class::Local,
            "gone" => Class::Install,
            known => self.site.profiles[&known.parse::<ProfileName>().unwrap()].class,
        }
    }

    fn run(&mut self, command: &Command) -> bool {
        match command.check(&self.state, Timestamp(self.now)) {
            Ok(verdict) => {
                verdict.changes.iter().for_each(|change| self.state.apply(change));
                true
            }
            Err(_) => false,
        }
    }

    fn since(&self, host: u8) -> Option<Timestamp> {
        self.state.host(&name(host)).map(|record| record.assignment.since)
    }

    fn say(&mut self, host: u8, word: Word) {
        let at = self.since(host).map_or(0, |since| since.0);
        self.words.insert(host, Word { at, ..word });
    }

    fn step(&mut self, the_move: &Move) {
        self.now += 10;
        let by = Door::Api { who: "test".into() };
        match the_move {
            Move::Add(host) => {
                let record = Host {
                    name: name(*host),
                    macs: vec![mac(*host)],
                    uuid: Some(uuid(*host)),
                    address: None,
                    loader: None,
                    exit: None,
                    pxelinux: Default::default(),
                    power: None,
                    vars: BTreeMap::new(),
                };
                if self.run(&Command::AddHost { host: record, by }) {
                    self.say(*host, Word::default());
                }
            }
            Move::Remove(host) => {
                if self.run(&Command::RemoveHost { name: name(*host) }) {
                    self.words.remove(host);
                }
            }
            Move::Assign { host, profile: at, until } => {
                let class = self.class(*at);
                let targets = vec![Target::Mac(mac(*host))];
                let before = self.words.get(host).cloned();
                if self.run(&Command::Assign { targets, profile: profile(*at), class, until: *until, by }) {
                    let under = before.map(|word| word.before.clone().unwrap_or_else(|| Box::new(word)));
                    let before = under.filter(|_| *until == Until::Once);
                    let installs = class == Class::Install;
                    self.say(*host, Word { installs, until: Some(*until), before, ..Word::default() });
                }
            }
            Move::Cancel(host) => {
                if self.run(&Command::Cancel { targets: vec![Target::Name(name(*host))], by }) {
                    self.fall_back(*host);
                }
            }
            Move::CallBack(host) => {
                if self.run(&Command::CallBack { mac: mac(*host), armed: None, by }) {
                    self.say(*host, Word::default());
                }
            }
            Move::StrangerCallsBack(host) => {
                // A proof for another arming than the present one must change nothing.
                let armed = Some(Timestamp(u64::MAX - 1));
                assert!(!self.run(&Command::CallBack { mac: mac(*host), armed, by }));
            }
            Move::Delivered(host) => {
                let Some(armed) = self.since(*host) else { return };
                if self.run(&Command::Delivered { name: name(*host), armed }) {
                    let word = self.words.entry(*host).or_default();
                    word.delivered += 1;
                    if word.until == Some(Until::Once) {
                        self.fall_back(*host);
                    }
                }
            }
            Move::StaleDelivered(host) => {
                let armed = Timestamp(self.since(*host).map_or(7, |since| since.0 - 1));
                assert!(!self.run(&Command::Delivered { name: name(*host), armed }));
            }
            Move::GiveUp(host) => {
                let Some(armed) = self.since(*host) else { return };
                if self.run(&Command::GiveUp { name: name(*host), armed, reason: "test".into() }) {
                    self.say(*host, Word::default());
                }
            }
            Move::Link { host, profile: at } => {
                let entry = mac(*host).pxelinux();
                let hand = Hand {
                    entry: format!("pxelinux.cfg/{entry}"),
                    made: Timestamp(self.now),
                    target: Some(file_of(PROFILES[*at])),
                };
                self.tree.hands.insert(format!("grub/grub.cfg-{entry}"), hand.clone());
                self.tree.hands.insert(entry, hand);
                let installs = self.class(*at) == Class::Install && PROFILES[*at] != "gone";
                self.links.insert(*host, (self.now, installs));
            }
            Move::Unlink(host) => {
                let entry = mac(*host).pxelinux();
                self.tree.hands.remove(&format!("grub/grub.cfg-{entry}"));
                self.tree.hands.remove(&entry);
                self.links.remove(host);
            }
            Move::Reclassify(class) => {
                let fickle = "fickle".parse::<ProfileName>().unwrap();
                let changed = Profile { class: *class, ..(*self.site.profiles[&fickle]).clone() };
                self.site.profiles.insert(fickle, Arc::new(changed));
                // A link says what its target is at the moment of booting: whoever made it named the profile.
                for (host, (_, installs)) in &mut self.links {
                    let hand = &self.tree.hands[&mac(*host).pxelinux()];
                    if hand.target == Some(file_of("fickle")) {
                        *installs = *class == Class::Install;
                    }
                }
            }
            Move::UnknownGets(at) => {
                self.site.unknown = match at {
                    0 => Unknown::Ignore,
                    1 => Unknown::TreeDefault,
                    4 => Unknown::Loader,
                    2 => Unknown::Profile("installer".parse().unwrap()),
                    _ => Unknown::Profile("fickle".parse().unwrap()),
                };
                let made = Timestamp(self.now);
                let target = Some(file_of("installer"));
                self.tree
                    .hands
                    .insert("default".into(), Hand { entry: "pxelinux.cfg/default".into(), made, target });
            }
            Move::Loaders { host, own, rule, of_profile } => {
                let names = ["installer.efi", "http://10.0.0.9/installer.ipxe"];
                let loader: LoaderName = names[usize::from(*host) % names.len()].parse().unwrap();
                let patch = HostPatch { loader: Some(own.then(|| loader.clone())), ..HostPatch::default() };
                self.run(&Command::SetHost { name: name(*host), patch });
                let any = Rule { mac: Some(vec![2]), loader: Some(loader.clone()), ..Rule::default() };
                self.site.rules = if *rule { vec![any] } else { Vec::new() };
                let policies = [SecureBoot::Prefer, SecureBoot::Always, SecureBoot::Never];
                self.site.secure_boot = policies[usize::from(*host) % policies.len()];
                self.site.gives_addresses = *own;
                for profile in self.site.profiles.values_mut() {
                    let loaders =
                        OwnLoaders { any: of_profile.then(|| loader.clone()), ..OwnLoaders::default() };
                    *profile = Arc::new(Profile { loaders, ..(**profile).clone() });
                }
            }
            Move::Menu { unknown, hosts } => {
                self.site.menu = Some(MenuRules {
                    entries: (0..PROFILES.len()).map(profile).collect(),
                    default: Some(profile(0)),
                    unknown: *unknown,
                    all_hosts: *hosts,
                    ..MenuRules::default()
                });
            }
            Move::Restart => {
                let rows: Vec<String> =
                    self.state.records().map(|record| serde_json::to_string(&**record).unwrap()).collect();
                self.state = State::default();
                for row in rows {
                    let record = serde_json::from_str(&row).unwrap();
                    self.state.apply(&Change::Put(Arc::new(record)));
                }
            }
            Move::ClockSteps(by) => self.now = self.now.saturating_add_signed(*by).max(1_000),
        }
    }

    fn fall_back(&mut self, host: u8) {
        let before = self.words.get_mut(&host).and_then(|word| word.before.take());
        self.say(host, before.map_or_else(Word::default, |before| *before));
    }

    /// May an installer come out for this machine now?
    fn may_install(&self, host: u8) -> bool {
        let link = self.links.get(&host);
        match self.words.get(&host) {
            Some(word) => match link {
                Some((made, installs)) if *made > word.at => *installs,
                _ => word.armed(),
            },
            None => link.is_some_and(|(_, installs)| *installs),
        }
    }

    fn check(&self) {
        for host in 0..HOSTS {
            for client in clients(host) {
                let plan = decide(&self.site, &self.state, &self.tree, &client);
                let by_uuid_only = client.mac.is_none();
                let known = !by_uuid_only || self.words.contains_key(&host);
                let allowed = known && self.may_install(host);
                assert!(!plan.installs() || allowed, "{client:?} got {plan:?}");
                assert!(plan.profile.is_some() || plan.loader.is_none(), "{client:?} got {plan:?}");
                // Which loader a machine gets has no part in what stands at a name.
                let by_name = client.arch == Some(Arch::BIOS) || by_uuid_only;
                for name in names(host).into_iter().filter(|_| by_name) {
                    let question = Question::read(&name).unwrap();
                    if let Some((_, plan)) = question.decide(&self.site, &self.state, &self.tree, &client) {
                        assert!(!plan.installs() || self.may_install(host), "{name} gave {plan:?}");
                    }
                }
            }
        }
        // A machine that nobody knows.
        let stranger = Client { firmware: Firmware::Pxe, arch: Some(Arch::BIOS), ..Client::of(mac(200)) };
        for picked in PICKS {
            let plan = decide(&self.site, &self.state, &self.tree, &Client { picked, ..stranger });
            assert!(!plan.installs() && (plan.profile.is_some() || plan.loader.is_none()), "{plan:?}");
        }
    }
}

/// The names by which loaders ask for this host's configuration.
fn names(host: u8) -> Vec<String> {
    let machine = [mac(host).pxelinux(), uuid(host).to_wire().to_string(), "0A".to_owned()];
    let pxelinux = machine.iter().map(|of| format!("pxelinux.cfg/{of}"));
    let grub = machine.iter().map(|of| format!("grub/grub.cfg-{of}"));
    let defaults = ["pxelinux.cfg/default", "d/pxelinux.cfg/default", "grub/grub.cfg", "EFI/debian/grub.cfg"];
    pxelinux.chain(grub).chain(defaults.map(ToOwned::to_owned)).collect()
}

fn clients(host: u8) -> Vec<Client> {
    let mac = mac(host);
    let kinds = [
        (Firmware::Pxe, Some(Arch::BIOS)),
        (Firmware::Pxe, Some(Arch::UEFI_X64)),
        (Firmware::HttpBoot, Some(Arch::HTTP_X64)),
        (Firmware::Ipxe, Some(Arch::UEFI_X64)),
        (Firmware::RaspberryPi, Some(Arch::BIOS)),
        (Firmware::UBoot, Some(Arch(0x16))),
        (Firmware::Bootp, None),
        (Firmware::System, None),
        (Firmware::Unknown, None),
    ];
    let by_mac = kinds.map(|(firmware, arch)| Client { firmware, arch, ..Client::of(mac) });
    let by_uuid = Client { uuid: Some(uuid(host)), ..Client::default() };
    let all = by_mac.into_iter().chain([by_uuid]);
    all.flat_map(|client| PICKS.map(|picked| Client { picked, ..client })).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_host_that_nobody_armed_never_gets_an_installer(moves in prop::collection::vec(moves(), 1..60)) {
        let mut world = World::new();
        for the_move in &moves {
            world.step(the_move);
            world.check();
        }
    }
}

/// The property would hold trivially if nothing ever installed.
#[test]
fn an_armed_host_does_get_its_installer() {
    let mut world = World::new();
    world.step(&Move::Add(1));
    world.step(&Move::Assign { host: 1, profile: 0, until: Until::Done });
    for _ in 0..ATTEMPTS {
        assert!(decide(&world.site, &world.state, &world.tree, &Client::of(mac(1))).installs());
        world.step(&Move::Delivered(1));
    }
    let plan = decide(&world.site, &world.state, &world.tree, &Client::of(mac(1)));
    assert!(!plan.installs() && plan.exhausted, "{plan:?}");
}
