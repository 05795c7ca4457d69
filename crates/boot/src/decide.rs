use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use nextboot_model::{
    Class, HostName, Net, NetAssignment, Network, ProfileName, Record, State, Timestamp, Until,
};

use crate::{
    Body, BootMenu, Client, Hand, Loader, OwnLoaders, Profile, Site, Tree, Unknown,
    choose::{Choice, choose},
    exit::to_own_disk,
    menu, pxelinux,
};

/// The tree's own default configuration.
const TREE_DEFAULT: &str = "pxelinux.cfg/default";

/// The decision for one client now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The host that the client is.
    pub host: Option<HostName>,
    /// What it boots; nothing for a machine that is left alone.
    pub profile: Option<Arc<Profile>>,
    /// The network boot program to offer; nothing when the firmware should go on to its next boot device.
    pub loader: Option<Loader>,
    /// Why that loader, or none, in words; empty for a client that asks for none.
    pub loader_why: String,
    /// True where the machine should boot and nobody named a loader for its kind: the operator should hear of it.
    pub unserved: bool,
    /// What PXELINUX is told by DHCP, where that is the loader.
    pub pxelinux: pxelinux::Options,
    /// The server from which firmware is to fetch the loader by TFTP; nothing for ourselves.
    pub next_server: Option<Ipv4Addr>,
    /// The host's assignment at the moment of the decision, whether or not it was what decided.
    pub since: Option<Timestamp>,
    /// The assignment that decided, if one did ([`nextboot_model::Assignment::since`]).
    pub armed: Option<Timestamp>,
    /// True when the host used up its attempts under that assignment: it gets `local`, and should be marked failed.
    pub exhausted: bool,
    /// Why, in words.
    pub why: String,
    /// The entry made by hand that decided, if one did.
    pub hand: Option<String>,
    /// True when somebody picked it in the menu that the firmware showed.
    pub picked: bool,
    /// The menu for firmware that can show one, in which nobody has picked anything yet.
    pub menu: Option<BootMenu>,
}

impl Plan {
    /// What the loader is told by DHCP beside its own name: code and value of each option.
    #[must_use]
    pub fn loader_options(&self) -> Vec<(u8, Vec<u8>)> {
        match &self.loader {
            Some(Loader::File(_) | Loader::Address(_)) => self.pxelinux.encoded(),
            _ => Vec::new(),
        }
    }

    /// True where it is no more than what the tree says to everybody, or nothing: then the tree's own file in a loader's own
    /// language goes before a translation of it.
    #[must_use]
    pub fn is_the_trees_default(&self) -> bool {
        let is_default =
            |profile: &Arc<Profile>| matches!(&profile.body, Body::File(file) if file == TREE_DEFAULT);
        self.host.is_none() && self.profile.as_ref().is_none_or(is_default)
    }

    /// True when the plan would have an installer run.
    #[must_use]
    pub fn installs(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| profile.class == Class::Install)
    }
}

/// What a client gets now: the one decision that every way to boot asks.
///
/// In this order: what a person put at the machine's name in `pxelinux.cfg/` later than its assignment; its assignment;
/// for machines that are no hosts an entry made by hand, then what the smallest network got that they are in, then the site's
/// rule for unknown machines. A profile of class
/// `install` comes out only for a host that is armed for it: assigned it while it was of that class, or by hand. Where the site
/// has a menu for the machine, somebody at its console may pick another profile for this one boot.
#[must_use]
pub fn decide(site: &Site, state: &State, tree: &dyn Tree, client: &Client) -> Plan {
    decide_with(site, state, tree, client, None)
}

/// What a person put at the very name that a loader asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByName<'a> {
    /// The entry.
    pub(crate) hand: &'a Hand,
    /// The network, down to a single address, whose name it is.
    pub(crate) network: Option<Network>,
}

/// The same where a person may also have put something at the very name that a loader asks for.
pub(crate) fn decide_with(
    site: &Site,
    state: &State,
    tree: &dyn Tree,
    client: &Client,
    by_name: Option<ByName<'_>>,
) -> Plan {
    let record = state.find(client.mac, client.uuid);
    let plan = match record {
        Some(record) => for_host(site, tree, client, record, by_name),
        None => for_stranger(site, state, tree, client, by_name),
    };
    let boots = |profile: &Profile| loader(site, tree, client, record, profile).loader.is_some();
    let mut plan = menu::under(site, tree, client, plan, boots);
    if let Some(profile) = plan.profile.as_deref() {
        let Choice { loader, why, next_server, unserved } = loader(site, tree, client, record, profile);
        plan.loader = loader;
        plan.loader_why = why;
        plan.next_server = next_server;
        plan.unserved = unserved;
        plan.pxelinux = told(site, client, record, plan.profile.as_deref());
    }
    plan
}

/// What PXELINUX is told. The nearest word holds: the host's, its profile's, its subnet's, the site's.
fn told(
    site: &Site,
    client: &Client,
    record: Option<&Arc<Record>>,
    profile: Option<&Profile>,
) -> pxelinux::Options {
    let network = client.network.and_then(|own| {
        site.networks.iter().find(|(network, _)| network.contains(&own)).map(|(_, told)| told)
    });
    [record.map(|record| &record.host.pxelinux), profile.map(|profile| &profile.loaders.pxelinux), network]
        .into_iter()
        .flatten()
        .chain([&site.pxelinux])
        .fold(pxelinux::Options::default(), |nearer, farther| nearer.over(farther))
}

fn loader(
    site: &Site,
    tree: &dyn Tree,
    client: &Client,
    record: Option<&Arc<Record>>,
    profile: &Profile,
) -> Choice {
    let host = record.map(|record| &record.host);
    match profile.class {
        Class::Local => to_own_disk(site, tree, client, host, profile),
        _ => choose(site, tree, client, host, profile),
    }
}

fn plan(profile: Option<Arc<Profile>>, why: String) -> Plan {
    Plan {
        host: None,
        profile,
        loader: None,
        loader_why: String::new(),
        unserved: false,
        pxelinux: pxelinux::Options::default(),
        next_server: None,
        since: None,
        armed: None,
        exhausted: false,
        why,
        hand: None,
        picked: false,
        menu: None,
    }
}

fn for_host(
    site: &Site,
    tree: &dyn Tree,
    client: &Client,
    record: &Record,
    by_name: Option<ByName<'_>>,
) -> Plan {
    let assignment = &record.assignment;
    let names = record
        .host
        .macs
        .iter()
        .map(|mac| mac.pxelinux())
        .chain(record.host.uuid.into_iter().flat_map(|uuid| [uuid.to_wire().to_string(), uuid.to_string()]))
        .chain(address_name(client.address.or_else(|| record.host.address.map(IpAddr::V4))));
    let hands = names.filter_map(|name| tree.hand(&name)).chain(
        by_name.filter(|own| own.network.is_none_or(Network::is_one_machine)).map(|own| own.hand.clone()),
    );
    let newest = hands.max_by_key(|hand| hand.made);
    let mut plan = match newest.filter(|hand| hand.made > assignment.since) {
        Some(hand) => by_hand(site, tree, &hand),
        None => by_assignment(site, tree, record),
    };
    plan.host = Some(record.host.name.clone());
    plan.since = Some(assignment.since);
    plan
}

fn by_assignment(site: &Site, tree: &dyn Tree, record: &Record) -> Plan {
    let assignment = &record.assignment;
    let local = || site.profile(tree, &ProfileName::local()).unwrap_or_else(|| Arc::new(Profile::local()));
    let held = |why: String| Plan { armed: None, ..plan(Some(local()), why) };
    let Some(profile) = site.profile(tree, &assignment.profile) else {
        return held(format!(
            "assigned {}, which does not exist any more; local instead",
            assignment.profile
        ));
    };
    if profile.class == Class::Install && !assignment.arms() {
        return held(format!(
            "assigned {} when it was {}; it installs since, and nobody armed this host for that; local instead",
            profile.name, assignment.class
        ));
    }
    if assignment.until == Until::Done && assignment.delivered >= site.attempts {
        return Plan {
            armed: Some(assignment.since),
            exhausted: true,
            ..held(format!(
                "{} was delivered {} times and never called back; local instead",
                profile.name, assignment.delivered
            ))
        };
    }
    let why = match &assignment.failed {
        Some(reason) => format!("taken off its installer: {reason}"),
        None => format!("assigned {} by {}", profile.name, assignment.by),
    };
    Plan { armed: Some(assignment.since), ..plan(Some(profile), why) }
}

fn by_hand(site: &Site, tree: &dyn Tree, hand: &Hand) -> Plan {
    let why = format!("by hand: {}", hand.entry);
    let named = hand.target.as_ref().and_then(|file| site.profile_at(tree, file));
    // A link may lead to a profile's file over other names, or the entry be a copy of it: it is what it says.
    let same_text = || tree.read(&hand.entry).and_then(|text| site.profile_with_text(tree, &text));
    let profile = named.or_else(same_text).unwrap_or_else(|| Arc::new(loose(&hand.entry)));
    Plan { hand: Some(hand.entry.clone()), ..plan(Some(profile), why) }
}

/// The profile that a text in the tree is when it has no name of its own: called after the entry's last part, class
/// unknown.
fn loose(entry: &str) -> Profile {
    let name = entry.rsplit('/').next().and_then(|last| last.parse().ok());
    Profile {
        name: name.unwrap_or_else(ProfileName::local),
        title: None,
        class: Class::Unclassified,
        body: Body::File(entry.to_owned()),
        seed: None,
        loaders: OwnLoaders::default(),
    }
}

fn for_stranger(
    site: &Site,
    state: &State,
    tree: &dyn Tree,
    client: &Client,
    by_name: Option<ByName<'_>>,
) -> Plan {
    if let Some(own) = by_name {
        let of_network =
            own.network.and_then(|of| of_network(site, tree, of, Some(own.hand.clone()), state.net_of(of)));
        return of_network.unwrap_or_else(|| by_hand(site, tree, own.hand));
    }
    let own = client
        .uuid
        .into_iter()
        .flat_map(|uuid| [uuid.to_wire().to_string(), uuid.to_string()])
        .chain(client.mac.map(|mac| mac.pxelinux()));
    if let Some(hand) = own.into_iter().find_map(|name| tree.hand(&name)) {
        return by_hand(site, tree, &hand);
    }
    match by_network(site, state, tree, client) {
        Some(plan) => plan,
        None => unarmed(site, tree, by_rule(site, tree)),
    }
}

/// What the smallest network gets that has something of its own: assigned to it, or put at its name by hand. The whole
/// address comes first, then what is shorter: as little as `default` that means one machine.
fn by_network(site: &Site, state: &State, tree: &dyn Tree, client: &Client) -> Option<Plan> {
    let v4 = |address| match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    };
    let address = client.address.and_then(v4);
    let hand = |network: Network| match network.length() {
        0 => (site.unknown == Unknown::TreeDefault).then(|| tree.hand("default"))?,
        // Each machine that is no host asks this, and most have no address yet: their names are not even written.
        _ => address.and_then(|_| tree.hand(&network.pxelinux()?)),
    };
    // A machine that has no address yet gets one of the network that it asks from.
    let (near, longest) = match (address, client.network) {
        (Some(address), _) => (address, 32),
        (None, Some(network)) => (network, 31),
        (None, None) => (Ipv4Addr::UNSPECIFIED, 0),
    };
    // What stands in the tree has names of whole digits only.
    let step = if state.nets().len() == 0 { 4 } else { 1 };
    let mut lengths = (0..=longest).rev().filter(|length| length % step == 0);
    lengths.find_map(|length| {
        let network = Network::around(near, length);
        of_network(site, tree, network, hand(network), state.net_of(network))
    })
}

/// What one network gets: whoever spoke last wins.
fn of_network(
    site: &Site,
    tree: &dyn Tree,
    network: Network,
    hand: Option<Hand>,
    net: Option<&Arc<Net>>,
) -> Option<Plan> {
    let assigned = net.and_then(|net| Some((net, net.assignment.as_ref()?)));
    let hand = hand.filter(|hand| assigned.is_none_or(|(_, assigned)| hand.made > assigned.since));
    if let Some(hand) = hand {
        let plan = by_hand(site, tree, &hand);
        return Some(if network.is_one_machine() { plan } else { unarmed(site, tree, plan) });
    }
    let (net, assigned) = assigned?;
    let NetAssignment { profile, class, by, .. } = assigned;
    let whose = format!("not a known host; {} ({network}) gets {profile} by {by}", net.name);
    let Some(found) = site.profile(tree, profile) else {
        return Some(plan(None, format!("{whose}; but there is no such profile any more")));
    };
    // A file of which the site says nothing may have an installer's text: whoever named it for one machine meant it.
    let is_armed = network.is_one_machine() && (*class == Class::Install || *class == found.class);
    let plan = plan(Some(found), whose);
    Some(if is_armed { plan } else { unarmed(site, tree, plan) })
}

/// What stands at a network's own name, for whoever looks at it and is not in it; nothing where it has nothing of its own.
pub(crate) fn at_network(
    site: &Site,
    state: &State,
    tree: &dyn Tree,
    network: Network,
    by_name: Option<ByName<'_>>,
) -> Option<(Client, Plan)> {
    let client = Client { address: Some(IpAddr::V4(network.address())), ..Client::default() };
    let usual = || network.pxelinux().and_then(|name| tree.hand(&name));
    let hand = by_name.map(|own| own.hand.clone()).or_else(usual);
    let plan = of_network(site, tree, network, hand, state.net_of(network))?;
    plan.profile.is_some().then_some((client, plan))
}

/// What the site says of machines that it does not know.
fn by_rule(site: &Site, tree: &dyn Tree) -> Plan {
    let nothing = |why: &str| plan(None, why.to_owned());
    match &site.unknown {
        Unknown::Ignore => nothing("not a known host; unknown machines are left alone"),
        Unknown::TreeDefault => match tree.hand("default") {
            Some(hand) => by_hand(site, tree, &hand),
            None => nothing("not a known host, and the tree has no pxelinux.cfg/default"),
        },
        Unknown::Loader => match tree.hand("default") {
            Some(hand) => by_hand(site, tree, &hand),
            None => plan(
                Some(Arc::new(loose(TREE_DEFAULT))),
                "not a known host; unknown machines get their loader".to_owned(),
            ),
        },
        Unknown::Profile(name) => match site.profile(tree, name) {
            Some(profile) => plan(Some(profile), format!("not a known host; unknown machines get {name}")),
            None => plan(None, format!("not a known host, and the profile {name} for such does not exist")),
        },
    }
}

/// The gate for machines that nobody armed: whatever else was decided for one, it is no installer, nor a copy of one.
fn unarmed(site: &Site, tree: &dyn Tree, plan: Plan) -> Plan {
    if !plan.profile.as_ref().is_some_and(|profile| menu::installs(site, tree, profile)) {
        return plan;
    }
    let why = format!("{}; but that installs, and nobody armed this machine", plan.why);
    Plan {
        profile: None,
        loader: None,
        loader_why: String::new(),
        unserved: false,
        next_server: None,
        why,
        ..plan
    }
}

/// What a loader in a directory of its own (`debian-installer/amd64/pxelinux.0`) gets at `name` where the plan is the
/// tree's default, or the tree has none: the default beside itself. So does every GRUB: its own is in its own language.
pub(crate) fn beside_the_loader(site: &Site, tree: &dyn Tree, plan: Plan, name: &str) -> Plan {
    // A host gets what it was assigned, under whatever name.
    let by_default = match &plan.profile {
        _ if plan.host.is_some() || name == TREE_DEFAULT => false,
        Some(profile) => matches!(&profile.body, Body::File(file) if file == TREE_DEFAULT),
        None => matches!(site.unknown, Unknown::TreeDefault | Unknown::Loader),
    };
    let Some(text) = tree.read(name).filter(|_| by_default) else { return plan };
    let own = || Arc::new(loose(name));
    let profile = site.profile_with_text(tree, &text).unwrap_or_else(own);
    unarmed(site, tree, Plan { profile: Some(profile), why: format!("{}, {name}", plan.why), ..plan })
}

/// The name by which PXELINUX asks for an IPv4 address: eight upper-case hexadecimal digits. It goes on with one less each
/// time.
fn address_name(address: Option<IpAddr>) -> Option<String> {
    let IpAddr::V4(address) = address? else { return None };
    Some(format!("{:08X}", address.to_bits()))
}
