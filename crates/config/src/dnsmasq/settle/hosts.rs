//! `dhcp-host` and its files: who has what reserved.

use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
    path::Path,
};

use nextboot_dhcp::{Owner, Reservation};

use super::{
    super::{
        host::{self, Entry},
        hosts::{Names, ethers},
        line,
        note::{Not, Place},
    },
    Settling,
};

/// Most lines of all files with reservations.
const MAX_HOSTS: usize = 100_000;

impl Settling<'_> {
    pub(super) fn read_hosts(&mut self) {
        for line in self.all("dhcp-host") {
            self.read_host(line.place, &line.argument);
        }
        if self.has("read-ethers")
            && let Ok(texts) = self.source.read(Path::new("/etc/ethers"), false)
        {
            for (path, text) in texts {
                for (at, line) in ethers(&text) {
                    self.read_host(Place { file: path.clone(), line: at, live: true }, &line);
                }
            }
        }
        let mut files = self.files("dhcp-hostsfile", false);
        files.extend(self.files("dhcp-hostsdir", true));
        for (path, text) in files {
            for (place, line) in lines(&path, &text) {
                match line {
                    Ok(line) => self.read_host(place, &line),
                    Err(why) => self.notes.wrong(&place, why),
                }
            }
        }
    }

    fn read_host(&mut self, place: Place, argument: &str) {
        if self.hosts.len() >= MAX_HOSTS {
            return self.notes.wrong(&place, format!("there are more than {MAX_HOSTS} dhcp-hosts"));
        }
        match host::read(&line::parts(argument)) {
            Ok(entry) => self.hosts.push((place, entry)),
            Err(Not::Wrong(why)) => self.notes.wrong(&place, format!("dhcp-host: {why}")),
            Err(Not::Lost(why)) => self.notes.lost(&place, format!("dhcp-host: not taken over: {why}")),
        }
    }

    /// The names of hosts files; dnsmasq reads none where it serves no DNS.
    pub(super) fn names(&mut self) -> Names {
        let mut names = Names::default();
        if self.last("port").is_some_and(|line| line.argument == "0") {
            return names;
        }
        if !self.has("no-hosts")
            && let Ok(texts) = self.source.read(Path::new("/etc/hosts"), false)
        {
            // It is the machine's own, and what is odd in it is not for us to say.
            texts.iter().for_each(|text| names.add(text, &mut super::Notes::default()));
        }
        let mut files = self.files("addn-hosts", false);
        files.extend(self.files("hostsdir", true));
        files.iter().for_each(|text| names.add(text, &mut self.notes));
        names
    }

    /// Puts what is reserved into the subnets. Of two lines about one machine the later counts.
    pub(super) fn reserve(&mut self) {
        let names = self.names();
        let mut taken: HashMap<Ipv4Addr, Place> = HashMap::new();
        let mut seen: HashSet<(usize, Owner)> = HashSet::new();
        let hosts = std::mem::take(&mut self.hosts);
        let mut reserved: Vec<(usize, Reservation)> = Vec::new();
        for (place, entry) in hosts.iter().rev() {
            if !self.says_something(place, entry) {
                continue;
            }
            let address = self.address_of(place, entry, &names, &mut taken);
            let name = self.name_of(entry, &names);
            let homes: Vec<usize> = match address {
                Some(address) => self.home(address).into_iter().collect(),
                None => (0..self.subnets.len()).collect(),
            };
            for owner in entry.owners() {
                for at in &homes {
                    if !seen.insert((*at, owner.key())) {
                        self.notes.otherwise(
                            place,
                            format!("dhcp-host: a later line says something else about {owner}"),
                        );
                        continue;
                    }
                    let reservation = Reservation {
                        address,
                        host_name: name.clone(),
                        lease_time: entry.lease_time,
                        ..Reservation::new(owner.clone())
                    };
                    reserved.push((*at, reservation));
                }
            }
        }
        for (at, reservation) in reserved.into_iter().rev() {
            if let Some(subnet) = self.subnets.get_mut(at) {
                subnet.reservations.push(reservation);
            }
        }
        self.hosts = hosts;
    }

    /// False where a line reserves nothing, which is said then unless it is there for something else.
    fn says_something(&mut self, place: &Place, entry: &Entry) -> bool {
        if entry.six {
            self.notes.otherwise(place, "dhcp-host: its IPv6 address is passed over: nextboot serves IPv4");
        }
        if !entry.needs.is_empty() {
            let text = format!(
                "dhcp-host: not taken over: it was to hold only with the tag {}",
                entry.needs.join(", ")
            );
            self.notes.lost(place, text);
            return false;
        }
        let nothing = entry.address.is_none() && entry.name.is_none() && entry.lease_time.is_none();
        if entry.owners().next().is_none() {
            if !entry.begins.is_empty() && !nothing {
                let text = "dhcp-host: not taken over: an address, name or time for all machines whose hardware addresses begin \
                            so; its tags and ignore hold";
                self.notes.lost(place, text);
            } else if entry.begins.is_empty() {
                let text = "dhcp-host: not taken over: it was for whoever calls itself so, and anybody can; write the \
                            machine's hardware address";
                self.notes.lost(place, text);
            }
            return false;
        }
        // Even with nothing else it makes its machine a known one.
        !entry.ignore
    }

    /// The address that a line reserves: its own, or that of its name.
    fn address_of(
        &mut self,
        place: &Place,
        entry: &Entry,
        names: &Names,
        taken: &mut HashMap<Ipv4Addr, Place>,
    ) -> Option<Ipv4Addr> {
        let by_name = || {
            let name = entry.name.as_deref()?;
            names.find(name, self.domain.as_deref()).map(|(address, _)| address)
        };
        let address = entry.address.or_else(by_name)?;
        let Some(at) = self.home(address) else {
            if !self.subnets.is_empty() {
                self.notes.lost(place, format!("dhcp-host: {address} is in no network of a dhcp-range"));
            }
            return None;
        };
        let network = self.subnets.get(at).map(|subnet| subnet.network)?;
        if address == network.network() || address == network.broadcast() {
            let text = format!("dhcp-host: the first and the last address of {network} belong to no machine");
            self.notes.lost(place, text);
            return None;
        }
        if let Some(other) = taken.insert(address, place.clone()) {
            let text = format!(
                "dhcp-host: {address} is reserved already, by {}:{}",
                other.file.display(),
                other.line
            );
            self.notes.wrong(place, text);
            taken.insert(address, other);
            return None;
        }
        Some(address)
    }

    /// The name that a machine is told: without a domain, and as hosts files write it where its address stands there.
    fn name_of(&self, entry: &Entry, names: &Names) -> Option<String> {
        let own = entry.name.as_deref()?;
        let there = names.find(own, self.domain.as_deref()).filter(|_| entry.address.is_none());
        let name = there.map_or(own, |(_, name)| name);
        name.split('.').next().map(str::to_owned)
    }

    fn home(&self, address: Ipv4Addr) -> Option<usize> {
        self.subnets.iter().position(|subnet| subnet.network.contains(&address))
    }
}

/// The lines of a file that are not empty; in words what is wrong with one.
pub(super) fn lines<'t>(
    path: &'t Path,
    text: &'t str,
) -> impl Iterator<Item = (Place, Result<String, &'static str>)> + 't {
    text.lines().enumerate().filter_map(move |(at, line)| {
        let place = Place { file: path.to_owned(), line: at + 1, live: true };
        line::plain(line).transpose().map(|line| (place, line))
    })
}
