//! The menu that firmware itself shows: PXE boot items, each leading to a profile.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use nextboot_model::{Class, HostName, ProfileName};

use crate::{Body, Client, Firmware, Plan, Profile, Site, Tree};

/// The number of the first entry. Boot item types from 0x8000 on are the vendor's (Intel PXE 2.1, table 2-5); 0 is the own disk.
const FIRST: u16 = 0x8001;

/// What the site says about the menu.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MenuRules {
    /// What firmware shows while it waits.
    pub prompt: String,
    /// How many seconds it waits before it takes the first item; nothing: for ever.
    pub timeout: Option<u8>,
    /// What there is to choose from; its place is an entry's number.
    pub entries: Vec<ProfileName>,
    /// What is taken when nobody chooses; the first entry where nothing is said.
    pub default: Option<ProfileName>,
    /// Whether machines that are no hosts get the menu.
    pub unknown: bool,
    /// Whether all hosts do.
    pub all_hosts: bool,
    /// The hosts that do.
    pub hosts: BTreeSet<HostName>,
    /// What is otherwise for single hosts, which get the menu too.
    pub own: BTreeMap<HostName, OwnMenu>,
}

/// What is otherwise for one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnMenu {
    /// What is taken when nobody chooses.
    pub default: Option<ProfileName>,
    /// How long it waits, as [`MenuRules::timeout`].
    pub timeout: Option<Option<u8>>,
}

/// A menu for one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootMenu {
    /// What firmware shows while it waits.
    pub prompt: String,
    /// How many seconds it waits before it takes the first item; nothing: for ever.
    pub timeout: Option<u8>,
    /// The items, with the number that the firmware answers with; 0 is the own disk, which it boots without asking.
    pub items: Vec<(u16, String)>,
}

impl MenuRules {
    fn covers(&self, host: Option<&HostName>) -> bool {
        match host {
            None => self.unknown,
            Some(host) => self.all_hosts || self.hosts.contains(host) || self.own.contains_key(host),
        }
    }
}

/// What becomes of a plan under the site's menu: another profile for a machine that chose one, a menu for one that can show it.
///
/// An entry of class `install` is there only for a host whose plan it is anyway: the menu arms nobody.
pub(crate) fn under(
    site: &Site,
    tree: &dyn Tree,
    client: &Client,
    plan: Plan,
    boots: impl Fn(&Profile) -> bool,
) -> Plan {
    let Some(menu) = site.menu.as_ref().filter(|menu| menu.covers(plan.host.as_ref())) else { return plan };
    let own = plan.profile.as_ref().map(|profile| profile.name.clone());
    let armed = own.as_ref().filter(|_| plan.installs());
    let open = |profile: &Arc<Profile>| armed == Some(&profile.name) || !installs(site, tree, profile);
    let numbered = (FIRST..).zip(&menu.entries);
    let entries = numbered.filter_map(|(number, name)| Some((number, site.profile(tree, name)?)));
    let entries: Vec<(u16, Arc<Profile>)> = entries.filter(|(_, profile)| open(profile)).collect();
    if let Some(picked) = client.picked
        && let Some((_, profile)) = entries.iter().find(|(number, _)| *number == picked)
    {
        let why = format!("{} picked in the boot menu", profile.name);
        return match own == Some(profile.name.clone()) {
            true => Plan { why: format!("{}; {why}", plan.why), picked: true, ..plan },
            false => Plan {
                profile: Some(Arc::clone(profile)),
                armed: None,
                exhausted: false,
                why,
                picked: true,
                ..plan
            },
        };
    }
    if !matches!(client.firmware, Firmware::Pxe | Firmware::Ipxe) {
        return plan;
    }
    let rules = plan.host.as_ref().and_then(|host| menu.own.get(host));
    // What somebody armed is what happens when nobody is at the console.
    let of_site = || rules.and_then(|rules| rules.default.as_ref()).or(menu.default.as_ref());
    let default = armed.or_else(of_site).or(own.as_ref());
    let mut shown: Vec<&(u16, Arc<Profile>)> =
        entries.iter().filter(|(_, profile)| profile.class == Class::Local || boots(profile)).collect();
    // A stable sort: the default comes first, and the rest stays in the site's order.
    shown.sort_by_key(|(_, profile)| Some(&profile.name) != default);
    let item = |(number, profile): &(u16, Arc<Profile>)| {
        let number = if profile.class == Class::Local { 0 } else { *number };
        (number, profile.title.clone().unwrap_or_else(|| profile.name.to_string()))
    };
    let items: Vec<(u16, String)> = shown.into_iter().map(item).collect();
    let timeout = rules.and_then(|rules| rules.timeout).unwrap_or(menu.timeout);
    let menu = (!items.is_empty()).then(|| BootMenu { prompt: menu.prompt.clone(), timeout, items });
    Plan { menu, ..plan }
}

/// True for an installer, by its class or because its file is a copy of one.
pub(crate) fn installs(site: &Site, tree: &dyn Tree, profile: &Profile) -> bool {
    let copy_of = |name: &str| site.profile_with_text(tree, &tree.read(name)?);
    match (&profile.class, &profile.body) {
        (Class::Install, _) => true,
        (Class::Unclassified, Body::File(name)) => {
            copy_of(name).is_some_and(|profile| profile.class == Class::Install)
        }
        _ => false,
    }
}
