//! What runs after DHCP: each program says which file it wants next and is given it.

mod chain;
mod grub;
mod installer;
mod nbp;
mod pxelinux;
mod shell;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::Ipv4Addr;

use nextboot_model::Arch;

use crate::http::{HttpAnswer, HttpRequest};
use crate::tftp::Style;
use crate::{Boot, Dhcp, GaveUp, Identity, Stage, Verdict};

pub(crate) use chain::{agent, run};
pub(crate) use installer::Installer;
pub(crate) use nbp::Nbp;

/// A program that runs on the machine.
pub(crate) trait Program: fmt::Debug + Send {
    /// The next wish, after what became of the last one.
    fn next(&mut self, got: Got) -> Want;
    /// What the last wish was for.
    fn stage(&self) -> Stage;
}

/// What became of a wish.
#[derive(Debug)]
pub(crate) enum Got {
    /// The program has just been started.
    Nothing,
    /// The file that it wanted by TFTP.
    File(Vec<u8>),
    /// The answer to its HTTP request, also one that refuses.
    Answer(HttpAnswer),
    /// Neither.
    Failed(GaveUp),
}

impl Got {
    /// The bytes of a file, by whichever protocol it came.
    pub(crate) fn file(self, name: &str) -> Result<Vec<u8>, GaveUp> {
        match self {
            Self::File(bytes) => Ok(bytes),
            Self::Answer(answer) if answer.status == 200 => Ok(answer.body),
            Self::Answer(answer) => Err(GaveUp::new("HTTP", format!("{name}: status {}", answer.status))),
            Self::Failed(why) => Err(why),
            Self::Nothing => Err(GaveUp::new("HTTP", format!("{name}: nothing"))),
        }
    }
}

/// What a program wants.
#[derive(Debug)]
pub(crate) enum Want {
    /// A file by TFTP.
    Tftp { server: Ipv4Addr, name: String, style: Style },
    /// Something by HTTP.
    Http(HttpRequest),
    /// To be replaced by another program.
    Run(Box<dyn Program>),
    /// DHCP from the beginning, by another program.
    Dhcp(Box<dyn Dhcp>),
    /// Nothing more.
    End(Verdict),
}

impl Want {
    /// The address of what is to be fetched.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Tftp { server, name, .. } => Some(tftp_url(*server, name)),
            Self::Http(request) => Some(request.url.clone()),
            Self::Run(_) | Self::Dhcp(_) | Self::End(_) => None,
        }
    }
}

/// The address of a file that a TFTP server has.
pub(crate) fn tftp_url(server: Ipv4Addr, name: &str) -> String {
    format!("tftp://{server}/{name}")
}

/// What every program may know.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) identity: Identity,
    pub(crate) arch: Arch,
    pub(crate) boot: Boot,
    /// What the machine was switched on with.
    pub(crate) firmware: crate::Firmware,
    /// iPXE runs: it takes scripts.
    pub(crate) ipxe: bool,
    pub(crate) random: crate::Random,
}

impl Context {
    /// The server that the boot file came from by TFTP: `siaddr`, else option 54.
    pub(crate) fn server(&self) -> Ipv4Addr {
        match &self.boot.load {
            crate::Load::Tftp { server, .. } => *server,
            _ => self.boot.packet().header.siaddr,
        }
    }

    /// The upper-case hexadecimal digits of the machine's address.
    pub(crate) fn hex_address(&self) -> String {
        format!("{:08X}", self.boot.address().to_bits())
    }
}

/// A path without its last part, with the slash.
pub(crate) fn directory(path: &str) -> &str {
    path.rfind('/').map_or("", |at| path.get(..=at).unwrap_or_default())
}
