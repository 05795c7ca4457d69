//! iPXE's scripts.
//!
//! Every address in them is absolute: iPXE's `${next-server}` is the *address-giving* server's, which beside a proxy is
//! the wrong one (often a router).

use std::fmt::Write as _;

use nextboot_model::{Arch, Exit};

use crate::{
    address,
    pxelinux::{Entry, Shown, Untranslatable},
};

/// `SYSAPPEND`'s bit for BOOTIF.
const BOOTIF: u32 = 2;

/// How a script leaves a machine to its own disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// The exit that was asked for.
    pub exit: Exit,
    /// What machine it is.
    pub arch: Option<Arch>,
}

/// A script that boots the local disk: a BIOS's first disk, or UEFI's next boot option.
#[must_use]
pub fn local(leave: Leave) -> String {
    format!("#!ipxe\n{}", leave.command())
}

impl Leave {
    fn command(self) -> &'static str {
        let uefi = self.arch.is_some_and(|arch| !arch.is_bios());
        match self.exit {
            Exit::Sanboot => "sanboot --no-describe --drive 0x80\n",
            Exit::Exit => "exit 1\n",
            // Not "exit 0": some firmware then takes the boot for done and shows its menu instead of going on.
            _ if uefi => "exit 1\n",
            _ => "sanboot --no-describe --drive 0x80\n",
        }
    }
}

/// A script that does what another configuration shows. `base` is the boot side's address without a slash at its end.
///
/// # Errors
/// When iPXE cannot do it.
pub fn script(base: &str, shown: &Shown, leave: Leave) -> Result<String, Untranslatable> {
    let mut text = String::from("#!ipxe\n");
    match shown {
        Shown::One(entry) => text.push_str(&commands(base, entry, leave)?),
        Shown::Menu { title, entries, default, timeout, left_out } => {
            for name in left_out {
                let _ = writeln!(text, "# {}: only a SYSLINUX loader can run this", plain(name));
            }
            let _ = writeln!(text, "menu {}", plain(title.as_deref().unwrap_or("nextboot")));
            for (at, entry) in entries.iter().enumerate() {
                let _ = writeln!(text, "item entry{at} {}", plain(&entry.title));
            }
            // Tenths of a second in PXELINUX, thousandths here; without one iPXE waits too.
            let timeout =
                timeout.map(|tenths| format!(" --timeout {}", u64::from(tenths) * 100)).unwrap_or_default();
            let _ =
                writeln!(text, "choose --default entry{default}{timeout} chosen || exit 1\ngoto ${{chosen}}");
            for (at, entry) in entries.iter().enumerate() {
                let _ = write!(text, ":entry{at}\n{}", commands(base, entry, leave)?);
            }
        }
    }
    Ok(text)
}

/// A script that boots from the image of a disc over HTTP: iPXE asks how long it is, and then for the parts that are read.
///
/// # Errors
/// When its name would mean more than a name to iPXE.
pub fn sanboot(base: &str, name: &str) -> Result<String, Untranslatable> {
    check(name)?;
    Ok(format!("#!ipxe\nsanboot {}\n", url(base, name)))
}

/// Under UEFI the kernel finds its initial RAM disks by `initrd=` and the names that iPXE gives them.
fn commands(base: &str, entry: &Entry, leave: Leave) -> Result<String, Untranslatable> {
    let Some(linux) = &entry.linux else { return Ok(leave.command().into()) };
    let others = entry.sysappend & !BOOTIF;
    if others != 0 {
        return Err(Untranslatable::SysAppend(others));
    }
    let addresses = std::iter::once(&linux.kernel).chain(&linux.initrds);
    addresses.chain([&linux.args]).try_for_each(|text| check(text))?;
    let mut text = format!("kernel {}", url(base, &linux.kernel));
    let names: Vec<String> = (0..linux.initrds.len()).map(|at| format!("initrd{at}")).collect();
    for name in &names {
        let _ = write!(text, " initrd={name}");
    }
    if entry.sysappend & BOOTIF != 0 && !linux.args.contains("BOOTIF=") {
        text.push_str(" BOOTIF=01-${mac:hexhyp}");
    }
    if !linux.args.is_empty() {
        let _ = write!(text, " {}", linux.args);
    }
    text.push('\n');
    for (name, initrd) in names.iter().zip(&linux.initrds) {
        let _ = writeln!(text, "initrd --name {name} {}", url(base, initrd));
    }
    text.push_str("boot\n");
    Ok(text)
}

/// iPXE has no quoting: it replaces `${...}` over and over, and a word that is `||`, `&&` or `;` or begins with `#` ends the
/// command. Within a longer word they mean nothing.
fn check(args: &str) -> Result<(), Untranslatable> {
    let ends = |word: &&str| matches!(*word, "||" | "&&" | ";") || word.starts_with('#');
    let replaced = args.split_once("${").filter(|(_, rest)| rest.contains('}')).map(|_| "${");
    match replaced.or_else(|| args.split_whitespace().find(ends)) {
        Some(word) => Err(Untranslatable::ForIpxe(word.to_owned())),
        None => Ok(()),
    }
}

/// A script that says why there is nothing to boot and leaves the machine to its next boot device.
#[must_use]
pub fn nothing(why: &str) -> String {
    format!("#!ipxe\necho nextboot: {}\nexit 1\n", plain(why))
}

/// Whether a file is iPXE itself, by the names under which it is built and packaged.
#[must_use]
pub fn is_ipxe(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let ends = [".efi", ".pxe", ".kpxe", ".kkpxe", ".kkkpxe", ".lkrn"].iter().any(|end| file.ends_with(end));
    ends && ["ipxe", "snponly", "undionly", "snp.", "snp-", "intel."]
        .iter()
        .any(|begin| file.starts_with(begin))
}

/// Where iPXE finds a file: as it is when it is an address already.
pub(crate) fn url(base: &str, name: &str) -> String {
    if name.contains("://") {
        return name.to_owned();
    }
    format!("{base}{}", address::path(name))
}

/// What people read, without what iPXE would take for more than text.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '$' | '#' | '&' | '|' | ';')).take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Linux;

    /// How iPXE reads a line with one command in it: its words, or nothing where something in it would mean more.
    fn read(line: &str) -> Option<Vec<&str>> {
        if line.find("${").is_some_and(|at| line[at..].contains('}')) {
            return None;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let ends = words.iter().any(|word| matches!(*word, "||" | "&&" | ";") || word.starts_with('#'));
        (!ends).then_some(words)
    }

    #[test]
    fn ipxe_is_known_by_its_names() {
        for name in ["snponly.efi", "ipxe/undionly.kpxe", "ipxe.efi", "x/ipxe-x86_64.efi", "ipxe.lkrn"] {
            assert!(is_ipxe(name), "{name}");
        }
        for name in
            ["ipxe/52:54:00:aa:bb:0c", "autoexec.ipxe", "shimx64.efi", "boot.ipxe", "ipxe.cfg", "linux"]
        {
            assert!(!is_ipxe(name), "{name}");
        }
    }

    #[test]
    fn an_image_is_booted_by_its_address() {
        let text = sanboot("http://10.0.0.1:8080", "iso/grml 64.iso").unwrap();
        assert_eq!(text, "#!ipxe\nsanboot http://10.0.0.1:8080/iso/grml%2064.iso\n");
        assert!(sanboot("http://s", "${net0/mac}.iso").is_err());
    }

    #[test]
    fn what_ipxe_would_take_for_more_than_text_is_refused() {
        for args in ["quiet # x", "a && b", "a || b", "a ; b", "mac=${mac}"] {
            assert!(matches!(check(args), Err(Untranslatable::ForIpxe(_))), "{args}");
        }
        check("ds=nocloud;s=http://x/ a&&b c#d $e ${f cost=5$ quiet ---").unwrap();
    }

    proptest! {
        #[test]
        fn what_is_let_through_arrives_word_for_word(args in "([a-z=;$#&|{} ]{0,9}){0,5}") {
            let entry = Entry {
                name: "x".into(),
                title: "x".into(),
                linux: Some(Linux { kernel: "k".into(), initrds: Vec::new(), args: args.clone() }),
                sysappend: 0,
            };
            if let Ok(text) = script("http://s", &Shown::One(entry), Leave { exit: Exit::Exit, arch: None }) {
                let words = read(text.lines().nth(1).unwrap()).expect("it means more than text");
                let wanted: Vec<&str> = args.split_whitespace().collect();
                prop_assert_eq!(&words[2..], &wanted);
            }
        }

        #[test]
        fn what_people_read_is_only_text(title in "[ -~]{0,40}") {
            let line = format!("item x {}", plain(&title));
            prop_assert!(read(&line).is_some(), "{}", line);
        }
    }
}
