//! How machines get to their own disks.

use nextboot_model::{Exit, Host};

use crate::{
    Client, Firmware, Kind, Loader, Profile, Site, Tree,
    choose::{Choice, choose},
};

/// What holds for machines that say nothing of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exits {
    /// For a BIOS.
    pub bios: Exit,
    /// For UEFI.
    pub uefi: Exit,
}

impl Default for Exits {
    /// A BIOS waits long for an answer; UEFI goes to its next boot option when nobody answers.
    fn default() -> Self {
        Self { bios: Exit::Localboot, uefi: Exit::Silence }
    }
}

impl Exits {
    /// The exit of a machine.
    #[must_use]
    pub fn of(&self, host: Option<&Host>, client: &Client) -> Exit {
        let uefi = client.arch.is_some_and(|arch| !arch.is_bios());
        host.and_then(|host| host.exit).unwrap_or(if uefi { self.uefi } else { self.bios })
    }
}

/// The loader that leads a machine to its own disk, or none where silence does.
///
/// Never a whole address: whoever answers there does not know that this machine is to be left alone, and may install it.
pub(crate) fn to_own_disk(
    site: &Site,
    tree: &dyn Tree,
    client: &Client,
    host: Option<&Host>,
    profile: &Profile,
) -> Choice {
    let choice = by_exit(site, tree, client, host, profile);
    let Some(Loader::Address(address)) = &choice.loader else { return choice };
    let why = format!("{}; but {address} does not lead to its own disk", choice.why);
    match client.firmware {
        Firmware::Ipxe => {
            Choice { loader: Some(Loader::Script), why: format!("{why}, the script does"), ..choice }
        }
        _ => Choice { loader: None, why: format!("{why}; silence"), ..choice },
    }
}

fn by_exit(site: &Site, tree: &dyn Tree, client: &Client, host: Option<&Host>, profile: &Profile) -> Choice {
    let usual = || choose(site, tree, client, host, profile);
    let Some(kind) = Kind::of(client).first().copied() else { return usual() };
    let own = host.and_then(|host| host.exit);
    let exit = match kind {
        // They go on by themselves, and no loader for them knows a way to the disk.
        Kind::RaspberryPi | Kind::UBootArm32 | Kind::UBootArm64 => own.unwrap_or(Exit::Silence),
        _ => site.exits.of(host, client),
    };
    let file = match exit {
        // Under UEFI iPXE runs because it was given, and would wait for the answer that never comes.
        Exit::Silence if kind == Kind::IpxeUefi => return usual(),
        Exit::Silence => {
            let why = "silence lets the firmware go on to its disk".to_owned();
            return Choice { why, ..Choice::default() };
        }
        Exit::Exit => return usual(),
        _ if host.is_some_and(|host| host.loader.is_some()) => return usual(),
        _ if client.firmware == Firmware::Ipxe => return usual(),
        // Every loader of a BIOS boots the first disk.
        Exit::Localboot | Exit::GrubExit | Exit::GrubChain if !kind.is_uefi() => return usual(),
        Exit::Sanboot => kind.ipxe(),
        // By HTTP Boot Debian's signed GRUB stops at its prompt, and its SYSLINUX does not start (both seen under OVMF).
        _ if client.firmware == Firmware::HttpBoot => None,
        Exit::GrubExit | Exit::GrubChain => site.loaders.signed(kind).or_else(|| kind.shim()),
        Exit::Localboot => kind.syslinux(),
    };
    match file {
        Some(file) => {
            Choice { loader: Some(Loader::file(file)), why: format!("exit {exit}"), ..Choice::default() }
        }
        None => Choice {
            why: format!("exit {exit} has no loader for {kind} ({}); silence", client.firmware),
            ..Choice::default()
        },
    }
}
