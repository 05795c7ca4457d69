use nextboot_model::State;

use crate::{Ask, Client, Language, Plan, Site, Tree};

/// The name of GRUB's configuration, in whatever directory: `grub/grub.cfg` for Debian's signed netboot GRUB,
/// `debian-installer/amd64/grub/grub.cfg` for that of its installer, `EFI/debian/grub.cfg` for others.
const GRUB_CFG: &str = "grub.cfg";

/// A name by which a loader looks for its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The language that the loader reads.
    pub language: Language,
    /// Whose configuration it is.
    pub ask: Ask,
    name: String,
}

impl Question {
    /// Reads a clean name: `pxelinux.cfg/...`, `grub/grub.cfg`, `grub/grub.cfg-01-...`, also further down: the loader puts
    /// its own directory before it. Returns nothing for any other file.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        let (directory, last) = name.rsplit_once('/').unwrap_or(("", name));
        let (language, ask) = if is_grubs(last) {
            let ask = match last.strip_prefix(GRUB_CFG)?.strip_prefix('-') {
                Some(machine) => Ask::machine(machine)?,
                None => Ask::Default(name.to_owned()),
            };
            (Language::Grub, ask)
        } else if directory == "pxelinux.cfg" || directory.ends_with("/pxelinux.cfg") {
            let default = || (last == "default").then(|| Ask::Default(name.to_owned()));
            (Language::Pxelinux, default().or_else(|| Ask::machine(last))?)
        } else {
            return None;
        };
        Some(Self { language, ask, name: name.to_owned() })
    }

    /// Whether the loader looks for its configuration in a directory of its own, and not at the root.
    #[must_use]
    pub fn in_own_directory(&self) -> bool {
        self.language == Language::Pxelinux && !self.name.starts_with("pxelinux.cfg/")
    }

    /// Decides what is at this name. `requester` is who asks, as far as its address tells.
    ///
    /// Returns the client that the name stands for and its plan; nothing when this name is not where the client finds
    /// its configuration (it goes on with its next name).
    #[must_use]
    pub fn decide(
        &self,
        site: &Site,
        state: &State,
        tree: &dyn Tree,
        requester: &Client,
    ) -> Option<(Client, Plan)> {
        // What stands in `pxelinux.cfg/` is looked for by every way to boot; a GRUB configuration means GRUB alone.
        let own = match (self.language, &self.ask) {
            (Language::Grub, Ask::Mac(_) | Ask::Uuid(_) | Ask::Address(_)) => tree.entry(&self.name),
            _ => None,
        };
        self.ask.decide(site, state, tree, requester, own.as_ref())
    }
}

/// Whether a file is a configuration in GRUB's own language, by its name.
pub(crate) fn is_grubs(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.strip_prefix(GRUB_CFG).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<(Language, Ask)> {
        Question::read(name).map(|question| (question.language, question.ask))
    }

    #[test]
    fn pxelinux_search_names_are_read() {
        let read = |name: &str| {
            let (language, ask) = read(name)?;
            assert_eq!(language, Language::Pxelinux, "{name}");
            Some(ask)
        };
        assert_eq!(
            read("pxelinux.cfg/01-52-54-00-aa-bb-0c"),
            Some(Ask::Mac("52:54:00:aa:bb:0c".parse().unwrap()))
        );
        assert_eq!(
            read("pxelinux.cfg/085994b8-a6d6-a941-a11d-74a6ab80b83d"),
            Some(Ask::Uuid("085994b8-a6d6-a941-a11d-74a6ab80b83d".parse().unwrap()))
        );
        assert_eq!(read("pxelinux.cfg/0A00005B"), Some(Ask::Address("0A00005B".into())));
        assert_eq!(read("pxelinux.cfg/0"), Some(Ask::Address("0".into())));
        let default = "debian/pxelinux.cfg/default";
        assert_eq!(read(default), Some(Ask::Default(default.into())));
        for other in [
            "pxelinux.cfg",
            "default",
            "pxelinux.cfg/conf/local",
            "pxelinux.cfg/0a00005b",
            "pxelinux.cfg/menu.cfg",
            "xpxelinux.cfg/default",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn grubs_search_names_are_read_in_every_directory() {
        let uuid = "085994b8-a6d6-a941-a11d-74a6ab80b83d";
        for directory in ["", "grub/", "EFI/debian/", "debian-installer/amd64/grub/", "boot/grub/x86_64-efi/"]
        {
            let name = format!("{directory}grub.cfg");
            assert_eq!(read(&name), Some((Language::Grub, Ask::Default(name.clone()))));
            let asks = [
                ("01-52-54-00-aa-bb-0c", Ask::Mac("52:54:00:aa:bb:0c".parse().unwrap())),
                (uuid, Ask::Uuid(uuid.parse().unwrap())),
                ("0A00005B", Ask::Address("0A00005B".into())),
                ("0", Ask::Address("0".into())),
            ];
            for (machine, ask) in asks {
                let name = format!("{directory}grub.cfg-{machine}");
                assert_eq!(read(&name), Some((Language::Grub, ask)), "{name}");
            }
        }
        for other in
            ["grub/grub.cfg~", "grub/grub.cfg-", "grub.cfg-menu", "grub.cfg/x", "xgrub.cfg", "loader.cfg"]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
