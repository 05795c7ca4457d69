use std::{collections::BTreeMap, sync::Arc};

use ipnet::Ipv4Net;
use nextboot_boot::{
    Chain, Entry, Exits, Kind, Loader, Loaders, Profile, ProfileDir, ProfileDirs, Rule, SecureBoot, Site,
    Unknown, pxelinux::Options,
};
use nextboot_model::{BadExit, Class, Exit, LoaderName, ProfileName};

use crate::{
    document::{Item, Mark, Placed, Report, Section},
    files::take,
    menu::Menu,
    pxelinux, rule,
    value::loader_name,
};

/// What `[boot]` says.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) profile_dirs: ProfileDirs,
    unknown: Unknown,
    unknown_mark: Option<Mark>,
    attempts: u32,
    rescue: Option<Placed<ProfileName>>,
    serial: Option<String>,
    loaders: Loaders,
    rules: Vec<Rule>,
    menu: Menu,
    exits: Exits,
    secure_boot: SecureBoot,
    pxelinux: Options,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            profile_dirs: ProfileDirs::default(),
            unknown: Unknown::Ignore,
            unknown_mark: None,
            attempts: 3,
            rescue: None,
            serial: None,
            loaders: Loaders::default(),
            rules: Vec::new(),
            menu: Menu::default(),
            exits: Exits::default(),
            secure_boot: SecureBoot::default(),
            pxelinux: Options::default(),
        }
    }
}

impl Rules {
    pub(crate) fn read(boot: &mut Section<'_>) -> Self {
        let mut rules = Self::default();
        take(&mut rules.profile_dirs, boot.get("profile_dirs", profile_dirs));
        if let Some(unknown) = boot.get("unknown", |item| item.placed(unknown)) {
            rules.unknown = unknown.value;
            rules.unknown_mark = Some(unknown.mark);
        }
        take(&mut rules.attempts, boot.get("attempts", |item| item.number(1..=100_u32)));
        rules.rescue = boot.get("rescue", |item| item.placed(profile_name));
        rules.serial = boot.get("serial", serial);
        take(&mut rules.exits.bios, boot.get("exit_bios", |item| exit(item, false)));
        take(&mut rules.exits.uefi, boot.get("exit_uefi", |item| exit(item, true)));
        take(&mut rules.secure_boot, boot.get("secure_boot", |item| item.choice(&SecureBoot::ALL)));
        boot.table("loaders", |section| {
            for kind in Kind::ALL {
                let read = match rules.loaders.0.get(&kind) {
                    Some(Entry::Chain(usual)) if section.is_table(kind.key()) => {
                        Some(Some(Entry::Chain(section.table(kind.key(), |section| chain(section, usual)))))
                    }
                    _ => section.get(kind.key(), |item| loader(item, kind)),
                };
                match read {
                    Some(Some(entry)) => {
                        rules.loaders.0.insert(kind, entry);
                    }
                    Some(None) => {
                        rules.loaders.0.remove(&kind);
                    }
                    None => {}
                }
            }
        });
        rules.menu = boot.table("menu", Menu::read);
        rules.pxelinux = pxelinux::read(boot);
        rules.rules = rule::read(boot);
        rules
    }

    /// What can be said only when the profiles are known.
    pub(crate) fn check(&self, report: &Report<'_>, profiles: &[Profile]) {
        self.menu.check(report, profiles);
        if let Some(Placed { value: name, mark }) = &self.rescue
            && profiles.iter().any(|profile| profile.name == *name && profile.class == Class::Install)
        {
            let remedy =
                format!("profile {name} is of class \"install\"; what rescues a machine must not erase it");
            report.complain(mark, remedy);
        }
        let (Unknown::Profile(name), Some(mark)) = (&self.unknown, &self.unknown_mark) else { return };
        if profiles.iter().any(|profile| profile.name == *name && profile.class == Class::Install) {
            report.complain(
                mark,
                format!(
                    "profile {name} is of class \"install\", and a machine that nobody armed is never installed; name a \
                     profile of another class"
                ),
            );
        }
    }

    pub(crate) fn site(
        self,
        profiles: Vec<Profile>,
        networks: Vec<(Ipv4Net, Options)>,
        gives_addresses: bool,
        http_port: u16,
        api_port: u16,
    ) -> Site {
        let profiles: BTreeMap<ProfileName, Arc<Profile>> =
            profiles.into_iter().map(|profile| (profile.name.clone(), Arc::new(profile))).collect();
        Site {
            profiles,
            profile_dirs: self.profile_dirs,
            bootloaders: Vec::new(),
            unknown: self.unknown,
            loaders: self.loaders,
            rules: self.rules,
            menu: self.menu.rules(),
            exits: self.exits,
            secure_boot: self.secure_boot,
            absent: BTreeMap::new(),
            gives_addresses,
            pxelinux: self.pxelinux,
            networks,
            attempts: self.attempts,
            rescue: self.rescue.map(|placed| placed.value),
            http_port,
            api_port,
            serial: self.serial,
        }
    }
}

/// Most directories of profiles: each is looked into for each list.
const MAX_PROFILE_DIRS: usize = 32;

fn profile_dirs(item: &Item<'_>) -> Option<ProfileDirs> {
    let directories = item.list(|item| match item.text()?.parse::<ProfileDir>() {
        Ok(directory) => Some(directory),
        Err(error) => item.wrong(error.to_string()),
    })?;
    if (1..=MAX_PROFILE_DIRS).contains(&directories.len()) {
        Some(ProfileDirs::new(directories))
    } else {
        item.wrong(format!("name 1 to {MAX_PROFILE_DIRS} directories"))
    }
}

fn unknown(item: &Item<'_>) -> Option<Unknown> {
    match item.text()? {
        "ignore" => Some(Unknown::Ignore),
        "default" => Some(Unknown::TreeDefault),
        "loader" => Some(Unknown::Loader),
        text => match text.strip_prefix("profile:").map(str::parse::<ProfileName>) {
            Some(Ok(name)) => Some(Unknown::Profile(name)),
            Some(Err(error)) => item.wrong(error.to_string()),
            None => item.wrong("use \"ignore\", \"default\", \"loader\" or \"profile:NAME\""),
        },
    }
}

fn profile_name(item: &Item<'_>) -> Option<ProfileName> {
    match item.text()?.parse::<ProfileName>() {
        Ok(name) => Some(name),
        Err(error) => item.wrong(error.to_string()),
    }
}

fn exit(item: &Item<'_>, uefi: bool) -> Option<Exit> {
    match item.text()?.parse() {
        Ok(Exit::GrubExit | Exit::GrubChain) if !uefi => {
            item.wrong("GRUB is for UEFI; use \"localboot\", \"sanboot\", \"exit\" or \"silence\"")
        }
        Ok(exit) => Some(exit),
        Err(error) => item.wrong(BadExit::to_string(&error)),
    }
}

/// PXELINUX's SERIAL: port number or I/O address, speed, flow control.
fn serial(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let number = |word: &&str| match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).is_ok(),
        None => word.parse::<u32>().is_ok(),
    };
    let words: Vec<&str> = text.split(' ').collect();
    if (1..=3).contains(&words.len()) && words.iter().all(number) {
        Some(text.to_owned())
    } else {
        item.wrong("use what PXELINUX's SERIAL takes: port, speed and flow control, e.g. \"0 115200\"")
    }
}

/// The loaders of a kind that has Secure Boot; what is not named stays as it is usually.
fn chain(section: &mut Section<'_>, usual: &Chain) -> Chain {
    let one = |item: &Item<'_>| {
        match loader_name(item)? {
        LoaderName::None => Some(None),
        LoaderName::Script => item.wrong("only iPXE reads scripts; name a file here, or \"none\""),
        LoaderName::File(name) => Some(Some(name)),
        LoaderName::Address(_) => item.wrong(
            "shim and what it starts are files of the tree; for an address write it instead of the whole table",
        ),
    }
    };
    let signed = section.get("signed", |item| match one(item)? {
        None => item.wrong("to have none of it set secure_boot = \"never\""),
        name => name,
    });
    Chain {
        signed: signed.unwrap_or_else(|| usual.signed.clone()),
        unsigned: section.get("unsigned", one).unwrap_or_else(|| usual.unsigned.clone()),
        menu: section.get("menu", one).unwrap_or_else(|| usual.menu.clone()),
    }
}

/// A loader; inside, nothing where machines of that kind are to get none.
fn loader(item: &Item<'_>, kind: Kind) -> Option<Option<Entry>> {
    match loader_name(item)? {
        LoaderName::None => Some(None),
        LoaderName::Script if matches!(kind, Kind::IpxeBios | Kind::IpxeUefi) => {
            Some(Some(Entry::One(Loader::Script)))
        }
        LoaderName::Script => {
            item.wrong("only iPXE reads scripts; name a file here, e.g. \"snponly.efi\", or \"none\"")
        }
        LoaderName::File(name) => Some(Some(Entry::file(&name))),
        LoaderName::Address(address) => Some(Some(Entry::One(Loader::Address(address)))),
    }
}
