//! What was made of dnsmasq's files, as nextboot's own.

use std::fmt::Write as _;

use nextboot_boot::{Firmware, Rule, Unknown};
use nextboot_dhcp::{
    Class, ClientKind, LeaseTime, Members, Owner, Parameters, PoolRange, Reservation, Says, ServerConfig,
    Subnet,
};
use nextboot_model::PxelinuxOptions;

use super::{Settled, Weight};
use crate::{Config, Files, Tftp};

/// The text of a `nextboot.toml` that says the same, with what is to be said about single lines as comments.
#[must_use]
pub fn write(settled: &Settled) -> String {
    let mut out = String::new();
    let Settled { config, notes, .. } = settled;
    for note in notes {
        let word = match note.weight {
            Weight::Otherwise => "note",
            Weight::Lost => "not taken over",
            Weight::Wrong => "wrong",
        };
        line(&mut out, format!("# {word}: {note}"));
    }
    if !notes.is_empty() {
        out.push('\n');
    }
    line(&mut out, format!("interfaces = {}", texts(&config.interfaces)));
    dhcp(&mut out, config);
    tftp(&mut out, config);
    boot(&mut out, config);
    out
}

fn line(out: &mut String, text: impl AsRef<str>) {
    out.push_str(text.as_ref());
    out.push('\n');
}

/// A text in TOML's words.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn list<T>(values: &[T], one: impl Fn(&T) -> String) -> String {
    format!("[{}]", values.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn texts<T: ToString>(values: &[T]) -> String {
    list(values, |value| quoted(&value.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("0x"), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Bytes as a text where they are one that is read back as itself.
fn bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(':') && !text.starts_with("0x") && !text.chars().any(char::is_control) => {
            quoted(text)
        }
        _ => quoted(&hex(bytes)),
    }
}

fn mac(bytes: &[u8]) -> String {
    quoted(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

fn time(time: LeaseTime) -> String {
    match time {
        LeaseTime::Infinite => quoted("infinite"),
        LeaseTime::Seconds(seconds) => seconds.to_string(),
    }
}

fn pool(pool: &PoolRange) -> String {
    quoted(&format!("{}-{}", pool.first, pool.last))
}

fn dhcp(out: &mut String, config: &Config) {
    let server: &ServerConfig = &config.dhcp.server;
    line(out, "\n[dhcp]");
    line(out, format!("mode = {}", quoted(config.dhcp.mode.key())));
    if server.authoritative {
        line(out, "authoritative = true");
    }
    if !config.dhcp.reply_delay.is_zero() {
        line(out, format!("reply_delay = {}", config.dhcp.reply_delay.as_millis()));
    }
    parameters(out, &server.parameters);
    if server.subnets.is_empty() && !config.dhcp.proxy.networks.is_empty() {
        line(out, format!("networks = {}", texts(&config.dhcp.proxy.networks)));
    }
    for subnet in &server.subnets {
        self::subnet(out, subnet, config);
    }
    let mut everywhere: Vec<&Reservation> = Vec::new();
    for subnet in &server.subnets {
        for group in groups(&subnet.reservations) {
            let Some(first) = group.first() else { continue };
            // Those without an address stand in every subnet.
            if first.address.is_none() {
                if everywhere.contains(first) {
                    continue;
                }
                everywhere.push(first);
            }
            reservation(out, &group);
        }
    }
    for class in &server.classes {
        self::class(out, class);
    }
}

/// Reservations that say the same for several network cards.
fn groups(all: &[Reservation]) -> Vec<Vec<&Reservation>> {
    let mut groups: Vec<Vec<&Reservation>> = Vec::new();
    for one in all {
        let same = |group: &&mut Vec<&Reservation>| {
            group.last().is_some_and(|last| {
                let cards = matches!((&last.owner, &one.owner), (Owner::Mac(_), Owner::Mac(_)));
                cards && one.address.is_some() && last.address == one.address
            })
        };
        match groups.last_mut().filter(same) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

fn subnet(out: &mut String, subnet: &Subnet, config: &Config) {
    line(out, "\n[[dhcp.subnet]]");
    line(out, format!("network = {}", quoted(&subnet.network.to_string())));
    if let Some(name) = &subnet.shared_network {
        line(out, format!("shared_network = {}", quoted(name)));
    }
    if !subnet.pools.is_empty() {
        line(out, format!("pool = {}", list(&subnet.pools, pool)));
    }
    line(out, format!("lease_time = {}", time(subnet.lease_time)));
    routers(out, &subnet.parameters);
    parameters(out, &subnet.parameters);
    if let Some((_, told)) = config.site.networks.iter().find(|(network, _)| *network == subnet.network) {
        line(out, format!("pxelinux = {{ {} }}", pxelinux(told).join(", ")));
    }
}

fn pxelinux(told: &PxelinuxOptions) -> Vec<String> {
    let PxelinuxOptions { config, prefix, reboot } = told;
    let config = config.as_ref().map(|config| format!("config = {}", quoted(config)));
    let prefix = prefix.as_ref().map(|prefix| format!("prefix = {}", quoted(prefix)));
    let reboot = reboot.map(|seconds| format!("reboot = {seconds}"));
    [config, prefix, reboot].into_iter().flatten().collect()
}

fn routers(out: &mut String, parameters: &Parameters) {
    if !parameters.routers.is_empty() {
        line(out, format!("router = {}", texts(&parameters.routers)));
    }
}

/// All but the routers.
fn parameters(out: &mut String, parameters: &Parameters) {
    let Parameters { routers: _, dns, domain, search, ntp, options, never } = parameters;
    if !dns.is_empty() {
        line(out, format!("dns = {}", texts(dns)));
    }
    if !ntp.is_empty() {
        line(out, format!("ntp = {}", texts(ntp)));
    }
    if let Some(domain) = domain {
        line(out, format!("domain = {}", quoted(domain)));
    }
    if !search.is_empty() {
        line(out, format!("search = {}", texts(search)));
    }
    if !options.is_empty() {
        let option = |option: &nextboot_dhcp::SiteOption| {
            let always = if option.always { ", always = true" } else { "" };
            let value = quoted(hex(&option.value).trim_start_matches("0x"));
            format!("{{ code = {}, hex = {value}{always} }}", option.code)
        };
        line(out, format!("options = {}", list(options, option)));
    }
    if !never.is_empty() {
        line(out, format!("never = {}", list(never, u8::to_string)));
    }
}

fn reservation(out: &mut String, group: &[&Reservation]) {
    let Some(first) = group.first() else { return };
    line(out, "\n[[dhcp.reservation]]");
    let macs: Vec<String> = group
        .iter()
        .filter_map(|one| match &one.owner {
            Owner::Mac(mac) => Some(quoted(&mac.to_string())),
            _ => None,
        })
        .collect();
    match (&first.owner, macs.as_slice()) {
        (_, [one]) => line(out, format!("mac = {one}")),
        (_, [_, ..]) => line(out, format!("mac = [{}]", macs.join(", "))),
        (Owner::ClientId(id), _) => line(out, format!("client_id = {}", quoted(&hex(id)))),
        // dnsmasq's hosts have no others.
        _ => {}
    }
    if let Some(address) = first.address {
        line(out, format!("address = {}", quoted(&address.to_string())));
    }
    if let Some(name) = &first.host_name {
        line(out, format!("name = {}", quoted(name)));
    }
    if let Some(lease) = first.lease_time {
        line(out, format!("lease_time = {}", time(lease)));
    }
    if first.address.is_none() && first.host_name.is_none() && first.lease_time.is_none() {
        line(out, "known = true");
    }
}

fn class(out: &mut String, class: &Class) {
    line(out, "\n[[dhcp.class]]");
    for key in members(&class.members) {
        line(out, key);
    }
    for (key, all) in [("also", &class.also), ("except", &class.except)] {
        if !all.is_empty() {
            let table = |one: &Members| format!("{{ {} }}", members(one).join(", "));
            line(out, format!("{key} = {}", list(all, table)));
        }
    }
    if class.drop {
        line(out, "drop = true");
    }
    if !class.pools.is_empty() {
        line(out, format!("pool = {}", list(&class.pools, pool)));
    }
    if let Some(lease) = class.lease_time {
        line(out, format!("lease_time = {}", time(lease)));
    }
    routers(out, &class.parameters);
    parameters(out, &class.parameters);
}

fn members(all: &Members) -> Vec<String> {
    let Members { firmware, archs, vendors, user_classes, macs, subnets, client_ids, options, known } = all;
    let mut keys = Vec::new();
    let mut put = |key: &str, given: bool, value: String| {
        if given {
            keys.push(format!("{key} = {value}"));
        }
    };
    put("firmware", !firmware.is_empty(), list(firmware, |kind| quoted(kind_word(*kind))));
    put("arch", !archs.is_empty(), list(archs, |arch| arch.0.to_string()));
    put("vendor", !vendors.is_empty(), list(vendors, |vendor| bytes(vendor)));
    put("user_class", !user_classes.is_empty(), list(user_classes, |class| bytes(class)));
    put("mac", !macs.is_empty(), list(macs, |begin| mac(begin)));
    put("subnet", !subnets.is_empty(), texts(subnets));
    put("client_id", !client_ids.is_empty(), list(client_ids, |id| quoted(&hex(id))));
    let test = |test: &nextboot_dhcp::OptionTest| match &test.says {
        Says::Anything => format!("{{ code = {} }}", test.code),
        Says::Begins(begin) => format!("{{ code = {}, begins = {} }}", test.code, bytes(begin)),
        Says::Contains(part, 1) => format!("{{ code = {}, contains = {} }}", test.code, bytes(part)),
        Says::Contains(part, step) => {
            format!("{{ code = {}, contains = {}, step = {step} }}", test.code, bytes(part))
        }
    };
    put("option", !options.is_empty(), list(options, test));
    put("known", known.is_some(), known.unwrap_or_default().to_string());
    keys
}

fn kind_word(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Pxe => "pxe",
        ClientKind::UefiHttp => "http",
        ClientKind::Ipxe => "ipxe",
        ClientKind::Bootp => "bootp",
        ClientKind::RaspberryPi => "raspberry-pi",
        ClientKind::UBoot => "u-boot",
        ClientKind::Plain => "plain",
    }
}

fn tftp(out: &mut String, config: &Config) {
    let (tftp, usual) = (&config.tftp, Tftp::default());
    line(out, "\n[tftp]");
    if !tftp.enabled {
        line(out, "enabled = false");
    }
    if config.files.roots != Files::default().roots {
        line(
            out,
            format!("roots = {}", list(&config.files.roots, |root| quoted(&root.display().to_string()))),
        );
    }
    if let Some(ports) = &tftp.ports {
        line(out, format!("ports = {}", quoted(&format!("{}-{}", ports.start(), ports.end()))));
    }
    if tftp.single_port {
        line(out, "single_port = true");
    }
    if tftp.max_transfers != usual.max_transfers {
        line(out, format!("max_transfers = {}", tftp.max_transfers));
    }
}

fn boot(out: &mut String, config: &Config) {
    let site = &config.site;
    line(out, "\n[boot]");
    if site.unknown == Unknown::Loader {
        line(out, "unknown = \"loader\"");
    }
    for rule in &site.rules {
        line(out, "\n[[boot.rule]]");
        for key in rule_keys(rule) {
            line(out, key);
        }
        if !rule.except.is_empty() {
            let table = |except: &Rule| format!("{{ {} }}", rule_keys(except).join(", "));
            line(out, format!("except = {}", list(&rule.except, table)));
        }
        if let Some(loader) = &rule.loader {
            line(out, format!("loader = {}", quoted(&loader.to_string())));
        }
        if let Some(server) = rule.next_server {
            line(out, format!("next_server = {}", quoted(&server.to_string())));
        }
    }
    let told = pxelinux(&site.pxelinux);
    if !told.is_empty() {
        line(out, "\n[boot.pxelinux]");
        told.iter().for_each(|key| line(out, key));
    }
}

fn rule_keys(rule: &Rule) -> Vec<String> {
    let mut keys = Vec::new();
    if !rule.firmware.is_empty() {
        let word = |firmware: &Firmware| {
            let named = Firmware::BOOTING.iter().find(|(_, named)| named == firmware);
            quoted(named.map_or("", |(word, _)| *word))
        };
        keys.push(format!("firmware = {}", list(&rule.firmware, word)));
    }
    if !rule.arch.is_empty() {
        keys.push(format!("arch = {}", list(&rule.arch, |kind| quoted(kind.key()))));
    }
    if !rule.archs.is_empty() {
        keys.push(format!("arch = {}", list(&rule.archs, |arch| arch.0.to_string())));
    }
    if let Some(vendor) = &rule.vendor {
        keys.push(format!("vendor = {}", quoted(vendor)));
    }
    if let Some(begin) = &rule.mac {
        keys.push(format!("mac = {}", mac(begin)));
    }
    if let Some(subnet) = rule.subnet {
        keys.push(format!("subnet = {}", quoted(&subnet.to_string())));
    }
    keys
}
