//! What may happen, in whatever order.

use nextboot_model::{Class, Until};
use proptest::{prelude::*, sample::select};

use crate::site::{MACHINES, NETWORKS, PROFILES, SPOTS, SYSTEMS};

/// Machines, systems, networks, spots and profiles are numbers of what [`crate::site`] lists.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    Add(u8),
    /// As from another program, with what it booted there and since when.
    TakeOver {
        machine: u8,
        profile: usize,
        since: Option<u64>,
    },
    /// pxemngr's way: cards and networks move to the system that is told last.
    System {
        system: usize,
        machines: Vec<u8>,
        networks: Vec<usize>,
    },
    /// pxemngr's `nextboot`: the host and the networks of that name.
    AssignSystem {
        system: usize,
        profile: usize,
    },
    RemoveSystem(usize),
    Remove(u8),
    Reserve {
        machine: u8,
        address: bool,
    },
    Assign {
        machine: u8,
        profile: usize,
        until: Until,
    },
    Rescue {
        machine: u8,
        profile: usize,
    },
    Cancel(u8),
    CallBack {
        machine: u8,
        itself: bool,
    },
    StrangerCallsBack(u8),
    Delivered(u8),
    StaleDelivered(u8),
    GiveUp(u8),
    AddNet {
        system: usize,
        network: usize,
    },
    RemoveNet(usize),
    AssignNet {
        system: usize,
        profile: Option<usize>,
    },
    /// Somebody links a name by which machines ask to a profile's file, in either directory of profiles.
    Link {
        spot: usize,
        profile: usize,
        prof: bool,
    },
    Unlink(usize),
    /// The site changes its mind about what `fickle` is.
    Reclassify(Class),
    /// It changes its mind about where profiles are.
    ProfileDirs(Vec<&'static str>),
    UnknownGets {
        rule: u8,
        profile: usize,
    },
    /// Somebody names loaders: for one host, for all machines like it, for a profile.
    Loaders {
        machine: u8,
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

pub(crate) fn moves() -> impl Strategy<Value = Move> {
    let machine = || 0..MACHINES;
    let profile = || 0..PROFILES.len();
    let system = || 0..SYSTEMS.len();
    let network = || 0..NETWORKS.len();
    let spot = || 0..SPOTS;
    let until = prop_oneof![Just(Until::Changed), Just(Until::Done), Just(Until::Once)];
    let class =
        prop_oneof![2 => Just(Class::Install), 1 => Just(Class::Live), 1 => Just(Class::Unclassified)];
    let dirs = [
        vec!["pxelinux.cfg/conf", "pxelinux.cfg/profiles/*.prof"],
        vec!["pxelinux.cfg/profiles/*.prof"],
        vec!["pxelinux.cfg/conf"],
    ];
    let hosts = prop_oneof![
        2 => machine().prop_map(Move::Add),
        1 => (machine(), profile(), prop::option::of(900_000..1_100_000_u64))
            .prop_map(|(machine, profile, since)| Move::TakeOver { machine, profile, since }),
        1 => machine().prop_map(Move::Remove),
        1 => (machine(), any::<bool>()).prop_map(|(machine, address)| Move::Reserve { machine, address }),
        6 => (machine(), profile(), until)
            .prop_map(|(machine, profile, until)| Move::Assign { machine, profile, until }),
        1 => (machine(), profile()).prop_map(|(machine, profile)| Move::Rescue { machine, profile }),
        2 => machine().prop_map(Move::Cancel),
        1 => (machine(), any::<bool>()).prop_map(|(machine, itself)| Move::CallBack { machine, itself }),
        1 => machine().prop_map(Move::StrangerCallsBack),
        4 => machine().prop_map(Move::Delivered),
        1 => machine().prop_map(Move::StaleDelivered),
        1 => machine().prop_map(Move::GiveUp),
    ];
    let networks = prop_oneof![
        2 => (system(), prop::collection::vec(machine(), 0..3), prop::collection::vec(network(), 0..3))
            .prop_map(|(system, machines, networks)| Move::System { system, machines, networks }),
        2 => (system(), network()).prop_map(|(system, network)| Move::AddNet { system, network }),
        1 => system().prop_map(Move::RemoveNet),
        2 => (system(), profile()).prop_map(|(system, profile)| Move::AssignSystem { system, profile }),
        1 => system().prop_map(Move::RemoveSystem),
        5 => (system(), prop::option::weighted(0.8, profile()))
            .prop_map(|(system, profile)| Move::AssignNet { system, profile }),
    ];
    let hands = prop_oneof![
        3 => (spot(), profile(), any::<bool>())
            .prop_map(|(spot, profile, prof)| Move::Link { spot, profile, prof }),
        2 => spot().prop_map(Move::Unlink),
    ];
    let site = prop_oneof![
        3 => class.prop_map(Move::Reclassify),
        1 => select(dirs.to_vec()).prop_map(Move::ProfileDirs),
        2 => (0..4_u8, profile()).prop_map(|(rule, profile)| Move::UnknownGets { rule, profile }),
        1 => (machine(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(machine, own, rule, of_profile)| Move::Loaders { machine, own, rule, of_profile }),
        1 => any::<(bool, bool)>().prop_map(|(unknown, hosts)| Move::Menu { unknown, hosts }),
        1 => Just(Move::Restart),
        1 => (-5_000_i64..5_000).prop_map(Move::ClockSteps),
    ];
    prop_oneof![20 => hosts, 10 => networks, 5 => hands, 9 => site]
}
