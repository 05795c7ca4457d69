//! iPXE's scripts.
//!
//! Every address in them is absolute: iPXE's `${next-server}` is the *address-giving* server's, which beside a proxy is
//! the wrong one (often a router).

use std::fmt::Write as _;

use nextboot_model::Arch;

use crate::Linux;

/// A script that boots the local disk: the BIOS's first disk, or UEFI's next boot option.
#[must_use]
pub fn local(arch: Option<Arch>) -> String {
    if arch.is_some_and(|arch| !arch.is_bios()) {
        "#!ipxe\nexit 1\n".into()
    } else {
        "#!ipxe\nsanboot --no-describe --drive 0x80\n".into()
    }
}

/// A script that boots a kernel. `base` is the boot side's address without a slash at its end; `args` is one line.
///
/// Under UEFI the kernel finds its initial RAM disks by `initrd=` and the names that iPXE gives them.
#[must_use]
pub fn linux(base: &str, linux: &Linux, args: &str, bootif: bool) -> String {
    let mut text = String::from("#!ipxe\n");
    let names: Vec<String> = (0..linux.initrds.len()).map(|at| format!("initrd{at}")).collect();
    let _ = write!(text, "kernel {}", url(base, &linux.kernel));
    for name in &names {
        let _ = write!(text, " initrd={name}");
    }
    if bootif {
        text.push_str(" BOOTIF=01-${mac:hexhyp}");
    }
    if !args.is_empty() {
        let _ = write!(text, " {args}");
    }
    text.push('\n');
    for (name, initrd) in names.iter().zip(&linux.initrds) {
        let _ = writeln!(text, "initrd --name {name} {}", url(base, initrd));
    }
    text.push_str("boot\n");
    text
}

/// A script that says why there is nothing to boot and leaves the machine to its next boot device.
#[must_use]
pub fn nothing(why: &str) -> String {
    let plain: String = why.chars().filter(|c| !c.is_control() && *c != '$').take(200).collect();
    format!("#!ipxe\necho nextboot: {plain}\nexit 1\n")
}

/// Where iPXE finds a file: as it is when it is an address already.
pub(crate) fn url(base: &str, name: &str) -> String {
    if name.contains("://") {
        return name.to_owned();
    }
    let mut address = format!("{base}/");
    for byte in name.trim_start_matches("::").trim_start_matches('/').bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'/'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'+'
            | b':'
            | b'@'
            | b',' => {
                address.push(char::from(byte));
            }
            other => {
                let _ = write!(address, "%{other:02X}");
            }
        }
    }
    address
}
