use super::pxelinux::Pxelinux;
use super::{Context, Got, Program, Want, run};
use crate::http::HttpRequest;
use crate::{Booted, Firmware, GaveUp, Load, Stage, Verdict};

/// What the firmware itself does after DHCP: it fetches the network boot program and starts it.
#[derive(Debug)]
pub(crate) struct Nbp {
    context: Context,
    asked_size: bool,
}

impl Nbp {
    pub(crate) fn new(context: Context) -> Self {
        Self { context, asked_size: false }
    }
}

/// HTTP Boot's words when HEAD and GET both fail.
const NO_SIZE: &str = "Could not retrieve NBP file size from HTTP server";

impl Program for Nbp {
    fn stage(&self) -> Stage {
        match self.context.boot.load {
            // What iPXE is told by an address is its script.
            Load::Http { .. } if self.context.ipxe => Stage::Configuration,
            _ => Stage::Loader,
        }
    }

    fn next(&mut self, got: Got) -> Want {
        match (self.context.boot.load.clone(), got) {
            (Load::Disk, _) => Want::End(Verdict::Booted(Booted::Disk)),
            (Load::Tftp { file, .. }, Got::Nothing)
                if matches!(self.context.firmware, Firmware::UBoot(_)) =>
            {
                Want::Run(Box::new(Pxelinux::in_u_boot(self.context.clone(), &file)))
            }
            (Load::Tftp { server, file, style }, Got::Nothing) => Want::Tftp { server, name: file, style },
            (Load::Tftp { file, .. }, got) => match got.file(&file) {
                Ok(bytes) => run(&file, &bytes, &self.context),
                Err(why) => Want::End(Verdict::GaveUp(why)),
            },
            (Load::Http { url, head: true }, Got::Nothing) => {
                Want::Http(HttpRequest { method: "HEAD", ..HttpRequest::get(url, "UefiHttpBoot/1.0") })
            }
            (Load::Http { url, head: true }, _) if !self.asked_size => {
                // Whatever HEAD said, the file is fetched: EDK2 goes on without the size.
                self.asked_size = true;
                Want::Http(HttpRequest::get(url, "UefiHttpBoot/1.0"))
            }
            (Load::Http { url, head: true }, Got::Answer(answer)) if answer.status == 200 => {
                if is_image(answer.content_type.as_deref(), &url) {
                    run(&url, &answer.body, &self.context)
                } else {
                    Want::End(Verdict::GaveUp(GaveUp::new("HTTP Boot", "Unsupported NBP file type")))
                }
            }
            (Load::Http { head: true, .. }, _) => {
                Want::End(Verdict::GaveUp(GaveUp::new("HTTP Boot", NO_SIZE)))
            }
            (Load::Http { url, .. }, Got::Nothing) => Want::Http(HttpRequest::get(url, "iPXE/1.21.1")),
            (Load::Http { url, .. }, got) => match got.file(&url) {
                Ok(bytes) => run(&url, &bytes, &self.context),
                Err(why) => Want::End(Verdict::GaveUp(GaveUp::new("iPXE", why.words))),
            },
        }
    }
}

/// EDK2 knows three types; of any other it looks at the name.
fn is_image(content_type: Option<&str>, url: &str) -> bool {
    let known = ["application/efi", "application/vnd.efi-iso", "application/vnd.efi-img"];
    let kind = content_type.and_then(|kind| kind.split(';').next()).map(str::trim);
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    kind.is_some_and(|kind| known.iter().any(|own| own.eq_ignore_ascii_case(kind)))
        || [".efi", ".iso", ".img"].iter().any(|end| path.ends_with(end))
}
