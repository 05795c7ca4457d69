//! Which loader a client gets: the one table, and what goes before it.

use std::net::Ipv4Addr;

use nextboot_model::{Host, LoaderName};

use crate::{
    Client, Entry, Firmware, Kind, Loader, Profile, Site, Tree, ipxe::is_ipxe, loader::address_file,
};

/// A loader, or none, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) loader: Option<Loader>,
    /// In words; empty for a client that asks for no loader.
    pub(crate) why: String,
    pub(crate) next_server: Option<Ipv4Addr>,
    /// True where nobody named a loader for this kind of machine.
    pub(crate) unserved: bool,
}

/// The loader of a client that is to boot `profile`. The most specific word holds: the host's own, the profile's, the first
/// rule that fits, the table's for its kind.
pub(crate) fn choose(
    site: &Site,
    tree: &dyn Tree,
    client: &Client,
    host: Option<&Host>,
    profile: &Profile,
) -> Choice {
    let kinds = Kind::of(client);
    let Some(first) = kinds.first().copied() else { return unknown_machine(client) };
    let fitting = || site.rules.iter().enumerate().filter(|(_, rule)| rule.fits(client));
    let next_server =
        fitting().find_map(|(_, rule)| rule.next_server).filter(|address| !address.is_unspecified());
    let by_host = || Some((host?.loader.as_ref()?, "the host's own loader".to_owned()));
    let by_profile = || {
        let name = &profile.name;
        let of_kind = kinds.iter().find_map(|kind| Some((profile.loaders.by_kind.get(kind)?, kind)));
        let for_kind = of_kind.map(|(loader, kind)| (loader, format!("profile {name}, loaders.{kind}")));
        for_kind.or_else(|| Some((profile.loaders.any.as_ref()?, format!("profile {name}, loader"))))
    };
    let by_rule = || {
        let (at, rule) = fitting().find(|(_, rule)| rule.loader.is_some())?;
        Some((rule.loader.as_ref()?, format!("[[boot.rule]] {}: {rule}", at + 1)))
    };
    let mut choice = match by_host().or_else(by_profile).or_else(by_rule) {
        Some((wanted, why)) => {
            let (loader, why) = wish(wanted, why, client, first);
            Choice { loader, why, next_server, unserved: false }
        }
        None => Choice { next_server, ..by_table(site, tree, client, &kinds, profile) },
    };
    let doubt = choice.loader.as_ref().and_then(|loader| doubt(loader, client, first));
    choice.why.push_str(doubt.unwrap_or_default());
    choice
}

/// What firmware will not do with a loader, by its name.
fn doubt(loader: &Loader, client: &Client, kind: Kind) -> Option<&'static str> {
    let by_http = client.firmware == Firmware::HttpBoot;
    let name = match loader {
        Loader::Script => return None,
        Loader::File(name) => name,
        Loader::Address(address) if by_http && address.starts_with("tftp:") => {
            return Some("; but HTTP Boot fetches by http:// and https:// only");
        }
        Loader::Address(_) if matches!(client.firmware, Firmware::Pxe | Firmware::Bootp) => {
            return Some("; but a boot ROM fetches by TFTP, and takes an address for a file's name");
        }
        Loader::Address(address) => address_file(address),
    };
    let takes = [".efi", ".iso", ".img"].iter().any(|end| name.ends_with(end));
    (by_http && kind.is_uefi() && !takes)
        .then_some("; but HTTP Boot tells what a file is by its name, and takes .efi, .iso and .img")
}

fn by_table(site: &Site, tree: &dyn Tree, client: &Client, kinds: &[Kind], profile: &Profile) -> Choice {
    for kind in kinds {
        let place = format!("[boot.loaders] {kind}");
        let (loader, why) = match site.loaders.0.get(kind) {
            None => continue,
            // Its network driver wants a PXE service, which firmware that came by HTTP Boot does not have. Silence lets the
            // firmware go on, perhaps to PXE.
            Some(Entry::One(Loader::File(name)))
                if client.firmware == Firmware::HttpBoot && is_syslinux(name) =>
            {
                (None, format!("{place}, but {name} does not start by HTTP Boot; name another loader"))
            }
            Some(Entry::One(loader)) => {
                let (loader, why) = not_again(loader.clone(), place, client);
                (Some(loader), why)
            }
            Some(Entry::Chain(chain)) => {
                let (loader, why) = chain.choose(site, tree, client, profile);
                (loader, format!("{place}, {why}"))
            }
        };
        return Choice { loader, why, ..Choice::default() };
    }
    let keys: Vec<&str> = kinds.iter().map(|kind| kind.key()).collect();
    let of = client.arch.map_or_else(|| "this machine".to_owned(), |arch| arch.to_string());
    let why = format!("{of} has no loader; set [boot.loaders] {}", keys.join(" or "));
    Choice { why, unserved: true, ..Choice::default() }
}

fn is_syslinux(name: &str) -> bool {
    name.rsplit('/').next() == Some("syslinux.efi")
}

fn unknown_machine(client: &Client) -> Choice {
    let why = match client.arch {
        Some(arch) if client.firmware.boots() => {
            format!("no loader is known for {arch} ({})", client.firmware)
        }
        _ if client.firmware.boots() => format!("{} does not say which machine it is", client.firmware),
        _ => String::new(),
    };
    Choice { unserved: !why.is_empty(), why, ..Choice::default() }
}

fn wish(wanted: &LoaderName, why: String, client: &Client, kind: Kind) -> (Option<Loader>, String) {
    match wanted {
        LoaderName::None => (None, format!("{why}: none")),
        LoaderName::File(name) => {
            let (loader, why) = not_again(Loader::File(name.clone()), why, client);
            (Some(loader), why)
        }
        LoaderName::Address(address) => {
            let (loader, why) = not_again(Loader::Address(address.clone()), why, client);
            (Some(loader), why)
        }
        LoaderName::Script if client.firmware == Firmware::Ipxe => (Some(Loader::Script), why),
        LoaderName::Script => match kind.ipxe() {
            Some(ipxe) => (Some(Loader::file(ipxe)), format!("{why}: script, so first iPXE")),
            None => (None, format!("{why}: script, but no iPXE is known for {kind}; name its file")),
        },
    }
}

/// iPXE that is given iPXE again would go round for ever: it gets its script.
fn not_again(loader: Loader, why: String, client: &Client) -> (Loader, String) {
    let name = match &loader {
        Loader::File(name) => name,
        Loader::Address(address) => address_file(address),
        Loader::Script => return (loader, why),
    };
    if client.firmware == Firmware::Ipxe && is_ipxe(name) {
        let why = format!("{why}: {name}, which runs already");
        return (Loader::Script, why);
    }
    (loader, why)
}
