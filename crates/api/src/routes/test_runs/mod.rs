//! Test runs: what hosts are to run, and what came of it.

mod find;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod names;
pub(crate) mod queue;
pub(crate) mod show;
mod view;
