//! What each command does, and why it may be refused.
#![allow(clippy::unwrap_used, reason = "a test fails where it must not go on")]

mod common;

use std::collections::BTreeMap;

use common::{add, address, assign, host, mac, name, operator, profile, uuid};
use nextboot_model::{
    Assignment, BadHost, Change, Class, Command, Door, EventKind, Host, HostPatch, MAX_MACS, MAX_VAR_NAME,
    MAX_VAR_VALUE, MAX_VARS, Mac, Refusal, State, Target, Timestamp, Until, Uuid,
};

/// A state table with a clock.
struct Table {
    state: State,
    now: u64,
}

impl Table {
    /// Hosts n1 (MACs 1 and 2) and n2 (MAC 3).
    fn new() -> Self {
        let mut table = Self { state: State::default(), now: 100 };
        let mut first = host(1, &[1, 2]);
        first.uuid = Some(uuid(0));
        first.address = Some(address(1));
        table.done(add(first));
        table.done(add(host(2, &[3])));
        table
    }

    fn try_to(&mut self, command: Command) -> Result<Vec<EventKind>, Refusal> {
        let verdict = command.check(&self.state, Timestamp(self.now))?;
        verdict.changes.iter().for_each(|change| self.state.apply(change));
        self.now += 10;
        Ok(verdict.events.into_iter().map(|(_, _, kind)| kind).collect())
    }

    #[track_caller]
    fn done(&mut self, command: Command) -> Vec<EventKind> {
        self.try_to(command).unwrap()
    }

    #[track_caller]
    fn refused(&mut self, command: Command) -> Refusal {
        let before: Vec<_> = self.state.records().cloned().collect();
        let refusal = self.try_to(command).unwrap_err();
        assert!(self.state.records().eq(&before));
        assert!(!refusal.to_string().is_empty());
        refusal
    }

    #[track_caller]
    fn of(&self, number: u8) -> Assignment {
        self.state.host(&name(number)).unwrap().assignment.clone()
    }

    #[track_caller]
    fn boots(&self, number: u8, wanted: &str) {
        assert_eq!(self.of(number).profile.as_str(), wanted);
    }
}

fn call_back(number: u8, armed: Option<Timestamp>) -> Command {
    let by = Door::Machine { from: "10.0.0.2".parse().unwrap() };
    Command::CallBack { mac: mac(number), armed, by }
}

fn cancel(number: u8) -> Command {
    Command::Cancel { targets: vec![Target::Name(name(number))], by: operator() }
}

fn delivered(number: u8, armed: Timestamp) -> Command {
    Command::Delivered { name: name(number), armed }
}

fn set(number: u8, patch: HostPatch) -> Command {
    Command::SetHost { name: name(number), patch }
}

#[test]
fn a_new_host_boots_from_its_disk() {
    let mut table = Table::new();
    let events = table.done(add(host(3, &[4])));
    assert_eq!(events, [EventKind::HostAdded { macs: vec![mac(4)] }]);
    assert_eq!(table.of(3), Assignment::local(Timestamp(120), operator()));
    assert_eq!(table.state.revision(), 3);
}

#[test]
fn a_host_of_another_program_comes_with_what_it_booted_there() {
    let mut table = Table::new();
    let take = |number: u8, boot: &str, class, since| Command::TakeHost {
        host: Box::new(host(number, &[number + 10])),
        profile: profile(boot),
        class,
        since: Timestamp(since),
        by: operator(),
    };
    let events = table.done(take(3, "grml", Class::Live, 7));
    let assigned = EventKind::Assigned { profile: profile("grml"), until: Until::Changed, by: operator() };
    assert_eq!(events, [EventKind::HostAdded { macs: vec![mac(13)] }, assigned]);
    let held = table.of(3);
    assert_eq!((held.since, held.until, held.class), (Timestamp(7), Until::Changed, Class::Live));
    assert_eq!(table.done(take(4, "local", Class::Local, 0)).len(), 1);
    table.done(take(5, "local", Class::Local, 1_000_000));
    assert_eq!(table.of(5).since, Timestamp(140), "nobody spoke in the future");
    assert_eq!(table.refused(take(3, "grml", Class::Live, 7)), Refusal::NameTaken(name(3)));
}

#[test]
fn an_entry_made_by_hand_counts_where_nobody_has_spoken() {
    let mut table = Table::new();
    let by = Door::Hand { entry: "pxelinux.cfg/01-x".into() };
    let take = |boot: &str, since| Command::TakeEntry {
        name: name(3),
        profile: profile(boot),
        class: Class::Live,
        since: Timestamp(since),
        by: Door::Hand { entry: "pxelinux.cfg/01-x".into() },
    };
    assert_eq!(table.refused(take("grml", 7)), Refusal::UnknownName(name(3)));
    table.done(Command::TakeHost {
        host: Box::new(host(3, &[13])),
        profile: profile("local"),
        class: Class::Local,
        since: Timestamp(0),
        by: operator(),
    });
    let assigned = EventKind::Assigned { profile: profile("grml"), until: Until::Changed, by };
    assert_eq!(table.done(take("grml", 7)), [assigned]);
    assert_eq!((table.of(3).since, table.of(3).until), (Timestamp(7), Until::Changed));
    assert_eq!(table.done(take("other", 9)), [], "somebody has");
    assert_eq!(table.of(3).profile, profile("grml"));
}

#[test]
fn two_hosts_never_claim_the_same() {
    let mut table = Table::new();
    assert_eq!(table.refused(add(host(1, &[7]))), Refusal::NameTaken(name(1)));
    let owner = name(1);
    let taken = Refusal::MacTaken { mac: mac(2), owner: owner.clone() };
    assert_eq!(table.refused(add(host(3, &[7, 2]))), taken);
    for order in [uuid(0), uuid(0).to_wire()] {
        let claims = Host { uuid: Some(order), ..host(3, &[7]) };
        let taken = Refusal::UuidTaken { uuid: order, owner: owner.clone() };
        assert_eq!(table.refused(add(claims)), taken);
        let claims = HostPatch { uuid: Some(Some(order)), ..HostPatch::default() };
        assert_eq!(table.refused(set(2, claims)), taken);
    }
    let claims = Host { address: Some(address(1)), ..host(3, &[7]) };
    assert_eq!(table.refused(add(claims)), Refusal::AddressTaken { address: address(1), owner });
}

#[test]
fn a_host_may_keep_what_it_has() {
    let mut table = Table::new();
    let patch = HostPatch {
        macs: Some(vec![mac(2), mac(5)]),
        uuid: Some(Some(uuid(0).to_wire())),
        address: Some(Some(address(1))),
        loader: Some(Some("ipxe.efi".parse().unwrap())),
        pxelinux: Default::default(),
        exit: Some(Some(nextboot_model::Exit::GrubChain)),
        power: Some(Some(nextboot_model::Power::Wol(nextboot_model::WakeOnLan::default()))),
        vars: BTreeMap::from([("role".into(), Some("web".into()))]),
    };
    assert_eq!(table.done(set(1, patch)), [EventKind::HostChanged]);
    assert!(table.state.by_mac(mac(1)).is_none());
    assert_eq!(table.state.find(Some(mac(1)), Some(uuid(0))).unwrap().host.macs, [mac(2), mac(5)]);
    assert_eq!(
        table.state.find(Some(mac(3)), Some(uuid(0))).unwrap().host.name,
        name(2),
        "the MAC says more"
    );

    let nothing = HostPatch {
        uuid: Some(None),
        address: Some(None),
        loader: Some(None),
        exit: Some(None),
        power: Some(None),
        vars: BTreeMap::from([("role".into(), None)]),
        ..HostPatch::default()
    };
    table.done(set(1, nothing));
    assert_eq!(table.state.host(&name(1)).unwrap().host, host(1, &[2, 5]));
    assert!(table.state.by_uuid(uuid(0)).is_none());
    assert!(table.state.by_address(address(1)).is_none());
}

#[test]
fn a_patch_tells_null_from_absent() {
    let patch: HostPatch = serde_json::from_str(r#"{"uuid":null,"vars":{"a":null,"b":"x"}}"#).unwrap();
    assert_eq!((patch.uuid, patch.address, patch.macs), (Some(None), None, None));
    assert_eq!(patch.vars, BTreeMap::from([("a".into(), None), ("b".into(), Some("x".into()))]));
    assert!(serde_json::from_str::<HostPatch>(r#"{"name":"n2"}"#).is_err());
}

#[test]
fn what_is_taken_away_may_be_given_to_another() {
    let mut table = Table::new();
    assert_eq!(table.done(Command::RemoveHost { name: name(1) }), [EventKind::HostRemoved]);
    let heir = Host { uuid: Some(uuid(0).to_wire()), address: Some(address(1)), ..host(3, &[1, 2]) };
    table.done(add(heir));
    assert_eq!(table.state.by_mac(mac(2)).unwrap().host.name, name(3));
    assert_eq!(table.state.by_uuid(uuid(0)).unwrap().host.name, name(3));
}

#[test]
fn a_record_that_is_wrong_in_itself_is_refused() {
    let vars = |pairs: &[(&str, usize)]| {
        pairs.iter().map(|(name, length)| ((*name).to_owned(), "x".repeat(*length))).collect()
    };
    let many: BTreeMap<_, _> = (0..=MAX_VARS).map(|at| (format!("v{at:03}"), String::new())).collect();
    let long = "x".repeat(MAX_VAR_NAME + 1);
    let sound = || host(7, &[7]);
    for (bad, why) in [
        (host(7, &[]), BadHost::NoMac),
        (host(7, &[7; MAX_MACS + 1]), BadHost::TooManyMacs(MAX_MACS + 1)),
        (host(7, &[7, 8, 7]), BadHost::MacTwice(mac(7))),
        (Host { macs: vec![Mac([0; 6])], ..sound() }, BadHost::NotAMachine(Mac([0; 6]))),
        (Host { macs: vec![Mac([0xff; 6])], ..sound() }, BadHost::NotAMachine(Mac([0xff; 6]))),
        (Host { uuid: Some(Uuid([0; 16])), ..sound() }, BadHost::NoUuid(Uuid([0; 16]))),
        (Host { uuid: Some(Uuid([0xff; 16])), ..sound() }, BadHost::NoUuid(Uuid([0xff; 16]))),
        (Host { vars: vars(&[("a", MAX_VAR_VALUE + 1)]), ..sound() }, BadHost::BadVariable("a".into())),
        (Host { vars: vars(&[("a-b", 1)]), ..sound() }, BadHost::BadVariable("a-b".into())),
        (Host { vars: vars(&[("", 1)]), ..sound() }, BadHost::BadVariable(String::new())),
        (Host { vars: vars(&[(&long, 1)]), ..sound() }, BadHost::BadVariable("x".repeat(MAX_VAR_NAME))),
        (Host { vars: many, ..sound() }, BadHost::BadVariable(format!("v{MAX_VARS:03}"))),
    ] {
        let refusal = Table::new().refused(add(bad));
        assert_eq!(refusal, Refusal::BadHost(why));
        assert!(!refusal.is_unknown());
    }
    for wrong in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1"] {
        let wrong = wrong.parse().unwrap();
        let refusal = Table::new().refused(add(Host { address: Some(wrong), ..sound() }));
        assert_eq!(refusal, Refusal::BadHost(BadHost::BadAddress(wrong)));
    }
    let empty = HostPatch { macs: Some(vec![]), ..HostPatch::default() };
    assert_eq!(Table::new().refused(set(1, empty)), Refusal::BadHost(BadHost::NoMac));
}

#[test]
fn what_is_not_there_is_named() {
    let mut table = Table::new();
    let unknown = Refusal::UnknownName(name(9));
    for command in [
        set(9, HostPatch::default()),
        Command::RemoveHost { name: name(9) },
        assign(9, "grml", Class::Live, Until::Changed),
        cancel(9),
        delivered(9, Timestamp(1)),
        Command::GiveUp { name: name(9), armed: Timestamp(1), reason: "x".into() },
    ] {
        assert_eq!(table.refused(command), unknown);
    }
    assert!(unknown.is_unknown());
    let by_mac = Command::Cancel { targets: vec![Target::Mac(mac(9))], by: operator() };
    assert_eq!(table.refused(by_mac), Refusal::UnknownMac(mac(9)));
    assert!(Refusal::UnknownMac(mac(9)).is_unknown());
}

#[test]
fn an_order_for_several_is_for_all_or_none() {
    let mut table = Table::new();
    let order = |targets| Command::Assign {
        targets,
        profile: profile("ubuntu"),
        class: Class::Install,
        until: Until::Done,
        by: operator(),
    };
    let (first, second) = (Target::Name(name(1)), Target::Mac(mac(3)));
    let refusal = table.refused(order(vec![first.clone(), second.clone(), Target::Mac(mac(9))]));
    assert_eq!(refusal, Refusal::UnknownMac(mac(9)));
    let twice = table.refused(order(vec![first.clone(), second.clone(), Target::Mac(mac(2))]));
    assert_eq!(twice, Refusal::Twice(name(1)));
    assert_eq!(table.done(order(vec![first, second])).len(), 2);
    table.boots(1, "ubuntu");
    table.boots(2, "ubuntu");
    assert!(table.of(1).arms());
}

#[test]
fn the_call_back_ends_an_installation() {
    let mut table = Table::new();
    table.done(assign(1, "ubuntu", Class::Install, Until::Done));
    let armed = table.of(1).since;
    let events = table.done(call_back(2, Some(armed)));
    assert!(matches!(&events[..], [EventKind::CalledBack { profile, .. }] if profile.as_str() == "ubuntu"));
    table.boots(1, "local");
    assert!(!table.of(1).arms());
    assert_eq!(table.refused(call_back(2, Some(armed))), Refusal::Stale(name(1)), "it counts once");
}

#[test]
fn a_call_back_for_an_earlier_arming_does_not_end_this_one() {
    let mut table = Table::new();
    table.done(assign(1, "ubuntu", Class::Install, Until::Done));
    let earlier = table.of(1).since;
    // The clock stands still, then steps back: still another moment.
    for now in [earlier.0, 5] {
        table.now = now;
        table.done(assign(1, "ubuntu", Class::Install, Until::Done));
        assert!(table.of(1).since > earlier);
        assert_eq!(table.refused(call_back(1, Some(earlier))), Refusal::Stale(name(1)));
    }
    table.boots(1, "ubuntu");
    table.done(call_back(1, None));
    table.boots(1, "local");
}

#[test]
fn what_was_armed_once_gives_way_when_it_was_delivered() {
    let mut table = Table::new();
    table.done(assign(1, "grml", Class::Live, Until::Changed));
    let before = table.of(1);
    table.done(assign(1, "ubuntu", Class::Install, Until::Once));
    // Another one armed once takes the place of the first; what holds afterwards stays.
    table.done(assign(1, "memtest", Class::Live, Until::Once));
    assert_eq!(table.of(1).before.as_deref(), Some(&before));
    let armed = table.of(1).since;
    let events = table.done(delivered(1, armed));
    assert!(matches!(
        &events[..],
        [EventKind::UsedUp { profile, now }] if profile.as_str() == "memtest" && now.as_str() == "grml"
    ));
    let after = table.of(1);
    assert_eq!(after.used.as_ref().map(|used| (used.profile.as_str(), used.since)), Some(("memtest", armed)));
    assert_eq!(Assignment { used: None, ..after }, before, "with its old moment");
    assert_eq!(table.refused(delivered(1, armed)), Refusal::Stale(name(1)));
}

#[test]
fn a_rescue_gives_way_to_what_was_before_it_and_never_to_an_installer() {
    let rescue = || Command::Rescue {
        targets: vec![Target::Name(name(1))],
        profile: "911boot".parse().unwrap(),
        class: Class::Unclassified,
        by: operator(),
    };
    let mut table = Table::new();
    table.done(assign(1, "grml", Class::Live, Until::Changed));
    let before = table.of(1);
    // Twice, and with something that boots once in between: what was before stays known.
    table.done(rescue());
    table.done(rescue());
    let rescued = table.of(1);
    assert_eq!((rescued.until, rescued.before.as_deref()), (Until::Changed, Some(&before)));
    table.done(assign(1, "memtest", Class::Live, Until::Once));
    table.done(cancel(1));
    assert_eq!(table.of(1), rescued, "it is being rescued still");
    table.done(assign(1, "memtest", Class::Live, Until::Once));
    table.done(rescue());
    table.boots(1, "911boot");
    table.done(cancel(1));
    assert_eq!(table.of(1), before, "with its old moment");
    table.done(rescue());
    table.done(call_back(1, None));
    table.boots(1, "local");
    for (profile, class) in [("ubuntu", Class::Install), ("911boot", Class::Unclassified)] {
        table.done(assign(1, profile, class, Until::Changed));
        table.done(rescue());
        assert_eq!(table.of(1).before, None);
        table.done(cancel(1));
        table.boots(1, "local");
    }
}

#[test]
fn the_call_back_of_what_was_armed_once_leaves_what_holds_alone() {
    let mut table = Table::new();
    table.done(assign(1, "rescue", Class::Live, Until::Changed));
    let before = table.of(1);
    table.done(assign(1, "ubuntu", Class::Install, Until::Once));
    let armed = table.of(1).since;
    table.done(delivered(1, armed));
    let events = table.done(call_back(1, Some(armed)));
    assert!(matches!(&events[..], [EventKind::CalledBack { profile, .. }] if profile.as_str() == "ubuntu"));
    assert_eq!(table.of(1), before);
    assert_eq!(table.refused(call_back(1, Some(armed))), Refusal::Stale(name(1)));
}

#[test]
fn the_call_back_of_what_holds_again_is_told_as_its_own() {
    let mut table = Table::new();
    table.done(assign(1, "ubuntu", Class::Install, Until::Done));
    let holds = table.of(1).since;
    table.done(assign(1, "memtest", Class::Live, Until::Once));
    let once = table.of(1).since;
    table.done(delivered(1, once));
    let events = table.done(call_back(1, Some(holds)));
    assert!(matches!(&events[..], [EventKind::CalledBack { profile, .. }] if profile.as_str() == "ubuntu"));
    table.boots(1, "local");
}

/// What was used up counts for the next moment too: its proof must not be one of the next.
#[test]
fn no_arming_has_the_moment_of_one_that_was_used_up() {
    let mut table = Table::new();
    table.done(assign(1, "ubuntu", Class::Install, Until::Once));
    let once = table.of(1).since;
    table.done(delivered(1, once));
    table.now = once.0;
    table.done(assign(1, "ubuntu", Class::Install, Until::Done));
    assert!(table.of(1).since > once);
}

#[test]
fn deliveries_are_counted() {
    let mut table = Table::new();
    table.done(assign(1, "ubuntu", Class::Install, Until::Done));
    let armed = table.of(1).since;
    for times in 1..=3 {
        let events = table.done(delivered(1, armed));
        assert_eq!(events, [EventKind::Delivered { profile: profile("ubuntu"), times }]);
    }
    assert_eq!((table.of(1).delivered, table.of(1).since), (3, armed));
    table.done(assign(1, "ubuntu", Class::Install, Until::Done));
    assert_eq!(table.of(1).delivered, 0);
    assert_eq!(table.refused(delivered(1, armed)), Refusal::Stale(name(1)));
}

#[test]
fn cancelling_restores_what_a_once_hides_and_else_leads_to_local() {
    let mut table = Table::new();
    table.done(assign(1, "grml", Class::Live, Until::Changed));
    let before = table.of(1);
    table.done(assign(1, "ubuntu", Class::Install, Until::Once));
    table.done(cancel(1));
    assert_eq!(table.of(1), before);
    let events = table.done(cancel(1));
    assert!(matches!(
        &events[..],
        [EventKind::Cancelled { profile, now, .. }] if profile.as_str() == "grml" && now.is_local()
    ));
    assert!(table.of(1).since > before.since);
}

#[test]
fn a_host_that_used_up_its_attempts_is_taken_off_and_says_why() {
    let mut table = Table::new();
    table.done(assign(1, "ubuntu", Class::Install, Until::Done));
    let armed = table.of(1).since;
    let give_up = || Command::GiveUp { name: name(1), armed, reason: "3 attempts did not call back".into() };
    let events = table.done(give_up());
    assert!(matches!(&events[..], [kind @ EventKind::GaveUp { .. }] if kind.is_warning()));
    table.boots(1, "local");
    assert_eq!(table.of(1).failed.as_deref(), Some("3 attempts did not call back"));
    assert_eq!(table.refused(give_up()), Refusal::Stale(name(1)));
    table.done(assign(1, "grml", Class::Live, Until::Changed));
    assert_eq!(table.of(1).failed, None);
}

#[test]
fn a_change_of_the_host_leaves_its_assignment_alone() {
    let mut table = Table::new();
    table.done(assign(1, "ubuntu", Class::Install, Until::Once));
    let before = table.of(1);
    table.done(set(1, HostPatch { macs: Some(vec![mac(8)]), ..HostPatch::default() }));
    assert_eq!(table.of(1), before);
}

#[test]
fn what_is_said_of_a_host_is_read_back_as_it_was_written() {
    let mut table = Table::new();
    table.done(assign(1, "ubuntu", Class::Install, Until::Once));
    let armed = table.of(1).since;
    table.done(delivered(1, armed));
    table.done(assign(2, "ubuntu", Class::Install, Until::Once));
    for record in table.state.records() {
        let change = Change::Put(record.clone());
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change);
    }
}
