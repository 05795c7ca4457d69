use crate::Linux;

/// Longest configuration that is read, in bytes.
pub(super) const MAX_TEXT: usize = 256 * 1024;
/// Most labels that are kept.
const MAX_LABELS: usize = 512;

/// What a label boots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Boot {
    /// Nothing that we know of.
    #[default]
    Nothing,
    /// A kernel (`LINUX`, or `KERNEL` with a name that is no module's).
    Kernel(String),
    /// The local disk (`LOCALBOOT`), with its number.
    Local(i32),
    /// Something only a SYSLINUX loader can run: a `.c32` module, a boot sector, another configuration.
    Module(String),
}

/// One entry of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// What it boots.
    pub boot: Boot,
    /// Initial RAM disks, of `INITRD` or of `initrd=` in `APPEND`.
    pub initrds: Vec<String>,
    /// The kernel's command line, without `initrd=`.
    pub append: String,
    /// The bits of `IPAPPEND`/`SYSAPPEND`: 1 adds `ip=`, 2 adds `BOOTIF=`.
    pub sysappend: u32,
    /// `MENU LABEL`, without the marks of hot keys.
    pub title: Option<String>,
    /// Whether a menu does not offer it to everybody: `MENU HIDE`, `MENU DISABLE`, or behind a password.
    pub withheld: bool,
    pub(super) menu_default: bool,
}

/// A PXELINUX configuration as far as other loaders can follow it. Unknown directives are passed over, as PXELINUX does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Menu {
    /// `DEFAULT`: a label, or a whole command line.
    pub default: Option<String>,
    /// The entries, in order.
    pub labels: Vec<Label>,
    /// `MENU TITLE`.
    pub title: Option<String>,
    /// `UI`: a module that shows the entries.
    pub(super) ui: Option<String>,
    /// `PROMPT`: whether to wait for somebody at the keyboard.
    pub(super) prompt: bool,
    /// `TIMEOUT` in tenths of a second; 0 is for ever.
    pub(super) timeout: u32,
    append: String,
    sysappend: u32,
}

/// Why another loader cannot boot what a PXELINUX configuration boots by default.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untranslatable {
    /// A SYSLINUX module and no entry marked as default behind it.
    #[error("it runs the SYSLINUX module {0}, and no entry is marked MENU DEFAULT")]
    Module(String),
    /// No entry at all.
    #[error("it has no entry to boot")]
    Empty,
    /// A bit of `SYSAPPEND` that another loader knows nothing for.
    #[error("SYSAPPEND {0:#x} adds what only a SYSLINUX loader can know")]
    SysAppend(u32),
    /// A character in a kernel's command line that the loader would change.
    #[error("its kernel's command line has {0:?}, and GRUB puts a backslash before that")]
    Character(char),
    /// A word that means something to iPXE, which has no way to quote it.
    #[error("it has {0:?}, which iPXE takes for more than text")]
    ForIpxe(String),
    /// An address that the loader cannot fetch from.
    #[error("GRUB cannot fetch {0}")]
    Address(String),
    /// A configuration in the language of another loader.
    #[error("{0} is written for GRUB")]
    ForGrub(String),
    /// An image of a disc.
    #[error("{0} is an image, which only iPXE boots over the network")]
    Iso(String),
}

impl Menu {
    /// Reads a configuration; everything that is text has a meaning, so there is no error.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&text[..text.len().min(MAX_TEXT)]);
        let mut menu = Self::default();
        let mut label: Option<Label> = None;
        let mut help = false;
        for line in text.lines().map(str::trim) {
            if help {
                help = !line.eq_ignore_ascii_case("endtext");
                continue;
            }
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            match (word.to_ascii_lowercase().as_str(), &mut label) {
                ("label", current) => {
                    let next = Label {
                        name: rest.to_owned(),
                        append: menu.append.clone(),
                        sysappend: menu.sysappend,
                        ..Label::default()
                    };
                    if let Some(done) = current.replace(next) {
                        menu.keep(done);
                    }
                }
                ("default" | "ontimeout", _)
                    if menu.default.is_none() || word.eq_ignore_ascii_case("default") =>
                {
                    menu.default = Some(rest.to_owned());
                }
                ("append", current) => {
                    // `APPEND -` takes the global one away; anything else replaces it.
                    let value = if rest == "-" { "" } else { rest };
                    match current {
                        Some(label) => value.clone_into(&mut label.append),
                        None => value.clone_into(&mut menu.append),
                    }
                }
                ("ipappend" | "sysappend", current) => {
                    let bits = number(rest).unwrap_or(0);
                    match current {
                        Some(label) => label.sysappend = bits,
                        None => menu.sysappend = bits,
                    }
                }
                ("kernel", Some(label)) => label.boot = kernel(rest),
                ("linux", Some(label)) => label.boot = Boot::Kernel(rest.to_owned()),
                ("initrd", Some(label)) => label.initrds = split(rest),
                ("localboot", Some(label)) => label.boot = Boot::Local(rest.parse().unwrap_or(0)),
                ("com32" | "config" | "boot" | "bss" | "pxe" | "fdimage" | "comboot", Some(label)) => {
                    label.boot = Boot::Module(rest.to_owned());
                }
                ("text", _) => help = rest.eq_ignore_ascii_case("help"),
                ("ui", _) => menu.ui = rest.split_whitespace().next().map(ToOwned::to_owned),
                ("prompt", _) => menu.prompt = number(rest).unwrap_or(0) != 0,
                ("timeout", _) => menu.timeout = number(rest).unwrap_or(0),
                ("menu", label) => menu_word(rest, &mut menu.title, label.as_mut()),
                _ => {}
            }
        }
        if let Some(done) = label {
            menu.keep(done);
        }
        menu
    }

    fn keep(&mut self, mut label: Label) {
        if self.labels.len() >= MAX_LABELS {
            return;
        }
        let mut rest = Vec::new();
        for word in label.append.split_whitespace() {
            match word.strip_prefix("initrd=") {
                Some(names) if label.initrds.is_empty() => label.initrds = split(names),
                Some(_) => {}
                None => rest.push(word),
            }
        }
        label.append = rest.join(" ");
        self.labels.push(label);
    }

    /// The entry that boots when nobody touches a key.
    ///
    /// # Errors
    /// When that is something that only a SYSLINUX loader can run.
    pub fn default_label(&self) -> Result<&Label, Untranslatable> {
        let named = |name: &str| self.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name));
        let module = |label: &Label| match &label.boot {
            Boot::Module(name) => Some(name.clone()),
            _ => None,
        };
        let chosen = match self.default.as_deref() {
            Some(default) => {
                let word = default.split_whitespace().next().unwrap_or("");
                match named(word) {
                    Some(label) => match module(label) {
                        Some(name) => self.marked().ok_or(Untranslatable::Module(name))?,
                        None => label,
                    },
                    None => self.marked().ok_or_else(|| Untranslatable::Module(word.to_owned()))?,
                }
            }
            None => self.labels.first().ok_or(Untranslatable::Empty)?,
        };
        match module(chosen) {
            Some(name) => Err(Untranslatable::Module(name)),
            None if chosen.boot == Boot::Nothing => Err(Untranslatable::Empty),
            None => Ok(chosen),
        }
    }

    pub(super) fn marked(&self) -> Option<&Label> {
        self.labels.iter().find(|label| label.menu_default)
    }
}

impl Label {
    /// The entry as a kernel with what goes with it, if it is one.
    #[must_use]
    pub fn as_linux(&self) -> Option<Linux> {
        match &self.boot {
            Boot::Kernel(kernel) => Some(Linux {
                kernel: kernel.clone(),
                initrds: self.initrds.clone(),
                args: self.append.clone(),
            }),
            _ => None,
        }
    }
}

/// What stands behind `MENU`.
fn menu_word(text: &str, title: &mut Option<String>, label: Option<&mut Label>) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match (word.to_ascii_lowercase().as_str(), label) {
        ("title", None) => *title = Some(rest.to_owned()),
        ("default", Some(label)) => label.menu_default = true,
        ("label", Some(label)) => label.title = Some(rest.replace('^', "")),
        ("hide" | "disable" | "passwd", Some(label)) => label.withheld = true,
        _ => {}
    }
}

fn split(names: &str) -> Vec<String> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect()
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `KERNEL` decides by the name's ending what it runs.
pub(super) fn kernel(name: &str) -> Boot {
    let lower = name.to_ascii_lowercase();
    let module =
        [".c32", ".cbt", ".com", ".bss", ".bs", ".bin", ".0", ".img"].iter().any(|end| lower.ends_with(end));
    if module { Boot::Module(name.to_owned()) } else { Boot::Kernel(name.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debian_style_entry_is_read() {
        let text = b"default grml\nprompt 0\nlabel grml\n  kernel grml/vmlinuz\n  append initrd=grml/initrd.img,extra.cpio quiet fetch=http://s/x\n  ipappend 2\n";
        let menu = Menu::read(text);
        let label = menu.default_label().unwrap();
        assert_eq!(
            label.as_linux(),
            Some(Linux {
                kernel: "grml/vmlinuz".into(),
                initrds: vec!["grml/initrd.img".into(), "extra.cpio".into()],
                args: "quiet fetch=http://s/x".into(),
            })
        );
        assert_eq!(label.sysappend, 2);
    }

    #[test]
    fn a_menu_module_gives_way_to_the_marked_entry() {
        let text =
            b"DEFAULT vesamenu.c32\nLABEL a\nLOCALBOOT 0\nLABEL b\nMENU DEFAULT\nLINUX /k\nINITRD /i\n";
        assert_eq!(Menu::read(text).default_label().unwrap().name, "b");
        let text = b"DEFAULT vesamenu.c32\nLABEL a\nLOCALBOOT 0\n";
        assert_eq!(Menu::read(text).default_label(), Err(Untranslatable::Module("vesamenu.c32".into())));
    }

    #[test]
    fn nothing_to_boot_is_said() {
        assert_eq!(Menu::read(b"").default_label(), Err(Untranslatable::Empty));
        assert_eq!(Menu::read(b"LABEL x\n").default_label(), Err(Untranslatable::Empty));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2000)) {
            let _ = Menu::read(&bytes).default_label();
        }
    }
}
