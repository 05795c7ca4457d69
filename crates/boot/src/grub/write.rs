use std::{fmt::Write as _, net::IpAddr};

use nextboot_model::{Arch, Exit, Mac};

use super::{
    chain,
    quote::{arguments, word},
};
use crate::{
    Body, Linux, NoAnswer, Profile, Tree, address,
    pxelinux::{Entry, Menu, Shown, Untranslatable},
    question::is_grubs,
    render::base,
};

/// Gives the machine back to the firmware. Some try their next boot option then; EDK2 takes GRUB's success for an end and shows
/// its set-up.
const LEAVE: &str = "exit\n";
/// How long the reason of a failure stays on the screen, in seconds.
const READ: u32 = 10;
/// `SYSAPPEND`'s bit for BOOTIF.
const BOOTIF: u32 = 2;

/// What a configuration is written for.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// PXELINUX's `SERIAL`, if the site has one.
    pub serial: Option<&'a str>,
    /// Our address as the machine knows it.
    pub server: IpAddr,
    /// Port of the boot side of HTTP.
    pub http_port: u16,
    /// Whether GRUB asked over HTTP, and so can fetch by it.
    pub http: bool,
    /// The machine's MAC, where it is known.
    pub mac: Option<Mac>,
    /// What machine it is.
    pub arch: Option<Arch>,
    /// How it gets to its own disk.
    pub exit: Exit,
}

/// A configuration that leaves the machine to its own disk.
#[must_use]
pub fn local(ground: &Ground<'_>) -> String {
    format!("{}{}", head(ground.serial), leave(ground))
}

/// A configuration that does what another one shows.
///
/// # Errors
/// When GRUB cannot do it.
pub fn configuration(ground: &Ground<'_>, shown: &Shown) -> Result<String, Untranslatable> {
    let mut text = head(ground.serial);
    match shown {
        Shown::One(entry) => text.push_str(&commands(ground, entry)?),
        Shown::Menu { title, entries, default, timeout, left_out } => {
            for name in left_out {
                let _ = writeln!(text, "# {}: only a SYSLINUX loader can run this", plain(name));
            }
            if let Some(title) = title {
                let _ = writeln!(text, "# {}", plain(title));
            }
            let _ = writeln!(text, "set default={default}");
            // Tenths of a second in PXELINUX, and no timeout at all is -1 here.
            match timeout {
                Some(tenths) => {
                    let _ = writeln!(text, "set timeout={}", tenths.div_ceil(10));
                }
                None => text.push_str("set timeout=-1\n"),
            }
            for entry in entries {
                let commands = commands(ground, entry)?;
                let indented: String = commands.lines().map(|line| format!("  {line}\n")).collect();
                let _ = writeln!(text, "menuentry {} {{\n{indented}}}", word(&plain(&entry.title)));
            }
        }
    }
    Ok(text)
}

/// Whether GRUB can boot this profile at all, as far as that can be said before a template is rendered.
///
/// # Errors
/// Why it cannot.
pub fn can(tree: &dyn Tree, profile: &Profile) -> Result<(), NoAnswer> {
    let untranslatable =
        |why| NoAnswer::Untranslatable { profile: profile.name.to_string(), loader: "GRUB", why };
    let server = IpAddr::from([0; 4]);
    let ground = Ground {
        serial: None,
        server,
        http_port: 80,
        http: false,
        mac: None,
        arch: None,
        exit: Exit::GrubExit,
    };
    match &profile.body {
        Body::Local => Ok(()),
        Body::Iso(name) => Err(untranslatable(Untranslatable::Iso(name.clone()))),
        Body::Linux(Linux { kernel, initrds, .. }) => {
            let mut files = initrds.iter().chain([kernel]);
            files.try_for_each(|name| remote(name).map(drop)).map_err(untranslatable)
        }
        Body::File(name) => {
            let text = tree.read(name).ok_or_else(|| NoAnswer::NoFile(name.clone()))?;
            if is_grubs(name) {
                return Ok(());
            }
            let shown = Menu::read_all(tree, &text).shown();
            shown.and_then(|shown| configuration(&ground, &shown)).map(drop).map_err(untranslatable)
        }
    }
}

fn leave(ground: &Ground<'_>) -> String {
    if ground.exit == Exit::GrubChain { chain::to_disk(ground.arch) } else { LEAVE.into() }
}

fn commands(ground: &Ground<'_>, entry: &Entry) -> Result<String, Untranslatable> {
    let Some(linux) = &entry.linux else { return Ok(leave(ground)) };
    let others = entry.sysappend & !BOOTIF;
    if others != 0 {
        return Err(Untranslatable::SysAppend(others));
    }
    let mut text = String::new();
    let mut line = String::new();
    if entry.sysappend & BOOTIF != 0 && !linux.args.contains("BOOTIF=") {
        match ground.mac {
            Some(mac) => {
                let _ = write!(line, " BOOTIF={}", mac.pxelinux());
            }
            None => {
                text.push_str(MAC_WITH_DASHES);
                line.push_str(" BOOTIF=01-$mac1-$mac2-$mac3-$mac4-$mac5-$mac6");
            }
        }
    }
    for argument in arguments(&linux.args)? {
        let _ = write!(line, " {}", word(&argument));
    }
    let (kernel, initrds) = paths(ground, linux)?;
    // Without the initial RAM disk the kernel would only panic, and stay there.
    if initrds.is_empty() {
        let _ = write!(text, "if linux {kernel}{line}; then\n  boot\nfi\n");
    } else {
        let initrds = initrds.join(" ");
        let _ =
            write!(text, "if linux {kernel}{line}; then\n  if initrd {initrds}; then\n    boot\n  fi\nfi\n");
    }
    let _ = write!(text, "echo {}\nsleep {READ}\n{LEAVE}", word("nextboot: GRUB could not boot this"));
    Ok(text)
}

/// GRUB knows the MAC with colons; installers read BOOTIF with dashes.
const MAC_WITH_DASHES: &str = "regexp --set=1:mac1 --set=2:mac2 --set=3:mac3 --set=4:mac4 --set=5:mac5 --set=6:mac6 \
                               '^(..):(..):(..):(..):(..):(..)$' \"$net_default_mac\"\n";

/// The kernel and the initial RAM disks as words of GRUB's shell.
fn paths(ground: &Ground<'_>, linux: &Linux) -> Result<(String, Vec<String>), Untranslatable> {
    let initrds = linux.initrds.iter().map(|name| path(ground, name)).collect::<Result<_, _>>()?;
    Ok((path(ground, &linux.kernel)?, initrds))
}

/// The server and the path of a file that is told by its whole address; nothing for a name of ours.
fn remote(name: &str) -> Result<Option<(&str, &str)>, Untranslatable> {
    match name.split_once("://") {
        None => Ok(None),
        Some(("http", rest)) => Ok(Some(rest.split_once('/').unwrap_or((rest, "")))),
        Some(_) => Err(Untranslatable::Address(name.to_owned())),
    }
}

/// Where GRUB finds a file: with the device, because its own idea of the server may be another's address.
fn path(ground: &Ground<'_>, name: &str) -> Result<String, Untranslatable> {
    let own = base(ground.server, ground.http_port);
    let own_name = name.strip_prefix(&own).filter(|rest| rest.starts_with('/'));
    let name = own_name.unwrap_or(name);
    let path = match remote(name)? {
        Some((server, path)) => format!("(http,{server})/{path}"),
        // What was an address already is written as addresses are.
        None if ground.http => {
            let server = own.trim_start_matches("http://");
            let path = if own_name.is_some() { name.to_owned() } else { address::path(name) };
            format!("(http,{server}){path}")
        }
        None => {
            format!("(tftp,{})/{}", ground.server, name.trim_start_matches("::").trim_start_matches('/'))
        }
    };
    Ok(word(&path))
}

/// The serial console, for us to read along.
fn head(serial: Option<&str>) -> String {
    let Some(serial) = serial else { return String::new() };
    let mut words = serial.split_whitespace();
    // PXELINUX takes a port's number, or from 4 up its I/O address.
    let port = words.next().unwrap_or("0");
    let address = port
        .strip_prefix("0x")
        .map_or_else(|| port.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok());
    let port = match address {
        Some(address) if address > 3 => format!("--port={address:#x}"),
        unit => format!("--unit={}", unit.unwrap_or(0)),
    };
    let speed = words.next().unwrap_or("9600");
    format!("serial {port} --speed={speed}\nterminal_input serial console\nterminal_output serial console\n")
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
