use std::net::Ipv4Addr;

use nextboot_boot::{Firmware, Kind, Rule, VendorClass};
use nextboot_model::Arch;

use crate::{
    document::Section,
    value::{address, loader_name, mac_prefix, machine, network},
};

/// Most rules of one site: every packet is held against all of them.
const MAX_RULES: usize = 256;

/// What a rule tells machines by.
const KEYS: [&str; 5] = ["firmware", "arch", "vendor", "mac", "subnet"];

/// Reads `[[boot.rule]]`.
pub(crate) fn read(boot: &mut Section<'_>) -> Vec<Rule> {
    let rules = boot.tables("rule", one);
    if rules.len() > MAX_RULES {
        boot.report().complain(&boot.missing("rule"), format!("at most {MAX_RULES} rules"));
    }
    rules
}

fn one(section: &mut Section<'_>) -> Rule {
    let rule = Rule {
        except: section.tables("except", |section| {
            let except = machines(section);
            if !KEYS.iter().any(|key| section.has(key)) {
                let remedy = "the rule would be for no machine; say which it is not for";
                section.report().complain(&section.missing("firmware"), remedy);
            }
            except
        }),
        loader: section.get("loader", loader_name),
        next_server: section.get("next_server", |item| match item.text()? {
            "0.0.0.0" => Some(Ipv4Addr::UNSPECIFIED),
            _ => address(item),
        }),
        ..machines(section)
    };
    if !KEYS.iter().any(|key| section.has(key)) && rule.except.is_empty() {
        let remedy = "it would be for every machine; say which with firmware, arch, vendor, mac, subnet or except, or use [boot.loaders]";
        section.report().complain(&section.missing("firmware"), remedy);
    }
    if !section.has("loader") && !section.has("next_server") {
        section.report().complain(&section.missing("loader"), "missing; say which loader these machines get");
    }
    rule
}

/// Which machines, and nothing else.
fn machines(section: &mut Section<'_>) -> Rule {
    let archs = section.get("arch", |item| {
        item.list(|item| match item.whole() {
            Some(_) => item.number(0..=u16::MAX).map(|number| (None, Some(Arch(number)))),
            None => machine(item).map(|kind| (Some(kind), None)),
        })
    });
    let archs = archs.unwrap_or_default();
    // A rule has either: where both are named, a name stands for its numbers.
    let by_number = archs.iter().any(|(_, number)| number.is_some());
    let numbers = |(kind, number): &(Option<Kind>, Option<Arch>)| match kind {
        Some(kind) => (0..0x100).map(Arch).filter(|arch| Kind::of_arch(*arch) == Some(*kind)).collect(),
        None => number.iter().copied().collect::<Vec<_>>(),
    };
    Rule {
        firmware: section
            .get("firmware", |item| item.list(|item| item.choice(&Firmware::BOOTING)))
            .unwrap_or_default(),
        arch: archs.iter().filter(|_| !by_number).filter_map(|(kind, _)| *kind).collect(),
        archs: archs.iter().filter(|_| by_number).flat_map(numbers).collect(),
        vendor: section.get("vendor", |item| item.line_of_text(VendorClass::LEN)),
        mac: section.get("mac", mac_prefix),
        subnet: section.get("subnet", network),
        ..Rule::default()
    }
}
