//! Random commands over a handful of hosts, so that conflicts are common. The tests of the store use them too.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test uses its own part, and fails where it must not go on"
)]

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use nextboot_model::{
    Adapter, Class, Command, Door, Exit, Host, HostName, HostPatch, Ipmi, LineKind, LoaderName, Mac, Place,
    Power, ProfileName, PxelinuxOptions, PxelinuxPatch, Redfish, Secret, State, Target, TestCommand,
    TestLine, TestReport, TestRunId, Timestamp, Until, Uuid, WakeOnLan,
};
use proptest::{collection::vec, option, prelude::*};

pub(crate) fn name(number: u8) -> HostName {
    format!("n{number}").parse().unwrap()
}

pub(crate) fn profile(name: &str) -> ProfileName {
    name.parse().unwrap()
}

pub(crate) fn mac(number: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, number])
}

/// Numbers that differ by one mean the same UUID in the two byte orders.
pub(crate) fn uuid(number: u8) -> Uuid {
    let uuid = Uuid([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, number / 2]);
    if number.is_multiple_of(2) { uuid } else { uuid.to_wire() }
}

pub(crate) fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number + 1)
}

pub(crate) fn operator() -> Door {
    Door::Api { who: "a test".into() }
}

pub(crate) fn host(number: u8, macs: &[u8]) -> Host {
    Host {
        name: name(number),
        macs: macs.iter().copied().map(mac).collect(),
        uuid: None,
        address: None,
        loader: None,
        exit: None,
        pxelinux: Default::default(),
        power: None,
        vars: BTreeMap::new(),
    }
}

pub(crate) fn add(host: Host) -> Command {
    Command::AddHost { host, by: operator() }
}

pub(crate) fn assign(number: u8, boot: &str, class: Class, until: Until) -> Command {
    let targets = vec![Target::Name(name(number))];
    Command::Assign { targets, profile: profile(boot), class, until, by: operator() }
}

/// Which assignment a command refers to.
#[derive(Debug, Clone)]
pub(crate) enum Arming {
    Current,
    Used,
    Long(u64),
}

/// A command that still has to be told what it refers to.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Command(Box<Command>),
    CallBack { mac: Mac, armed: Option<Arming>, by: Door },
    Delivered { name: HostName, armed: Arming },
    GiveUp { name: HostName, armed: Arming },
}

/// A wish, and the moment at which somebody has it. Moments are few and in no order: clocks step back.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) now: Timestamp,
    pub(crate) wish: Wish,
}

impl Step {
    pub(crate) fn command(&self, state: &State) -> Command {
        let find = |name: &HostName, armed: &Arming| {
            let assignment = state.host(name).map(|record| &record.assignment);
            match armed {
                Arming::Current => assignment.map(|assignment| assignment.since),
                Arming::Used => {
                    assignment.and_then(|assignment| assignment.used.as_ref()).map(|used| used.since)
                }
                Arming::Long(at) => Some(Timestamp(*at)),
            }
            .unwrap_or_default()
        };
        match &self.wish {
            Wish::Command(command) => Command::clone(command),
            Wish::CallBack { mac, armed, by } => {
                let owner = state.by_mac(*mac).map_or_else(|| name(99), |record| record.host.name.clone());
                let armed = armed.as_ref().map(|armed| find(&owner, armed));
                Command::CallBack { mac: *mac, armed, by: by.clone() }
            }
            Wish::Delivered { name, armed } => {
                Command::Delivered { name: name.clone(), armed: find(name, armed) }
            }
            Wish::GiveUp { name, armed } => {
                let reason = "3 attempts did not finish".into();
                Command::GiveUp { name: name.clone(), armed: find(name, armed), reason }
            }
        }
    }
}

fn names() -> impl Strategy<Value = HostName> {
    (0..5_u8).prop_map(name)
}

fn macs() -> impl Strategy<Value = Vec<Mac>> {
    vec((0..8_u8).prop_map(mac), 0..4)
}

fn uuids() -> impl Strategy<Value = Uuid> {
    (0..6_u8).prop_map(uuid)
}

fn addresses() -> impl Strategy<Value = Ipv4Addr> {
    (0..4_u8).prop_map(address)
}

fn loaders() -> impl Strategy<Value = LoaderName> {
    prop_oneof![Just("none"), Just("script"), Just("ipxe.efi"), Just("http://10.0.0.1/boot.ipxe")]
        .prop_map(|name| name.parse().unwrap())
}

fn vars() -> impl Strategy<Value = BTreeMap<String, String>> {
    proptest::collection::btree_map("[a-c]", "[ -~äö\n]{0,8}", 0..3)
}

fn targets() -> impl Strategy<Value = Vec<Target>> {
    let target =
        prop_oneof![names().prop_map(Target::Name), (0..8_u8).prop_map(|number| Target::Mac(mac(number)))];
    vec(target, 0..4)
}

fn untils() -> impl Strategy<Value = Until> {
    prop_oneof![Just(Until::Changed), Just(Until::Done), Just(Until::Once)]
}

fn classes() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Local), Just(Class::Install), Just(Class::Live), Just(Class::Unclassified)]
}

fn profiles() -> impl Strategy<Value = ProfileName> {
    prop_oneof![Just("local"), Just("ubuntu"), Just("grml")].prop_map(profile)
}

fn doors() -> impl Strategy<Value = Door> {
    prop_oneof![
        Just(operator()),
        Just(Door::Deploy { who: "somebody".into() }),
        Just(Door::Machine { from: "10.0.0.7".parse().unwrap() }),
    ]
}

fn exits() -> impl Strategy<Value = Exit> {
    proptest::sample::select(Exit::ALL.to_vec())
}

fn pxelinux() -> impl Strategy<Value = PxelinuxOptions> {
    (option::of("[a-z/ ]{0,5}"), option::of("[a-z]{1,5}/"), option::of(0..3_u32))
        .prop_map(|(config, prefix, reboot)| PxelinuxOptions { config, prefix, reboot })
}

/// With and without secrets; one that no host can have now and then.
fn powers() -> impl Strategy<Value = Power> {
    let secrets = || option::of("[a-c ]{0,3}").prop_map(|text| text.map(Secret::new));
    prop_oneof![
        secrets().prop_map(|password| {
            let place = Place { address: Some("bmc".into()), ..Place::default() };
            Power::Ipmi(Ipmi { place, user: "u".into(), password, ..Ipmi::default() })
        }),
        secrets().prop_map(|password| {
            Power::Redfish(Redfish {
                url: "https://bmc".into(),
                insecure: true,
                password,
                ..Redfish::default()
            })
        }),
        Just(Power::Wol(WakeOnLan::default())),
        proptest::collection::btree_map("[a-c]", "[a-c\"]{0,3}".prop_map(Secret::new), 0..3).prop_map(
            |vars| { Power::Command(Adapter { adapter: "pdu".into(), vars, ..Adapter::default() }) }
        ),
        Just(Power::Ipmi(Ipmi::default())),
    ]
}

fn armings() -> impl Strategy<Value = Arming> {
    prop_oneof![4 => Just(Arming::Current), 2 => Just(Arming::Used), 1 => (0..100_u64).prop_map(Arming::Long)]
}

/// What is asked of test runs; of these there are few, so that most exist.
fn tests() -> impl Strategy<Value = TestCommand> {
    let ids = || (1..8_u64).prop_map(TestRunId);
    let keep = || 1..4_usize;
    let reports = (0..3_u32, option::of("[a-c]{1,2}")).prop_map(|(errors, version)| {
        let lines =
            (0..errors).map(|at| TestLine { kind: LineKind::Error, text: format!("e{at}") }).collect();
        Arc::new(TestReport { version, errors, lines, ..TestReport::default() })
    });
    prop_oneof![
        3 => (names(), vec("[a-c]", 1..3), doors()).prop_map(|(host, tests, by)| {
            let tests = tests.iter().map(|test| test.parse().unwrap()).collect();
            TestCommand::Queue { host, tests, by }
        }),
        2 => ids().prop_map(|id| TestCommand::Start { id }),
        1 => ids().prop_map(|id| TestCommand::Requeue { id }),
        2 => (ids(), reports, keep()).prop_map(|(id, report, keep)| {
            TestCommand::Report { id, report, bytes: 7, past: None, at: None, keep }
        }),
        1 => (ids(), keep()).prop_map(|(id, keep)| TestCommand::Fail { id, reason: "no file".into(), keep }),
        1 => vec(ids(), 1..3).prop_map(|ids| TestCommand::Remove { ids }),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    let hosts = (
        names(),
        macs(),
        option::of(uuids()),
        option::of(addresses()),
        option::of(loaders()),
        option::of(exits()),
        pxelinux(),
        option::of(powers()),
        vars(),
    )
        .prop_map(|(name, macs, uuid, address, loader, exit, pxelinux, power, vars)| Host {
            name,
            macs,
            uuid,
            address,
            loader,
            exit,
            pxelinux,
            power,
            vars,
        });
    let patches = (
        option::of(macs()),
        option::of(option::of(uuids())),
        option::of(option::of(addresses())),
        option::of(option::of(loaders())),
        option::of(option::of(exits())),
        option::of(option::of("[a-z ]{0,3}")),
        option::of(option::of(powers())),
        proptest::collection::btree_map("[a-c]", option::of("[a-z]{0,3}"), 0..3),
    )
        .prop_map(|(macs, uuid, address, loader, exit, config, power, vars)| HostPatch {
            macs,
            uuid,
            address,
            loader,
            exit,
            pxelinux: PxelinuxPatch { config, ..PxelinuxPatch::default() },
            power,
            vars,
        });
    let hosts = hosts.boxed();
    let taken = (hosts.clone(), profiles(), classes(), 0..2_000_000_u64, doors());
    prop_oneof![
        4 => (hosts, doors()).prop_map(|(host, by)| Command::AddHost { host, by }),
        1 => taken.prop_map(|(host, profile, class, since, by)| {
            Command::TakeHost { host: Box::new(host), profile, class, since: Timestamp(since), by }
        }),
        1 => (names(), profiles(), classes(), 0..2_000_000_u64, doors()).prop_map(
            |(name, profile, class, since, by)| {
                Command::TakeEntry { name, profile, class, since: Timestamp(since), by }
            }
        ),
        2 => (names(), patches).prop_map(|(name, patch)| Command::SetHost { name, patch }),
        4 => tests().prop_map(Command::Test),
        1 => names().prop_map(|name| Command::RemoveHost { name }),
        6 => (targets(), profiles(), classes(), untils(), doors()).prop_map(
            |(targets, profile, class, until, by)| Command::Assign { targets, profile, class, until, by }
        ),
        3 => (targets(), profiles(), doors()).prop_map(|(targets, profile, by)| {
            Command::Rescue { targets, profile, class: Class::Live, by }
        }),
        3 => (targets(), doors()).prop_map(|(targets, by)| Command::Cancel { targets, by }),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Step> {
    let wishes = prop_oneof![
        8 => commands().prop_map(|command| Wish::Command(Box::new(command))),
        3 => ((0..8_u8).prop_map(mac), option::of(armings()), doors())
            .prop_map(|(mac, armed, by)| Wish::CallBack { mac, armed, by }),
        3 => (names(), armings()).prop_map(|(name, armed)| Wish::Delivered { name, armed }),
        1 => (names(), armings()).prop_map(|(name, armed)| Wish::GiveUp { name, armed }),
    ];
    (0..100_u64, wishes).prop_map(|(now, wish)| Step { now: Timestamp(now), wish })
}
