use std::collections::{BTreeMap, BTreeSet};

use nextboot_boot::{MenuRules, OwnMenu, Profile};
use nextboot_model::{Class, HostName, ProfileName};

use crate::{
    document::{Item, Placed, Report, Section},
    files::take,
};

/// Most entries: each costs ten bytes of the 255 that firmware reads, beside its text.
const MAX_ENTRIES: usize = 8;
/// Longest prompt, in bytes.
const MAX_PROMPT: usize = 40;
/// Longest wait, in seconds; 255 would mean for ever.
const MAX_WAIT: u8 = 254;

/// What `[boot.menu]` says.
#[derive(Debug, Default)]
pub(crate) struct Menu {
    rules: Option<MenuRules>,
    entries: Vec<Placed<ProfileName>>,
    defaults: Vec<Placed<ProfileName>>,
}

impl Menu {
    /// No entries, no menu.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let entries = section.get("entries", entries).unwrap_or_default();
        let default = section.get("default", |item| item.placed(profile));
        let mut rules = MenuRules {
            prompt: "Press F8 for the boot menu".into(),
            timeout: Some(10),
            entries: entries.iter().map(|entry| entry.value.clone()).collect(),
            default: default.as_ref().map(|default| default.value.clone()),
            ..MenuRules::default()
        };
        take(&mut rules.prompt, section.get("prompt", |item| item.line_of_text(MAX_PROMPT)));
        take(&mut rules.timeout, section.get("timeout", timeout));
        take(&mut rules.unknown, section.get("unknown", |item| item.flag()));
        match section.get("hosts", hosts) {
            Some(Hosts::All) => rules.all_hosts = true,
            Some(Hosts::These(names)) => rules.hosts = names,
            None => {}
        }
        let mut defaults: Vec<Placed<ProfileName>> = default.into_iter().collect();
        let own: BTreeMap<HostName, OwnMenu> = section
            .tables("host", |host| {
                let name =
                    host.need("name", "write name = \"node1\", with the host's", |item| host_name(item));
                let default = host.get("default", |item| item.placed(profile));
                let own = OwnMenu {
                    default: default.as_ref().map(|default| default.value.clone()),
                    timeout: host.get("timeout", timeout),
                };
                defaults.extend(default);
                name.map(|name| (name, own))
            })
            .into_iter()
            .flatten()
            .collect();
        rules.own = own;
        Self { rules: (!entries.is_empty()).then_some(rules), entries, defaults }
    }

    /// What can be said only when the profiles are known.
    pub(crate) fn check(&self, report: &Report<'_>, profiles: &[Profile]) {
        for default in &self.defaults {
            let name = &default.value;
            if !self.entries.is_empty() && !self.entries.iter().any(|entry| entry.value == *name) {
                report.complain(&default.mark, "not among the entries of [boot.menu]; add it there");
            }
            if profiles.iter().any(|profile| profile.name == *name && profile.class == Class::Install) {
                report.complain(
                    &default.mark,
                    "of class \"install\", which only an armed host boots, and that takes it by itself; name another",
                );
            }
        }
    }

    pub(crate) fn rules(self) -> Option<MenuRules> {
        self.rules
    }
}

fn profile(item: &Item<'_>) -> Option<ProfileName> {
    match item.text()?.parse::<ProfileName>() {
        Ok(name) => Some(name),
        Err(error) => item.wrong(error.to_string()),
    }
}

fn entries(item: &Item<'_>) -> Option<Vec<Placed<ProfileName>>> {
    let entries = item.list(|item| item.placed(profile))?;
    if entries.len() > MAX_ENTRIES {
        return item.wrong(format!("at most {MAX_ENTRIES} entries have room in what firmware reads"));
    }
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry.value.as_str()).collect();
    if names.len() < entries.len() {
        return item.wrong("every profile only once");
    }
    Some(entries)
}

/// Seconds; 0 takes the first item at once. Inside, nothing where it waits for ever.
fn timeout(item: &Item<'_>) -> Option<Option<u8>> {
    if item.whole().is_none() && item.text()? == "never" {
        return Some(None);
    }
    item.number(0..=MAX_WAIT).map(Some)
}

enum Hosts {
    All,
    These(BTreeSet<HostName>),
}

fn hosts(item: &Item<'_>) -> Option<Hosts> {
    let names = item.list(|item| match item.text()? {
        "*" => Some(None),
        _ => host_name(item).map(Some),
    })?;
    if names.contains(&None) {
        return Some(Hosts::All);
    }
    Some(Hosts::These(names.into_iter().flatten().collect()))
}

fn host_name(item: &Item<'_>) -> Option<HostName> {
    item.parse("use the name of a host")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Config;

    fn parse(text: &str) -> Config {
        Config::parse(text, Path::new("f.toml")).unwrap_or_else(|complaints| panic!("{complaints}"))
    }

    fn complaints(text: &str) -> Vec<String> {
        let complaints = Config::parse(text, Path::new("f.toml")).expect_err("it should be refused");
        complaints.list().iter().map(|complaint| format!("{}: {complaint}", complaint.line)).collect()
    }

    #[test]
    fn a_boot_menu_is_read_whole() {
        let config = parse(
            r#"
        [boot.menu]
        entries = ["local", "rescue"]
        prompt = "Choose"
        timeout = "never"
        default = "rescue"
        hosts = ["n1"]
        unknown = true
        [[boot.menu.host]]
        name = "n2"
        timeout = 0
        "#,
        );
        let menu = config.site.menu.unwrap();
        assert_eq!((menu.prompt.as_str(), menu.timeout, menu.entries.len()), ("Choose", None, 2));
        assert!(menu.unknown && !menu.all_hosts && menu.hosts.len() == 1);
        assert_eq!(menu.own.values().next().unwrap().timeout, Some(Some(0)));
        assert!(
            Config::default().site.menu.is_none() && parse("[boot.menu]\nhosts = \"*\"").site.menu.is_none()
        );
        assert_eq!(
            complaints(
                "[boot.menu]\nentries = [\"a\", \"i\"]\ndefault = \"i\"\ntimeout = 255\n[[boot.menu.host]]\nname = \"n\"\n\
             default = \"x\"\n[profiles.i]\nclass = \"install\"\nkernel = \"k\"\n"
            ),
            [
                "3: boot.menu.default = \"i\": of class \"install\", which only an armed host boots, and that takes it by itself; name another",
                "4: boot.menu.timeout = 255: use a whole number from 0 to 254",
                "7: boot.menu.host.default = \"x\": not among the entries of [boot.menu]; add it there",
            ]
        );
    }
}
