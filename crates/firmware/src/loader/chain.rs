use super::grub::Grub;
use super::pxelinux::Pxelinux;
use super::{Context, Got, Program, Want, directory};
use crate::ipxe::{Build, Ipxe, Script};
use crate::raspberry::Files;
use crate::tftp::Style;
use crate::{Booted, Firmware, GaveUp, Stage, Verdict};

/// Starts a file that came from `name`. Loaders are told by their names, as Debian and everybody calls them.
pub(crate) fn run(name: &str, bytes: &[u8], context: &Context) -> Want {
    if bytes.is_empty() {
        return Want::End(Verdict::GaveUp(GaveUp::new("loader", format!("{name} is empty"))));
    }
    if let Firmware::RaspberryPi(model) = context.firmware {
        return Want::Run(Box::new(Files::new(context.clone(), model)));
    }
    if context.ipxe && bytes.starts_with(b"#!ipxe") {
        let text = String::from_utf8_lossy(bytes);
        return Want::Run(Box::new(Script::new(context.clone(), name, &text)));
    }
    let last = name.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let last = last.to_ascii_lowercase();
    let named = |parts: &[&str]| parts.iter().any(|part| last.contains(part));
    if named(&["pxelinux", "syslinux"]) {
        Want::Run(Box::new(Pxelinux::new(context.clone(), name)))
    } else if named(&["ipxe", "snponly", "undionly"]) {
        let build = Build::chained(context.arch, name);
        Want::Dhcp(Box::new(Ipxe::new(context.identity, build, &mut context.random.clone())))
    } else if named(&["grub"]) {
        Want::Run(Box::new(Grub::new(context.clone(), name)))
    } else if named(&["shim", "bootx64", "bootaa64", "bootia32", "bootnet"]) {
        Want::Run(Box::new(Shim { context: context.clone(), name: second_stage(name, context) }))
    } else {
        Want::End(Verdict::Booted(Booted::Program(name.to_owned())))
    }
}

/// Shim looks for GRUB beside itself, on the server that it came from itself.
#[derive(Debug)]
struct Shim {
    context: Context,
    name: String,
}

fn second_stage(name: &str, context: &Context) -> String {
    let machine = match context.arch.machine() {
        Some("arm64") => "aa64",
        Some("i386") => "ia32",
        _ => "x64",
    };
    format!("{}grub{machine}.efi", directory(name))
}

impl Program for Shim {
    fn stage(&self) -> Stage {
        Stage::Loader
    }

    fn next(&mut self, got: Got) -> Want {
        match got {
            Got::Nothing => fetch(&self.context, &self.name, Style::Edk2),
            got => match got.file(&self.name) {
                Ok(bytes) => run(&self.name, &bytes, &self.context),
                Err(why) => {
                    let words = format!("Failed to load image {}: {}", self.name, why.words);
                    Want::End(Verdict::GaveUp(GaveUp::new("shim", words)))
                }
            },
        }
    }
}

/// A file by its name on the boot server, or by its address.
pub(crate) fn fetch(context: &Context, name: &str, style: Style) -> Want {
    if name.starts_with("http://") || name.starts_with("https://") {
        return Want::Http(crate::http::HttpRequest::get(name, agent(style)));
    }
    if let Some((server, file)) = name.strip_prefix("tftp://").and_then(|rest| rest.split_once('/'))
        && let Ok(server) = server.parse()
    {
        return Want::Tftp { server, name: file.to_owned(), style };
    }
    Want::Tftp { server: context.server(), name: name.to_owned(), style }
}

/// How the program that fetches in this style calls itself to web servers.
pub(crate) fn agent(style: Style) -> &'static str {
    match style {
        Style::Ipxe => "iPXE/1.21.1",
        Style::Pxelinux => "Syslinux/6.04",
        Style::Grub => "GRUB/2.06",
        Style::Edk2 => "UefiHttpBoot/1.0",
        Style::Rom | Style::UBoot | Style::RaspberryPi | Style::Plain => "firmware",
    }
}
