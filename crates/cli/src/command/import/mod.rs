//! What other programs know, made ours over the API.

mod debian_netboot;
mod hosts;
mod pxe_pilot;
mod pxemngr;

use std::{io::Read as _, path::Path};

use super::Session;
use crate::{args::Import, failure::Failure};

pub(crate) use hosts::Taking;

impl Session {
    pub(super) async fn import(&self, import: Import) -> Result<(), Failure> {
        match import {
            Import::DebianNetboot(netboot) => self.import_debian_netboot(&netboot).await,
            Import::Pxemngr(file) => self.import_pxemngr(&file).await,
            Import::PxePilot(file) => self.import_pxe_pilot(&file).await,
        }
    }
}

/// The text of a file of at most `most` bytes.
pub(crate) fn read_text(file: &Path, most: u64) -> Result<String, Failure> {
    let wrong = |why: String| Failure::Refused(format!("cannot read {}: {why}", file.display()));
    let opened = std::fs::File::open(file).map_err(|error| wrong(error.to_string()))?;
    let mut bytes = Vec::new();
    opened.take(most + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(wrong(format!("it is larger than {most} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| wrong("it is no UTF-8 text".into()))
}
