use std::fmt::Write as _;

use nextboot_model::{Exit, Mac, ProfileName};

use crate::Linux;

/// A configuration that boots the local disk at once, or with [`Exit::Exit`] gives the machine back to its firmware.
#[must_use]
pub fn local(serial: Option<&str>, exit: Exit) -> String {
    let mut text = head(serial);
    let disk = if exit == Exit::Exit { "-1" } else { "0" };
    let _ = write!(text, "DEFAULT local\nPROMPT 0\nTIMEOUT 0\nLABEL local\n  LOCALBOOT {disk}\n");
    text
}

/// A configuration that boots a kernel at once. `args` is one line.
#[must_use]
pub fn linux(
    serial: Option<&str>,
    name: &ProfileName,
    mac: Option<Mac>,
    linux: &Linux,
    args: &str,
) -> String {
    let mut text = head(serial);
    let _ = write!(text, "DEFAULT {name}\nPROMPT 0\nTIMEOUT 0\nLABEL {name}\n  LINUX {}\n", linux.kernel);
    if !linux.initrds.is_empty() {
        let _ = writeln!(text, "  INITRD {}", linux.initrds.join(","));
    }
    // BOOTIF tells the system which of its network cards this is. PXELINUX adds it by itself, in the very spelling
    // that Debian's and Red Hat's installers read.
    if mac.is_some() {
        text.push_str("  IPAPPEND 2\n");
    }
    if !args.is_empty() {
        let _ = writeln!(text, "  APPEND {args}");
    }
    text
}

/// `SERIAL` must come first to have an effect on everything after it.
fn head(serial: Option<&str>) -> String {
    serial.map(|port| format!("SERIAL {port}\n")).unwrap_or_default()
}
