use nextboot_model::Arch;

use super::chain::fetch;
use super::{Context, Got, Installer, Program, Want, directory};
use crate::message::code;
use crate::tftp::Style;
use crate::{Booted, GaveUp, Verdict};

/// PXELINUX 6 or SYSLINUX for UEFI: its own module first, then its configuration, then the kernel of the default entry.
/// U-Boot does the same (`pxe get`) without a module.
#[derive(Debug)]
pub(crate) struct Pxelinux {
    context: Context,
    module: Option<&'static str>,
    style: Style,
    prefix: String,
    names: Vec<String>,
    wanted: String,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Module,
    Config,
    Files(Entry),
}

/// What an entry boots.
#[derive(Debug, Clone, Default)]
struct Entry {
    kernel: String,
    initrds: Vec<String>,
    args: String,
    local: bool,
    fetched: usize,
}

impl Pxelinux {
    pub(crate) fn new(context: Context, name: &str) -> Self {
        let packet = context.boot.packet();
        // RFC 5071: option 210, else the directory of the boot file.
        let prefix = packet.text(code::PXELINUX_PREFIX).unwrap_or_else(|| directory(name).to_owned());
        let names = search_list(&context);
        let module = match context.arch {
            Arch::UEFI_X64 | Arch::UEFI_EBC | Arch::HTTP_X64 => "ldlinux.e64",
            Arch::UEFI_IA32 => "ldlinux.e32",
            _ => "ldlinux.c32",
        };
        let (module, style) = (Some(module), Style::Pxelinux);
        Self { context, module, style, prefix, names, wanted: String::new(), stage: Stage::Module }
    }

    /// U-Boot knows no option of RFC 5071: it looks in the directory of the boot file.
    pub(crate) fn in_u_boot(context: Context, name: &str) -> Self {
        let prefix = directory(name).to_owned();
        Self { module: None, style: Style::UBoot, prefix, stage: Stage::Config, ..Self::new(context, name) }
    }

    fn fetch(&mut self, name: &str) -> Want {
        let whole = match name.strip_prefix("::") {
            Some(bare) => bare.to_owned(),
            None if name.contains("://") => name.to_owned(),
            None => format!("{}{name}", self.prefix),
        };
        self.wanted.clone_from(&whole);
        fetch(&self.context, &whole, self.style)
    }

    fn next_config(&mut self) -> Want {
        if self.names.is_empty() {
            return give_up("Unable to locate configuration file");
        }
        let name = self.names.remove(0);
        self.fetch(&name)
    }

    fn next_file(&mut self, mut entry: Entry) -> Want {
        let names: Vec<String> = std::iter::once(entry.kernel.clone()).chain(entry.initrds.clone()).collect();
        match names.get(entry.fetched) {
            Some(name) => {
                entry.fetched += 1;
                self.stage = Stage::Files(entry);
                self.fetch(name)
            }
            None => Installer::start(entry.kernel, entry.initrds, entry.args),
        }
    }
}

impl Program for Pxelinux {
    fn stage(&self) -> crate::Stage {
        match self.stage {
            Stage::Module => crate::Stage::Loader,
            Stage::Config => crate::Stage::Configuration,
            Stage::Files(_) => crate::Stage::Kernel,
        }
    }

    fn next(&mut self, got: Got) -> Want {
        if matches!(got, Got::Nothing) {
            return match self.module {
                Some(module) => self.fetch(module),
                None => self.next_config(),
            };
        }
        let file = got.file(&self.wanted);
        match (std::mem::replace(&mut self.stage, Stage::Config), file) {
            (Stage::Module, Ok(_)) => self.next_config(),
            (Stage::Module, Err(_)) => give_up(&format!("Failed to load {}", self.wanted)),
            (Stage::Config, Err(_)) => self.next_config(),
            (Stage::Config, Ok(bytes)) => match entry(&String::from_utf8_lossy(&bytes)) {
                Some(entry) if entry.local => Want::End(Verdict::Booted(Booted::Disk)),
                Some(entry) => self.next_file(entry),
                None => give_up("No DEFAULT or UI configuration directive found"),
            },
            (Stage::Files(entry), Ok(_)) => self.next_file(entry),
            (Stage::Files(_), Err(why)) => give_up(&format!("Loading {} failed: {}", self.wanted, why.words)),
        }
    }
}

fn give_up(words: &str) -> Want {
    Want::End(Verdict::GaveUp(GaveUp::new("PXELINUX", words)))
}

/// Option 209, then the UUID, the MAC, the address ever shorter, and `default`.
fn search_list(context: &Context) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(name) = context.boot.packet().text(code::PXELINUX_CONFIG).filter(|name| !name.is_empty()) {
        names.push(name);
    }
    if let Some(uuid) = context.identity.uuid {
        names.push(format!("pxelinux.cfg/{}", uuid.to_wire()));
    }
    names.push(format!("pxelinux.cfg/{}", context.identity.mac.pxelinux()));
    let address = context.hex_address();
    names.extend((1..=8).rev().filter_map(|length| Some(format!("pxelinux.cfg/{}", address.get(..length)?))));
    names.push("pxelinux.cfg/default".to_owned());
    names
}

/// The entry that starts when nobody presses a key: DEFAULT's, or the one with MENU DEFAULT, or the first.
fn entry(text: &str) -> Option<Entry> {
    let mut default = None;
    let mut labels: Vec<(String, Entry)> = Vec::new();
    let mut menu_default = None;
    for line in text.lines() {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match (word.to_ascii_lowercase().as_str(), labels.last_mut()) {
            ("default", None) => default = Some(rest.to_owned()),
            ("label", _) => labels.push((rest.to_owned(), Entry::default())),
            ("menu", Some((name, _))) if rest.eq_ignore_ascii_case("default") => {
                menu_default = Some(name.clone())
            }
            ("kernel" | "linux", Some((_, entry))) => rest.clone_into(&mut entry.kernel),
            ("initrd", Some((_, entry))) => entry.initrds = list(rest),
            ("append", Some((_, entry))) => append(entry, rest),
            ("localboot", Some((_, entry))) => entry.local = true,
            _ => {}
        }
    }
    let by_name = |wanted: &Option<String>| {
        labels.iter().find(|(name, _)| Some(name) == wanted.as_ref()).map(|(_, entry)| entry.clone())
    };
    let first = || labels.first().map(|(_, entry)| entry.clone());
    let entry = by_name(&menu_default).or_else(|| by_name(&default)).or_else(first)?;
    (entry.local || !entry.kernel.is_empty()).then_some(entry)
}

fn append(entry: &mut Entry, args: &str) {
    args.clone_into(&mut entry.args);
    for word in args.split_whitespace() {
        if let Some(names) = word.strip_prefix("initrd=") {
            entry.initrds = list(names);
        }
    }
}

fn list(names: &str) -> Vec<String> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
