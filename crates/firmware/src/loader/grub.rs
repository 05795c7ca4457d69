use super::chain::fetch;
use super::shell::statements;
use super::{Context, Got, Installer, Program, Want};
use crate::tftp::Style;
use crate::{Booted, GaveUp, Verdict};

/// GRUB as Debian signs it for the network: it looks in `/grub` on the server that it came from.
#[derive(Debug)]
pub(crate) struct Grub {
    context: Context,
    names: Vec<String>,
    wanted: String,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Lists of modules: it does without them.
    Lists,
    Config,
    Files {
        kernel: String,
        initrds: Vec<String>,
        args: String,
        fetched: usize,
    },
}

const PREFIX: &str = "/grub";

impl Grub {
    pub(crate) fn new(context: Context, _name: &str) -> Self {
        let platform = match context.arch.machine() {
            Some("arm64") => "arm64-efi",
            Some("i386") => "i386-efi",
            _ => "x86_64-efi",
        };
        let lists = ["command.lst", "fs.lst", "crypto.lst", "terminal.lst"];
        let names = lists.iter().map(|list| format!("{PREFIX}/{platform}/{list}")).collect();
        Self { context, names, wanted: String::new(), stage: Stage::Lists }
    }

    fn fetch(&mut self, name: &str) -> Want {
        let whole = address(name);
        self.wanted.clone_from(&whole);
        fetch(&self.context, &whole, Style::Grub)
    }

    fn next_name(&mut self) -> Want {
        if self.names.is_empty() && matches!(self.stage, Stage::Lists) {
            self.stage = Stage::Config;
            self.names = search_list(&self.context);
        }
        if self.names.is_empty() {
            return give_up("no configuration: the prompt `grub>'");
        }
        let name = self.names.remove(0);
        self.fetch(&name)
    }

    fn next_file(&mut self, kernel: String, initrds: Vec<String>, args: String, fetched: usize) -> Want {
        let name = if fetched == 0 { Some(kernel.clone()) } else { initrds.get(fetched - 1).cloned() };
        match name {
            Some(name) => {
                self.stage = Stage::Files { kernel, initrds, args, fetched: fetched + 1 };
                self.fetch(&name)
            }
            None => Installer::start(kernel, initrds, args),
        }
    }
}

impl Program for Grub {
    fn stage(&self) -> crate::Stage {
        match self.stage {
            Stage::Lists => crate::Stage::Loader,
            Stage::Config => crate::Stage::Configuration,
            Stage::Files { .. } => crate::Stage::Kernel,
        }
    }

    fn next(&mut self, got: Got) -> Want {
        if matches!(got, Got::Nothing) {
            return self.next_name();
        }
        let file = got.file(&self.wanted);
        match (std::mem::replace(&mut self.stage, Stage::Config), file) {
            (Stage::Lists, _) => {
                self.stage = Stage::Lists;
                self.next_name()
            }
            (Stage::Config, Err(_)) => self.next_name(),
            (Stage::Config, Ok(bytes)) => match entry(&String::from_utf8_lossy(&bytes)) {
                Some(Entry::Linux { kernel, initrds, args }) => self.next_file(kernel, initrds, args, 0),
                Some(Entry::Exit) => Want::End(Verdict::Booted(Booted::Disk)),
                None => give_up("the configuration boots nothing"),
            },
            (Stage::Files { kernel, initrds, args, fetched }, Ok(_)) => {
                self.next_file(kernel, initrds, args, fetched)
            }
            (Stage::Files { .. }, Err(why)) => give_up(&why.words),
        }
    }
}

fn give_up(words: &str) -> Want {
    Want::End(Verdict::GaveUp(GaveUp::new("GRUB", words)))
}

/// The MAC, the address ever shorter, and the plain name.
fn search_list(context: &Context) -> Vec<String> {
    let mut names = vec![format!("{PREFIX}/grub.cfg-{}", context.identity.mac.pxelinux())];
    let hex = context.hex_address();
    names
        .extend((1..=8).rev().filter_map(|length| Some(format!("{PREFIX}/grub.cfg-{}", hex.get(..length)?))));
    names.push(format!("{PREFIX}/grub.cfg"));
    names
}

/// `(http,10.0.0.1:8080)/name` as a URL; a name alone stays one.
fn address(name: &str) -> String {
    let device = name.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    match device.and_then(|(device, path)| Some((device.split_once(',')?, path))) {
        Some(((protocol, host), path)) => format!("{protocol}://{host}{path}"),
        None => name.to_owned(),
    }
}

enum Entry {
    Linux { kernel: String, initrds: Vec<String>, args: String },
    Exit,
}

/// The first thing that the configuration boots: its first entry, when nobody presses a key and every command succeeds.
fn entry(text: &str) -> Option<Entry> {
    let mut found = None;
    for statement in statements(text) {
        let mut words =
            statement.into_iter().skip_while(|word| matches!(word.as_str(), "if" | "then" | "else" | "do"));
        let command = words.next().unwrap_or_default();
        match (command.as_str(), &mut found) {
            ("linux" | "linuxefi", None) => {
                let kernel = words.next()?;
                let args = words.collect::<Vec<_>>().join(" ");
                found = Some((kernel, Vec::new(), args));
            }
            ("initrd" | "initrdefi", Some((_, initrds, _))) => initrds.extend(words),
            ("exit" | "chainloader", None) => return Some(Entry::Exit),
            ("}" | "boot", Some(_)) => break,
            _ => {}
        }
    }
    found.map(|(kernel, initrds, args)| Entry::Linux { kernel, initrds, args })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_grubs_shell_reads_it() {
        let text = "if linux '(tftp,10.0.0.1)/k' a; then\n  if initrd '(tftp,10.0.0.1)/i'; then\n    boot\n  fi\nfi\nexit\n";
        let Some(Entry::Linux { kernel, initrds, args }) = entry(text) else { panic!("no kernel") };
        assert_eq!((kernel.as_str(), args.as_str()), ("(tftp,10.0.0.1)/k", "a"));
        assert_eq!(initrds, ["(tftp,10.0.0.1)/i"]);
        assert!(matches!(entry("serial --unit=0\nexit\n"), Some(Entry::Exit)));
    }
}
