//! Tags: what sets them, and which machines have a set of them.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use nextboot_dhcp::{ClientKind, Members};

/// Most ways in which machines may come to a set of tags.
const MAX_WAYS: usize = 64;
/// How deep `tag-if` may build on `tag-if`.
const MAX_DEPTH: usize = 16;

/// Machines: those that are all of `members` and `also`, and none of `except`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Which {
    pub(super) members: Members,
    pub(super) also: Vec<Members>,
    pub(super) except: Vec<Members>,
}

impl Which {
    fn of(members: Members) -> Self {
        Self { members, ..Self::default() }
    }

    /// Those that are both.
    fn and(mut self, other: &Self) -> Self {
        match join(&self.members, &other.members) {
            Some(members) => self.members = members,
            None => self.also.push(other.members.clone()),
        }
        self.also.extend(other.also.iter().cloned());
        self.except.extend(other.except.iter().cloned());
        self
    }
}

/// Both in one, where no key is in both.
fn join(one: &Members, other: &Members) -> Option<Members> {
    fn list<T: Clone>(one: &[T], other: &[T]) -> Option<Vec<T>> {
        match (one, other) {
            (list, []) | ([], list) => Some(list.to_vec()),
            _ => None,
        }
    }
    Some(Members {
        firmware: list(&one.firmware, &other.firmware)?,
        archs: list(&one.archs, &other.archs)?,
        vendors: list(&one.vendors, &other.vendors)?,
        user_classes: list(&one.user_classes, &other.user_classes)?,
        macs: list(&one.macs, &other.macs)?,
        subnets: list(&one.subnets, &other.subnets)?,
        client_ids: list(&one.client_ids, &other.client_ids)?,
        options: list(&one.options, &other.options)?,
        known: match (one.known, other.known) {
            (known, None) | (None, known) => known,
            _ => return None,
        },
    })
}

/// True for machines that are told by nothing: all.
pub(super) fn is_all(members: &Members) -> bool {
    *members == Members::default()
}

/// Puts what is told by one and the same thing into one list, so that one class has them.
fn gather(all: Vec<Members>) -> Vec<Members> {
    let mut gathered: Vec<Members> = Vec::new();
    for members in all {
        let same = gathered.iter_mut().find_map(|have| merge(have, &members).map(|merged| (have, merged)));
        match same {
            Some((have, merged)) => *have = merged,
            None => gathered.push(members),
        }
    }
    gathered
}

/// Either in one, where both are told by the same one thing.
fn merge(one: &Members, other: &Members) -> Option<Members> {
    let only = |members: &Members, keep: fn(&Members) -> Members| *members == keep(members);
    macro_rules! same {
        ($($key:ident),*) => {
            $(
                let keep = |members: &Members| Members { $key: members.$key.clone(), ..Members::default() };
                if !one.$key.is_empty() && !other.$key.is_empty() && only(one, keep) && only(other, keep) {
                    let mut merged = one.clone();
                    for value in &other.$key {
                        if !merged.$key.contains(value) {
                            merged.$key.push(value.clone());
                        }
                    }
                    return Some(merged);
                }
            )*
        };
    }
    same!(firmware, archs, vendors, user_classes, macs, subnets, client_ids, options);
    None
}

/// Why a set of tags cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Untold {
    /// Nothing sets this tag, so it never holds.
    Never(String),
    /// There are too many ways to it, or one leads in a circle.
    TooMany,
    /// It leaves out machines that are told by several things at once.
    Negated(String),
}

/// A rule `tag-if`.
#[derive(Debug, Clone)]
struct If {
    sets: Vec<String>,
    needs: Vec<String>,
}

/// What sets which tags.
#[derive(Debug, Clone, Default)]
pub(super) struct Tags {
    set: BTreeMap<String, Vec<Members>>,
    ifs: Vec<If>,
    /// Tags whose setting could not be read: nothing that needs them is said to be never.
    unreadable: BTreeSet<String>,
}

impl Tags {
    /// Those that dnsmasq has by itself; interfaces are tags for the networks that are there.
    pub(super) fn new(interfaces: impl Iterator<Item = (String, Ipv4Net)>) -> Self {
        let mut tags = Self::default();
        tags.set("bootp", Members { firmware: vec![ClientKind::Bootp], ..Members::default() });
        tags.set("known", Members { known: Some(true), ..Members::default() });
        for (name, network) in interfaces {
            tags.set(&name, Members { subnets: vec![network.trunc()], ..Members::default() });
        }
        tags
    }

    pub(super) fn set(&mut self, tag: &str, members: Members) {
        let all = self.set.entry(tag.to_owned()).or_default();
        all.push(members);
        if all.len() > 1 {
            *all = gather(std::mem::take(all));
        }
    }

    pub(super) fn set_if(&mut self, sets: Vec<String>, needs: Vec<String>) {
        self.ifs.push(If { sets, needs });
    }

    pub(super) fn unreadable(&mut self, tag: &str) {
        self.unreadable.insert(tag.to_owned());
    }

    /// The networks that are all that a tag means, where it means networks.
    pub(super) fn networks(&self, tag: &str) -> Option<Vec<Ipv4Net>> {
        let [members] = self.set.get(tag)?.as_slice() else { return None };
        let only = Members { subnets: members.subnets.clone(), ..Members::default() };
        let by_if = self.ifs.iter().any(|rule| rule.sets.iter().any(|set| set == tag));
        (*members == only && !by_if && !members.subnets.is_empty()).then(|| members.subnets.clone())
    }

    /// The machines that have all of these tags; `!tag` for those that do not have it.
    pub(super) fn which(&self, tags: &[String]) -> Result<Vec<Which>, Untold> {
        self.all(tags, 0)
    }

    fn all(&self, tags: &[String], depth: usize) -> Result<Vec<Which>, Untold> {
        let mut all = vec![Which::default()];
        for tag in tags {
            // As files older than 2.41 write it.
            let next: Vec<Which> = match tag.strip_prefix(['!', '#']) {
                None => {
                    let ways = self.one(tag, depth)?;
                    all.iter().flat_map(|which| ways.iter().map(|way| which.clone().and(way))).collect()
                }
                Some(tag) => {
                    let ways = match self.one(tag, depth) {
                        // What is never is never in the way.
                        Err(Untold::Never(_)) => Vec::new(),
                        ways => ways?,
                    };
                    let simple = |way: &Which| way.also.is_empty() && way.except.is_empty();
                    if !ways.iter().all(simple) {
                        return Err(Untold::Negated(tag.to_owned()));
                    }
                    let except = ways.into_iter().map(|way| way.members);
                    let except: Vec<_> = except.collect();
                    all.into_iter()
                        .map(|which| Which { except: [which.except, except.clone()].concat(), ..which })
                        .collect()
                }
            };
            if next.len() > MAX_WAYS {
                return Err(Untold::TooMany);
            }
            all = next;
        }
        Ok(all)
    }

    fn one(&self, tag: &str, depth: usize) -> Result<Vec<Which>, Untold> {
        if depth > MAX_DEPTH || self.unreadable.contains(tag) {
            return Err(Untold::TooMany);
        }
        let mut ways: Vec<Which> = self.set.get(tag).into_iter().flatten().cloned().map(Which::of).collect();
        for rule in self.ifs.iter().filter(|rule| rule.sets.iter().any(|set| set == tag)) {
            match self.all(&rule.needs, depth + 1) {
                Err(Untold::Never(_)) => {}
                more => ways.extend(more?),
            }
            if ways.len() > MAX_WAYS {
                return Err(Untold::TooMany);
            }
        }
        if ways.is_empty() { Err(Untold::Never(tag.to_owned())) } else { Ok(ways) }
    }
}
