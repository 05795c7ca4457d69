//! What happens, to the state table and to the oracle.

use std::{collections::BTreeMap, sync::Arc};

use nextboot_boot::{
    MemoryTree, MenuRules, OwnLoaders, Profile, ProfileDirs, Rule, SecureBoot, Site, Unknown,
};
use nextboot_model::{
    Change, Class, Command, Door, Host, HostName, HostPatch, LoaderName, Net, ProfileName, Record, State,
    Target, Timestamp, Until,
};

use crate::{
    moves::Move,
    site::{
        ATTEMPTS, PROFILES, address, file_of, link, mac, network, profile, site, spot, system, tree, unlink,
        uuid,
    },
};

/// What was last said about one host, and how much of it is left.
#[derive(Debug, Clone, Default)]
pub(crate) struct Word {
    /// The installer that somebody named.
    pub(crate) installs: Option<usize>,
    until: Option<Until>,
    delivered: u32,
    pub(crate) at: u64,
    /// What a `once` or a rescue stands before.
    before: Option<Box<Self>>,
}

impl Word {
    pub(crate) fn armed(&self) -> Option<usize> {
        self.installs.filter(|_| self.until != Some(Until::Done) || self.delivered < ATTEMPTS)
    }

    /// What is left of it when nothing holds once.
    fn lasting(self) -> Self {
        match self.before {
            Some(before) if self.until == Some(Until::Once) => *before,
            _ => self,
        }
    }
}

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) site: Site,
    pub(crate) tree: MemoryTree,
    now: u64,
    /// What was said about hosts.
    pub(crate) words: BTreeMap<HostName, Word>,
    /// About networks to which something is assigned: the installer that somebody named, and when.
    pub(crate) nets: BTreeMap<HostName, (Option<usize>, u64)>,
    /// By links: when, and to which profile.
    pub(crate) links: BTreeMap<String, (u64, usize)>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            state: State::default(),
            site: site(),
            tree: tree(),
            now: 1_000_000,
            words: BTreeMap::new(),
            nets: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    pub(crate) fn class(&self, at: usize) -> Class {
        match PROFILES[at] {
            "local" => Class::Local,
            "gone" => Class::Install,
            "copy" => Class::Unclassified,
            known => self.site.profiles[&known.parse::<ProfileName>().unwrap()].class,
        }
    }

    /// What a person who names this profile now arms a machine for.
    fn named(&self, at: usize) -> Option<usize> {
        (self.class(at) == Class::Install || PROFILES[at] == "copy").then_some(at)
    }

    fn run(&mut self, command: &Command) -> bool {
        let Ok(verdict) = command.check(&self.state, Timestamp(self.now)) else { return false };
        verdict.changes.iter().for_each(|change| self.state.apply(change));
        // Whoever is forgotten is forgotten with everything that was said, also when the name comes back.
        self.words.retain(|name, _| self.state.host(name).is_some());
        self.nets.retain(|name, _| self.state.net(name).is_some());
        true
    }

    /// The host that has this machine's card, by looking at all of them.
    pub(crate) fn owner(&self, machine: u8) -> Option<&Arc<Record>> {
        self.state.records().find(|record| record.host.macs.contains(&mac(machine)))
    }

    fn name(&self, machine: u8) -> Option<HostName> {
        self.owner(machine).map(|record| record.host.name.clone())
    }

    fn say(&mut self, name: HostName, word: Word) {
        let at = self.state.host(&name).map_or(0, |record| record.assignment.since.0);
        self.words.insert(name, Word { at, ..word });
    }

    fn fall_back(&mut self, name: HostName) {
        let before = self.words.get_mut(&name).and_then(|word| word.before.take());
        self.say(name, before.map_or_else(Word::default, |before| *before));
    }

    fn host(machine: u8) -> Host {
        let name = format!("n{machine}").parse().unwrap();
        Host { uuid: Some(uuid(machine)), ..Host::new(name, vec![mac(machine)]) }
    }

    pub(crate) fn step(&mut self, the_move: &Move) {
        self.now += 10;
        let by = Door::Api { who: "test".into() };
        match the_move {
            Move::Add(machine) => {
                let host = Self::host(*machine);
                let name = host.name.clone();
                if self.run(&Command::AddHost { host, by }) {
                    self.say(name, Word::default());
                }
            }
            Move::TakeOver { machine, profile: at, since } => {
                let host = Box::new(Self::host(*machine));
                let (name, class) = (host.name.clone(), self.class(*at));
                let installs = self.named(*at);
                let since = Timestamp(since.unwrap_or(0));
                if self.run(&Command::TakeHost { host, profile: profile(*at), class, since, by }) {
                    self.say(name, Word { installs, ..Word::default() });
                }
            }
            Move::System { system: at, machines, networks } => {
                let name = system(*at);
                let macs = machines.iter().map(|machine| mac(*machine)).collect();
                let networks = networks.iter().map(|at| network(*at)).collect();
                let done = self.run(&Command::AddSystem { name: name.clone(), macs, networks, by });
                if done && self.state.host(&name).is_some() && !self.words.contains_key(&name) {
                    self.say(name, Word::default());
                }
            }
            Move::AssignSystem { system: at, profile: given } => {
                let (name, class, installs) = (system(*at), self.class(*given), self.named(*given));
                let is_host = self.state.host(&name).is_some();
                let is_net = self.state.net(&name).is_some() || !is_host;
                let profile = profile(*given);
                if self.run(&Command::AssignSystem { name: name.clone(), profile, class, by }) {
                    if is_net {
                        self.nets.insert(name.clone(), (installs, self.now));
                    }
                    if is_host {
                        self.say(name, Word { installs, until: Some(Until::Changed), ..Word::default() });
                    }
                }
            }
            Move::RemoveSystem(at) => {
                self.run(&Command::RemoveSystem { name: system(*at) });
            }
            Move::Remove(machine) => {
                let Some(name) = self.name(*machine) else { return };
                assert!(self.run(&Command::RemoveHost { name }));
            }
            Move::Reserve { machine, address: reserve } => {
                let Some(name) = self.name(*machine) else { return };
                let address = Some(reserve.then(|| address(*machine)));
                self.run(&Command::SetHost { name, patch: HostPatch { address, ..HostPatch::default() } });
            }
            Move::Assign { machine, profile: at, until } => {
                let Some(name) = self.name(*machine) else { return };
                let (class, installs) = (self.class(*at), self.named(*at));
                let targets = vec![Target::Mac(mac(*machine))];
                let before = self.words.get(&name).cloned();
                assert!(self.run(&Command::Assign {
                    targets,
                    profile: profile(*at),
                    class,
                    until: *until,
                    by
                }));
                let before = before.filter(|_| *until == Until::Once).map(|word| Box::new(word.lasting()));
                self.say(name, Word { installs, until: Some(*until), before, ..Word::default() });
            }
            Move::Rescue { machine, profile: at } => {
                let Some(name) = self.name(*machine) else { return };
                let (class, installs) = (self.class(*at), self.named(*at));
                if class == Class::Install {
                    return;
                }
                let word = self.words.get(&name).cloned();
                let targets = vec![Target::Mac(mac(*machine))];
                assert!(self.run(&Command::Rescue { targets, profile: profile(*at), class, by }));
                let before = word.map(|word| match word.lasting() {
                    Word { before: Some(before), .. } => before,
                    word => Box::new(word),
                });
                // Nobody is sent back to an installer that the site knows to be one.
                let returns =
                    |word: &Word| word.installs.is_none_or(|was| PROFILES[was] == "copy" && was != *at);
                let before = before.filter(|word| returns(word));
                self.say(name, Word { installs, until: Some(Until::Changed), before, ..Word::default() });
            }
            Move::Cancel(machine) => {
                let Some(name) = self.name(*machine) else { return };
                assert!(self.run(&Command::Cancel { targets: vec![Target::Name(name.clone())], by }));
                self.fall_back(name);
            }
            Move::CallBack { machine, itself } => {
                let from = Door::Machine { from: address(*machine).into() };
                let by = if *itself { from } else { by };
                // A machine that is no host becomes one.
                if self.run(&Command::CallBack { mac: mac(*machine), armed: None, by }) {
                    let name = self.name(*machine).unwrap();
                    self.say(name, Word::default());
                }
            }
            Move::StrangerCallsBack(machine) => {
                // A proof for another arming than the present one must change nothing.
                let armed = Some(Timestamp(u64::MAX - 1));
                assert!(!self.run(&Command::CallBack { mac: mac(*machine), armed, by }));
            }
            Move::Delivered(machine) => {
                let Some((name, armed)) = self.armed(*machine) else { return };
                assert!(self.run(&Command::Delivered { name: name.clone(), armed }));
                let word = self.words.entry(name.clone()).or_default();
                word.delivered += 1;
                if word.until == Some(Until::Once) {
                    self.fall_back(name);
                }
            }
            Move::StaleDelivered(machine) => {
                let Some((name, Timestamp(since))) = self.armed(*machine) else { return };
                let armed = Timestamp(since.wrapping_sub(1));
                assert!(!self.run(&Command::Delivered { name, armed }));
            }
            Move::GiveUp(machine) => {
                let Some((name, armed)) = self.armed(*machine) else { return };
                assert!(self.run(&Command::GiveUp { name: name.clone(), armed, reason: "test".into() }));
                self.say(name, Word::default());
            }
            Move::AddNet { system: at, network: which } => {
                self.run(&Command::AddNet { name: system(*at), networks: vec![network(*which)] });
            }
            Move::RemoveNet(at) => {
                self.run(&Command::RemoveNet { name: system(*at) });
            }
            Move::AssignNet { system: at, profile: given } => {
                let installs = given.and_then(|at| self.named(at));
                let assigned = given.is_some();
                let given = given.map(|at| (profile(at), self.class(at)));
                if self.run(&Command::AssignNet { name: system(*at), profile: given, by }) {
                    self.nets.insert(system(*at), (installs, self.now));
                    self.nets.retain(|name, _| *name != system(*at) || assigned);
                }
            }
            Move::Link { spot: at, profile, prof } => {
                link(&mut self.tree, &spot(*at), file_of(*profile, *prof), self.now);
                self.links.insert(spot(*at), (self.now, *profile));
            }
            Move::Unlink(at) => {
                unlink(&mut self.tree, &spot(*at));
                self.links.remove(&spot(*at));
            }
            Move::Reclassify(class) => {
                let fickle = "fickle".parse::<ProfileName>().unwrap();
                let changed = Profile { class: *class, ..(*self.site.profiles[&fickle]).clone() };
                self.site.profiles.insert(fickle, Arc::new(changed));
            }
            Move::ProfileDirs(texts) => {
                self.site.profile_dirs = ProfileDirs::new(texts.iter().map(|text| text.parse().unwrap()));
            }
            Move::UnknownGets { rule, profile: at } => {
                self.site.unknown = match rule {
                    0 => Unknown::Ignore,
                    1 => Unknown::TreeDefault,
                    2 => Unknown::Loader,
                    _ => Unknown::Profile(profile(*at)),
                };
                self.site.rescue = Some(profile(*at));
                link(&mut self.tree, "default", file_of(*at, *rule == 1), self.now);
            }
            Move::Loaders { machine, own, rule, of_profile } => {
                let names = ["installer.efi", "http://10.0.0.9/installer.ipxe"];
                let loader: LoaderName = names[usize::from(*machine) % names.len()].parse().unwrap();
                if let Some(name) = self.name(*machine) {
                    let patch =
                        HostPatch { loader: Some(own.then(|| loader.clone())), ..HostPatch::default() };
                    assert!(self.run(&Command::SetHost { name, patch }));
                }
                let any = Rule { mac: Some(vec![2]), loader: Some(loader.clone()), ..Rule::default() };
                self.site.rules = if *rule { vec![any] } else { Vec::new() };
                let policies = [SecureBoot::Prefer, SecureBoot::Always, SecureBoot::Never];
                self.site.secure_boot = policies[usize::from(*machine) % policies.len()];
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
            Move::Restart => self.restart(),
            Move::ClockSteps(by) => self.now = self.now.saturating_add_signed(*by).max(1_000),
        }
    }

    fn armed(&self, machine: u8) -> Option<(HostName, Timestamp)> {
        self.owner(machine).map(|record| (record.host.name.clone(), record.assignment.since))
    }

    fn restart(&mut self) {
        let records: Vec<String> =
            self.state.records().map(|record| serde_json::to_string(&**record).unwrap()).collect();
        let nets: Vec<String> = self.state.nets().map(|net| serde_json::to_string(&**net).unwrap()).collect();
        self.state = State::default();
        for row in records {
            self.state.apply(&Change::Put(Arc::new(serde_json::from_str(&row).unwrap())));
        }
        for row in nets {
            self.state.apply(&Change::PutNet(Arc::new(serde_json::from_str::<Net>(&row).unwrap())));
        }
    }
}
