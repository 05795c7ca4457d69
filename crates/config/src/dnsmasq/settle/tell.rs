//! `dhcp-option`: what machines are told.

use std::{collections::HashSet, net::Ipv4Addr};

use ipnet::Ipv4Net;
use nextboot_dhcp::{Class, Members, Parameters, SiteOption, code};
use nextboot_model::PxelinuxOptions;

use super::{
    super::{
        line,
        note::{Not, Place},
        option::{self, Given, Value},
        tag::{Which, is_all},
        value::is_name,
    },
    Settling,
    hosts::lines,
};

/// Most bytes of all options of one level, as everywhere.
const MAX_ALL: usize = 1024;

/// One option, where it stands, and whether it is sent unasked.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) given: Given,
    pub(super) always: bool,
}

impl Settling<'_> {
    /// All options that are given, in their order.
    pub(super) fn options(&mut self) -> Vec<Line> {
        let mut all = Vec::new();
        let directives = self.dnsmasq.directives.iter();
        let main: Vec<(Place, String, bool)> = directives
            .filter(|line| matches!(line.name.as_str(), "dhcp-option" | "dhcp-option-force"))
            .map(|line| (line.place.clone(), line.argument.clone(), line.name == "dhcp-option-force"))
            .collect();
        let mut files = self.files("dhcp-optsfile", false);
        files.extend(self.files("dhcp-optsdir", true));
        let mut texts = main;
        for (path, text) in &files {
            for (place, line) in lines(path, text) {
                match line {
                    Ok(line) => texts.push((place, line, false)),
                    Err(why) => self.notes.wrong(&place, why),
                }
            }
        }
        for (place, text, always) in texts {
            match option::read(&line::parts(&text)) {
                Ok(given) => all.push(Line { place, given, always }),
                Err(Not::Wrong(why)) => self.notes.wrong(&place, format!("dhcp-option: {why}")),
                Err(Not::Lost(why)) => self.notes.lost(&place, format!("dhcp-option: not taken over: {why}")),
            }
        }
        all
    }

    /// Of two lines about one option for the same machines the later counts, and one with tags goes before one without.
    pub(super) fn tell(&mut self) {
        let options = self.options();
        let mut told: HashSet<(Vec<String>, u8)> = HashSet::new();
        let mut classes: Vec<(Vec<String>, Vec<Class>)> = Vec::new();
        for line in options.iter().rev() {
            let Given { tags, code, value } = &line.given;
            let mut key = tags.clone();
            key.sort_unstable();
            if !told.insert((key.clone(), *code)) {
                self.notes.otherwise(
                    &line.place,
                    format!("dhcp-option: a later line says something else about option {code}"),
                );
                continue;
            }
            let networks = match tags.as_slice() {
                [] => Some(None),
                [tag] => self.tags.networks(tag).map(Some),
                _ => None,
            };
            match networks {
                // What depends on where we are is told network by network.
                Some(None) if value.names_us() => {
                    let all: Vec<Ipv4Net> = self.subnets.iter().map(|subnet| subnet.network).collect();
                    self.tell_networks(line, &all, true);
                }
                Some(None) => self.tell_everybody(line),
                Some(Some(networks)) => self.tell_networks(line, &networks, false),
                None => {
                    let at = classes.iter().position(|(have, _)| *have == key);
                    let at = at.unwrap_or_else(|| {
                        let which = self.machines(&line.place, "dhcp-option", tags);
                        let class = |Which { members, also, except }| Class {
                            members,
                            also,
                            except,
                            ..Class::default()
                        };
                        classes.push((key, which.into_iter().map(class).collect()));
                        classes.len() - 1
                    });
                    let Some((_, classes)) = classes.get_mut(at) else { continue };
                    for class in classes {
                        let own = self.links.first().map(|link| link.address.addr());
                        if value.names_us() && self.links.len() != 1 {
                            self.notes.lost(
                                &line.place,
                                "dhcp-option: not taken over: 0.0.0.0 for machines with this tag; write the address",
                            );
                            continue;
                        }
                        let vendor = has_vendor(&class.members);
                        if let Some(why) = put(&mut class.parameters, line, own, vendor) {
                            self.refuse(&line.place, *code, why);
                        }
                    }
                }
            }
        }
        // The one that stands last goes first.
        let classes = classes.into_iter().flat_map(|(_, classes)| classes);
        self.classes.extend(classes.filter(|class| class.parameters != Parameters::default()));
        self.tell_domain();
        self.usual();
        self.note_name_servers();
    }

    fn tell_everybody(&mut self, line: &Line) {
        let code = line.given.code;
        if matches!(code, code::PXELINUX_CONFIG..=code::PXELINUX_REBOOT) {
            return self.tell_pxelinux(line, None);
        }
        if let Some(why) = put(&mut self.config.dhcp.server.parameters, line, None, false) {
            self.refuse(&line.place, code, why);
        }
    }

    fn tell_networks(&mut self, line: &Line, networks: &[Ipv4Net], everybody: bool) {
        let code = line.given.code;
        for network in networks {
            if matches!(code, code::PXELINUX_CONFIG..=code::PXELINUX_REBOOT) {
                self.tell_pxelinux(line, Some(*network));
                continue;
            }
            let own = self.own(*network);
            let Some(subnet) = self.subnets.iter_mut().find(|subnet| subnet.network == *network) else {
                continue;
            };
            // Its own word goes before everybody's.
            if everybody && has(&subnet.parameters, code) {
                continue;
            }
            if let Some(why) = put(&mut subnet.parameters, line, own, false) {
                self.refuse(&line.place, code, why);
            }
        }
    }

    /// Options 209 to 211, which nextboot sends unasked.
    fn tell_pxelinux(&mut self, line: &Line, network: Option<Ipv4Net>) {
        let Given { code, value, .. } = &line.given;
        let told = match (*code, value) {
            (code::PXELINUX_CONFIG, Value::Text(text)) => {
                PxelinuxOptions { config: Some(text.clone()), ..PxelinuxOptions::default() }
            }
            (code::PXELINUX_PREFIX, Value::Text(text)) => {
                PxelinuxOptions { prefix: Some(text.clone()), ..PxelinuxOptions::default() }
            }
            (code::PXELINUX_REBOOT, Value::Bytes(bytes)) if bytes.len() <= 4 => {
                let seconds = bytes.iter().fold(0, |seconds, byte| seconds << 8 | u32::from(*byte));
                PxelinuxOptions { reboot: Some(seconds), ..PxelinuxOptions::default() }
            }
            _ => {
                let text = format!(
                    "dhcp-option: not taken over: option {code} is a text, or for 211 a number of seconds"
                );
                return self.notes.lost(&line.place, text);
            }
        };
        let site = &mut self.config.site;
        let place = match network {
            None => &mut site.pxelinux,
            Some(network) => {
                let at = site.networks.iter().position(|(have, _)| *have == network).unwrap_or_else(|| {
                    site.networks.push((network, PxelinuxOptions::default()));
                    site.networks.len() - 1
                });
                let Some((_, place)) = site.networks.get_mut(at) else { return };
                place
            }
        };
        let PxelinuxOptions { config, prefix, reboot } = told;
        place.config = config.or_else(|| place.config.take());
        place.prefix = prefix.or_else(|| place.prefix.take());
        place.reboot = reboot.or(place.reboot);
    }

    fn refuse(&mut self, place: &Place, code: u8, why: Refused) {
        match why {
            Refused::Lost(why) => {
                self.notes.lost(place, format!("dhcp-option: option {code} is not taken over: {why}"));
            }
            Refused::Otherwise(why) => {
                self.notes.otherwise(place, format!("dhcp-option: option {code}: {why}"))
            }
        }
    }

    /// `domain=NAME` for everybody, `domain=NAME,NETWORK` for one network.
    fn tell_domain(&mut self) {
        let parameters = &mut self.config.dhcp.server.parameters;
        if parameters.domain.is_none() && !parameters.never.contains(&code::DOMAIN) {
            parameters.domain.clone_from(&self.domain);
        }
        for line in self.all("domain") {
            let parts: Vec<String> = line.parts().iter().map(|part| line::reveal(part)).collect();
            let [name, place, ..] = parts.as_slice() else { continue };
            let by_name = self.links.iter().find(|link| link.name == *place).map(|link| link.address.addr());
            let first = place.split('/').next().and_then(|address| address.parse().ok());
            let found = by_name.or(first).and_then(|address: Ipv4Addr| {
                self.subnets.iter_mut().find(|subnet| subnet.network.contains(&address))
            });
            match found {
                Some(subnet) => {
                    subnet.parameters.domain.get_or_insert_with(|| name.clone());
                }
                None => self
                    .notes
                    .lost(&line.place, "domain: not taken over: it is for no network of a dhcp-range here"),
            }
        }
    }

    /// dnsmasq would have named itself.
    fn note_name_servers(&mut self) {
        if self.last("port").is_some_and(|line| line.argument == "0") {
            return;
        }
        let everybody = has(&self.config.dhcp.server.parameters, code::DNS);
        let without = self.subnets.iter().any(|subnet| !everybody && !has(&subnet.parameters, code::DNS));
        if without && let Some(line) = self.all("dhcp-range").first() {
            self.notes.lost(
                &line.place,
                "dhcp-range: machines were told this server as their name server, and nextboot serves no DNS; write \
                 dhcp-option=6,ADDRESS with another's",
            );
        }
    }
}

/// Why an option is not told as it is given.
enum Refused {
    Lost(&'static str),
    Otherwise(&'static str),
}

/// True where this level says something about an option.
fn has(parameters: &Parameters, code: u8) -> bool {
    parameters.never.contains(&code)
        || match code {
            code::ROUTER => !parameters.routers.is_empty(),
            code::DNS => !parameters.dns.is_empty(),
            code::NTP => !parameters.ntp.is_empty(),
            code::DOMAIN => parameters.domain.is_some(),
            code::SEARCH => !parameters.search.is_empty(),
            _ => parameters.options.iter().any(|option| option.code == code),
        }
}

/// True where all machines are of vendors that are no network boot firmware: option 43 is theirs.
fn has_vendor(members: &Members) -> bool {
    let firmware = |vendor: &Vec<u8>| vendor.starts_with(b"PXEClient") || vendor.starts_with(b"HTTPClient");
    !is_all(members) && !members.vendors.is_empty() && !members.vendors.iter().any(firmware)
}

/// Puts an option where nextboot keeps it.
fn put(parameters: &mut Parameters, line: &Line, own: Option<Ipv4Addr>, vendor: bool) -> Option<Refused> {
    let Given { code, value, .. } = &line.given;
    let list = value.addresses(own);
    match *code {
        code::SUBNET_MASK => return Some(Refused::Otherwise("the mask is that of the network")),
        code::VENDOR_CLASS => return Some(Refused::Otherwise("nextboot sends it to firmware that wants it")),
        code::TFTP_SERVER | code::BOOT_FILE => return None,
        code::LEASE_TIME | code::RENEWAL_TIME | code::REBINDING_TIME => {
            return Some(Refused::Lost("how long leases hold stands behind the range or the host"));
        }
        code::HOST_NAME => return Some(Refused::Lost("a machine's name stands in its dhcp-host")),
        code::VENDOR if !vendor => {
            return Some(Refused::Lost(
                "what it means is each vendor's own, and nextboot speaks to firmware in it; write it into a [[dhcp.class]] \
                 with that vendor",
            ));
        }
        code::REQUESTED
        | code::OVERLOAD..=code::MAX_SIZE
        | code::CLIENT_ID
        | code::USER_CLASS
        | code::RELAY_INFO
        | code::ARCH
        | 94
        | code::UUID
        | code::SUBNET_SELECTION
        | code::IPXE => {
            return Some(Refused::Lost("this belongs to the exchange itself, and nextboot writes it"));
        }
        code::PXELINUX_CONFIG..=code::PXELINUX_REBOOT => {
            return Some(Refused::Lost(
                "PXELINUX is told by site, network, profile and host; see [boot.pxelinux]",
            ));
        }
        _ => {}
    }
    if *value == Value::Nothing {
        if *code != code::VENDOR {
            parameters.never.push(*code);
        }
        return None;
    }
    match (*code, value) {
        (code::ROUTER, Value::Addresses(_)) => parameters.routers = list,
        (code::DNS, Value::Addresses(_)) => parameters.dns = list,
        (code::NTP, Value::Addresses(_)) => parameters.ntp = list,
        (code::DOMAIN, Value::Text(name)) if is_name(name) => parameters.domain = Some(name.clone()),
        (code::SEARCH, Value::Names(names)) => parameters.search.clone_from(names),
        (code::ROUTER | code::DNS | code::NTP, _) => {
            return Some(Refused::Lost("this is one address or several"));
        }
        (code::DOMAIN | code::SEARCH, _) => return Some(Refused::Lost("this is a domain name")),
        _ => {
            let value = value.bytes(own);
            let all: usize = parameters.options.iter().map(|option| option.value.len() + 2).sum();
            if all + value.len() + 2 > MAX_ALL {
                return Some(Refused::Lost("all options together have room for 1024 bytes"));
            }
            if !value.is_empty() {
                parameters.options.push(SiteOption { code: *code, value, always: line.always });
            }
        }
    }
    None
}
