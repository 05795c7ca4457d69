//! What other programs know, made ours over the API.

mod debian_netboot;
mod pxemngr;

use super::Session;
use crate::{args::Import, failure::Failure};

impl Session {
    pub(super) async fn import(&self, import: Import) -> Result<(), Failure> {
        match import {
            Import::DebianNetboot(netboot) => self.import_debian_netboot(&netboot).await,
            Import::Pxemngr(file) => self.import_pxemngr(&file).await,
        }
    }
}
