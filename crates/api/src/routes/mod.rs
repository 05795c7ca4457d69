//! The calls, one file for each thing they are about.
#![allow(unused_qualifications, reason = "utoipa's macros write `super::` before names of this module")]

pub(crate) mod assignments;
pub(crate) mod attempts;
pub(crate) mod events;
pub(crate) mod hosts;
pub(crate) mod leases;
pub(crate) mod metrics;
pub(crate) mod neighbours;
pub(crate) mod nets;
pub(crate) mod pilot;
pub(crate) mod power;
pub(crate) mod preview;
pub(crate) mod profiles;
pub(crate) mod server;
pub(crate) mod stream;
pub(crate) mod systems;
pub(crate) mod test_pages;
pub(crate) mod test_runs;
