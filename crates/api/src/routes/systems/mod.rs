//! What pxemngr's commands ask: systems, which are a host, networks, or both under one name.

pub(crate) mod change;
mod find;
pub(crate) mod history;
pub(crate) mod view;
