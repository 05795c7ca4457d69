//! The machines and networks there are, and what the site has for them.

use std::{net::Ipv4Addr, sync::Arc};

use nextboot_boot::{Body, Hand, Linux, MemoryTree, OwnLoaders, Profile, Site};
use nextboot_model::{Class, HostName, Mac, Network, ProfileName, Timestamp, Uuid};

pub(crate) const MACHINES: u8 = 4;
pub(crate) const ATTEMPTS: u32 = 3;
/// `disc` is the image of one and `wipe` a file, and both install. `copy` is a file of which the site says nothing, with the
/// text of `wipe`. There never is a `gone`.
pub(crate) const PROFILES: [&str; 8] =
    ["installer", "rescue", "fickle", "local", "gone", "disc", "wipe", "copy"];
/// Names of hosts and of networks: the first are those of [`Move::Add`](crate::moves::Move::Add), too.
pub(crate) const SYSTEMS: [&str; 6] = ["n0", "n1", "n2", "net", "wide", "default"];
/// Those of single machines come first, in the order of the machines. The relay's network holds its own address and no more than
/// one other.
pub(crate) const NETWORKS: [&str; 8] =
    ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.0/31", "10.0.0.0/30", "10.0.0", "10."];
/// Where somebody may put a link: see [`spot`].
pub(crate) const SPOTS: usize = 4 * MACHINES as usize + 3;

const WIPE: &str = "DEFAULT wipe\n";

pub(crate) fn mac(machine: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, machine])
}

pub(crate) fn uuid(machine: u8) -> Uuid {
    Uuid([machine + 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
}

pub(crate) fn address(machine: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, machine)
}

pub(crate) fn digits(address: Ipv4Addr) -> String {
    format!("{:08X}", address.to_bits())
}

pub(crate) fn system(at: usize) -> HostName {
    SYSTEMS[at].parse().unwrap()
}

pub(crate) fn network(at: usize) -> Network {
    NETWORKS[at].parse().unwrap()
}

pub(crate) fn profile(at: usize) -> ProfileName {
    PROFILES[at].parse().unwrap()
}

/// A machine's names beneath `pxelinux.cfg/`, then those of networks.
pub(crate) fn spot(at: usize) -> String {
    let machine = u8::try_from(at / 4).unwrap();
    match (machine == MACHINES, at % 4) {
        (false, 0) => mac(machine).pxelinux(),
        (false, 1) => uuid(machine).to_wire().to_string(),
        (false, 2) => uuid(machine).to_string(),
        (false, _) => digits(address(machine)),
        (true, 0) => "0A00000".to_owned(),
        (true, 1) => "0A00".to_owned(),
        (true, _) => "0".to_owned(),
    }
}

/// The file of a profile: what a link to it leads to.
pub(crate) fn file_of(at: usize, prof: bool) -> String {
    let name = PROFILES[at];
    if prof || matches!(name, "wipe" | "copy") {
        format!("pxelinux.cfg/profiles/{name}.prof")
    } else {
        format!("pxelinux.cfg/conf/{name}")
    }
}

/// Puts a link at a name; whoever reads it reads the file that it leads to.
pub(crate) fn link(tree: &mut MemoryTree, spot: &str, file: String, made: u64) {
    let entry = format!("pxelinux.cfg/{spot}");
    match tree.files.get(&file).cloned() {
        Some(text) => tree.files.insert(entry.clone(), text),
        None => tree.files.remove(&entry),
    };
    let hand = Hand { entry, made: Timestamp(made), target: Some(file) };
    tree.hands.insert(format!("grub/grub.cfg-{spot}"), hand.clone());
    tree.hands.insert(spot.to_owned(), hand);
}

pub(crate) fn unlink(tree: &mut MemoryTree, spot: &str) {
    tree.files.remove(&format!("pxelinux.cfg/{spot}"));
    tree.hands.remove(&format!("grub/grub.cfg-{spot}"));
    tree.hands.remove(spot);
}

pub(crate) fn site() -> Site {
    let linux = || Body::Linux(Linux { kernel: "k".into(), ..Linux::default() });
    let known = [
        ("installer", Class::Install, linux()),
        ("rescue", Class::Live, linux()),
        ("fickle", Class::Live, linux()),
        ("disc", Class::Install, Body::Iso("disc.iso".into())),
        ("wipe", Class::Install, Body::File("pxelinux.cfg/profiles/wipe.prof".into())),
    ];
    let profiles = known.map(|(name, class, body)| {
        let name: ProfileName = name.parse().unwrap();
        let (title, seed, loaders) = (None, None, OwnLoaders::default());
        (name.clone(), Arc::new(Profile { name, title, class, body, seed, loaders }))
    });
    Site { profiles: profiles.into(), attempts: ATTEMPTS, ..Site::default() }
}

/// Installers' texts stand under harmless names from the beginning: as a copy, and as the default beside loaders.
pub(crate) fn tree() -> MemoryTree {
    let texts = [
        "pxelinux.cfg/profiles/wipe.prof",
        "pxelinux.cfg/profiles/copy.prof",
        "d/pxelinux.cfg/default",
        "EFI/debian/grub.cfg",
    ];
    let mut tree = MemoryTree {
        files: texts.map(|name| (name.to_owned(), WIPE.into())).into(),
        ..MemoryTree::default()
    };
    // Means every machine of a network, and so no machine that an installer may go to.
    link(&mut tree, "0A", file_of(0, false), 1_000_000);
    tree
}
