//! `dhcp-boot`, `pxe-service` and the options that mean the same: which loader each machine gets.

use std::net::Ipv4Addr;

use nextboot_boot::{Firmware, Kind, Rule, Unknown, VendorClass};
use nextboot_dhcp::{ClientKind, Members, VendorClasses, code};
use nextboot_model::{Arch, LoaderName, MAX_LOADER_ADDRESS};

use super::{
    super::{line::reveal, note::Place, option::Value, tag::Which, value::address},
    Settling,
};
/// Most rules: every packet is held against all of them.
const MAX_RULES: usize = 256;

/// The types of `pxe-service` by their names; as firmware numbers them (option 93), not as RFC 4578 does.
const TYPES: [(&str, u16); 12] = [
    ("x86PC", 0),
    ("PC98", 1),
    ("IA64_EFI", 2),
    ("Alpha", 3),
    ("Arc_x86", 4),
    ("Intel_Lean_Client", 5),
    ("IA32_EFI", 6),
    ("x86-64_EFI", 7),
    ("Xscale_EFI", 8),
    ("BC_EFI", 9),
    ("ARM32_EFI", 10),
    ("ARM64_EFI", 11),
];

/// A loader for machines with these tags.
struct Wanted {
    place: Place,
    what: &'static str,
    tags: Vec<String>,
    /// Only for PXE firmware of this architecture.
    arch: Option<Arch>,
    loader: Option<LoaderName>,
    next_server: Option<Ipv4Addr>,
}

impl Settling<'_> {
    pub(super) fn boot(&mut self) {
        let mut all = self.services();
        let (tagged, all_machines): (Vec<Wanted>, Vec<Wanted>) =
            self.dhcp_boot().into_iter().rev().partition(|wanted| !wanted.tags.is_empty());
        all.extend(tagged);
        let mut others = all_machines.into_iter();
        all.extend(others.next());
        for other in others {
            self.notes
                .otherwise(&other.place, "dhcp-boot: a later line says something else for all machines");
        }
        if all.is_empty() {
            return;
        }
        // A line is about file and server at once: without a server it is this one, whatever lines for more machines say.
        if all.iter().any(|wanted| wanted.next_server.is_some()) {
            for wanted in all.iter_mut().filter(|wanted| wanted.what != "dhcp-option") {
                wanted.next_server.get_or_insert(Ipv4Addr::UNSPECIFIED);
            }
        }
        let mut rules = Vec::new();
        for wanted in &all {
            let which = self.machines(&wanted.place, wanted.what, &wanted.tags);
            for which in which {
                match rules_for(&which) {
                    Ok(some) => rules.extend(some.into_iter().map(|rule| finish(rule, wanted))),
                    Err(why) => {
                        self.notes.lost(&wanted.place, format!("{}: not taken over: {why}", wanted.what))
                    }
                }
            }
        }
        let site = &mut self.config.site;
        // What nextboot's own file says goes before.
        rules.splice(0..0, site.rules.drain(..));
        if rules.len() > MAX_RULES {
            rules.truncate(MAX_RULES);
            if let Some(wanted) = all.last() {
                let text = format!("its tags come to more than {MAX_RULES} rules");
                self.notes.wrong(&wanted.place, text);
            }
        }
        site.rules = rules;
        if !self.config.dnsmasq.as_ref().is_some_and(|own| own.unknown) {
            site.unknown = Unknown::Loader;
        }
    }

    /// `dhcp-boot=[tag:TAG,]FILE[,NAME[,SERVER]]`, and options 66 and 67.
    fn dhcp_boot(&mut self) -> Vec<Wanted> {
        let mut all = Vec::new();
        for line in self.all("dhcp-boot") {
            let mut parts = line.parts();
            let tags = take_tags(&mut parts);
            let parts: Vec<String> = parts.iter().map(|part| reveal(part)).collect();
            let at = |at: usize| parts.get(at).map(String::as_str).filter(|part| !part.is_empty());
            if at(1).is_some() {
                self.notes.otherwise(
                    &line.place,
                    "dhcp-boot: the server's name is not sent, only its address: no firmware reads it",
                );
            }
            let next_server = self.server(&line.place, at(2));
            let loader = at(0).and_then(|file| self.loader(&line.place, "dhcp-boot", file));
            if next_server.is_some() && at(0).is_some_and(|file| file.starts_with('/')) {
                let text = "dhcp-boot: the name is told without its first /, which a TFTP server without a root of its own wants";
                self.notes.lost(&line.place, text);
            }
            if loader.is_some() || next_server.is_some() {
                all.push(Wanted {
                    place: line.place,
                    what: "dhcp-boot",
                    tags,
                    arch: None,
                    loader,
                    next_server,
                });
            }
        }
        // They count where there is no dhcp-boot.
        if all.is_empty() {
            for line in self.options() {
                let given = &line.given;
                let (file, server) = match (given.code, &given.value) {
                    (code::BOOT_FILE, Value::Text(file)) => (Some(file.as_str()), None),
                    (code::TFTP_SERVER, Value::Text(text)) => (None, address(text)),
                    (code::TFTP_SERVER, value) => (None, value.addresses(None).first().copied()),
                    _ => continue,
                };
                let loader = file.and_then(|file| self.loader(&line.place, "dhcp-option", file));
                if loader.is_some() || server.is_some() {
                    let tags = given.tags.clone();
                    all.push(Wanted {
                        place: line.place,
                        what: "dhcp-option",
                        tags,
                        arch: None,
                        loader,
                        next_server: server,
                    });
                }
            }
        }
        all
    }

    /// `pxe-service=[tag:TAG,]TYPE,TEXT[,FILE|NUMBER][,SERVER]`: of several for one type the first.
    fn services(&mut self) -> Vec<Wanted> {
        let mut all: Vec<Wanted> = Vec::new();
        for line in self.all("pxe-service") {
            let mut parts = line.parts();
            let tags = take_tags(&mut parts);
            let parts: Vec<String> = parts.iter().map(|part| reveal(part)).collect();
            let at = |at: usize| parts.get(at).map(String::as_str).filter(|part| !part.is_empty());
            let kind = at(0).unwrap_or_default();
            let named =
                TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, number)| *number);
            let Some(number) = named.or_else(|| kind.parse().ok()) else {
                let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
                let text = format!(
                    "pxe-service: {kind} is no type of machine; use one of {}, or a number",
                    names.join(", ")
                );
                self.notes.wrong(&line.place, text);
                continue;
            };
            // Without this it would be an entry for the own disk.
            if parts.len() < 2 {
                let text = "pxe-service: an entry has a text behind the type of machine, and then its file";
                self.notes.wrong(&line.place, text);
                continue;
            }
            let arch = Some(Arch(number));
            if let Some(first) = all.iter().find(|other| other.arch == arch && other.tags == tags) {
                let text = format!(
                    "pxe-service: not taken over: a further entry of a menu, whose first is line {}; nextboot's menu \
                     ([boot.menu]) shows profiles",
                    first.place.line
                );
                self.notes.lost(&line.place, text);
                continue;
            }
            let loader = match at(2) {
                None | Some("0") => Some(LoaderName::None),
                Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => {
                    self.notes.lost(&line.place, "pxe-service: not taken over: a boot server of this number was to be looked for on the network");
                    continue;
                }
                Some(file) => {
                    // The layer that PXE puts behind a name.
                    let name = file.rsplit('/').next().unwrap_or(file);
                    let file = if name.contains('.') { file.to_owned() } else { format!("{file}.0") };
                    self.loader(&line.place, "pxe-service", &file)
                }
            };
            let next_server = self.server(&line.place, at(3));
            all.push(Wanted { place: line.place, what: "pxe-service", tags, arch, loader, next_server });
        }
        for line in self.all("pxe-prompt") {
            let text = "pxe-prompt: a menu with one entry is not shown, its entry boots at once; [boot.menu] makes one of profiles";
            self.notes.otherwise(&line.place, text);
        }
        let vendors = self.all("dhcp-pxe-vendor");
        if let Some(line) = vendors.last() {
            let classes: Vec<Vec<u8>> = line.parts().iter().map(|part| reveal(part).into_bytes()).collect();
            self.config.dhcp.vendor_classes = VendorClasses::new(classes);
        }
        all
    }

    /// The server that has the file: an address, or a name of hosts files.
    fn server(&mut self, place: &Place, text: Option<&str>) -> Option<Ipv4Addr> {
        let text = text?;
        let found = match address(text) {
            Some(address) => Some(address),
            None => self.names().find(text, self.domain.as_deref()).map(|(address, _)| address),
        };
        if found.is_none() {
            self.notes.lost(
                place,
                format!("the TFTP server {text} is no address, and no hosts file has that name"),
            );
        }
        // 0.0.0.0 is ourselves.
        found.filter(|address| !address.is_unspecified())
    }

    fn loader(&mut self, place: &Place, what: &str, file: &str) -> Option<LoaderName> {
        let root = self.last("tftp-root").and_then(|line| line.parts().first().map(|root| reveal(root)));
        let beneath = root.and_then(|root| file.strip_prefix(root.trim_end_matches('/')));
        match beneath.unwrap_or(file).parse::<LoaderName>() {
            Ok(name @ (LoaderName::File(_) | LoaderName::Address(_))) => Some(name),
            // A file of that name, not the word.
            Ok(LoaderName::None | LoaderName::Script) | Err(_) => {
                let text = match file.contains("://") {
                    true => format!(
                        "{file} is no address of a loader: use http://, https:// or tftp://HOST/FILE, of at most \
                         {MAX_LOADER_ADDRESS} bytes"
                    ),
                    false => format!("{file} is no name of a loader"),
                };
                self.notes.lost(place, format!("{what}: not taken over: {text}"));
                None
            }
        }
    }
}

fn take_tags(parts: &mut Vec<String>) -> Vec<String> {
    let is_tag = |part: &String| part.starts_with("tag:") || part.starts_with("net:");
    let count = parts.iter().take_while(|part| is_tag(part)).count();
    parts.drain(..count).map(|part| reveal(part.get(4..).unwrap_or_default())).collect()
}

/// The rule with its loader. One that is for all machines says nothing to those for which a file of that name cannot be: they get
/// their own kind's.
fn finish(mut rule: Rule, wanted: &Wanted) -> Rule {
    if let Some(arch) = wanted.arch {
        rule.firmware = vec![Firmware::Pxe];
        rule.archs = vec![arch];
    }
    let told = !rule.archs.is_empty() || rule.vendor.as_ref().is_some_and(|vendor| vendor.contains("Arch:"));
    let name = match &wanted.loader {
        Some(LoaderName::File(name)) => Some(name.as_str()),
        // What is asked of the file behind its name is not its name.
        Some(LoaderName::Address(address)) => address.split('?').next(),
        _ => None,
    };
    if let Some(name) = name.filter(|_| !told) {
        let uefi = [
            Kind::UefiIa32,
            Kind::UefiX64,
            Kind::UefiArm32,
            Kind::UefiArm64,
            Kind::UefiRiscv64,
            Kind::UefiLoong64,
        ];
        let ends = |ends: &[&str]| ends.iter().any(|end| name.to_ascii_lowercase().ends_with(end));
        if ends(&[".0", ".kpxe", ".kkpxe", ".pxe"]) {
            rule.except.push(Rule { arch: uefi.to_vec(), ..Rule::default() });
        } else if ends(&[".efi"]) {
            rule.arch = uefi.to_vec();
        }
    }
    if rule == Rule::default() {
        rule.firmware = Firmware::BOOTING.iter().map(|(_, firmware)| *firmware).collect();
    }
    Rule { loader: wanted.loader.clone(), next_server: wanted.next_server, ..rule }
}

/// The rules for these machines, in words why there are none.
fn rules_for(which: &Which) -> Result<Vec<Rule>, String> {
    let mut rules = machines(&which.members)?;
    for also in &which.also {
        let more = machines(also)?;
        let both = rules.iter().flat_map(|rule| more.iter().map(|more| both(rule, more)));
        rules = both.collect::<Option<Vec<Rule>>>().ok_or("its tags ask twice for the same kind of thing")?;
    }
    let except: Vec<Vec<Rule>> = which.except.iter().map(machines).collect::<Result<_, _>>()?;
    let except = except.concat();
    if rules.len().saturating_mul(except.len().max(1)) > MAX_RULES * 16 {
        return Err("its tags come to too many machines".into());
    }
    Ok(rules
        .into_iter()
        .map(|rule| Rule { except: [rule.except, except.clone()].concat(), ..rule })
        .collect())
}

/// What both ask for, where they ask for different things.
fn both(one: &Rule, other: &Rule) -> Option<Rule> {
    let list = |one: bool, other: bool| one || other;
    let free = list(one.firmware.is_empty(), other.firmware.is_empty())
        && list(one.archs.is_empty(), other.archs.is_empty())
        && list(one.vendor.is_none(), other.vendor.is_none())
        && list(one.mac.is_none(), other.mac.is_none())
        && list(one.subnet.is_none(), other.subnet.is_none());
    free.then(|| Rule {
        firmware: [one.firmware.clone(), other.firmware.clone()].concat(),
        archs: [one.archs.clone(), other.archs.clone()].concat(),
        vendor: one.vendor.clone().or_else(|| other.vendor.clone()),
        mac: one.mac.clone().or_else(|| other.mac.clone()),
        subnet: one.subnet.or(other.subnet),
        ..Rule::default()
    })
}

/// The rules for these machines without their loaders.
fn machines(members: &Members) -> Result<Vec<Rule>, String> {
    let Members { firmware, archs, vendors, user_classes, macs, subnets, client_ids, options, known } =
        members;
    if !user_classes.is_empty() || !client_ids.is_empty() || !options.is_empty() || known.is_some() {
        let why = "which loader a machine gets can hang on its firmware, its architecture, its vendor class (as it begins), its \
                   hardware address and its network";
        return Err(why.into());
    }
    let kinds: Vec<Firmware> = firmware.iter().filter_map(firmware_of).collect();
    if kinds.is_empty() && !firmware.is_empty() {
        return Ok(Vec::new());
    }
    let mut rules = vec![Rule { firmware: kinds, archs: archs.clone(), ..Rule::default() }];
    let vendors: Result<Vec<String>, _> = vendors.iter().cloned().map(String::from_utf8).collect();
    let vendors = vendors.map_err(|_| "its vendor class is no text")?;
    if let Some(long) = vendors.iter().find(|vendor| vendor.len() > VendorClass::LEN) {
        return Err(format!(
            "of the vendor class {long} no more than {} bytes are compared",
            VendorClass::LEN
        ));
    }
    let vary = |rules: Vec<Rule>, set: &dyn Fn(&Rule, usize) -> Rule, count: usize| -> Vec<Rule> {
        if count == 0 {
            rules
        } else {
            rules.iter().flat_map(|rule| (0..count).map(|at| set(rule, at))).collect()
        }
    };
    rules = vary(rules, &|rule, at| Rule { vendor: vendors.get(at).cloned(), ..rule.clone() }, vendors.len());
    rules = vary(rules, &|rule, at| Rule { mac: macs.get(at).cloned(), ..rule.clone() }, macs.len());
    rules = vary(rules, &|rule, at| Rule { subnet: subnets.get(at).copied(), ..rule.clone() }, subnets.len());
    Ok(rules)
}

fn firmware_of(kind: &ClientKind) -> Option<Firmware> {
    Some(match kind {
        ClientKind::Ipxe => Firmware::Ipxe,
        ClientKind::UefiHttp => Firmware::HttpBoot,
        ClientKind::RaspberryPi => Firmware::RaspberryPi,
        ClientKind::UBoot => Firmware::UBoot,
        ClientKind::Pxe => Firmware::Pxe,
        ClientKind::Bootp => Firmware::Bootp,
        ClientKind::Plain => return None,
    })
}
