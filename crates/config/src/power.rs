use std::{path::Path, sync::Arc};

use nextboot_model::MAX_ADAPTER_NAME;
use nextboot_power::{Adapter, Settings, Template};

use crate::{
    document::{Item, Section},
    files::{path, take},
    value::while_,
};

/// Most adapters of one site.
const MAX_ADAPTERS: usize = 64;
/// Most values of one adapter.
const MAX_VALUES: usize = 64;

/// Reads `[power]`.
pub(crate) fn read(section: &mut Section<'_>, place: &Path) -> Settings {
    let mut settings = Settings::default();
    take(&mut settings.limit, section.get("limit", |item| while_(item, 1..=300)));
    take(&mut settings.retries, section.get("retries", |item| item.number(0..=5_u32)));
    let parallel = section.get("parallel", |item| item.number(1..=1024_u32));
    take(&mut settings.parallel, parallel.and_then(|parallel| usize::try_from(parallel).ok()));
    // A bare name is looked for in PATH.
    let ipmitool = section.get("ipmitool", |item| {
        let text = item.line_of_text(4095)?;
        if text.contains('/') { path(item, place) } else { Some(text.into()) }
    });
    take(&mut settings.ipmitool, ipmitool);
    take(&mut settings.ca_file, section.get("ca_file", |item| path(item, place)));
    let adapters = section.tables("adapter", adapter);
    if adapters.len() > MAX_ADAPTERS {
        section.report().complain(&section.missing("adapter"), format!("at most {MAX_ADAPTERS} adapters"));
    }
    for adapter in adapters.into_iter().flatten() {
        if settings.adapters.contains_key(&adapter.name) {
            let remedy = format!("there are two named {:?}; give each its own name", adapter.name);
            section.report().complain(&section.missing("adapter.name"), remedy);
        }
        settings.adapters.insert(adapter.name.clone(), Arc::new(adapter));
    }
    settings
}

fn adapter(section: &mut Section<'_>) -> Option<Adapter> {
    let name = section.need("name", "hosts name their adapter, e.g. \"pdu\"", name);
    let vars = section.tables("vars", value);
    if vars.len() > MAX_VALUES {
        section.report().complain(&section.missing("vars"), format!("at most {MAX_VALUES} values"));
    }
    let pattern = |item: &Item<'_>| match Adapter::pattern(item.text()?) {
        Ok(pattern) => Some(pattern),
        Err(error) => item.wrong(error.to_string()),
    };
    let read = Adapter {
        name: String::new(),
        vars: vars.into_iter().flatten().collect(),
        status: section.get("status", command),
        on_pattern: section.get("on_pattern", pattern),
        off_pattern: section.get("off_pattern", pattern),
        on: section.get("on", command),
        off: section.get("off", command),
        reset: section.get("reset", command),
        boot_network: section.get("boot_network", command),
    };
    let has_pattern = section.has("on_pattern") || section.has("off_pattern");
    if section.has("status") && !has_pattern {
        let remedy = "missing; say what the output of `status` has in it when the machine is on, e.g. \"(?i)power: on\"";
        section.report().complain(&section.missing("on_pattern"), remedy);
    }
    if has_pattern && !section.has("status") {
        section.report().complain(&section.missing("status"), "missing; the patterns are for its output");
    }
    name.map(|name| Adapter { name, ..read })
}

/// Whether an adapter can be called this.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=MAX_ADAPTER_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn name(item: &Item<'_>) -> Option<String> {
    let name = item.text()?;
    if is_name(name) {
        Some(name.to_owned())
    } else {
        item.wrong(format!("use at most {MAX_ADAPTER_NAME} letters, digits, '-', '_' or '.'"))
    }
}

fn command(item: &Item<'_>) -> Option<Template> {
    match Template::command(item.text()?) {
        Ok(command) => Some(command),
        Err(error) => item.wrong(error.to_string()),
    }
}

/// A value that is made of the host's.
fn value(section: &mut Section<'_>) -> Option<(String, Template)> {
    let name = section.need("name", "commands see it as {{.NAME}}", |item| {
        let name = item.text()?;
        let sound = (1..=64).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if sound { Some(name.to_owned()) } else { item.wrong("use letters, digits and '_'") }
    });
    let value = section.need("value", "e.g. \"http://{{.ip_address}}/\"", |item| {
        match Template::value(item.text()?) {
            Ok(value) => Some(value),
            Err(error) => item.wrong(error.to_string()),
        }
    });
    name.zip(value)
}
