use nextboot_boot::{Firmware, Rule, VendorClass};

use crate::{
    document::Section,
    value::{address, loader_name, mac_prefix, machine, network},
};

/// Most rules of one site: every packet is held against all of them.
const MAX_RULES: usize = 256;

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
        firmware: section
            .get("firmware", |item| item.list(|item| item.choice(&Firmware::BOOTING)))
            .unwrap_or_default(),
        arch: section.get("arch", |item| item.list(machine)).unwrap_or_default(),
        vendor: section.get("vendor", |item| item.line_of_text(VendorClass::LEN)),
        mac: section.get("mac", mac_prefix),
        subnet: section.get("subnet", network),
        loader: section.get("loader", loader_name),
        next_server: section.get("next_server", address),
    };
    if !["firmware", "arch", "vendor", "mac", "subnet"].iter().any(|key| section.has(key)) {
        let remedy = "it would be for every machine; say which with firmware, arch, vendor, mac or subnet, or use [boot.loaders]";
        section.report().complain(&section.missing("firmware"), remedy);
    }
    if !section.has("loader") && !section.has("next_server") {
        section.report().complain(&section.missing("loader"), "missing; say which loader these machines get");
    }
    rule
}
