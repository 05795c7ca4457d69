//! What machines boot that are no hosts, by their networks.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Arc};

use nextboot_boot::{
    Body, Client, Hand, Language, MemoryTree, OwnLoaders, Profile, Question, Site, Unknown, decide,
};
use nextboot_model::{
    Assignment, Change, Class, Door, Host, Mac, Net, NetAssignment, Record, State, Timestamp,
};

const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

fn profile(name: &str, class: Class) -> Arc<Profile> {
    let body = Body::File(format!("pxelinux.cfg/conf/{name}"));
    let (title, seed, loaders) = (None, None, OwnLoaders::default());
    Arc::new(Profile { name: name.parse().unwrap(), title, class, body, seed, loaders })
}

fn site(unknown: Unknown) -> Site {
    let all = [("wipe", Class::Install), ("live", Class::Live), ("menu", Class::Unclassified)];
    let profiles = all.map(|(name, class)| (name.parse().unwrap(), profile(name, class)));
    Site { profiles: BTreeMap::from(profiles), unknown, ..Site::default() }
}

fn tree(hands: &[(&str, &str, u64)]) -> MemoryTree {
    let file = |name: &str| (format!("pxelinux.cfg/conf/{name}"), format!("DEFAULT {name}\n").into());
    let hands = hands.iter().map(|(entry, profile, made)| {
        let target = Some(format!("pxelinux.cfg/conf/{profile}"));
        ((*entry).to_owned(), Hand { entry: format!("pxelinux.cfg/{entry}"), made: Timestamp(*made), target })
    });
    MemoryTree { files: ["wipe", "live", "menu"].map(file).into(), hands: hands.collect() }
}

/// A state with networks, each with its profile, assigned at moment 10.
fn state(nets: &[(&str, &str, &str, Class)]) -> State {
    let mut state = State::default();
    for (name, network, profile, class) in nets {
        let by = Door::Pxemngr { who: "test".into() };
        let assignment =
            NetAssignment { profile: profile.parse().unwrap(), class: *class, since: Timestamp(10), by };
        let net = Net {
            name: name.parse().unwrap(),
            networks: vec![network.parse().unwrap()],
            assignment: Some(assignment),
        };
        state.apply(&Change::PutNet(Arc::new(net)));
    }
    state
}

fn at(address: &str) -> Client {
    Client { address: address.parse().ok(), ..Client::of(MAC) }
}

fn boots(site: &Site, state: &State, tree: &MemoryTree, client: &Client) -> String {
    let plan = decide(site, state, tree, client);
    plan.profile.map_or_else(|| "-".into(), |profile| profile.name.to_string())
}

#[test]
fn the_smallest_network_decides_and_hosts_are_no_part_of_it() {
    let all = [
        ("net1", "10.34", "live", Class::Live),
        ("one", "10.34.0.7", "menu", Class::Unclassified),
        ("default", "0.0.0.0/0", "menu", Class::Unclassified),
    ];
    let (site, tree) = (site(Unknown::Ignore), tree(&[]));
    let mut state = state(&all);
    for (address, profile) in
        [("10.34.0.8", "live"), ("10.34.0.7", "menu"), ("10.35.0.1", "menu"), ("fd00::1", "menu")]
    {
        assert_eq!(boots(&site, &state, &tree, &at(address)), profile, "{address}");
    }
    let host = Host::new("n1".parse().unwrap(), vec![MAC]);
    let assignment = Assignment::local(Timestamp(1), Door::Rule { rule: "test".into() });
    state.apply(&Change::Put(Arc::new(Record { host, assignment })));
    assert_eq!(boots(&site, &state, &tree, &at("10.34.0.8")), "local");
}

#[test]
fn a_machine_without_an_address_is_of_the_network_that_it_asks_from() {
    let (site, tree) = (site(Unknown::Ignore), tree(&[]));
    let state =
        state(&[("net1", "10.34", "live", Class::Live), ("ours", "10.34.0.1", "menu", Class::Unclassified)]);
    let near = |network: &str| Client { network: network.parse().ok(), ..Client::of(MAC) };
    assert_eq!(boots(&site, &state, &tree, &near("10.34.0.1")), "live", "the relay's address is not its own");
    assert_eq!(boots(&site, &state, &tree, &near("10.35.0.1")), "-");
    assert_eq!(boots(&site, &state, &tree, &Client::of(MAC)), "-");
}

#[test]
fn an_installer_reaches_a_single_address_that_was_armed_and_no_other() {
    let (site, tree) = (site(Unknown::Ignore), tree(&[]));
    let state = state(&[
        ("armed", "10.34.0.7", "wipe", Class::Install),
        ("before", "10.34.0.8", "wipe", Class::Unclassified),
        ("net1", "10.34", "wipe", Class::Unclassified),
        ("default", "0.0.0.0/0", "wipe", Class::Install),
    ]);
    for (address, profile) in
        [("10.34.0.7", "wipe"), ("10.34.0.8", "-"), ("10.34.0.9", "-"), ("10.35.0.1", "-")]
    {
        assert_eq!(boots(&site, &state, &tree, &at(address)), profile, "{address}");
    }
}

#[test]
fn of_a_network_and_an_entry_at_its_name_the_newer_counts() {
    let state =
        state(&[("net1", "10.34", "live", Class::Live), ("default", "0.0.0.0/0", "live", Class::Live)]);
    for (made, profile) in [(9, "live"), (11, "menu")] {
        let tree = tree(&[("0A22", "menu", made), ("default", "menu", made)]);
        for address in ["10.34.0.7", "10.35.0.7"] {
            let found = boots(&site(Unknown::TreeDefault), &state, &tree, &at(address));
            assert_eq!(found, profile, "{address}, {made}");
        }
        assert_eq!(
            boots(&site(Unknown::Ignore), &state, &tree, &at("10.35.0.7")),
            "live",
            "no rule of the site's"
        );
    }
}

#[test]
fn whoever_looks_at_a_networks_name_sees_what_it_gets() {
    let (site, tree) = (site(Unknown::Ignore), tree(&[]));
    let state = state(&[
        ("net1", "10.34", "live", Class::Live),
        ("one", "10.34.0.7", "menu", Class::Unclassified),
        ("default", "0.0.0.0/0", "menu", Class::Unclassified),
    ]);
    let seen = |name: &str, client: &Client| {
        let question = Question::read(&format!("pxelinux.cfg/{name}")).unwrap();
        assert_eq!(question.language, Language::Pxelinux);
        let (_, plan) = question.decide(&site, &state, &tree, client)?;
        plan.profile.map(|profile| profile.name.to_string())
    };
    let far = at("10.99.0.1");
    assert_eq!(seen("0A22", &far).as_deref(), Some("live"));
    assert_eq!(seen("0A220007", &far).as_deref(), Some("menu"));
    assert_eq!(seen("default", &far).as_deref(), Some("menu"));
    assert_eq!(seen("0A220008", &far), None);
    assert_eq!(seen("0A22", &at("10.34.0.7")).as_deref(), Some("menu"), "a machine in it gets its own");
}
