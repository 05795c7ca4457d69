//! From directives to a configuration.

mod boot;
mod hosts;
mod leave;
mod system;
mod tags;
mod tell;

use std::{net::Ipv4Addr, path::PathBuf};

use nextboot_dhcp::{Class, LeaseTime, PoolRange, SiteOption, Subnet, code};

use super::{
    DEFAULT_LEASE_FILE, Dnsmasq, Link, Settled,
    directive::Directive,
    line,
    note::{Notes, Place},
    range::{self, Range, Service},
    source::{Source, Text},
    tag::{Tags, Untold, Which},
};
use crate::{Config, Mode};

/// How long dnsmasq's leases hold when nobody says otherwise.
const DEFAULT_LEASE: LeaseTime = LeaseTime::Seconds(3600);
/// Broadcast address (RFC 2132 section 5.3).
const BROADCAST: u8 = 28;
/// Most subnets, and most classes: every packet is held against all of them.
const MAX_SUBNETS: usize = 1024;
const MAX_CLASSES: usize = 256;

/// The work in progress.
struct Settling<'a> {
    dnsmasq: &'a Dnsmasq,
    source: &'a dyn Source,
    links: &'a [Link],
    notes: Notes,
    config: Config,
    tags: Tags,
    subnets: Vec<Subnet>,
    classes: Vec<Class>,
    /// The lines of `dhcp-host` and its files, in their order.
    hosts: Vec<(Place, super::host::Entry)>,
    watched: Vec<PathBuf>,
    domain: Option<String>,
}

pub(super) fn settle(dnsmasq: &Dnsmasq, base: &Config, source: &dyn Source, links: &[Link]) -> Settled {
    let mut settling = Settling {
        dnsmasq,
        source,
        links,
        notes: Notes::default(),
        config: base.clone(),
        tags: Tags::new(links.iter().map(|link| (link.name.clone(), link.address))),
        subnets: Vec::new(),
        classes: Vec::new(),
        hosts: Vec::new(),
        watched: Vec::new(),
        domain: None,
    };
    settling.run();
    let lease_file = settling.last("dhcp-leasefile").map(|line| line::reveal(&line.argument));
    let lease_file = lease_file.unwrap_or_else(|| DEFAULT_LEASE_FILE.to_owned()).into();
    let mut notes = dnsmasq.notes.clone();
    notes.extend(settling.notes.into_list());
    settling.watched.sort_unstable();
    settling.watched.dedup();
    Settled { config: settling.config, notes, lease_file, watched: settling.watched }
}

impl Settling<'_> {
    fn run(&mut self) {
        self.read_domain();
        self.read_hosts();
        let ranges = self.read_ranges();
        self.read_tags(&ranges);
        self.serve_ranges(&ranges);
        self.reserve();
        self.tell();
        self.leave_alone();
        self.boot();
        self.system();
        let classes = self.classes.len();
        if classes > MAX_CLASSES {
            self.classes.truncate(MAX_CLASSES);
            let place = Place { file: self.dnsmasq.file.clone(), ..Place::default() };
            let text = format!("the tags come to {classes} classes of machines; {MAX_CLASSES} is the most");
            self.notes.wrong(&place, text);
        }
        let server = &mut self.config.dhcp.server;
        server.subnets = std::mem::take(&mut self.subnets);
        server.classes = std::mem::take(&mut self.classes);
    }

    /// The directives with this name, in their order.
    fn all(&self, name: &str) -> Vec<Directive> {
        self.dnsmasq.directives.iter().filter(|line| line.name == name).cloned().collect()
    }

    fn last(&self, name: &str) -> Option<&Directive> {
        self.dnsmasq.directives.iter().rev().find(|line| line.name == name)
    }

    fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    /// Our address in the network of this one.
    fn own(&self, network: ipnet::Ipv4Net) -> Option<Ipv4Addr> {
        self.links.iter().map(|link| link.address.addr()).find(|address| network.contains(address))
    }

    /// The files behind the directives with this name; each with the directive that names it.
    fn files(&mut self, name: &str, watched: bool) -> Vec<Text> {
        let mut texts = Vec::new();
        for line in self.all(name) {
            let path = PathBuf::from(line::reveal(&line.argument));
            if path.as_os_str().is_empty() {
                continue;
            }
            if watched {
                self.watched.push(path.clone());
            }
            match self.source.read(&path, watched) {
                Ok(found) => texts.extend(found),
                // It may come; dnsmasq starts without it, too.
                Err(why) => {
                    let place = Place { live: true, ..line.place };
                    self.notes.wrong(&place, format!("cannot read {}: {why}", path.display()));
                }
            }
        }
        texts
    }

    fn read_domain(&mut self) {
        for line in self.all("domain") {
            let parts: Vec<String> = line.parts().iter().map(|part| line::reveal(part)).collect();
            match parts.as_slice() {
                [name] if name == "#" => {
                    self.notes.lost(
                        &line.place,
                        "domain: not taken over: it was that of /etc/resolv.conf; write it out",
                    );
                }
                [name] if super::value::is_name(name) => {
                    self.domain = Some(name.trim_end_matches('.').to_owned());
                }
                // Those of networks are told when there are networks.
                [name, ..] if super::value::is_name(name) => {}
                _ => {
                    let text =
                        "domain: not taken over: this is no domain name; write e.g. domain=example.org";
                    self.notes.lost(&line.place, text);
                }
            }
        }
        if self.has("expand-hosts") && self.domain.is_none() {
            let place = self.last("expand-hosts").map(|line| line.place.clone()).unwrap_or_default();
            self.notes.otherwise(&place, "expand-hosts: without domain there is nothing to put behind names");
        }
    }

    fn read_ranges(&mut self) -> Vec<(Place, Range)> {
        let mut ranges: Vec<(Place, Range)> = Vec::new();
        for line in self.all("dhcp-range") {
            match range::read(&line.parts(), self.links) {
                Ok(Some(range)) => ranges.push((line.place, range)),
                Ok(None) => {
                    self.notes.lost(
                        &line.place,
                        "dhcp-range: not taken over: it is about IPv6, and nextboot serves IPv4",
                    );
                }
                Err(why) => self.notes.wrong(&line.place, format!("dhcp-range: {why}")),
            }
        }
        ranges
    }

    fn serve_ranges(&mut self, ranges: &[(Place, Range)]) {
        let proxy = ranges.iter().filter(|(_, range)| range.service == Service::Proxy).count();
        self.config.dhcp.mode = match (ranges.len(), proxy) {
            (0, _) => Mode::Off,
            (all, proxy) if all == proxy => Mode::Proxy,
            _ => Mode::Server,
        };
        self.config.site.gives_addresses = self.config.dhcp.mode == Mode::Server;
        if ranges.is_empty() {
            let place = Place { file: self.dnsmasq.file.clone(), ..Place::default() };
            self.notes
                .lost(&place, "there is no dhcp-range, so no DHCP is served, as dnsmasq would serve none");
        }
        for (place, range) in ranges {
            if range.guessed {
                let text = format!(
                    "dhcp-range: no interface is in this network, so {} is a guess; write the netmask behind the addresses",
                    range.network
                );
                self.notes.otherwise(place, text);
            }
            if range.service == Service::Proxy {
                if self.config.dhcp.mode == Mode::Server {
                    self.notes.lost(
                        place,
                        "dhcp-range: not taken over: one nextboot is DHCP server or proxy; run a second one for this network",
                    );
                } else {
                    self.config.dhcp.proxy.networks.push(range.network);
                }
                continue;
            }
            self.serve(place, range);
        }
        for line in self.all("shared-network") {
            self.share(&line);
        }
    }

    fn serve(&mut self, place: &Place, range: &Range) {
        let shares = |subnet: &Subnet| {
            let other = subnet.network;
            other != range.network && (other.contains(&range.network) || range.network.contains(&other))
        };
        if let Some(other) = self.subnets.iter().find(|subnet| shares(subnet)) {
            let text =
                format!("dhcp-range: its network {} shares addresses with {}", range.network, other.network);
            return self.notes.lost(place, text);
        }
        let at = self.subnets.iter().position(|subnet| subnet.network == range.network);
        let at = match at {
            Some(at) => at,
            None if self.subnets.len() >= MAX_SUBNETS => {
                return self
                    .notes
                    .wrong(place, format!("dhcp-range: there are more than {MAX_SUBNETS} networks"));
            }
            None => {
                let mut subnet = Subnet::new(range.network);
                subnet.lease_time = range.lease_time.unwrap_or(DEFAULT_LEASE);
                self.subnets.push(subnet);
                self.config.dhcp.proxy.networks.push(range.network);
                self.subnets.len() - 1
            }
        };
        let Some(subnet) = self.subnets.get_mut(at) else { return };
        let Service::Pool(pool) = range.service else { return };
        let classes = self.classes.iter().flat_map(|class| &class.pools);
        let mut pools = subnet.pools.iter().chain(classes);
        if let Some(other) = pools.find(|other| other.first <= pool.last && pool.first <= other.last) {
            let text = format!("dhcp-range: shares addresses with {}-{}", other.first, other.last);
            return self.notes.lost(place, text);
        }
        if range.needs.is_empty() {
            let time = range.lease_time.unwrap_or(DEFAULT_LEASE);
            if !subnet.pools.is_empty() && time != subnet.lease_time {
                self.notes.lost(
                    place,
                    format!(
                        "dhcp-range: leases of {} all hold as long as those of its first range",
                        subnet.network
                    ),
                );
            } else {
                subnet.lease_time = time;
            }
            subnet.pools.push(pool);
            return;
        }
        for which in self.machines(place, "dhcp-range", &range.needs) {
            self.add_pool(which, pool, range.lease_time);
        }
    }

    fn add_pool(&mut self, which: Which, pool: PoolRange, lease_time: Option<LeaseTime>) {
        let Which { members, also, except } = which;
        self.classes.push(Class { members, also, except, pools: vec![pool], lease_time, ..Class::default() });
    }

    /// `shared-network=INTERFACE|ADDRESS,ADDRESS`: both are on one wire.
    fn share(&mut self, line: &Directive) {
        let networks = line.parts();
        let at = |part: &String| {
            let by_name = self.links.iter().find(|link| link.name == *part).map(|link| link.address.addr());
            let address = by_name.or_else(|| part.parse().ok())?;
            self.subnets.iter().position(|subnet| subnet.network.contains(&address))
        };
        let [Some(one), Some(two)] = [networks.first().and_then(at), networks.get(1).and_then(at)] else {
            return self.notes.lost(
                &line.place,
                "shared-network: not taken over: both must be in the network of a dhcp-range here",
            );
        };
        let name = self.subnets.get(one).and_then(|subnet| subnet.shared_network.clone());
        let name = name.unwrap_or_else(|| format!("shared {}", one + 1));
        for at in [one, two] {
            if let Some(subnet) = self.subnets.get_mut(at) {
                subnet.shared_network = Some(name.clone());
            }
        }
    }

    /// The machines with these tags; none where they cannot be told, which is said then.
    fn machines(&mut self, place: &Place, what: &str, tags: &[String]) -> Vec<Which> {
        match self.tags.which(tags) {
            Ok(which) => which,
            Err(Untold::Never(tag)) => {
                self.notes.lost(place, format!("{what}: not taken over: nothing sets the tag {tag}"));
                Vec::new()
            }
            Err(Untold::TooMany) => {
                let text = format!(
                    "{what}: not taken over: its tags hang on what is not taken over, or on too much"
                );
                self.notes.lost(place, text);
                Vec::new()
            }
            Err(Untold::Negated(tag)) => {
                let text = format!(
                    "{what}: not taken over: machines without the tag {tag}, which hangs on several things at once"
                );
                self.notes.lost(place, text);
                Vec::new()
            }
        }
    }

    /// What dnsmasq tells everybody without being asked to.
    fn usual(&mut self) {
        let routers_said = |parameters: &nextboot_dhcp::Parameters| {
            !parameters.routers.is_empty() || parameters.never.contains(&code::ROUTER)
        };
        let everybody = routers_said(&self.config.dhcp.server.parameters);
        for at in 0..self.subnets.len() {
            let Some(network) = self.subnets.get(at).map(|subnet| subnet.network) else { continue };
            let own = self.own(network);
            let Some(subnet) = self.subnets.get_mut(at) else { continue };
            if !everybody && !routers_said(&subnet.parameters) {
                subnet.parameters.routers.extend(own);
            }
            let said = |codes: &[SiteOption]| codes.iter().any(|option| option.code == BROADCAST);
            let never = subnet.parameters.never.contains(&BROADCAST);
            if !never
                && !said(&subnet.parameters.options)
                && !said(&self.config.dhcp.server.parameters.options)
            {
                let value = network.broadcast().octets().to_vec();
                subnet.parameters.options.push(SiteOption { code: BROADCAST, value, always: true });
            }
        }
    }
}
