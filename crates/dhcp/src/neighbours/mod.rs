//! Other servers on our wires: who they are, what they send, how they get in our way.

use std::{
    collections::{BTreeSet, HashMap},
    net::Ipv4Addr,
    time::Duration,
};

use dhcproto::v4::MessageType;
use nextboot_model::{Conflict, Mac, Neighbour, Timestamp};

use crate::{Heard, code, packet::is_usable};

/// Most servers that are remembered; beyond it the one silent for longest is forgotten. Anybody can invent some.
pub const MAX_NEIGHBOURS: usize = 256;
/// Most new servers and conflicts that are told in [`WHILE`]; more are only in the table.
const MOST_TOLD: u32 = 20;
const WHILE: Duration = Duration::from_secs(60);

/// How a reply of another server came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overheard<'a> {
    /// The interface.
    pub interface: &'a str,
    /// The sender's address.
    pub from: Ipv4Addr,
    /// The sender's hardware address.
    pub mac: Option<Mac>,
    /// The reply.
    pub reply: &'a Heard,
}

/// What matters of ourselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ourselves<'a> {
    /// Our addresses.
    pub addresses: &'a [Ipv4Addr],
    /// Whether we give addresses.
    pub gives_addresses: bool,
    /// Whether the client of the reply holds an address by our acknowledgement.
    pub leases_to_client: bool,
}

/// What is new about another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It was not known.
    Found(Neighbour),
    /// It gets in our way.
    Conflict(Neighbour, Conflict),
}

/// The other servers that were heard, by interface and server identifier.
#[derive(Debug, Default)]
pub struct Neighbours {
    known: HashMap<(String, Ipv4Addr), Neighbour>,
    told: u32,
    since: Timestamp,
}

impl Neighbours {
    /// Takes note of a reply. Our own, and what has no sender, is nobody's.
    pub fn hear(&mut self, now: Timestamp, overheard: &Overheard<'_>, us: &Ourselves<'_>) -> Vec<News> {
        let Overheard { interface, from, mac, reply } = *overheard;
        let server = reply.server_id.filter(is_usable).unwrap_or(from);
        if !is_usable(&server) || us.addresses.contains(&server) || us.addresses.contains(&from) {
            return Vec::new();
        }
        let key = (interface.to_owned(), server);
        let mut news = Vec::new();
        if !self.known.contains_key(&key) {
            self.make_room();
        }
        let fresh = !self.known.contains_key(&key);
        let known = self.known.entry(key).or_insert_with(|| unheard(now, interface, server));
        known.from = from;
        known.mac = mac.or(known.mac);
        known.heard = now;
        match reply.message {
            Some(MessageType::Ack) => known.acks += 1,
            Some(MessageType::Nak) => known.naks += 1,
            _ => known.offers += 1,
        }
        if reply.message != Some(MessageType::Nak) {
            known.gives_addresses |= !reply.yiaddr.is_unspecified();
            known.is_proxy |= reply.is_proxy();
            known.vendor_class.clone_from(&reply.vendor_class);
            known.discovery_control = reply.discovery_control;
            known.next_server = Some(reply.next_server).filter(|address| !address.is_unspecified());
            known.file.clone_from(&reply.file);
        }
        known.options.extend(reply.options.iter().map(|(code, _)| code));
        if fresh {
            news.push(News::Found(known.clone()));
        }
        for conflict in conflicts(reply, us) {
            if known.conflicts.insert(conflict) {
                news.push(News::Conflict(known.clone(), conflict));
            }
        }
        self.within_bounds(now, news)
    }

    /// A machine takes the offer of a server at an address of ours that is not us: there is one on this very machine, whose
    /// packets never come in.
    pub fn beside_us(&mut self, now: Timestamp, interface: &str, server: Ipv4Addr) -> Vec<News> {
        let key = (interface.to_owned(), server);
        if let Some(known) = self.known.get_mut(&key) {
            known.heard = now;
            return Vec::new();
        }
        self.make_room();
        let found = Neighbour { gives_addresses: true, ..unheard(now, interface, server) };
        self.known.insert(key, found.clone());
        self.within_bounds(now, vec![News::Found(found)])
    }

    /// Looks at every server anew: a conflict that is still one is found, and told, again.
    pub fn forget_conflicts(&mut self) {
        self.known.values_mut().for_each(|known| known.conflicts.clear());
    }

    /// All of them, in order of their addresses.
    #[must_use]
    pub fn all(&self) -> Vec<Neighbour> {
        let mut all: Vec<Neighbour> = self.known.values().cloned().collect();
        all.sort_by(|a, b| (&a.interface, a.server).cmp(&(&b.interface, b.server)));
        all
    }

    fn make_room(&mut self) {
        if self.known.len() >= MAX_NEIGHBOURS
            && let Some(oldest) = self.known.iter().min_by_key(|(_, known)| known.heard).map(|(key, _)| key)
        {
            let oldest = oldest.clone();
            self.known.remove(&oldest);
        }
    }

    fn within_bounds(&mut self, now: Timestamp, mut news: Vec<News>) -> Vec<News> {
        if now.since(self.since) > WHILE || now < self.since {
            (self.since, self.told) = (now, 0);
        }
        let room = usize::try_from(MOST_TOLD.saturating_sub(self.told)).unwrap_or(0);
        news.truncate(room);
        self.told += u32::try_from(news.len()).unwrap_or(MOST_TOLD);
        news
    }
}

fn unheard(now: Timestamp, interface: &str, server: Ipv4Addr) -> Neighbour {
    Neighbour {
        server,
        interface: interface.to_owned(),
        from: server,
        mac: None,
        gives_addresses: false,
        is_proxy: false,
        first: now,
        heard: now,
        offers: 0,
        acks: 0,
        naks: 0,
        vendor_class: None,
        discovery_control: None,
        next_server: None,
        file: None,
        options: BTreeSet::new(),
        conflicts: BTreeSet::new(),
    }
}

/// How this reply gets in our way. A `siaddr` alone does not: dnsmasq always names itself there, and firmware without a file
/// boots from nowhere.
fn conflicts(reply: &Heard, us: &Ourselves<'_>) -> Vec<Conflict> {
    let mut found = Vec::new();
    if reply.message == Some(MessageType::Nak) {
        if us.gives_addresses && us.leases_to_client {
            found.push(Conflict::ForeignNak);
        }
        return found;
    }
    let gives = !reply.yiaddr.is_unspecified();
    if gives && us.gives_addresses {
        found.push(Conflict::SecondServer);
    }
    if reply.is_proxy() {
        let direct = reply.discovery_control.is_some_and(|control| control & 8 != 0);
        found.push(if direct { Conflict::DirectProxy } else { Conflict::AnotherProxy });
        return found;
    }
    // A site may have the other server point to us.
    let to_us = us.addresses.contains(&reply.next_server);
    let is_pxe = reply.vendor_class.as_deref().is_some_and(|class| class.starts_with("PXEClient"));
    if gives && is_pxe && !reply.options.has(code::VENDOR) && !to_us {
        found.push(Conflict::PxeClass);
    }
    if reply.file.is_some() && !to_us {
        found.push(Conflict::BootFile);
    }
    found
}

#[cfg(test)]
mod tests;
